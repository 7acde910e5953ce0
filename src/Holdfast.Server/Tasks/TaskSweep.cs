using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Tasks;

/// <summary>Tasks that were not done in time.</summary>
internal sealed class TaskSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        foreach (var task in await moment.Db.Tasks.Where(t => t.State == WorkState.Pending && t.Deadline <= moment.Now).Take(SweepMoment.Batch).Select(t => t.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"task {task}", (turn, ct) => EndTaskAsync(turn, task, ct)));
        }

        return finds;
    }

    private static async Task EndTaskAsync(Turn turn, TaskId id, CancellationToken cancellationToken)
    {
        var task = await turn.Db.Tasks.FirstOrDefaultAsync(t => t.Id == id && t.State == WorkState.Pending && t.Deadline <= turn.Now, cancellationToken);
        if (task is null)
        {
            return;
        }

        var host = await (from i in turn.Db.Incarnations
                          join h in turn.Db.Hosts on i.HostId equals h.Id
                          where i.Id == task.IncarnationId
                          select new { h.Name, h.State }).FirstOrDefaultAsync(cancellationToken);
        await turn.Part<TaskDesk>().TaskEndedAsync(
            task,
            WorkState.Withdrawn,
            task.Error ?? (host is { State: HostState.Up } ? $"host {host.Name} did not finish it in time" : $"host {host?.Name} does not report"),
            null,
            cancellationToken);
    }
}
