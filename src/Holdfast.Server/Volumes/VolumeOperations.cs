using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Limits;
using Holdfast.Server.Placement;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <inheritdoc/>
internal sealed class VolumeOperations : IVolumeOperations
{
    private const long Gib = 1L << 30;
    private const long MaxGib = 64 * 1024;
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public VolumeOperations(TurnFactory turns) => _turns = turns;

    /// <summary>The size that an offering and a wish make.</summary>
    internal static long? SizeOf(DiskOfferingRow offering, long? sizeGib, out ApiFault? fault)
    {
        fault = null;
        if (offering.Customized)
        {
            if (sizeGib is not (>= 1 and <= MaxGib))
            {
                fault = Faults.Invalid($"Please specify a volume size of at least 1 Gb and at most {MaxGib} Gb: disk offering {offering.Name} ({offering.Id}) is customized");
                return null;
            }

            return sizeGib * Gib;
        }

        if (sizeGib is { } size && size * Gib != offering.SizeBytes)
        {
            fault = Faults.Invalid($"This disk offering does not allow custom disk size: {offering.Name} ({offering.Id})");
            return null;
        }

        return offering.SizeBytes;
    }

    /// <inheritdoc/>
    public Task<JobOutcome> CreateAsync(Caller caller, CreateVolume request, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            const string command = "createVolume";
            if (await caller.WhyNotOwnerAsync(turn.Db, ct) is { } ended)
            {
                return new JobOutcome.Refused(ended);
            }

            if (await turn.Db.Zones.FirstOrDefaultAsync(z => z.Id == request.ZoneId && z.Removed == null, ct) is not { } zone)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity(command, "zoneid", request.ZoneId));
            }

            if (zone.AllocationState != AllocationStates.Enabled && !caller.IsRootAdmin)
            {
                return new JobOutcome.Refused(Faults.ZoneDisabled(zone.Id, zone.Name));
            }

            var offering = await turn.Db.DiskOfferings.FirstOrDefaultAsync(o => o.Id == request.DiskOfferingId && o.Removed == null, ct);
            if (offering is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity(command, "diskofferingid", request.DiskOfferingId));
            }

            if (request.Name is { Length: 0 or > 255 })
            {
                return new JobOutcome.Refused(Faults.Invalid("The volume's name must have 1 to 255 characters"));
            }

            if (SizeOf(offering, request.SizeGib, out var fault) is not { } size)
            {
                return new JobOutcome.Refused(fault!);
            }

            var volume = NewVolumes.Row(turn, caller, request.ZoneId, string.Empty, VolumeType.DataDisk, size, offering.Tags);
            volume = volume with { Name = request.Name ?? $"DATA-{volume.Id}", DiskOfferingId = offering.Id };
            if (request.VmId is { } vmId)
            {
                var vm = await FindVmAsync(turn, caller, vmId, ct);
                if (vm is null)
                {
                    return new JobOutcome.Refused(Faults.NoSuchEntity(command, "virtualmachineid", vmId));
                }

                if (vm.State is not (VmState.Running or VmState.Stopped) || vm.Removal != VmRemoval.None)
                {
                    return new JobOutcome.Refused(Faults.VmNotRunningOrStopped());
                }

                if (vm.ZoneId != request.ZoneId)
                {
                    var zones = await turn.Db.Zones.Where(z => z.Id == request.ZoneId || z.Id == vm.ZoneId).ToDictionaryAsync(z => z.Id, z => z.Name, ct);
                    return new JobOutcome.Refused(Faults.Invalid(
                        $"VM {vm.Name} ({vm.Id}) is in zone {zones[vm.ZoneId]} ({vm.ZoneId}), not in zone {zones[request.ZoneId]} ({request.ZoneId}), where the volume was to be made"));
                }

                var device = NewVolumes.FreeDevice(await DevicesAsync(turn, vmId, ct));
                if (device is null)
                {
                    return new JobOutcome.Refused(NoDevice(vm));
                }

                if (vm.AccountId != caller.AccountId && request.IsOwnerNamed)
                {
                    return new JobOutcome.Refused(OtherOwner(vm, await turn.Db.Accounts.SingleAsync(a => a.Id == caller.AccountId, ct)));
                }

                // One job: it is done when the volume is attached. What administrators make for others' VMs is theirs.
                volume = volume with { VmId = vmId, DeviceId = device, Attaching = true, AccountId = vm.AccountId };
            }

            if (await ResourceLimits.WhyNotAsync(turn, volume.AccountId, new ResourceAmounts { Volumes = 1, StorageBytes = size }, ct) is { } beyond)
            {
                return new JobOutcome.Refused(beyond);
            }

            await turn.Db.InsertAsync(volume, token: ct);
            var kind = request.VmId is null ? JobKind.CreateVolume : JobKind.AttachVolume;
            var job = await AddJobAsync(turn, caller, kind, volume, "making", ct);
            if (request.VmId is { } owner)
            {
                turn.Mark(owner);
            }
            else
            {
                await turn.CompleteJobAsync(job.Id, ct);
            }

            return new JobOutcome.Accepted(job.Id, volume.Id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> AttachAsync(Caller caller, VolumeId volumeId, VmId vmId, int? deviceId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            const string command = "attachVolume";
            var volume = await FindAsync(turn, caller, volumeId, ct);
            if (volume is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity(command, "id", volumeId));
            }

            var vm = await FindVmAsync(turn, caller, vmId, ct);
            if (vm is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity(command, "virtualmachineid", vmId));
            }

            if (volume.AccountId != vm.AccountId)
            {
                return new JobOutcome.Refused(OtherOwner(vm, await turn.Db.Accounts.SingleAsync(a => a.Id == volume.AccountId, ct)));
            }

            if (await CheckAttachAsync(turn, volume, vm, ct) is { } fault)
            {
                return new JobOutcome.Refused(fault);
            }

            var used = await DevicesAsync(turn, vmId, ct);
            if (deviceId is { } wanted && (!NewVolumes.IsDataDevice(wanted) || used.Contains(wanted)))
            {
                return new JobOutcome.Refused(Faults.Invalid($"deviceId {wanted} is used by VM {vm.Name} ({vm.Id}), or is not one of 1, 2, 4 to 15"));
            }

            var device = deviceId ?? NewVolumes.FreeDevice(used);
            if (device is null)
            {
                return new JobOutcome.Refused(NoDevice(vm));
            }

            await turn.Db.UpdateAsync(volume with { VmId = vmId, DeviceId = device, Attaching = true, Condition = null }, token: ct);
            var job = await AddJobAsync(turn, caller, JobKind.AttachVolume, volume, $"attaching to VM {vm.Name} ({vm.Id})", ct);
            turn.Mark(vmId);
            return new JobOutcome.Accepted(job.Id, volumeId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DetachAsync(Caller caller, DetachVolume request, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            const string command = "detachVolume";
            VolumeRow? volume;
            if (request.VolumeId is { } id)
            {
                volume = await FindAsync(turn, caller, id, ct);
                if (volume is null)
                {
                    return new JobOutcome.Refused(Faults.NoSuchEntity(command, "id", id));
                }
            }
            else if (request is { VmId: { } owner, DeviceId: { } device })
            {
                volume = await Visible(turn, caller).FirstOrDefaultAsync(v => v.VmId == owner && v.DeviceId == device, ct);
                if (volume is null)
                {
                    return new JobOutcome.Refused(Faults.NoSuchEntity(command, "deviceid", device));
                }
            }
            else
            {
                return new JobOutcome.Refused(Faults.Invalid("Please provide either a volume id, or a tuple(device id, instance id)"));
            }

            if (volume.VmId is not { } vmId || volume.Attaching)
            {
                return new JobOutcome.Refused(Faults.VolumeNotAttached());
            }

            if (volume.Type == VolumeType.Root)
            {
                return new JobOutcome.Refused(Faults.Invalid("Please specify a data volume or a volume that can be detached: the root disk stays with its VM"));
            }

            var vm = await turn.Db.Vms.SingleAsync(v => v.Id == vmId, ct);
            if ((request.VmId is { } named && named != vmId) || (request.DeviceId is { } position && position != volume.DeviceId))
            {
                return new JobOutcome.Refused(VolumeElsewhere(volume, vm, request));
            }

            if (vm.State is not (VmState.Running or VmState.Stopped))
            {
                return new JobOutcome.Refused(Faults.VmNotRunningOrStopped());
            }

            if (volume.Detaching || volume.State == VolumeState.Resizing)
            {
                return new JobOutcome.Refused(Faults.VolumeBusy(volume.Id, volume.Name, volume.State));
            }

            await turn.Db.UpdateAsync(volume with { Detaching = true }, token: ct);
            var job = await AddJobAsync(turn, caller, JobKind.DetachVolume, volume, $"detaching from VM {vm.Name} ({vm.Id})", ct);
            turn.Mark(vmId);
            return new JobOutcome.Accepted(job.Id, volume.Id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> UpdateAsync(Caller caller, VolumeId volumeId, string? name, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var volume = await FindAsync(turn, caller, volumeId, ct);
            if (volume is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("updateVolume", "id", volumeId));
            }

            if (volume.State is VolumeState.Destroy or VolumeState.Expunging or VolumeState.Expunged)
            {
                return new JobOutcome.Refused(Faults.VolumeDestroyed());
            }

            if (name is not null && (string.IsNullOrWhiteSpace(name) || name.Length > 255))
            {
                return new JobOutcome.Refused(Faults.Invalid("The volume's name must have 1 to 255 characters"));
            }

            var job = await AddJobAsync(turn, caller, VolumeJobs.UpdateVolume, volume, name is null || name == volume.Name ? "leaving as it is" : $"renaming to {name}", ct);
            if (name is not null)
            {
                // Only this column: the rest is its host's to tell.
                await turn.Db.Volumes.Where(v => v.Id == volumeId).Set(v => v.Name, name).UpdateAsync(ct);
            }

            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, volumeId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, VolumeId volumeId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var volume = await FindAsync(turn, caller, volumeId, ct);
            if (volume is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteVolume", "id", volumeId));
            }

            if (volume.VmId is not null)
            {
                return new Outcome<Success>.Refused(Faults.VolumeAttached());
            }

            if (volume.State != VolumeState.Expunging)
            {
                await turn.TellAsync(EventTypes.VolumeDelete, EventLevel.Info, EventState.Started, $"Deleting volume {volume.Name} ({volume.Id})", caller.AccountId, caller.UserId, ResourceTypes.Volume, volumeId.Value, volume.Name, null, ct);
                await turn.Part<VolumeChanges>().DeleteVolumeAsync(volumeId, ct);
            }

            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DestroyAsync(Caller caller, VolumeId volumeId, bool expunge, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var volume = await FindAsync(turn, caller, volumeId, ct);
            if (volume is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("destroyVolume", "id", volumeId));
            }

            if (volume.VmId is not null)
            {
                return new JobOutcome.Refused(Faults.VolumeAttached());
            }

            if (!expunge)
            {
                switch (volume.State)
                {
                    case VolumeState.Ready or VolumeState.Destroy:
                        break;
                    case VolumeState.Allocated:
                        return new JobOutcome.Refused(Faults.Invalid(
                            $"Volume {volume.Name} ({volume.Id}) is in state Allocated, no backend holds anything of it: it can only be expunged, not destroyed or recovered"));
                    default:
                        return new JobOutcome.Refused(Faults.VolumeBusy(volume.Id, volume.Name, volume.State));
                }
            }

            var job = await AddJobAsync(turn, caller, VolumeJobs.DestroyVolume, volume, expunge ? "destroying and expunging" : "destroying", ct);
            if (expunge && volume.State != VolumeState.Expunging)
            {
                await turn.Part<VolumeChanges>().DeleteVolumeAsync(volumeId, ct);
            }
            else if (volume.State == VolumeState.Ready)
            {
                await turn.Part<VolumeRows>().SaveAsync(volume with { State = VolumeState.Destroy, StateSince = turn.Now }, ct);
            }

            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, volumeId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<VolumeId>> RecoverAsync(Caller caller, VolumeId volumeId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VolumeId>>(
        async (turn, ct) =>
        {
            var volume = await FindAsync(turn, caller, volumeId, ct);
            if (volume is null)
            {
                return new Outcome<VolumeId>.Refused(Faults.NoSuchEntity("recoverVolume", "id", volumeId));
            }

            // One that was destroyed with its VM comes back with it.
            if (volume.State != VolumeState.Destroy || volume.VmId is not null)
            {
                return new Outcome<VolumeId>.Refused(Faults.Invalid(
                    $"Please specify a volume in Destroy state: volume {volume.Name} ({volume.Id}) is in state {volume.State}{(volume.VmId is { } vm ? $" with VM {vm}" : string.Empty)}"));
            }

            if (await ResourceLimits.WhyNotAsync(turn, volume.AccountId, new ResourceAmounts { Volumes = 1, StorageBytes = volume.SizeBytes }, ct) is { } beyond)
            {
                return new Outcome<VolumeId>.Refused(beyond);
            }

            await turn.Part<VolumeRows>().SaveAsync(volume with { State = VolumeState.Ready, StateSince = turn.Now }, ct);
            await turn.TellAsync(
                EventTypes.VolumeRecover, EventLevel.Info, EventState.Completed, $"Volume {volume.Name} ({volume.Id}) was recovered", volume.AccountId, caller.UserId, ResourceTypes.Volume, volumeId.Value, volume.Name, null, ct);
            return new Outcome<VolumeId>.Done(volumeId);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ResizeAsync(Caller caller, ResizeVolume request, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            const string command = "resizeVolume";
            var volume = await FindAsync(turn, caller, request.VolumeId, ct);
            if (volume is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity(command, "id", request.VolumeId));
            }

            var (size, offering, fault) = await NewSizeAsync(turn, volume, request, ct);
            if (fault is not null)
            {
                return new JobOutcome.Refused(fault);
            }

            if (volume.State is not (VolumeState.Ready or VolumeState.Allocated))
            {
                return new JobOutcome.Refused(Faults.VolumeNotResizable(volume.Id, volume.Name, volume.State));
            }

            var vm = volume.VmId is { } vmId ? await turn.Db.Vms.SingleAsync(v => v.Id == vmId, ct) : null;
            if (volume.Attaching || volume.Detaching || volume.Replaces is not null || vm is { State: VmState.Starting or VmState.Stopping })
            {
                return new JobOutcome.Refused(Faults.VolumeBusy(volume.Id, volume.Name, volume.State));
            }

            // The reservation is the row: from here on the larger size counts, in the transaction that has looked at what is left.
            if (volume.PoolId is { } poolId && size > volume.SizeBytes && await turn.Part<PlacementReader>().NoRoomAsync(poolId, size - volume.SizeBytes, ct) is { } full)
            {
                return new JobOutcome.Refused(Faults.NoCapacity($"Volume {volume.Name} ({volume.Id}) cannot grow from {volume.SizeBytes} to {size} bytes: {full}"));
            }

            if (size > volume.SizeBytes && await ResourceLimits.WhyNotAsync(turn, volume.AccountId, new ResourceAmounts { StorageBytes = size - volume.SizeBytes }, ct) is { } beyond)
            {
                return new JobOutcome.Refused(beyond);
            }

            var job = await AddJobAsync(turn, caller, JobKind.ResizeVolume, volume, "resizing", ct);
            var changed = volume with { DiskOfferingId = offering?.Id ?? volume.DiskOfferingId, StorageTags = offering?.Tags ?? volume.StorageTags };
            if (volume.State == VolumeState.Allocated || size == volume.SizeBytes)
            {
                await turn.Db.UpdateAsync(changed with { SizeBytes = size }, token: ct);
                await turn.CompleteJobAsync(job.Id, ct);
                return new JobOutcome.Accepted(job.Id, volume.Id.Value);
            }

            await turn.Db.UpdateAsync(changed, token: ct);
            if (await turn.Part<VolumeChanges>().ResizeVolumeAsync(changed, vm, size, job.Deadline, ct) is { } none)
            {
                await turn.FailJobAsync(job.Id, none, ct);
            }

            return new JobOutcome.Accepted(job.Id, volume.Id.Value);
        },
        cancellationToken);

    private static async Task<(long Size, DiskOfferingRow? Offering, ApiFault? Fault)> NewSizeAsync(Turn turn, VolumeRow volume, ResizeVolume request, CancellationToken cancellationToken)
    {
        DiskOfferingRow? offering = null;
        if (request.DiskOfferingId is { } offeringId)
        {
            offering = await turn.Db.DiskOfferings.FirstOrDefaultAsync(o => o.Id == offeringId && o.Removed == null, cancellationToken);
            if (offering is null)
            {
                return (0, null, Faults.NoSuchEntity("resizeVolume", "diskofferingid", offeringId));
            }
        }

        long size;
        if (offering is not null)
        {
            if (SizeOf(offering, request.SizeGib, out var fault) is not { } wanted)
            {
                return (0, null, fault);
            }

            size = wanted;
            if (volume.PoolId is { } poolId)
            {
                var pool = await turn.Db.StoragePools.SingleAsync(p => p.Id == poolId, cancellationToken);
                var lacking = Csv.Split(offering.Tags).Except(Csv.Split(pool.Tags), StringComparer.OrdinalIgnoreCase).ToList();
                if (lacking.Count > 0)
                {
                    return (0, null, Faults.Invalid(
                        $"Disk offering {offering.Name} ({offering.Id}) is for storage pools with the tags {offering.Tags}: storage pool {pool.Name} ({pool.Id}) of volume {volume.Name} ({volume.Id}) has no tag {string.Join(", ", lacking)}"));
                }
            }
        }
        else if (volume.DiskOfferingId is { } present && await turn.Db.DiskOfferings.FirstOrDefaultAsync(o => o.Id == present, cancellationToken) is { Customized: false } fixedOffering)
        {
            return (0, null, Faults.Invalid(
                $"Volume {volume.Name} ({volume.Id}) has the size of its disk offering {fixedOffering.Name} ({fixedOffering.Id}), which is fixed: give a diskofferingid, of a larger one or of one that is customized"));
        }
        else if (request.SizeGib is >= 1 and <= MaxGib and var gib)
        {
            size = gib * Gib;
        }
        else
        {
            return (0, null, Faults.Invalid($"To resize a volume, its new size must be given: at least 1 Gb and at most {MaxGib} Gb, or a disk offering"));
        }

        return size < volume.SizeBytes
            ? (0, null, Faults.Invalid($"Going from existing size of {volume.SizeBytes} to size of {size} would shrink the volume. Volumes only grow."))
            : (size, offering, null);
    }

    private static async Task<ApiFault?> CheckAttachAsync(Turn turn, VolumeRow volume, VmRow vm, CancellationToken cancellationToken)
    {
        if (volume.VmId is not null)
        {
            return Faults.VolumeAttached();
        }

        if (volume.State is VolumeState.Destroy or VolumeState.Expunging or VolumeState.Expunged)
        {
            return Faults.VolumeDestroyed();
        }

        if (volume.State is not (VolumeState.Allocated or VolumeState.Ready))
        {
            return Faults.VolumeNotAttachable();
        }

        if (vm.State is not (VmState.Running or VmState.Stopped) || vm.Removal != VmRemoval.None)
        {
            return Faults.VmNotRunningOrStopped();
        }

        if (volume.ZoneId != vm.ZoneId)
        {
            return Faults.Invalid("Please specify a VM and a volume of the same zone.");
        }

        // A guest that was told to give it up may still write to it.
        var lease = await turn.Db.Leases.FirstOrDefaultAsync(l => l.VolumeId == volume.Id, cancellationToken);
        if (lease is not null)
        {
            var holder = await turn.Db.Vms.FirstOrDefaultAsync(v => v.Id == lease.VmId, cancellationToken);
            return Faults.Concurrent($"Volume {volume.Name} ({volume.Id}) is still being given up by VM {holder?.Name} ({lease.VmId})");
        }

        if (volume is not { PoolId: { } poolId })
        {
            return null;
        }

        var pool = await turn.Db.StoragePools.SingleAsync(p => p.Id == poolId, cancellationToken);
        if (volume.Missing is { } since)
        {
            return Faults.StorageUnavailable($"Volume {volume.Name} ({volume.Id}) cannot be attached: {VmPlanner.MissingText(volume.Name, volume.Id, pool.Name, pool.Id, since)}");
        }

        if (pool.State is not (PoolState.Up or PoolState.Disabled))
        {
            return Faults.StorageUnavailable($"Volume {volume.Name} ({volume.Id}) is on storage pool {pool.Name} ({pool.Id}), which is in state {pool.State}");
        }

        return vm.IncarnationId is { } incarnation
            && !await turn.Db.Bindings.AnyAsync(b => b.PoolId == poolId && b.IncarnationId == incarnation && b.Absent == null && b.Desired == Desired.Attached, cancellationToken)
            ? Faults.StorageUnavailable($"The host of VM {vm.Name} ({vm.Id}) does not serve storage pool {pool.Name} ({pool.Id}) of volume {volume.Name} ({volume.Id})")
            : null;
    }

    private static Task<VolumeRow?> FindAsync(Turn turn, Caller caller, VolumeId id, CancellationToken cancellationToken) =>
        Visible(turn, caller).FirstOrDefaultAsync(v => v.Id == id, cancellationToken);

    private static IQueryable<VolumeRow> Visible(Turn turn, Caller caller)
    {
        var volumes = turn.Db.Volumes.Where(v => v.Removed == null);
        var owners = caller.Accounts(turn.Db);
        return caller.IsRootAdmin ? volumes : volumes.Where(v => owners.Any(a => a.Id == v.AccountId));
    }

    private static Task<VmRow?> FindVmAsync(Turn turn, Caller caller, VmId id, CancellationToken cancellationToken)
    {
        var vms = turn.Db.Vms.Where(v => v.Id == id && v.Removed == null);
        var owners = caller.Accounts(turn.Db);
        return (caller.IsRootAdmin ? vms : vms.Where(v => owners.Any(a => a.Id == v.AccountId))).FirstOrDefaultAsync(cancellationToken);
    }

    private static Task<List<int?>> DevicesAsync(Turn turn, VmId vm, CancellationToken cancellationToken) =>
        turn.Db.Volumes.Where(v => v.VmId == vm && v.Removed == null).Select(v => v.DeviceId).ToListAsync(cancellationToken);

    private static ApiFault OtherOwner(VmRow vm, AccountRow owner) =>
        Faults.Invalid($"VM {vm.Name} ({vm.Id}) does not belong to the account {owner.Name} ({owner.Id}), and has only volumes of its own account");

    private static ApiFault NoDevice(VmRow vm) => Faults.Invalid($"All device Ids are used by vm {vm.Name} ({vm.Id})");

    private static Task<JobRow> AddJobAsync(Turn turn, Caller caller, JobKind kind, VolumeRow volume, string what, CancellationToken cancellationToken) =>
        turn.AddJobAsync(caller.AccountId, caller.UserId, kind, ResourceTypes.Volume, volume.Id.Value, $"{what}: volume {volume.Name} ({volume.Id})", turn.Timings.Of(kind), cancellationToken);

    // It is not where the caller says.
    private static ApiFault VolumeElsewhere(VolumeRow volume, VmRow vm, DetachVolume request)
    {
        var place = request switch
        {
            { VmId: { } other, DeviceId: { } device } => $"device {device} of VM {other}",
            { VmId: { } other } => $"VM {other}",
            _ => $"device {request.DeviceId}",
        };
        return Faults.Invalid($"Volume {volume.Name} ({volume.Id}) is attached as device {volume.DeviceId} of VM {vm.Name} ({vm.Id}), not to {place}: it was not detached");
    }
}
