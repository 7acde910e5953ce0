using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Offerings;

/// <summary>Disk offerings.</summary>
internal sealed class DiskOfferingKind : EntityKind<DiskOfferingId>
{
    /// <summary>Made once.</summary>
    public DiskOfferingKind()
        : base(ResourceTypes.DiskOffering, "listDiskOfferings", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "DISK_OFFERING";

    /// <inheritdoc/>
    protected override IQueryable<DiskOfferingId> Find(StoreConnection db, DiskOfferingId[] ids, EntityViewer viewer) =>
        db.DiskOfferings.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
