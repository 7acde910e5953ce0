using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>VMs: what the planner says is carried out.</summary>
internal sealed partial class MachineSettler : TurnPart, ITurnPart<MachineSettler>, ISettler<VmId>
{
    private readonly ILogger _logger;

    private MachineSettler(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<MachineSettler>();

    /// <inheritdoc/>
    public static MachineSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.VirtualMachine;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new VmId(id));

    /// <inheritdoc/>
    public async Task SettleAsync(VmId id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Turn.MaxRounds; round++)
        {
            if (await Turn.Part<MachineRows>().LoadVmAsync(id, cancellationToken) is not { } vm)
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
        var vm = await Turn.Part<MachineRows>().LoadVmAsync(id, cancellationToken) ?? throw new InvalidOperationException($"VM {id} does not exist.");
        await WriteMachineAsync(vm, Desired.Running, jobs, null, cancellationToken);
    }

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
                    await Turn.Part<VolumeChanges>().AssignPoolAsync(volume, pool, cancellationToken);
                }

                break;
            case VmAction.PlaceVolume place:
                await Turn.Part<VolumeChanges>().AssignPoolAsync(place.Volume, place.Pool, cancellationToken);
                break;
            case VmAction.WantTemplate want:
                await Turn.Part<VolumeChanges>().WantTemplateAsync(want.Volume, want.Incarnation, cancellationToken);
                break;
            case VmAction.DropTemplate drop:
                await Turn.Part<VolumeChanges>().DropTemplateAsync(drop.Volume, cancellationToken);
                break;
            case VmAction.MakeVolume make:
                await Turn.Part<VolumeChanges>().MakeVolumeAsync(make.Volume, make.Incarnation, DeadlineOf(vm), cancellationToken);
                break;
            case VmAction.VolumeMade made:
                await Turn.Part<VolumeChanges>().VolumeMadeAsync(made.Volume, cancellationToken);
                break;
            case VmAction.VolumeNotMade not:
                await Turn.Part<VolumeChanges>().VolumeNotMadeAsync(not.Volume, not.Why, cancellationToken);
                break;
            case VmAction.VolumeResized resized:
                await Turn.Part<VolumeChanges>().VolumeResizedAsync(resized.Volume, resized.Error, cancellationToken);
                break;
            case VmAction.RunMachine:
                vm.Row = await MachineScaling.WithRoomAsync(Turn, vm.Row, cancellationToken);
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
            case VmAction.TellPaused paused:
                await TellPausedAsync(vm, paused.Text, cancellationToken);
                break;
            case VmAction.TellResumed resumed:
                await SaveAsync(vm, vm.Row with { Paused = null }, cancellationToken);
                await TellAsync(vm.Row, EventTypes.VmResumed, EventLevel.Info, resumed.Text, cancellationToken);
                break;
            case VmAction.GuestGone:
                await GuestGoneAsync(vm, cancellationToken);
                break;
            case VmAction.Started:
                await SaveAsync(vm, vm.Row with { EverRan = true, PasswordTold = true, OnlyHostId = null, OnlyClusterId = null, RestartOnCancel = null }, cancellationToken);
                break;
            case VmAction.Scaled:
                await SaveAsync(vm, MachineScaling.Confirmed(vm.Row), cancellationToken);
                break;
            case VmAction.ScaleBack:
                await SaveAsync(vm, MachineScaling.TakenBack(vm.Row), cancellationToken);
                break;
            case VmAction.HoldMore more:
                await SaveAsync(vm, MachineScaling.Holding(vm.Row, more.Amounts), cancellationToken);
                break;
            case VmAction.FinishAttach finish:
                await Db.Volumes.Where(v => v.Id == finish.Volume)
                    .Set(v => v.Attaching, false)
                    .Set(v => v.Attached, Now)
                    .UpdateAsync(cancellationToken);
                break;
            case VmAction.UndoAttach undo:
                await Turn.Part<VolumeChanges>().FreeVolumeAsync(undo.Volume, keepLease: true, cancellationToken);
                break;
            case VmAction.FinishDetach finish:
                await Turn.Part<VolumeChanges>().FreeVolumeAsync(finish.Volume, keepLease: false, cancellationToken);
                break;
            case VmAction.UndoDetach undo:
                await Db.Volumes.Where(v => v.Id == undo.Volume).Set(v => v.Detaching, false).UpdateAsync(cancellationToken);
                break;
            case VmAction.StopToReplace:
                await SaveAsync(vm, vm.Row with { State = VmState.Stopping, StateSince = Now, ForcedStop = false, StartsAgain = true, Condition = null }, cancellationToken);
                break;
            case VmAction.ReplaceRoot replace:
                await ReplaceRootAsync(vm, replace, cancellationToken);
                break;
            case VmAction.DropReplacement drop:
                await Turn.Part<VolumeChanges>().DropReplacementAsync(drop.New, cancellationToken);
                await SaveAsync(vm, vm.Row with { StartsAgain = false }, cancellationToken);
                break;
            case VmAction.DestroyVolume destroy:
                await Db.Volumes.Where(v => v.Id == destroy.Volume)
                    .Set(v => v.State, VolumeState.Destroy)
                    .Set(v => v.StateSince, Now)
                    .UpdateAsync(cancellationToken);
                break;
            case VmAction.DeleteVolume delete:
                await Turn.Part<VolumeChanges>().DeleteVolumeAsync(delete.Volume, cancellationToken);
                break;
            case VmAction.ReleaseVolume release:
                await Turn.Part<VolumeChanges>().FreeVolumeAsync(release.Volume, keepLease: false, cancellationToken);
                break;
            case VmAction.CompleteJob complete:
                await Turn.CompleteJobAsync(complete.Job, cancellationToken);
                break;
            case VmAction.FailJob fail:
                await Turn.FailJobAsync(fail.Job, fail.Fault, cancellationToken);
                break;
            case VmAction.Remove:
                await RemoveVmAsync(vm, cancellationToken);
                break;
            case VmAction.Tell tell:
                await TellAsync(vm.Row, tell.Type, tell.Level, tell.Text, cancellationToken);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "Unknown action.");
        }
    }

    // The jobs that start the VM or attach to it say until when a host may begin.
    private static DateTimeOffset? DeadlineOf(LoadedVm vm)
    {
        var deadlines = vm.Facts.Jobs
            .Where(j => j.Kind == JobKind.DeployVm || j.Kind == JobKind.StartVm || j.Kind == JobKind.RestoreVm)
            .Concat(vm.Facts.Volumes.SelectMany(v => v.Jobs).Where(j => j.Kind == JobKind.AttachVolume))
            .Select(j => j.Deadline)
            .ToList();
        return deadlines.Count == 0 ? null : deadlines.Max();
    }

    private async Task SaveAsync(LoadedVm vm, VmRow row, CancellationToken cancellationToken)
    {
        await Turn.Part<MachineRows>().SaveAsync(row, cancellationToken);
        vm.Row = row;
    }

    private async Task MoveVmAsync(LoadedVm vm, VmAction.MoveTo move, CancellationToken cancellationToken)
    {
        var row = vm.Row with { State = move.State, StateSince = Now, Condition = move.Condition, Stuck = null, Paused = null };
        if (move.State is VmState.Stopped or VmState.Error)
        {
            row = row with { ForcedStop = false, OnlyHostId = null, OnlyClusterId = null };
        }

        if (move.State is not (VmState.Stopping or VmState.Stopped))
        {
            row = row with { StartsAgain = false };
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
                Turn.Mark(pool!.Value);
            }
        }
    }

    private async Task ReplaceRootAsync(LoadedVm vm, VmAction.ReplaceRoot replace, CancellationToken cancellationToken)
    {
        var disk = await Turn.Part<VolumeRows>().GetAsync(replace.New, cancellationToken);
        if (replace.Old is { } old)
        {
            await Turn.Part<VolumeChanges>().RetireRootAsync(old, disk.Replaces == RootReplacement.Expunge, cancellationToken);
        }

        await Turn.Part<VolumeRows>().SaveAsync(disk with { Replaces = null, DeviceId = 0, Attached = Now }, cancellationToken);

        var template = await Db.Templates.FirstOrDefaultAsync(t => t.Id == disk.TemplateId, cancellationToken);
        var (telling, tooLong) = await GuestTelling.PrepareAgainAsync(Db, vm.Row, template, cancellationToken);
        if (tooLong is not null)
        {
            // The template was given other user data while the disk was made.
            await TellAsync(vm.Row, EventTypes.VmResetUserData, EventLevel.Warn, $"VM {vm.Row.Name} ({vm.Row.Id}) is told the user data that it was told before: {tooLong.Text}", cancellationToken);
        }

        if (telling is { Content: null })
        {
            await Db.VmUserData.Where(u => u.VmId == vm.Row.Id).DeleteAsync(cancellationToken);
        }

        var told = telling is null ? vm.Row : await GuestTelling.GiveAsync(Db, vm.Row with { UserDataId = telling.Registered }, telling, cancellationToken);

        // What is told once for each disk is told again: the new one has heard nothing.
        await SaveAsync(
            vm,
            told with { TemplateId = disk.TemplateId, PasswordTold = false, PasswordJobId = vm.Row.Password is null ? null : replace.Job },
            cancellationToken);
    }

    private async Task TellStuckAsync(LoadedVm vm, string text, CancellationToken cancellationToken)
    {
        var row = vm.Row;
        await SaveAsync(vm, row with { Stuck = Now }, cancellationToken);
        await TellAsync(row, EventTypes.VmStuck, EventLevel.Error, text, cancellationToken);
        await AlertAsync(row, text, cancellationToken);
    }

    private async Task TellPausedAsync(LoadedVm vm, string text, CancellationToken cancellationToken)
    {
        var row = vm.Row;
        await SaveAsync(vm, row with { Paused = Now }, cancellationToken);
        await TellAsync(row, EventTypes.VmPaused, EventLevel.Warn, text, cancellationToken);
        await AlertAsync(row, text, cancellationToken);
    }

    private Task TellAsync(VmRow row, string type, EventLevel level, string text, CancellationToken cancellationToken) => Turn.TellAsync(
        type, level, EventState.Completed, text, row.AccountId, row.UserId, ResourceTypes.VirtualMachine, row.Id.Value, row.Name, null, cancellationToken);

    private Task AlertAsync(VmRow row, string text, CancellationToken cancellationToken) => Db.InsertAsync(
        new AlertRow
        {
            Id = new AlertId(Turn.NewId()), Type = AlertTypes.UserVm, Name = AlertTypes.UserVmName, Description = text, ResourceId = row.Id.Value, Created = Now,
        },
        token: cancellationToken);

    private async Task WriteMachineAsync(LoadedVm vm, Desired desired, IReadOnlyList<JobId> jobs, DateTimeOffset? expires, CancellationToken cancellationToken)
    {
        var row = vm.Row;
        var incarnation = row.IncarnationId ?? throw new InvalidOperationException($"VM {row.Id} has no place.");
        var generation = row.Generation.Next;
        await SaveAsync(vm, row with { Generation = generation }, cancellationToken);

        // Not those of the facts: earlier actions of the same plan may have changed the volumes.
        var volumes = await Turn.Part<VolumeRows>().OfVmAsync(row.Id, cancellationToken);
        var used = volumes.Where(v => v is { State: VolumeState.Ready or VolumeState.Resizing, Detaching: false, PoolId: not null, Replaces: null }).ToList();
        var pools = (await Turn.Part<KeptRows>().PoolsAsync(used.Select(v => v.PoolId!.Value), cancellationToken)).ToDictionary(p => p.Id, p => p.Name);
        var leases = desired == Desired.Running ? await Db.Leases.Where(l => l.VmId == row.Id).Select(l => l.VolumeId).ToListAsync(cancellationToken) : [];
        var disks = new List<MachineDisk>();
        foreach (var volume in used)
        {
            var lease = volume.LeaseGeneration;
            if (desired == Desired.Running && !leases.Contains(volume.Id))
            {
                // The primary key makes a second writer impossible: an insert beside another VM's lease fails the whole turn.
                lease = lease.Next;
                await Db.InsertAsync(
                    new LeaseRow { VolumeId = volume.Id, IncarnationId = incarnation, VmId = row.Id, Generation = lease, Granted = Now },
                    token: cancellationToken);
                await Turn.Part<VolumeRows>().SaveAsync(volume with { LeaseGeneration = lease }, cancellationToken);
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
            MaxCpus = row.MaxCpus,
            MaxMemoryMiB = row.MaxMemoryMib,
            Firmware = row.Firmware,
            Disks = disks,
            Nics = [.. nics.Select(n => new MachineNic { Mac = n.Mac, NetworkName = n.Name, Bridge = n.Bridge })],
            GraceSeconds = row.GraceSeconds,
            ForcedStop = row.ForcedStop,
            RebootSequence = row.RebootSequence,
            ForcedReboot = row.ForcedReboot,
            Told = row.Told,
        };
        await Turn.Part<MachineRows>().TellAsync(row.Id, incarnation, generation, desired, spec, expires, cancellationToken);
        if (jobs.Count > 0)
        {
            await Turn.Part<MachineRows>().AwaitAsync(row.Id, volumes, jobs, generation, cancellationToken);
        }
    }

    private async Task GuestGoneAsync(LoadedVm vm, CancellationToken cancellationToken)
    {
        var row = MachineScaling.TakenBack(vm.Row) with { MaxCpus = null, MaxMemoryMib = null };
        await Db.Leases.Where(l => l.VmId == row.Id).DeleteAsync(cancellationToken);
        if (vm.Item is { } item && item.Desired != Desired.Absent)
        {
            row = row with { Generation = row.Generation.Next };
            await Turn.PutItemAsync(item.IncarnationId, ItemKind.Machine, row.Id.Value, row.Generation, Desired.Absent, null, null, cancellationToken);
        }

        await SaveAsync(vm, row with { HostId = null, IncarnationId = null, LastHostId = row.HostId ?? row.LastHostId, Networks = "[]" }, cancellationToken);
        if (row.HostId is { } host)
        {
            Turn.Mark(host);
        }
    }

    private async Task RemoveVmAsync(LoadedVm vm, CancellationToken cancellationToken)
    {
        await SaveAsync(vm, vm.Row with { Removed = Now, StateSince = Now, Password = null }, cancellationToken);
        await Db.VmUserData.Where(u => u.VmId == vm.Row.Id).DeleteAsync(cancellationToken);
        await Db.VmScheduleRuns.Where(r => Db.VmSchedules.Any(s => s.Id == r.ScheduleId && s.VmId == vm.Row.Id)).DeleteAsync(cancellationToken);
        await Db.VmSchedules.Where(s => s.VmId == vm.Row.Id).DeleteAsync(cancellationToken);
        await Turn.Part<AffinityBook>().LeaveAsync(vm.Row.Id, cancellationToken);
        await Turn.Part<TagRows>().DropAsync(vm.Row.Id.Value, cancellationToken);
        await Turn.Part<IconRows>().DropAsync(vm.Row.Id.Value, cancellationToken);
        await Db.Nics.Where(n => n.VmId == vm.Row.Id && n.Removed == null).Set(n => n.Removed, Now).UpdateAsync(cancellationToken);
        await Db.Volumes.Where(v => v.VmId == vm.Row.Id && v.Removed == null)
            .Set(v => v.VmId, (VmId?)null)
            .Set(v => v.DeviceId, (int?)null)
            .UpdateAsync(cancellationToken);
        var row = vm.Row;
        Db.AfterCommit(() => LogVmRemoved(row.Name, row.Id));
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "VM {Name} ({VmId}): {From} -> {To} {Condition}")]
    private partial void LogVmMoved(string name, VmId vmId, VmState from, VmState to, string? condition);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Information, Message = "VM {Name} ({VmId}) is expunged")]
    private partial void LogVmRemoved(string name, VmId vmId);
}
