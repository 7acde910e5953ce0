using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Pools;

/// <summary>Details of storage pools. Each is a setting of the pool's driver, with all that follows for its hosts: they are listed, and changed by updateStoragePool alone.</summary>
internal sealed class PoolDetails : DetailedKind<PoolId>
{
    private const string None = "{}";

    /// <summary>Made once.</summary>
    public PoolDetails()
        : base("Storage")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.StoragePools.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = null, Shown = r.Details, Hidden = None });

    /// <inheritdoc/>
    protected override Task<ApiFault?> WhyNotNowAsync(Turn turn, PoolId id, CancellationToken cancellationToken) =>
        Task.FromResult<ApiFault?>(Faults.Invalid($"Details of storage pool {id} are settings of its driver: updateStoragePool changes them"));

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, PoolId id, string shown, string hidden, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("Refused before.");
}
