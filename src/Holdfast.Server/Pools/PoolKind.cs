using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Pools;

/// <summary>Storage pools.</summary>
internal sealed class PoolKind : EntityKind<PoolId>
{
    /// <summary>Made once.</summary>
    public PoolKind()
        : base(ResourceTypes.StoragePool, "listStoragePools", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "PRIMARY_STORAGE";

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await StoragePoolReader.FindAsync(db, new PoolId(id), cancellationToken) is { } entry ? StoragePoolView.View.ToJson(StoragePoolView.Key, entry, viewer) : null;

    /// <inheritdoc/>
    protected override IQueryable<PoolId> Find(StoreConnection db, PoolId[] ids, EntityViewer viewer) =>
        db.StoragePools.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
