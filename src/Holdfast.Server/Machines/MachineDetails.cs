using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>Details of VMs: notes; what means something to a guest is refused, or changed by the command that it belongs to.</summary>
internal sealed class MachineDetails : DetailedKind<VmId>
{
    /// <summary>Made once.</summary>
    public MachineDetails()
        : base("UserVm")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.Vms.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = r.AccountId, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    public override ApiFault? WhyNot(string key) => GuestDetails.WhyNotNote(key);

    /// <inheritdoc/>
    protected override async Task<ApiFault?> WhyNotNowAsync(Turn turn, VmId id, CancellationToken cancellationToken)
    {
        var vm = await turn.Db.Vms.FirstAsync(v => v.Id == id, cancellationToken);
        return vm.State == VmState.Expunging || vm.Removal == VmRemoval.Expunge ? Faults.VmBusy(vm.Id, vm.Name, vm.State) : null;
    }

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, VmId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.Vms.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
