using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>Volumes.</summary>
internal sealed class VolumeKind : EntityKind<VolumeId>
{
    /// <summary>Made once.</summary>
    public VolumeKind()
        : base(ResourceTypes.Volume, "listVolumes", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "VOLUME";

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await VolumeReader.FindAsync(db, new VolumeId(id), cancellationToken) is { } entry ? VolumeView.View.ToJson(VolumeView.Key, entry, viewer) : null;

    /// <inheritdoc/>
    public override string TagType => "Volume";

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, AccountId>> OwnersAsync(StoreConnection db, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.Select(id => new VolumeId(id)).ToList();
        return await db.Volumes.Where(r => wanted.Contains(r.Id) && r.Removed == null).ToDictionaryAsync(r => r.Id.Value, r => r.AccountId, cancellationToken);
    }

    /// <inheritdoc/>
    protected override IQueryable<VolumeId> Find(StoreConnection db, VolumeId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Volumes.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
