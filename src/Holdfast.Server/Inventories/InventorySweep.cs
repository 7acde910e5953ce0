using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Inventories;

/// <summary>Storage pools whose backend is to be looked at.</summary>
internal sealed class InventorySweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        var unlooked = moment.Db.StoragePools.Where(p => p.Removed == null
            && (p.State == PoolState.Up || p.State == PoolState.Disabled)
            && !moment.Db.Inventories.Any(i => i.PoolId == p.Id && i.Due > moment.Now)
            && moment.Db.Bindings.Any(b => b.PoolId == p.Id && b.Absent == null && b.Observed == BindingState.Attached && b.ControlPlane == PlaneHealth.Up));
        foreach (var pool in await unlooked.Take(SweepMoment.Batch).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"inventory of storage pool {pool}", (turn, ct) => turn.Part<Inventory>().BeginInventoryAsync(pool, ct)));
        }

        return finds;
    }
}
