using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>Storage pools that are being added, those that wait for what is owed to them before their maintenance, and those that were flapping.</summary>
internal sealed class PoolSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        // Also one whose caller is answered: what a host refused before then undoes it now.
        var answered = moment.Now - moment.Settings[Setting.PoolAddWait];
        foreach (var pool in await moment.Db.StoragePools.Where(p => (p.State == PoolState.Initialized && (p.AddDeadline <= moment.Now || p.Created <= answered)) || p.State == PoolState.PrepareForMaintenance).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(SweepFind.Settle($"storage pool {pool}", turn => turn.Mark(pool)));
        }

        foreach (var pool in await moment.Db.StoragePools.Where(p => p.Flapping != null && p.Removed == null).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"flapping storage pool {pool}", (turn, ct) => turn.Part<BindingEvents>().SteadyAsync(pool, ct)));
        }

        return finds;
    }
}
