using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.VmSchedules;

/// <summary>Schedules that are due, and times that are over long ago.</summary>
internal sealed class VmScheduleSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var due = await moment.Db.VmSchedules.Where(s => s.Next <= moment.Now).OrderBy(s => s.Next).ThenBy(s => s.Id).Take(SweepMoment.Batch).Select(s => s.Id).ToListAsync(cancellationToken);
        var finds = due.ConvertAll(id => new SweepFind($"schedule {id}", (turn, ct) => turn.Part<VmScheduleRuns>().RunAsync(id, ct)));
        if (!moment.IsThorough)
        {
            return finds;
        }

        // As long as the jobs that they made.
        var old = moment.Now - moment.Settings[Setting.JobExpire];
        if (await moment.Db.VmScheduleRuns.AnyAsync(r => r.Created <= old, cancellationToken))
        {
            finds.Add(new SweepFind("old times of schedules", (turn, ct) => turn.Db.VmScheduleRuns.Where(r => r.Created <= old).DeleteAsync(ct)));
        }

        return finds;
    }
}
