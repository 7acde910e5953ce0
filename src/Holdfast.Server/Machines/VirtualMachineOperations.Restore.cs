using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Limits;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>VMs that get a new root disk.</summary>
internal sealed partial class VirtualMachineOperations
{
    /// <inheritdoc/>
    public Task<JobOutcome> RestoreAsync(Caller caller, RestoreVirtualMachine request, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            const string command = "restoreVirtualMachine";
            if (await FindAsync(turn, caller, request.Id, ct) is not { } vm)
            {
                return Refused(Faults.NoSuchEntity(command, "virtualmachineid", request.Id));
            }

            if (vm.State is not (VmState.Running or VmState.Stopped) || vm.Removal != VmRemoval.None)
            {
                return Refused(Faults.Invalid($"Vm {vm.Name} ({vm.Id}) currently in {vm.State} state, restore vm can only execute when VM in Running or Stopped"));
            }

            var owner = await turn.Db.Accounts.SingleAsync(a => a.Id == vm.AccountId, ct);
            if (owner.State != AccountStates.Enabled)
            {
                return Refused(Faults.PermissionDenied($"The {owner.Named} of VM {vm.Name} ({vm.Id}) is {owner.ShownState}"));
            }

            var roots = await turn.Db.Volumes.Where(v => v.VmId == vm.Id && v.Type == VolumeType.Root && v.Removed == null).ToListAsync(ct);
            if (roots.Find(v => v.Replaces is not null) is { } under)
            {
                return Refused(Faults.Concurrent($"VM {vm.Name} ({vm.Id}) is being restored already: its new root disk {under.Name} ({under.Id}) is in state {under.State}"));
            }

            var root = roots.FirstOrDefault();
            if (root is not null && root.State is not (VolumeState.Ready or VolumeState.Allocated))
            {
                return Refused(Faults.VolumeBusy(root.Id, root.Name, root.State));
            }

            var (template, noTemplate) = await TemplateForAsync(turn, caller, vm, request.TemplateId, ct);
            if (template?.SizeBytes is not { } templateSize)
            {
                return Refused(noTemplate!);
            }

            // Told when the new disk takes its place; what cannot be told then is refused now.
            if ((await GuestTelling.PrepareAgainAsync(turn.Db, vm, template, ct)).Fault is { } tooLong)
            {
                return Refused(tooLong);
            }

            if (request.RootDiskGib is <= 0 or > MostRootDiskGib || request.RootDiskGib * Gib < templateSize)
            {
                return Refused(NoRootDiskSize(templateSize, template));
            }

            // Never smaller than the disk that goes, unless that is asked for.
            var size = request.RootDiskGib * Gib ?? Math.Max(root?.SizeBytes ?? 0, templateSize);
            var more = new ResourceAmounts { Volumes = root is null ? 1 : 0, StorageBytes = Math.Max(0, size - (root?.SizeBytes ?? 0)) };
            if (await ResourceLimits.WhyNotAsync(turn, owner, more, ct) is { } beyond)
            {
                return Refused(beyond);
            }

            var tags = root?.StorageTags ?? await turn.Db.ServiceOfferings.Where(o => o.Id == vm.ServiceOfferingId).Select(o => o.StorageTags).FirstOrDefaultAsync(ct) ?? string.Empty;
            await turn.Db.InsertAsync(
                NewVolumes.Row(turn, caller, vm.ZoneId, string.Create(CultureInfo.InvariantCulture, $"ROOT-{vm.Number}"), VolumeType.Root, size, tags) with
                {
                    AccountId = vm.AccountId,
                    VmId = vm.Id,
                    ServiceOfferingId = vm.ServiceOfferingId,
                    TemplateId = template.Id,
                    Replaces = request.Expunge ? RootReplacement.Expunge : RootReplacement.Destroy,
                },
                token: ct);
            var job = await AddJobAsync(turn, caller, JobKind.RestoreVm, vm, "restoring", ct);
            if (template.PasswordEnabled && vm.Password is null)
            {
                await turn.Part<MachineRows>().SaveAsync(GuestTelling.Give(vm, GuestTelling.NewPassword(_random), job.Id, _secrets), ct);
            }

            turn.Mark(vm.Id);
            return new JobOutcome.Accepted(job.Id, vm.Id.Value);
        },
        cancellationToken);

    // The template that is named, or the VM's own.
    private static async Task<(TemplateRow? Template, ApiFault? Fault)> TemplateForAsync(Turn turn, Caller caller, VmRow vm, TemplateId? named, CancellationToken cancellationToken)
    {
        var id = named ?? vm.TemplateId;
        var template = await turn.Db.Templates.FirstOrDefaultAsync(t => t.Id == id && t.Removed == null, cancellationToken);
        if (named is { } wanted && (template is null || (!template.IsPublic && template.AccountId != vm.AccountId && !caller.IsRootAdmin)))
        {
            return (null, Faults.NoSuchEntity("restoreVirtualMachine", "templateid", wanted));
        }

        if (template is null)
        {
            return (null, Faults.Invalid($"The template of VM {vm.Name} ({vm.Id}) is there no more; name another one by templateid"));
        }

        if (template.ZoneId is { } only && only != vm.ZoneId)
        {
            return (null, Faults.Invalid($"The template {template.Name} ({template.Id}) is not available in the zone of VM {vm.Name} ({vm.Id})"));
        }

        return template.State != TemplateState.Ready || template.SizeBytes is null
            ? (null, Faults.Invalid($"Template {template.Name} ({template.Id}) is not ready to be deployed: {template.Status}"))
            : (template, null);
    }
}
