using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Offerings;

/// <summary>Service offerings.</summary>
internal sealed class ServiceOfferingKind : EntityKind<ServiceOfferingId>
{
    /// <summary>Made once.</summary>
    public ServiceOfferingKind()
        : base(ResourceTypes.ServiceOffering, "listServiceOfferings", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "SERVICE_OFFERING";

    /// <inheritdoc/>
    protected override IQueryable<ServiceOfferingId> Find(StoreConnection db, ServiceOfferingId[] ids, EntityViewer viewer) =>
        db.ServiceOfferings.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
