using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reconcile;

/// <summary>VMs: facts for the planner, and its answers carried out.</summary>
internal sealed partial class Turn
{
    private async Task SettleVmAsync(VmId id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            if (await LoadVmAsync(id, cancellationToken) is not { } vm)
            {
                return;
            }

            var actions = VmPlanner.Plan(vm.Facts);
            if (actions.Count == 0)
            {
                return;
            }

            foreach (var action in actions)
            {
                await ApplyAsync(vm, action, cancellationToken);
            }

            if (actions is [VmAction.Remove, ..] || actions.OfType<VmAction.Remove>().Any())
            {
                return;
            }
        }

        throw new InvalidOperationException($"VM {id} does not settle.");
    }

    /// <summary>Tells the host of a running VM its present specification, as a new generation that the jobs then wait for.</summary>
    public async Task UpdateMachineAsync(VmId id, IReadOnlyList<JobId> jobs, CancellationToken cancellationToken)
    {
        var vm = await LoadVmAsync(id, cancellationToken) ?? throw new InvalidOperationException($"VM {id} does not exist.");
        await WriteMachineAsync(vm, Desired.Running, jobs, null, cancellationToken);
    }

    private async Task<LoadedVm?> LoadVmAsync(VmId id, CancellationToken cancellationToken)
    {
        var row = await Db.Vms.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null, cancellationToken);
        if (row is null)
        {
            return null;
        }

        var volumes = await Db.Volumes.Where(v => v.VmId == id && v.Removed == null).OrderBy(v => v.DeviceId).ToListAsync(cancellationToken);
        var items = await Db.HostItems.Where(i => i.Kind == ItemKind.Machine && i.Id == id.Value).ToListAsync(cancellationToken);
        var instances = volumes.Select(v => v.Id.Value).Prepend(id.Value).ToList();
        var jobs = await Db.Jobs.Where(j => j.State == JobState.Pending && instances.Contains(j.InstanceId)).OrderBy(j => j.Created).ToListAsync(cancellationToken);
        var facts = new VmFacts
        {
            Id = id,
            Name = row.Name,
            State = row.State,
            Removal = row.Removal,
            EverRan = row.EverRan,
            IsStopForced = row.ForcedStop,
            RebootSequence = row.RebootSequence,
            Incarnation = row.IncarnationId,
            MachineItems = items.Count,
            IsStuck = row.Stuck is not null,
            Condition = row.Condition,
            Jobs = [.. jobs.Where(j => j.InstanceId == id.Value).Select(FactsOf)],
            Volumes = await FactsOfAsync(volumes, jobs, cancellationToken),
            Now = Now,
        };
        var item = items.FirstOrDefault(i => i.IncarnationId == row.IncarnationId);
        if (item is not null)
        {
            var host = await Db.Hosts.FirstOrDefaultAsync(h => h.Id == row.HostId, cancellationToken);
            facts = facts with
            {
                Machine = new MachineFacts
                {
                    Generation = item.Generation,
                    Wish = item.Desired switch
                    {
                        Desired.Running => MachineWish.Running,
                        Desired.Stopped => MachineWish.Stopped,
                        _ => MachineWish.Absent,
                    },
                    Observed = ObservationOf(item),
                    HostName = host?.Name ?? "unknown",
                    IsHostUp = host is { State: HostState.Up } && host.IncarnationId == item.IncarnationId,
                },
                IsMachineForced = item.Desired == Desired.Stopped && SpecOf(item)?.ForcedStop == true,
            };
        }

        if (VmPlanner.NeedsPlacement(facts))
        {
            facts = facts with { Placement = await LoadPlacementAsync(row, cancellationToken) };
        }

        return new LoadedVm(row, facts, volumes, item);
    }

    private static JobFacts FactsOf(JobRow job) => new(job.Id, job.Kind, job.Created, job.Deadline, job.Generation);

    private static MachineSpec? SpecOf(HostItemRow item) =>
        item.Spec is null ? null : JsonSerializer.Deserialize(item.Spec, HostJson.Default.MachineSpec);

    private static MachineObservation? ObservationOf(HostItemRow item)
    {
        if (item.Observed is null || JsonSerializer.Deserialize(item.Observed, HostJson.Default.ItemReport) is not { Machine: { } machine } report)
        {
            return null;
        }

        return new MachineObservation
        {
            Generation = report.Generation,
            Phase = machine.State switch
            {
                MachineState.Absent => MachinePhase.Absent,
                MachineState.Stopped => MachinePhase.Stopped,
                MachineState.Starting => MachinePhase.Starting,
                MachineState.Running => MachinePhase.Running,
                MachineState.Stopping => MachinePhase.Stopping,
                _ => MachinePhase.Failed,
            },
            RebootSequence = machine.RebootSequence,
            Disks = machine.Disks.ToDictionary(d => d.VolumeId, d => d.SizeBytes),
            Unclear = machine.Unclear.ToHashSet(),
            Failure = TextOf(report.Conditions, ConditionType.Failed, ConditionType.Conflict, ConditionType.LedgerUnwritable, ConditionType.HypervisorDown),
            IsExpired = report.Conditions.Any(c => c.Type == ConditionType.Expired),
            Stuck = TextsOf(report.Conditions, ConditionType.Uninterruptible),
            Suspended = TextsOf(report.Conditions, ConditionType.IoSuspended),
            CutOff = TextsOf(report.Conditions, ConditionType.CutOff),
        };
    }

    private static string? TextOf(IReadOnlyList<Condition> conditions, params ReadOnlySpan<ConditionType> types)
    {
        foreach (var condition in conditions)
        {
            if (types.Contains(condition.Type))
            {
                return condition.Text;
            }
        }

        return null;
    }

    // One condition for each volume; together they are one text.
    private static string? TextsOf(IReadOnlyList<Condition> conditions, ConditionType type) =>
        conditions.Where(condition => condition.Type == type).Select(condition => condition.Text).ToList() is { Count: > 0 } texts ? string.Join(" ", texts) : null;

    private async Task ApplyAsync(LoadedVm vm, VmAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case VmAction.MoveTo move:
                await MoveVmAsync(vm, move, cancellationToken);
                break;
            case VmAction.Note note:
                await SaveAsync(vm, vm.Row with { Condition = note.Condition }, cancellationToken);
                break;
            case VmAction.Place place:
                await SaveAsync(vm, vm.Row with { HostId = place.Host, IncarnationId = place.Incarnation }, cancellationToken);
                foreach (var (volume, pool) in place.Pools)
                {
                    await AssignPoolAsync(volume, pool, cancellationToken);
                }

                break;
            case VmAction.PlaceVolume place:
                await AssignPoolAsync(place.Volume, place.Pool, cancellationToken);
                break;
            case VmAction.WantTemplate want:
                await WantTemplateAsync(want.Volume, want.Incarnation, cancellationToken);
                break;
            case VmAction.DropTemplate drop:
                await Db.Volumes.Where(v => v.Id == drop.Volume).Set(v => v.TemplateCopyId, (VolumeId?)null).UpdateAsync(cancellationToken);
                break;
            case VmAction.MakeVolume make:
                await MakeVolumeAsync(make.Volume, make.Incarnation, DeadlineOf(vm), cancellationToken);
                break;
            case VmAction.VolumeMade made:
                await VolumeMadeAsync(made.Volume, cancellationToken);
                break;
            case VmAction.VolumeNotMade not:
                await VolumeNotMadeAsync(not.Volume, not.Why, cancellationToken);
                break;
            case VmAction.VolumeResized resized:
                await VolumeResizedAsync(resized.Volume, resized.Error, cancellationToken);
                break;
            case VmAction.RunMachine:
                await WriteMachineAsync(vm, Desired.Running, [], DeadlineOf(vm), cancellationToken);
                break;
            case VmAction.UpdateMachine update:
                await WriteMachineAsync(vm, Desired.Running, update.Jobs, null, cancellationToken);
                break;
            case VmAction.StopMachine stop:
                await WriteMachineAsync(vm, Desired.Stopped, stop.Jobs, null, cancellationToken);
                break;
            case VmAction.JoinStop join:
                foreach (var job in join.Jobs)
                {
                    await Db.Jobs.Where(j => j.Id == job).Set(j => j.Generation, vm.Item!.Generation).UpdateAsync(cancellationToken);
                }

                break;
            case VmAction.TellStuck stuck:
                await TellStuckAsync(vm, stuck.Text, cancellationToken);
                break;
            case VmAction.GuestGone:
                await GuestGoneAsync(vm, cancellationToken);
                break;
            case VmAction.Started:
                await SaveAsync(vm, vm.Row with { EverRan = true, OnlyHostId = null, OnlyClusterId = null, RestartOnCancel = null }, cancellationToken);
                break;
            case VmAction.FinishAttach finish:
                await Db.Volumes.Where(v => v.Id == finish.Volume)
                    .Set(v => v.Attaching, false)
                    .Set(v => v.Attached, Now)
                    .UpdateAsync(cancellationToken);
                break;
            case VmAction.UndoAttach undo:
                await FreeVolumeAsync(undo.Volume, keepLease: true, cancellationToken);
                break;
            case VmAction.FinishDetach finish:
                await FreeVolumeAsync(finish.Volume, keepLease: false, cancellationToken);
                break;
            case VmAction.UndoDetach undo:
                await Db.Volumes.Where(v => v.Id == undo.Volume).Set(v => v.Detaching, false).UpdateAsync(cancellationToken);
                break;
            case VmAction.DestroyVolume destroy:
                await Db.Volumes.Where(v => v.Id == destroy.Volume)
                    .Set(v => v.State, VolumeState.Destroy)
                    .Set(v => v.StateSince, Now)
                    .UpdateAsync(cancellationToken);
                break;
            case VmAction.DeleteVolume delete:
                await DeleteVolumeAsync(delete.Volume, cancellationToken);
                break;
            case VmAction.ReleaseVolume release:
                await FreeVolumeAsync(release.Volume, keepLease: false, cancellationToken);
                break;
            case VmAction.CompleteJob complete:
                await CompleteJobAsync(complete.Job, cancellationToken);
                break;
            case VmAction.FailJob fail:
                await FailJobAsync(fail.Job, fail.Fault, cancellationToken);
                break;
            case VmAction.Remove:
                await RemoveVmAsync(vm, cancellationToken);
                break;
            case VmAction.Tell tell:
                await TellAsync(
                    tell.Type,
                    tell.Level,
                    EventState.Completed,
                    tell.Text,
                    vm.Row.AccountId,
                    vm.Row.UserId,
                    ResourceTypes.VirtualMachine,
                    vm.Row.Id.Value,
                    vm.Row.Name,
                    null,
                    cancellationToken);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "Unknown action.");
        }
    }

    // The jobs that start the VM or attach to it say until when a host may begin.
    private static DateTimeOffset? DeadlineOf(LoadedVm vm)
    {
        var deadlines = vm.Facts.Jobs
            .Where(j => j.Kind is JobKind.DeployVm or JobKind.StartVm)
            .Concat(vm.Facts.Volumes.SelectMany(v => v.Jobs).Where(j => j.Kind == JobKind.AttachVolume))
            .Select(j => j.Deadline)
            .ToList();
        return deadlines.Count == 0 ? null : deadlines.Max();
    }

    private async Task SaveAsync(LoadedVm vm, VmRow row, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(row, token: cancellationToken);
        vm.Row = row;
    }

    private async Task MoveVmAsync(LoadedVm vm, VmAction.MoveTo move, CancellationToken cancellationToken)
    {
        var row = vm.Row with { State = move.State, StateSince = Now, Condition = move.Condition, Stuck = null };
        if (move.State is VmState.Stopped or VmState.Error)
        {
            row = row with { ForcedStop = false, OnlyHostId = null, OnlyClusterId = null };
        }

        if (move.State == VmState.Destroyed)
        {
            row = row with { Destroyed = Now };
        }

        var before = vm.Row;
        Db.AfterCommit(() => LogVmMoved(before.Name, before.Id, before.State, move.State, move.Condition));
        await SaveAsync(vm, row, cancellationToken);

        // A pool that is being prepared for maintenance waits for its VMs' guests to be gone.
        if (move.State is VmState.Stopped or VmState.Error or VmState.Destroyed)
        {
            foreach (var pool in vm.Facts.Volumes.Where(v => v.PoolState == PoolState.PrepareForMaintenance).Select(v => v.PoolId).Distinct())
            {
                Mark(pool!.Value);
            }
        }
    }

    private async Task TellStuckAsync(LoadedVm vm, string text, CancellationToken cancellationToken)
    {
        var row = vm.Row;
        await SaveAsync(vm, row with { Stuck = Now }, cancellationToken);
        await TellAsync(
            EventTypes.VmStuck, EventLevel.Error, EventState.Completed, text, row.AccountId, row.UserId, ResourceTypes.VirtualMachine, row.Id.Value, row.Name, null, cancellationToken);
        await Db.InsertAsync(
            new AlertRow
            {
                Id = new AlertId(NewId()), Type = AlertTypes.UserVm, Name = AlertTypes.UserVmName, Description = text, ResourceId = row.Id.Value, Created = Now,
            },
            token: cancellationToken);
    }

    private async Task WriteMachineAsync(LoadedVm vm, Desired desired, IReadOnlyList<JobId> jobs, DateTimeOffset? expires, CancellationToken cancellationToken)
    {
        var row = vm.Row;
        var incarnation = row.IncarnationId ?? throw new InvalidOperationException($"VM {row.Id} has no place.");
        var generation = row.Generation.Next;
        await SaveAsync(vm, row with { Generation = generation }, cancellationToken);

        // Read afresh: earlier actions of the same plan may have changed the volumes.
        var volumes = await Db.Volumes.Where(v => v.VmId == row.Id && v.Removed == null).OrderBy(v => v.DeviceId).ToListAsync(cancellationToken);
        var used = volumes.Where(v => v is { State: VolumeState.Ready or VolumeState.Resizing, Detaching: false, PoolId: not null }).ToList();
        var pools = await PoolNamesAsync(used.Select(v => v.PoolId!.Value), cancellationToken);
        var leases = await Db.Leases.Where(l => l.VmId == row.Id).ToDictionaryAsync(l => l.VolumeId, cancellationToken);
        var disks = new List<MachineDisk>();
        foreach (var volume in used)
        {
            var lease = volume.LeaseGeneration;
            if (desired == Desired.Running && !leases.ContainsKey(volume.Id))
            {
                // The primary key makes a second writer impossible: an insert beside another VM's lease fails the whole turn.
                lease = lease.Next;
                await Db.InsertAsync(
                    new LeaseRow { VolumeId = volume.Id, IncarnationId = incarnation, VmId = row.Id, Generation = lease, Granted = Now },
                    token: cancellationToken);
                await Db.Volumes.Where(v => v.Id == volume.Id).Set(v => v.LeaseGeneration, lease).UpdateAsync(cancellationToken);
            }

            disks.Add(new MachineDisk
            {
                VolumeId = volume.Id,
                PoolId = volume.PoolId!.Value,
                PoolName = pools[volume.PoolId.Value],
                DeviceId = volume.DeviceId ?? 0,
                SizeBytes = volume.SizeBytes,
                VolumeGeneration = volume.Generation,
                LeaseGeneration = lease,
            });
        }

        var nics = await (from n in Db.Nics
                          join net in Db.Networks on n.NetworkId equals net.Id
                          where n.VmId == row.Id && n.Removed == null
                          orderby n.DeviceId
                          select new { n.Mac, net.Name, net.Bridge }).ToListAsync(cancellationToken);
        var spec = new MachineSpec
        {
            VmId = row.Id,
            Name = row.Name,
            InstanceName = row.InstanceName,
            Cpus = row.Cpus,
            MemoryMiB = row.MemoryMib,
            Disks = disks,
            Nics = [.. nics.Select(n => new MachineNic { Mac = n.Mac, NetworkName = n.Name, Bridge = n.Bridge })],
            GraceSeconds = row.GraceSeconds,
            ForcedStop = row.ForcedStop,
            RebootSequence = row.RebootSequence,
            ForcedReboot = row.ForcedReboot,
        };
        await PutItemAsync(
            incarnation,
            ItemKind.Machine,
            row.Id.Value,
            generation,
            desired,
            JsonSerializer.Serialize(spec, HostJson.Default.MachineSpec),
            expires,
            cancellationToken);
        foreach (var job in jobs)
        {
            await Db.Jobs.Where(j => j.Id == job).Set(j => j.Generation, generation).UpdateAsync(cancellationToken);
        }
    }

    private async Task GuestGoneAsync(LoadedVm vm, CancellationToken cancellationToken)
    {
        var row = vm.Row;
        await Db.Leases.Where(l => l.VmId == row.Id).DeleteAsync(cancellationToken);
        if (vm.Item is { } item && item.Desired != Desired.Absent)
        {
            row = row with { Generation = row.Generation.Next };
            await PutItemAsync(item.IncarnationId, ItemKind.Machine, row.Id.Value, row.Generation, Desired.Absent, null, null, cancellationToken);
        }

        await SaveAsync(vm, row with { HostId = null, IncarnationId = null, LastHostId = row.HostId ?? row.LastHostId, Networks = "[]" }, cancellationToken);
        if (row.HostId is { } host)
        {
            await SettleMaintenanceAsync(host, cancellationToken);
        }
    }

    private async Task RemoveVmAsync(LoadedVm vm, CancellationToken cancellationToken)
    {
        await SaveAsync(vm, vm.Row with { Removed = Now, StateSince = Now }, cancellationToken);
        await Db.Nics.Where(n => n.VmId == vm.Row.Id && n.Removed == null).Set(n => n.Removed, Now).UpdateAsync(cancellationToken);
        await Db.Volumes.Where(v => v.VmId == vm.Row.Id && v.Removed == null)
            .Set(v => v.VmId, (VmId?)null)
            .Set(v => v.DeviceId, (int?)null)
            .UpdateAsync(cancellationToken);
        var row = vm.Row;
        Db.AfterCommit(() => LogVmRemoved(row.Name, row.Id));
    }

    private sealed class LoadedVm(VmRow row, VmFacts facts, IReadOnlyList<VolumeRow> volumes, HostItemRow? item)
    {
        public VmRow Row { get; set; } = row;

        public VmFacts Facts { get; } = facts;

        public IReadOnlyList<VolumeRow> Volumes { get; } = volumes;

        public HostItemRow? Item { get; } = item;
    }
}
