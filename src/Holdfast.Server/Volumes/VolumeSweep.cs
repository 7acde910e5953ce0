using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>Volumes whose deletion nobody has, and those whose time to be recovered is over.</summary>
internal sealed class VolumeSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        var stuck = await (from v in moment.Db.Volumes
                           from t in moment.Db.Tasks.LeftJoin(t => t.Id == v.TaskId)
                           where v.State == VolumeState.Expunging && v.Removed == null
                               && (v.TaskId == null || (t.State == WorkState.Failed && t.Completed <= moment.Retry))
                           orderby v.StateSince
                           select new { v.Id, v.TaskId }).Take(SweepMoment.Batch).ToListAsync(cancellationToken);
        foreach (var volume in stuck)
        {
            finds.Add(new SweepFind(
                $"volume {volume.Id}",
                async (turn, ct) =>
                {
                    await turn.Db.Volumes.Where(v => v.Id == volume.Id && v.TaskId == volume.TaskId).Set(v => v.TaskId, (TaskId?)null).UpdateAsync(ct);
                    turn.Mark(volume.Id);
                }));
        }

        if (!moment.IsThorough)
        {
            return finds;
        }

        var expired = moment.Now - moment.Settings[Setting.VolumeCleanupDelay];
        var destroyed = await moment.Db.Volumes
            .Where(v => v.State == VolumeState.Destroy && v.VmId == null && v.StateSince <= expired && v.Removed == null)
            .OrderBy(v => v.StateSince)
            .Take(SweepMoment.Batch)
            .Select(v => v.Id)
            .ToListAsync(cancellationToken);
        foreach (var volume in destroyed)
        {
            finds.Add(new SweepFind(
                $"volume {volume}",
                async (turn, ct) =>
                {
                    if (await turn.Db.Volumes.AnyAsync(v => v.Id == volume && v.State == VolumeState.Destroy && v.VmId == null && v.StateSince <= expired, ct))
                    {
                        await turn.Part<VolumeChanges>().DeleteVolumeAsync(volume, ct);
                    }
                }));
        }

        return finds;
    }
}
