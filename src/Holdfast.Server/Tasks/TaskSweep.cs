using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Tasks;

/// <summary>Tasks that were not done in time.</summary>
internal sealed class TaskSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        foreach (var task in await moment.Db.Tasks.Where(t => t.State == WorkState.Pending && t.Deadline <= moment.Now).OrderBy(t => t.Deadline).Take(SweepMoment.Batch).Select(t => t.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"task {task}", (turn, ct) => EndTaskAsync(turn, task, ct)));
        }

        if (moment.Before(Setting.StorageHistoryPurge) is { } old)
        {
            // What a volume or a copy still points at says how it came to be as it is.
            var over = await moment.Db.Tasks
                .Where(t => t.Completed <= old && t.State != WorkState.Pending && t.State != WorkState.Owed
                    && !moment.Db.Volumes.Any(v => v.TaskId == t.Id)
                    && !moment.Db.TemplateCopies.Any(c => c.TaskId == t.Id)
                    && !moment.Db.UnclaimedVolumes.Any(u => u.TaskId == t.Id))
                .OrderBy(t => t.Completed)
                .Take(SweepMoment.Batch)
                .Select(t => t.Id)
                .ToListAsync(cancellationToken);
            if (over.Count > 0)
            {
                finds.Add(new SweepFind("old tasks", (turn, ct) => turn.Db.Tasks.Where(t => over.Contains(t.Id) && t.State != WorkState.Pending && t.State != WorkState.Owed).DeleteAsync(ct)));
            }
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
