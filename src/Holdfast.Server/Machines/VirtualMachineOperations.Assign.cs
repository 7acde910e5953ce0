using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Limits;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>VMs that get another owner.</summary>
internal sealed partial class VirtualMachineOperations
{
    /// <inheritdoc/>
    public Task<Outcome<VmId>> AssignAsync(Caller caller, VmId vmId, AccountId ownerId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmId>>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, caller, vmId, ct) is not { } vm)
            {
                return new Outcome<VmId>.Refused(Faults.NoSuchEntity("assignVirtualMachine", "virtualmachineid", vmId));
            }

            var owner = await turn.Db.Accounts.SingleAsync(a => a.Id == ownerId, ct);
            var volumes = await turn.Db.Volumes.Where(v => v.VmId == vm.Id && v.Removed == null).ToListAsync(ct);
            if (await WhyNotAssignAsync(turn, caller, vm, volumes, owner, ct) is { } fault)
            {
                return new Outcome<VmId>.Refused(fault);
            }

            var from = await turn.Db.Accounts.SingleAsync(a => a.Id == vm.AccountId, ct);
            var resources = volumes.Select(v => v.Id.Value).Append(vm.Id.Value).ToList();

            // What names something of the old owner's stays behind: groups, key pairs, the registered user data; so does the answer of the password to who asked for it.
            // What the guest was given (the text of the user data, the password) is the VM's own.
            await turn.Part<AffinityBook>().LeaveAsync(vm.Id, ct);
            await turn.Db.Volumes.Where(v => v.VmId == vm.Id && v.Removed == null).Set(v => v.AccountId, owner.Id).UpdateAsync(ct);
            await turn.Db.Tags.Where(t => resources.Contains(t.ResourceId)).Set(t => t.AccountId, owner.Id).UpdateAsync(ct);
            await turn.Part<MachineRows>().SaveAsync(vm with { AccountId = owner.Id, GroupId = null, SshKeys = "{}", UserDataId = null, PasswordJobId = null }, ct);
            var text = $"VM {vm.Name} ({vm.Id}) with {volumes.Count} volumes belongs to {owner.Named} now, and to {from.Named} no more";
            foreach (var account in new[] { from.Id, owner.Id })
            {
                await turn.TellAsync(EventTypes.VmMove, EventLevel.Info, EventState.Completed, text, account, caller.UserId, ResourceTypes.VirtualMachine, vm.Id.Value, vm.Name, null, ct);
            }

            return new Outcome<VmId>.Done(vm.Id);
        },
        cancellationToken);

    private static async Task<ApiFault?> WhyNotAssignAsync(Turn turn, Caller caller, VmRow vm, IReadOnlyList<VolumeRow> volumes, AccountRow owner, CancellationToken cancellationToken)
    {
        if (vm.AccountId == owner.Id)
        {
            return Faults.Invalid($"VM {vm.Name} ({vm.Id}) belongs to {owner.Named} already");
        }

        if (vm.State != VmState.Stopped || vm.Removal != VmRemoval.None)
        {
            return Faults.Invalid($"Unable to move VM {vm.Name} ({vm.Id}) to another account in state {vm.State}; it must be Stopped");
        }

        if (await caller.For(owner).WhyNotOwnerAsync(turn.Db, owner, cancellationToken) is { } ended)
        {
            return ended;
        }

        if (volumes.FirstOrDefault(v => v.Attaching || v.Detaching || v.Replaces is not null || v.State is not (VolumeState.Ready or VolumeState.Allocated)) is { } busy)
        {
            return Faults.VolumeBusy(busy.Id, busy.Name, busy.State);
        }

        if (await turn.Db.Vms.FirstOrDefaultAsync(v => v.Name == vm.Name && v.AccountId == owner.Id && v.Removed == null, cancellationToken) is { } taken)
        {
            return Faults.Invalid($"The {owner.Named} has a VM named {vm.Name} already: {taken.Id}");
        }

        var template = vm.TemplateId;
        if (owner.Type != AccountRow.RootAdmin
            && await turn.Db.Templates.FirstOrDefaultAsync(t => t.Id == template && t.Removed == null && !t.IsPublic && t.AccountId != owner.Id, cancellationToken) is { } hidden)
        {
            return Faults.Invalid($"The {owner.Named} may not use template {hidden.Name} ({hidden.Id}) of VM {vm.Name} ({vm.Id})");
        }

        var more = new ResourceAmounts { Vms = 1, Cpus = vm.Cpus, MemoryMib = vm.MemoryMib, Volumes = volumes.Count, StorageBytes = volumes.Sum(v => v.SizeBytes) };
        return await ResourceLimits.WhyNotAsync(turn, owner, more, cancellationToken, holder: vm.AccountId);
    }
}
