using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Jobs;

/// <summary>Jobs that have no end in time, and jobs that ended long ago.</summary>
internal sealed class JobSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        foreach (var job in await moment.Db.Jobs.Where(j => j.State == JobState.Pending && j.Deadline <= moment.Now).OrderBy(j => j.Deadline).Take(SweepMoment.Batch).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"job {job.Id}", (turn, ct) => EndJobAsync(turn, job, ct)));
        }

        if (!moment.IsThorough)
        {
            return finds;
        }

        var old = moment.Now - moment.Settings[Setting.JobExpire];
        var over = await moment.Db.Jobs.Where(j => j.Completed <= old).OrderBy(j => j.Completed).Take(SweepMoment.Batch).Select(j => j.Id).ToListAsync(cancellationToken);
        if (over.Count > 0)
        {
            finds.Add(new SweepFind("old jobs", (turn, ct) => turn.Db.Jobs.Where(j => over.Contains(j.Id)).DeleteAsync(ct)));
        }

        return finds;
    }

    private static async Task EndJobAsync(Turn turn, JobRow job, CancellationToken cancellationToken)
    {
        turn.MarkResource(job.InstanceType, job.InstanceId);
        await turn.SettleAsync(cancellationToken);

        // Its object is gone, or has no opinion about it: a job never outlives its deadline.
        await turn.FailJobAsync(job.Id, new PlanFault(PlanFaultKind.TimedOut, $"{job.Description}: no answer in time"), cancellationToken);
    }
}
