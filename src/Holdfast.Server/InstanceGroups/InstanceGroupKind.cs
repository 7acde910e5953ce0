using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.InstanceGroups;

/// <summary>Groups of VMs.</summary>
internal sealed class InstanceGroupKind : EntityKind<InstanceGroupId>
{
    /// <summary>Made once.</summary>
    public InstanceGroupKind()
        : base(ResourceTypes.InstanceGroup, "listInstanceGroups", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<InstanceGroupId> Find(StoreConnection db, InstanceGroupId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.InstanceGroups.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
