using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

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
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await VolumeReader.FindAsync(db, new VolumeId(id), cancellationToken) is { } entry ? VolumeView.View.ToJson(VolumeView.Key, entry, viewer) : null;

    /// <inheritdoc/>
    protected override IQueryable<VolumeId> Find(StoreConnection db, VolumeId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Volumes.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
