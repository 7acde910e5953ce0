using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>Volumes whose deletion nobody has.</summary>
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

        return finds;
    }
}
