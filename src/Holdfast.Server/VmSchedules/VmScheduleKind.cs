using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.VmSchedules;

/// <summary>Schedules of VMs; they belong to who owns the VM.</summary>
internal sealed class VmScheduleKind : EntityKind<VmScheduleId>
{
    /// <summary>Made once.</summary>
    public VmScheduleKind()
        : base(ResourceTypes.VmSchedule, "listVMSchedule", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<VmScheduleId> Find(StoreConnection db, VmScheduleId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return from s in db.VmSchedules
               join v in db.Vms on s.VmId equals v.Id
               where ids.Contains(s.Id) && owners.Any(a => a.Id == v.AccountId)
               select s.Id;
    }
}
