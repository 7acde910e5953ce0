using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Limits;
using Holdfast.Server.Security;
using Holdfast.Server.InstanceGroups;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <inheritdoc/>
internal sealed partial class VirtualMachineOperations : IVirtualMachineOperations
{
    private const long Gib = 1L << 30;
    private const int MostRootDiskGib = 64 * 1024;

    private readonly TurnFactory _turns;
    private readonly VmNumbers _numbers;
    private readonly SecretBox _secrets;
    private readonly ISecretSource _random;

    /// <summary>Made once per node.</summary>
    public VirtualMachineOperations(TurnFactory turns, VmNumbers numbers, SecretBox secrets, ISecretSource random) =>
        (_turns, _numbers, _secrets, _random) = (turns, numbers, secrets, random);

    /// <inheritdoc/>
    public async Task<JobOutcome> DeployAsync(Caller caller, DeployVirtualMachine request, CancellationToken cancellationToken)
    {
        // Before the transaction: a counter that a deploy holds locked to its end lets one deploy at a time through. The number of one that is refused is lost.
        var number = await _numbers.NextAsync(cancellationToken);
        return await _turns.RunAsync((turn, ct) => DeployAsync(turn, caller, request, number, _secrets, _random, ct), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<JobOutcome> StartAsync(Caller caller, VmId vmId, HostId? hostId, CancellationToken cancellationToken) =>
        OnVmAsync(caller, vmId, "startVirtualMachine", (turn, vm, ct) => turn.Part<MachinePower>().StartAsync(caller, vm, hostId, ct), cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> StopAsync(Caller caller, VmId vmId, bool forced, CancellationToken cancellationToken) =>
        OnVmAsync(caller, vmId, "stopVirtualMachine", (turn, vm, ct) => turn.Part<MachinePower>().StopAsync(caller, vm, forced, ct), cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> RebootAsync(Caller caller, VmId vmId, bool forced, CancellationToken cancellationToken) =>
        OnVmAsync(caller, vmId, "rebootVirtualMachine", (turn, vm, ct) => turn.Part<MachinePower>().RebootAsync(caller, vm, forced, ct), cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DestroyAsync(Caller caller, VmId vmId, bool expunge, IReadOnlyList<VolumeId> volumeIds, bool forced, CancellationToken cancellationToken) =>
        OnVmAsync(
            caller,
            vmId,
            "destroyVirtualMachine",
            async (turn, vm, ct) =>
            {
                if (vm.DeleteProtection)
                {
                    return new JobOutcome.Refused(Faults.DeleteProtected(vm.Id, vm.Name));
                }

                foreach (var volumeId in volumeIds)
                {
                    if (!await turn.Db.Volumes.AnyAsync(v => v.Id == volumeId && v.VmId == vm.Id && v.Type == VolumeType.DataDisk && v.Removed == null, ct))
                    {
                        return new JobOutcome.Refused(Faults.NoSuchEntity("destroyVirtualMachine", "volumeids", volumeId));
                    }
                }

                var job = await AddJobAsync(turn, caller, JobKind.DestroyVm, vm, expunge ? "destroying and expunging" : "destroying", ct);
                if (volumeIds.Count > 0)
                {
                    var wanted = volumeIds.ToList();
                    await turn.Db.Volumes.Where(v => wanted.Contains(v.Id)).Set(v => v.GoesWithVm, true).UpdateAsync(ct);
                }

                await turn.Part<MachineEnding>().RemoveAsync(vm, expunge, forced, ct);
                return new JobOutcome.Accepted(job.Id, vm.Id.Value);
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ExpungeAsync(Caller caller, VmId vmId, CancellationToken cancellationToken) =>
        OnVmAsync(
            caller,
            vmId,
            "expungeVirtualMachine",
            async (turn, vm, ct) =>
            {
                var job = await AddJobAsync(turn, caller, JobKind.ExpungeVm, vm, "expunging", ct);
                if (vm.State is not (VmState.Destroyed or VmState.Error or VmState.Expunging))
                {
                    await turn.FailJobAsync(job.Id, Faults.NotExpungeable(vm.Id, vm.Name, vm.State), ct);
                }
                else
                {
                    await turn.Part<MachineRows>().SaveAsync(vm with { Removal = VmRemoval.Expunge }, ct);
                    turn.Mark(vm.Id);
                }

                return new JobOutcome.Accepted(job.Id, vm.Id.Value);
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<VmRow>> RecoverAsync(Caller caller, VmId vmId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmRow>>(
        async (turn, ct) =>
        {
            var vm = await FindAsync(turn, caller, vmId, ct);
            if (vm is null)
            {
                return new Outcome<VmRow>.Refused(Faults.NoSuchEntity("recoverVirtualMachine", "id", vmId));
            }

            if (vm.State != VmState.Destroyed)
            {
                return new Outcome<VmRow>.Refused(Faults.NotRecoverable(vm.Id));
            }

            if (!await turn.Db.Volumes.AnyAsync(v => v.VmId == vm.Id && v.Type == VolumeType.Root && v.State != VolumeState.Expunging && v.Removed == null, ct))
            {
                return new Outcome<VmRow>.Refused(Faults.RootVolumeGone(vm.Id, vm.Name));
            }

            var destroyed = await turn.Db.Volumes.Where(v => v.VmId == vm.Id && v.State == VolumeState.Destroy && v.Removed == null).Select(v => v.SizeBytes).ToListAsync(ct);
            var again = new ResourceAmounts { Vms = 1, Cpus = vm.Cpus, MemoryMib = vm.MemoryMib, Volumes = destroyed.Count, StorageBytes = destroyed.Sum() };
            if (await ResourceLimits.WhyNotAsync(turn, vm.AccountId, again, ct) is { } beyond)
            {
                return new Outcome<VmRow>.Refused(beyond);
            }

            var recovered = vm with { State = VmState.Stopped, StateSince = turn.Now, Removal = VmRemoval.None, Destroyed = null };
            await turn.Db.UpdateAsync(recovered, token: ct);
            await turn.Db.Volumes.Where(v => v.VmId == vm.Id && v.State == VolumeState.Destroy && v.Removed == null)
                .Set(v => v.State, VolumeState.Ready)
                .Set(v => v.StateSince, turn.Now)
                .Set(v => v.GoesWithVm, false)
                .UpdateAsync(ct);
            await turn.TellAsync(EventTypes.VmRecover, EventLevel.Info, EventState.Completed, $"VM {vm.Name} ({vm.Id}) was recovered", caller.AccountId, caller.UserId, ResourceTypes.VirtualMachine, vm.Id.Value, vm.Name, null, ct);
            turn.Mark(vm.Id);
            return new Outcome<VmRow>.Done(recovered);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<VmId>> UpdateAsync(Caller caller, UpdateVirtualMachine request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmId>>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, caller, request.Id, ct) is not { } vm)
            {
                return new Outcome<VmId>.Refused(Faults.NoSuchEntity("updateVirtualMachine", "id", request.Id));
            }

            if (vm.State == VmState.Expunging || vm.Removal == VmRemoval.Expunge)
            {
                return new Outcome<VmId>.Refused(Faults.VmBusy(vm.Id, vm.Name, vm.State));
            }

            if (request.Name is { } name && name != vm.Name)
            {
                if (CheckName(name) is { } badName)
                {
                    return new Outcome<VmId>.Refused(badName);
                }

                // The guest has learnt its name at its start.
                if (vm.State != VmState.Stopped)
                {
                    return new Outcome<VmId>.Refused(Faults.Invalid($"The name of VM {vm.Name} ({vm.Id}) is changed while it is stopped; it is in state {vm.State}"));
                }

                if (await turn.Db.Vms.AnyAsync(v => v.Name == name && v.AccountId == vm.AccountId && v.Id != vm.Id && v.Removed == null, ct))
                {
                    return new Outcome<VmId>.Refused(Faults.Invalid($"The vm with hostName {name} already exists in the account"));
                }
            }

            if (request.Size.WhyNotKept(vm) is { } otherSize)
            {
                return new Outcome<VmId>.Refused(otherSize);
            }

            if (request.Group is { Length: > 0 } wanted && InstanceGroupBook.NameFault(wanted) is { } badGroup)
            {
                return new Outcome<VmId>.Refused(badGroup);
            }

            // Values of variables alone leave the user data as it is.
            var (telling, noUserData) = request.UserData is null or { Content: null, Registered: null }
                ? (request.UserData is { } variables ? new Telling(null, false, null, null, variables.Details) : null, null)
                : await GuestTelling.PrepareAsync(turn.Db, vm, request.UserData, "updateVirtualMachine", ct);
            if (noUserData is not null)
            {
                return new Outcome<VmId>.Refused(noUserData);
            }

            var told = telling is not null ? await GuestTelling.GiveAsync(turn.Db, vm, telling, ct) : vm;
            await turn.Part<MachineRows>().SaveAsync(
                told with
                {
                    Name = request.Name ?? vm.Name,
                    DisplayName = request.DisplayName ?? vm.DisplayName,
                    GroupId = request.Group is { } group ? await turn.Part<InstanceGroupBook>().GiveAsync(vm.AccountId, group, ct) : vm.GroupId,
                    Details = request.Details is { } details ? StoredText.Of(details) : vm.Details,
                    DeleteProtection = request.DeleteProtection ?? vm.DeleteProtection,
                    DynamicallyScalable = request.DynamicallyScalable ?? vm.DynamicallyScalable,
                },
                ct);
            await TellAsync(turn, caller, EventTypes.VmUpdate, $"Changed VM {request.Name ?? vm.Name} ({vm.Id})", vm, ct);
            return new Outcome<VmId>.Done(vm.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<VmId>> ChangeServiceAsync(Caller caller, VmId vmId, ServiceOfferingId offeringId, GivenSize size, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmId>>(
        async (turn, ct) =>
        {
            const string command = "changeServiceForVirtualMachine";
            if (await FindAsync(turn, caller, vmId, ct) is not { } vm)
            {
                return new Outcome<VmId>.Refused(Faults.NoSuchEntity(command, "id", vmId));
            }

            var (scaled, text, fault) = await ScaledAsync(turn, vm, offeringId, size, command, ct);
            if (scaled is null)
            {
                return new Outcome<VmId>.Refused(fault!);
            }

            await turn.Part<MachineRows>().SaveAsync(scaled, ct);
            await TellAsync(turn, caller, EventTypes.VmUpgrade, text, vm, ct);
            return new Outcome<VmId>.Done(vm.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ScaleAsync(Caller caller, VmId vmId, ServiceOfferingId offeringId, GivenSize size, CancellationToken cancellationToken) => OnVmAsync(
        caller,
        vmId,
        "scaleVirtualMachine",
        async (turn, vm, ct) =>
        {
            var isRunning = vm is { State: VmState.Running, Removal: VmRemoval.None };
            var (scaled, _, fault) = isRunning
                ? await MachineScaling.ScaledAsync(turn, vm, offeringId, size, ct)
                : await ScaledAsync(turn, vm, offeringId, size, "scaleVirtualMachine", ct);
            if (scaled is null)
            {
                return new JobOutcome.Refused(fault!);
            }

            var job = await AddJobAsync(turn, caller, JobKind.ScaleVm, vm, "scaling", ct);
            await turn.Part<MachineRows>().SaveAsync(scaled, ct);
            if (isRunning && (scaled.Cpus, scaled.MemoryMib) != (vm.Cpus, vm.MemoryMib))
            {
                turn.Mark(vm.Id);
            }
            else
            {
                await turn.CompleteJobAsync(job.Id, ct);
            }

            return new JobOutcome.Accepted(job.Id, vm.Id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ResetSshKeyAsync(Caller caller, VmId vmId, IReadOnlyList<string> keyPairs, AccountId? owner, CancellationToken cancellationToken) => OnVmAsync(
        caller,
        vmId,
        "resetSSHKeyForVirtualMachine",
        async (turn, vm, ct) =>
        {
            if (WhyNotReset(vm, "SSH keys") is { } fault)
            {
                return Refused(fault);
            }

            var (keys, unknown) = await SshKeysAsync(turn.Db, owner ?? vm.AccountId, keyPairs, ct);
            if (unknown is not null)
            {
                return Refused(unknown);
            }

            var job = await AddJobAsync(turn, caller, MachineJobs.ResetSshKey, vm, "resetting the SSH keys of", ct);
            await turn.Part<MachineRows>().SaveAsync(vm with { SshKeys = StoredText.Of(keys), Told = vm.Told + 1 }, ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, vm.Id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<VmId>> ResetUserDataAsync(Caller caller, VmId vmId, GivenUserData given, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmId>>(
        async (turn, ct) =>
        {
            const string command = "resetUserDataForVirtualMachine";
            if (await FindAsync(turn, caller, vmId, ct) is not { } vm)
            {
                return new Outcome<VmId>.Refused(Faults.NoSuchEntity(command, "id", vmId));
            }

            if (WhyNotReset(vm, "user data") is { } fault)
            {
                return new Outcome<VmId>.Refused(fault);
            }

            var (telling, noUserData) = await GuestTelling.PrepareAsync(turn.Db, vm, given, command, ct);
            if (telling is null)
            {
                return new Outcome<VmId>.Refused(noUserData!);
            }

            await turn.Db.VmUserData.Where(u => u.VmId == vm.Id).DeleteAsync(ct);
            await turn.Part<MachineRows>().SaveAsync(await GuestTelling.GiveAsync(turn.Db, vm with { UserDataId = null }, telling, ct), ct);
            await TellAsync(turn, caller, EventTypes.VmResetUserData, $"Reset the user data of VM {vm.Name} ({vm.Id})", vm, ct);
            return new Outcome<VmId>.Done(vm.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ResetPasswordAsync(Caller caller, VmId vmId, Secret? password, CancellationToken cancellationToken) => OnVmAsync(
        caller,
        vmId,
        "resetPasswordForVirtualMachine",
        async (turn, vm, ct) =>
        {
            if (!await turn.Db.Templates.AnyAsync(t => t.Id == vm.TemplateId && t.PasswordEnabled, ct))
            {
                return Refused(Faults.Invalid($"Fail to reset password for the virtual machine {vm.Name} ({vm.Id}), the template is not password enabled"));
            }

            var fresh = password ?? GuestTelling.NewPassword(_random);
            if ((WhyNotReset(vm, "password") ?? GuestTelling.WhyNot(fresh)) is { } fault)
            {
                return Refused(fault);
            }

            var job = await AddJobAsync(turn, caller, MachineJobs.ResetPassword, vm, "resetting the password of", ct);
            await turn.Part<MachineRows>().SaveAsync(GuestTelling.Give(vm with { Told = vm.Told + 1 }, fresh, job.Id, _secrets), ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, vm.Id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> UpdateAffinityAsync(Caller caller, VmId vmId, GivenAffinity affinity, CancellationToken cancellationToken) => OnVmAsync(
        caller,
        vmId,
        "updateVMAffinityGroup",
        async (turn, vm, ct) =>
        {
            // Where it may be is asked when it is placed.
            if (vm.State != VmState.Stopped || vm.Removal != VmRemoval.None)
            {
                return Refused(Faults.Invalid(
                    $"Unable to update affinity groups of the virtual machine {vm.Name} ({vm.Id}) in state {vm.State}; make sure the virtual machine is stopped and not in an error state before updating."));
            }

            var (groups, fault) = await turn.Part<AffinityBook>().FindAsync(vm.AccountId, affinity, "updateVMAffinityGroup", ct);
            if (fault is not null)
            {
                return Refused(fault);
            }

            var job = await AddJobAsync(turn, caller, MachineJobs.UpdateAffinity, vm, "changing the affinity groups of", ct);
            await turn.Part<AffinityBook>().LeaveAsync(vm.Id, ct);
            await turn.Part<AffinityBook>().AddAsync(vm.Id, groups, ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, vm.Id.Value);
        },
        cancellationToken);

    // What a guest is told it is told at its start.
    private static ApiFault? WhyNotReset(VmRow vm, string what) => vm.State == VmState.Stopped && vm.Removal == VmRemoval.None
        ? null
        : Faults.Invalid($"Vm {vm.Name} ({vm.Id}) should be stopped to reset its {what}; it is in state {vm.State}");

    private static async Task<(IReadOnlyDictionary<string, string> Keys, ApiFault? Fault)> SshKeysAsync(StoreConnection db, AccountId owner, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
        {
            return (new Dictionary<string, string>(), null);
        }

        var wanted = names.Distinct(StringComparer.Ordinal).ToList();
        var found = await db.SshKeyPairs.Where(k => k.AccountId == owner && wanted.Contains(k.Name)).ToDictionaryAsync(k => k.Name, k => k.PublicKey, cancellationToken);
        return wanted.Find(n => !found.ContainsKey(n)) is { } unknown ? (found, Faults.Invalid($"A key pair with name '{unknown}' was not found.")) : (found, null);
    }

    // The VM with another offering, or another size by the same, and what to tell of it; or why not.
    private static async Task<(VmRow? Scaled, string Text, ApiFault? Fault)> ScaledAsync(Turn turn, VmRow vm, ServiceOfferingId offeringId, GivenSize given, string command, CancellationToken cancellationToken)
    {
        if (await turn.Db.ServiceOfferings.FirstOrDefaultAsync(o => o.Id == offeringId && o.Removed == null, cancellationToken) is not { } offering)
        {
            return (null, "", Faults.NoSuchEntity(command, "serviceofferingid", offeringId));
        }

        if (vm.State != VmState.Stopped || vm.Removal != VmRemoval.None)
        {
            return (null, "", Faults.Invalid($"Unable to change the service offering of VM {vm.Name} ({vm.Id}), which is in state {vm.State}: stop it first{(command == "scaleVirtualMachine" ? string.Empty : ", or use scaleVirtualMachine while it runs")}"));
        }

        var (size, fault) = VmSize.Of(offering, given);
        if (size is null)
        {
            return (null, "", fault);
        }

        var more = new ResourceAmounts { Cpus = Math.Max(size.Cpus - vm.Cpus, 0), MemoryMib = Math.Max(size.MemoryMib - vm.MemoryMib, 0) };
        return await ResourceLimits.WhyNotAsync(turn, vm.AccountId, more, cancellationToken) is { } beyond
            ? (null, "", beyond)
            : (
                vm with { ServiceOfferingId = offering.Id, Cpus = size.Cpus, CpuMhz = size.CpuMhz, MemoryMib = size.MemoryMib },
                $"VM {vm.Name} ({vm.Id}) has the service offering {offering.Name} ({offering.Id}) from its next start on, with {size.Cpus} CPUs and {size.MemoryMib} MiB",
                null);
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, VmRow vm, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.VirtualMachine, vm.Id.Value, vm.Name, null, cancellationToken);

    private static Task<VmRow?> FindAsync(Turn turn, Caller caller, VmId id, CancellationToken cancellationToken)
    {
        var vms = turn.Db.Vms.Where(v => v.Id == id && v.Removed == null);
        var owners = caller.Accounts(turn.Db);
        return (caller.IsRootAdmin ? vms : vms.Where(v => owners.Any(a => a.Id == v.AccountId))).FirstOrDefaultAsync(cancellationToken);
    }

    private static Task<JobRow> AddJobAsync(Turn turn, Caller caller, JobKind kind, VmRow vm, string verb, CancellationToken cancellationToken) =>
        turn.AddJobAsync(caller.AccountId, caller.UserId, kind, ResourceTypes.VirtualMachine, vm.Id.Value, $"{verb} VM {vm.Name} ({vm.Id})", turn.Timings.Of(kind, vm.GraceSeconds), cancellationToken);

    private static async Task<JobOutcome> DeployAsync(Turn turn, Caller caller, DeployVirtualMachine request, long number, SecretBox secrets, ISecretSource random, CancellationToken cancellationToken)
    {
        const string command = "deployVirtualMachine";
        var db = turn.Db;
        var zone = await db.Zones.FirstOrDefaultAsync(z => z.Id == request.ZoneId && z.Removed == null, cancellationToken);
        if (zone is null)
        {
            return Refused(Faults.NoSuchEntity(command, "zoneid", request.ZoneId));
        }

        if (zone.AllocationState != AllocationStates.Enabled && !caller.IsRootAdmin)
        {
            return Refused(Faults.ZoneDisabled(zone.Id, zone.Name));
        }

        var offering = await db.ServiceOfferings.FirstOrDefaultAsync(o => o.Id == request.ServiceOfferingId && o.Removed == null, cancellationToken);
        if (offering is null)
        {
            return Refused(Faults.NoSuchEntity(command, "serviceofferingid", request.ServiceOfferingId));
        }

        var (size, sizeFault) = VmSize.Of(offering, request.Size);
        if (size is null)
        {
            return Refused(sizeFault!);
        }

        var template = await db.Templates.FirstOrDefaultAsync(t => t.Id == request.TemplateId && t.Removed == null, cancellationToken);
        if (template is null || (!template.IsPublic && template.AccountId != caller.AccountId && !caller.IsRootAdmin))
        {
            return Refused(Faults.NoSuchEntity(command, "templateid", request.TemplateId));
        }

        if (template.ZoneId is { } only && only != zone.Id)
        {
            return Refused(Faults.Invalid($"The template {template.Name} ({template.Id}) is not available in zone {zone.Name} ({zone.Id})"));
        }

        if (template.State != TemplateState.Ready || template.SizeBytes is not { } templateSize)
        {
            return Refused(Faults.Invalid($"Template {template.Name} ({template.Id}) is not ready to be deployed: {template.Status}"));
        }

        if (request.Hypervisor is { } hypervisor && !hypervisor.Equals("KVM", StringComparison.OrdinalIgnoreCase))
        {
            return Refused(Faults.Invalid($"Hypervisor passed to the deployVm call, is different from the hypervisor type of the template: {hypervisor}"));
        }

        var rootSize = Math.Max(request.RootDiskGib * Gib ?? offering.RootDiskBytes ?? templateSize, request.RootDiskGib is null ? templateSize : 0);
        if (request.RootDiskGib is <= 0 or > MostRootDiskGib || rootSize < templateSize)
        {
            return Refused(NoRootDiskSize(templateSize, template));
        }

        if (CheckName(request.Name) is { } badName)
        {
            return Refused(badName);
        }

        if (request.Name is { } taken && await db.Vms.AnyAsync(v => v.Name == taken && v.AccountId == caller.AccountId && v.Removed == null, cancellationToken))
        {
            return Refused(Faults.Invalid($"The vm with hostName {taken} already exists in the account"));
        }

        if (request.HostId is { } hostId && (!caller.IsRootAdmin || !await db.Hosts.AnyAsync(h => h.Id == hostId && h.ZoneId == zone.Id && h.Removed == null, cancellationToken)))
        {
            return Refused(Faults.NoSuchEntity(command, "hostid", hostId));
        }

        if (request.ClusterId is { } clusterId && (!caller.IsRootAdmin || !await db.Clusters.AnyAsync(c => c.Id == clusterId && c.ZoneId == zone.Id && c.Removed == null, cancellationToken)))
        {
            return Refused(Faults.NoSuchEntity(command, "clusterid", clusterId));
        }

        if (request is { HostId: { } onHost, ClusterId: { } inCluster })
        {
            var host = await db.Hosts.SingleAsync(h => h.Id == onHost, cancellationToken);
            if (host.ClusterId != inCluster)
            {
                var cluster = await db.Clusters.SingleAsync(c => c.Id == inCluster, cancellationToken);
                return Refused(Faults.NotWithin($"Host {host.Name} ({host.Id})", $"cluster {cluster.Name} ({cluster.Id})"));
            }
        }

        if (request.Group is { Length: > 0 } groupName && InstanceGroupBook.NameFault(groupName) is { } badGroup)
        {
            return Refused(badGroup);
        }

        var (networks, networkFault) = await NetworksAsync(db, request, zone.Id, cancellationToken);
        if (networkFault is not null)
        {
            return Refused(networkFault);
        }

        var (disks, diskFault) = await DataDisksAsync(db, request, cancellationToken);
        if (diskFault is not null)
        {
            return Refused(diskFault);
        }

        var (keys, keyFault) = await SshKeysAsync(db, caller.AccountId, request.KeyPairs, cancellationToken);
        if (keyFault is not null)
        {
            return Refused(keyFault);
        }

        var (affinities, affinityFault) = await turn.Part<AffinityBook>().FindAsync(caller.AccountId, request.Affinity, command, cancellationToken);
        if (affinityFault is not null)
        {
            return Refused(affinityFault);
        }

        var (telling, noUserData) = await GuestTelling.PrepareAsync(db, template, request.UserData, command, cancellationToken);
        if (telling is null)
        {
            return Refused(noUserData!);
        }

        if (request.Password is { } sent && (template.PasswordEnabled
            ? GuestTelling.WhyNot(sent)
            : Faults.Invalid($"Parameter password of {command} is for templates that take one; template {template.Name} ({template.Id}) is not password enabled")) is { } noPassword)
        {
            return Refused(noPassword);
        }

        var account = await db.Accounts.SingleAsync(a => a.Id == caller.AccountId, cancellationToken);
        if (await caller.WhyNotOwnerAsync(db, account, cancellationToken) is { } ended)
        {
            return Refused(ended);
        }

        var wanted = new ResourceAmounts
        {
            Vms = 1,
            Cpus = size.Cpus,
            MemoryMib = size.MemoryMib,
            Volumes = 1 + disks.Count,
            StorageBytes = rootSize + disks.Sum(d => d.Size),
        };
        if (await ResourceLimits.WhyNotAsync(turn, account, wanted, cancellationToken) is { } beyond)
        {
            return Refused(beyond);
        }

        var settings = await SettingValues.ReadAsync(turn, cancellationToken);
        var id = new VmId(turn.NewId());
        var vm = new VmRow
        {
            Id = id,
            Number = number,
            Name = request.Name ?? $"VM-{id}",
            DisplayName = request.DisplayName ?? request.Name ?? $"VM-{id}",
            InstanceName = string.Create(CultureInfo.InvariantCulture, $"i-{account.Number}-{number}-{settings[Setting.InstanceName]}"),
            AccountId = caller.AccountId,
            UserId = caller.UserId,
            ZoneId = zone.Id,
            State = request.StartVm ? VmState.Starting : VmState.Stopped,
            StateSince = turn.Now,
            TemplateId = template.Id,
            ServiceOfferingId = offering.Id,
            Firmware = request.Firmware,
            DynamicallyScalable = request.DynamicallyScalable,
            Cpus = size.Cpus,
            CpuMhz = size.CpuMhz,
            MemoryMib = size.MemoryMib,
            Generation = Generation.None,
            RebootSequence = 0,
            ForcedReboot = false,
            ForcedStop = false,
            GraceSeconds = 60,
            EverRan = !request.StartVm,
            Removal = VmRemoval.None,
            OnlyHostId = request.HostId,
            OnlyClusterId = request.ClusterId,
            Networks = "[]",
            Details = StoredText.Of(request.Details),
            SshKeys = StoredText.Of(keys),
            GroupId = request.Group is { } group ? await turn.Part<InstanceGroupBook>().GiveAsync(caller.AccountId, group, cancellationToken) : null,
            Created = turn.Now,
        };
        vm = await GuestTelling.GiveAsync(db, vm, telling, cancellationToken);
        var job = await AddJobAsync(turn, caller, JobKind.DeployVm, vm, "deploying", cancellationToken);
        if (template.PasswordEnabled)
        {
            vm = GuestTelling.Give(vm, request.Password ?? GuestTelling.NewPassword(random), job.Id, secrets);
        }

        await db.InsertAsync(vm, token: cancellationToken);
        await turn.Part<AffinityBook>().AddAsync(id, affinities, cancellationToken);
        List<VolumeRow> volumes =
        [
            NewVolumes.Row(turn, caller, zone.Id, $"ROOT-{number}", VolumeType.Root, rootSize, offering.StorageTags) with
            {
                VmId = id,
                DeviceId = 0,
                Attached = turn.Now,
                ServiceOfferingId = offering.Id,
                TemplateId = template.Id,
            },
        ];
        for (var i = 0; i < disks.Count; i++)
        {
            var (diskOffering, diskSize) = disks[i];
            volumes.Add(
                NewVolumes.Row(turn, caller, zone.Id, string.Create(CultureInfo.InvariantCulture, $"DATA-{number}{(i == 0 ? string.Empty : $"-{i}")}"), VolumeType.DataDisk, diskSize, diskOffering.Tags) with
                {
                    VmId = id,
                    DeviceId = NewVolumes.DataDevices[i],
                    Attached = turn.Now,
                    DiskOfferingId = diskOffering.Id,
                });
        }

        await db.InsertAllAsync(volumes, cancellationToken);

        for (var i = 0; i < networks.Count; i++)
        {
            await db.InsertAsync(
                new NicRow
                {
                    Id = new NicId(turn.NewId()),
                    VmId = id,
                    NetworkId = networks[i],
                    Mac = i == 0 && request.MacAddress is { } mac ? MacAddress.Read(mac)! : NewMac(turn),
                    DeviceId = i,
                    IsDefault = i == 0,
                },
                token: cancellationToken);
        }

        turn.Part<MachineRows>().KeepNew(vm, volumes, job);
        if (request.StartVm)
        {
            turn.Mark(id);
        }
        else
        {
            await turn.CompleteJobAsync(job.Id, cancellationToken);
        }

        return new JobOutcome.Accepted(job.Id, id.Value);
    }

    private static ApiFault NoRootDiskSize(long templateSize, TemplateRow template) => Faults.Invalid(
        $"Root disk size should be a positive number of GB, at most {MostRootDiskGib}, that is not smaller than the {templateSize} bytes of template {template.Name} ({template.Id})");

    private static JobOutcome Refused(ApiFault fault) => new JobOutcome.Refused(fault);

    private static async Task<(IReadOnlyList<NetworkId> Networks, ApiFault? Fault)> NetworksAsync(StoreConnection db, DeployVirtualMachine request, ZoneId zone, CancellationToken cancellationToken)
    {
        if (request.MacAddress is { } mac)
        {
            if (MacAddress.Read(mac) is not { } address)
            {
                return ([], Faults.Invalid($"Mac address is not valid: {mac}. {MacAddress.Rule}"));
            }

            var holder = await (from n in db.Nics
                                join v in db.Vms on n.VmId equals v.Id
                                where n.Mac == address && n.Removed == null
                                select new { v.Id, v.Name }).FirstOrDefaultAsync(cancellationToken);
            if (holder is not null)
            {
                return ([], Faults.Invalid($"Mac address {address} is that of VM {holder.Name} ({holder.Id}): no two interfaces have the same"));
            }
        }

        if (request.NetworkIds.Count == 0)
        {
            var standard = await db.Networks.Where(n => n.ZoneId == zone && n.IsDefault && n.Removed == null).Select(n => n.Id).ToListAsync(cancellationToken);
            return (standard, null);
        }

        foreach (var network in request.NetworkIds)
        {
            if (!await db.Networks.AnyAsync(n => n.Id == network && n.ZoneId == zone && n.Removed == null, cancellationToken))
            {
                return ([], Faults.NoSuchEntity("deployVirtualMachine", "networkids", network));
            }
        }

        return ([.. request.NetworkIds.Distinct()], null);
    }

    private static async Task<(List<(DiskOfferingRow Offering, long Size)> Disks, ApiFault? Fault)> DataDisksAsync(StoreConnection db, DeployVirtualMachine request, CancellationToken cancellationToken)
    {
        var disks = new List<(DiskOfferingRow, long)>();
        if (request.DataDisks.Count > NewVolumes.DataDevices.Count)
        {
            return (disks, Faults.Invalid($"A VM takes at most {NewVolumes.DataDevices.Count} data disks"));
        }

        foreach (var wanted in request.DataDisks)
        {
            var offering = await db.DiskOfferings.FirstOrDefaultAsync(o => o.Id == wanted.DiskOfferingId && o.Removed == null, cancellationToken);
            if (offering is null)
            {
                return (disks, Faults.NoSuchEntity("deployVirtualMachine", "diskofferingid", wanted.DiskOfferingId));
            }

            if (VolumeOperations.SizeOf(offering, wanted.SizeGib, out var fault) is not { } size)
            {
                return (disks, fault);
            }

            disks.Add((offering, size));
        }

        return (disks, null);
    }

    // A host name, as CloudStack demands: it becomes the guest's.
    private static ApiFault? CheckName(string? name) => name is null || (name.Length is >= 1 and <= 63 && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        ? null
        : Faults.Invalid("Invalid name. Vm name can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen ('-'), must be between 1 and 63 characters long, and can't start or end with \"-\"");

    private static string NewMac(Turn turn) =>
        string.Create(CultureInfo.InvariantCulture, $"02:{turn.NextRandom(256):x2}:{turn.NextRandom(256):x2}:{turn.NextRandom(256):x2}:{turn.NextRandom(256):x2}:{turn.NextRandom(256):x2}");

    private Task<JobOutcome> OnVmAsync(Caller caller, VmId id, string command, Func<Turn, VmRow, CancellationToken, Task<JobOutcome>> work, CancellationToken cancellationToken) =>
        _turns.RunAsync(
            async (turn, ct) => await FindAsync(turn, caller, id, ct) is { } vm
                ? await work(turn, vm, ct)
                : new JobOutcome.Refused(Faults.NoSuchEntity(command, "id", id)),
            cancellationToken);
}
