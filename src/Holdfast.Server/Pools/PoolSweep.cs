using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>Storage pools that are being added, those whose maintenance has a next step, and those that were flapping.</summary>
internal sealed class PoolSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var db = moment.Db;
        var finds = new List<SweepFind>();

        // One look for all of it: as a rule there is none.
        if (!await db.StoragePools.AnyAsync(
            p => p.Removed == null && (p.State == PoolState.Initialized || p.State == PoolState.PrepareForMaintenance || p.Restarts != null || p.Flapping != null), cancellationToken))
        {
            return finds;
        }

        // Also one whose caller is answered: what a host refused before then undoes it now.
        var answered = moment.Now - moment.Settings[Setting.PoolAddWait];
        foreach (var pool in await db.StoragePools.Where(p => p.State == PoolState.Initialized && (p.AddDeadline <= moment.Now || p.Created <= answered)).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(SweepFind.Settle($"storage pool {pool}", turn => turn.Mark(pool)));
        }

        // One that only waits for guests, or for hosts to confirm, is marked by what they report: it costs a look at the one guest that was last seen to hold it up.
        var preparing = db.StoragePools
            .Where(p => p.State == PoolState.PrepareForMaintenance)
            .Where(p => db.Volumes.Any(d => d.PoolId == p.Id && d.Removed == null && StoreSql.IsAfter(d.VmId, p.StoppedTo))
                || (p.GuestsGone == null
                    && !(from d in db.Volumes
                         join v in db.Vms on d.VmId equals v.Id
                         where d.PoolId == p.Id && d.Removed == null && d.VmId == p.WaitsFor
                             && v.Removed == null && (v.State == VmState.Running || v.State == VmState.Starting || v.State == VmState.Stopping)
                         select v.Id).Any())
                || (p.GuestsGone != null && db.Bindings.Any(b => b.PoolId == p.Id && b.Absent == null && b.Desired == Desired.Attached)));
        foreach (var pool in await preparing.Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(SweepFind.InSteps($"storage pool {pool}", (turn, ct) => turn.Part<PoolMaintenance>().StopNextAsync(pool, ct)));
        }

        var restarting = db.StoragePools
            .Where(p => p.Restarts != null && (p.State == PoolState.Up || p.State == PoolState.Disabled))
            .Where(p => db.Vms.Any(v => v.RestartOnCancel == p.Id && v.State == VmState.Stopped && v.Removed == null)
                || !db.Vms.Any(v => v.RestartOnCancel == p.Id && v.State == VmState.Stopping && v.Removed == null));
        foreach (var pool in await restarting.Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(SweepFind.InSteps($"storage pool {pool}", (turn, ct) => turn.Part<PoolMaintenance>().RestartNextAsync(pool, ct)));
        }

        foreach (var pool in await db.StoragePools.Where(p => p.Flapping != null && p.Removed == null).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"flapping storage pool {pool}", (turn, ct) => turn.Part<BindingEvents>().SteadyAsync(pool, ct)));
        }

        return finds;
    }
}
