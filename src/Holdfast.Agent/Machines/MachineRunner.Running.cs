using Holdfast.Agent.Drivers;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

// What is done about a guest that runs: disks plugged in and out, resizes, reboots.
internal sealed partial class MachineRunner
{
    private async Task AdjustAsync(HostItem item, OwnDomain domain, CancellationToken flight)
    {
        var spec = item.Machine!;
        await AdoptAsync(spec, domain);
        if (await LetGoOnAsync(item, domain))
        {
            _mustLook = true;
            return;
        }

        await TellPauseAsync(item);
        if (_refusedAdjustments != item.Generation)
        {
            _adjustmentFailures = [];
        }

        var held = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        if (IsConfirmed && LeftOver(spec, domain, held) is { } left)
        {
            // A call to attach that libvirt did not answer in time may be carried out yet, so libvirt is asked to detach first: that waits for what it is at.
            await HotDetachAsync(left);
            _mustLook = true;
            return;
        }

        if (_refusedAdjustments == item.Generation || AdjustmentRules.Compare(spec, domain, Row, held) is not [var adjustment, ..])
        {
            await RestRunningAsync(item);
            return;
        }

        if (!IsConfirmed)
        {
            // A specification of before would take a disk from the guest that it was given since.
            await AwaitServerAsync(item);
            return;
        }

        switch (adjustment)
        {
            case Adjustment.Attach attach:
                await HotAttachAsync(item, attach.Disk, flight);
                break;
            case Adjustment.Detach detach:
                await HotDetachAsync(detach.Volume);
                break;
            case Adjustment.Resize resize:
                await HotResizeAsync(item, resize.Disk);
                break;
            case Adjustment.Memory memory:
                await GrowAsync(item, $"{memory.MebiBytes} MiB of memory", await _context.Hypervisor.GrowMemoryAsync(_machine, memory.MebiBytes, _context.Loop.Stopping));
                break;
            case Adjustment.Cpus cpus:
                await GrowAsync(item, $"{cpus.Count} CPUs", await _context.Hypervisor.GrowCpusAsync(_machine, cpus.Count, _context.Loop.Stopping));
                break;
            case Adjustment.Reboot reboot:
                await RebootAsync(item, reboot);
                break;
        }

        _mustLook = true;
    }

    /// <summary>A volume that neither the specification wants nor the guest is seen to have, and that is written down all the same: a detach that was done but not recorded, an attach nobody knows the end of.</summary>
    private static VolumeId? LeftOver(MachineSpec spec, OwnDomain domain, IReadOnlyList<AttachmentRow> held) => held
        .Where(row => row.Mode == AttachMode.Run && spec.Disks.All(disk => disk.VolumeId != row.Volume) && domain.Disks.All(disk => disk.Volume != row.Volume))
        .Select(row => (VolumeId?)row.Volume).FirstOrDefault();

    private async Task RestRunningAsync(HostItem item)
    {
        var row = Row;
        if (row is not { State: MachineState.Running } || row.Generation != item.Generation)
        {
            await RecordRunningAsync(item, RemarksOn(row));
            LogRunning(Name, _machine, item.Generation);
        }

        var pause = await TellPauseAsync(item);
        EndPhase();
        await _wake.WaitAsync(pause, _context.Loop.Stopping);
        _mustLook |= pause != Timeout.InfiniteTimeSpan;
    }

    private Condition[] RemarksOn(MachineRow? row) =>
    [
        .. row?.Conditions.Where(condition => condition.Type is ConditionType.NoNetwork or ConditionType.ControlPlaneDown or ConditionType.Paused) ?? [],
        .. _adjustmentFailures,
    ];

    /// <summary>A guest that runs holds its volumes, whatever was forgotten: writes the attachments that are missing.</summary>
    private async Task AdoptAsync(MachineSpec spec, OwnDomain domain)
    {
        var known = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        var missing = spec.Disks
            .Where(disk => domain.Disks.Any(held => held.Volume == disk.VolumeId) && known.All(row => row.Volume != disk.VolumeId))
            .Select(disk => NewAttachment(disk) with { State = AttachmentState.Attached, SizeBytes = disk.SizeBytes })
            .ToArray();
        if (missing.Length > 0)
        {
            await _context.Ledger.RecordAsync(tables => ObligationRules.Take(tables, missing));
            LogAdopted(Name, _machine, missing.Length);
        }
    }

    private async Task HotAttachAsync(HostItem item, MachineDisk disk, CancellationToken flight)
    {
        if (await ReleaseCutAsync([disk], flight) is { } owed)
        {
            RefuseAdjustment(item, owed with { Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': {owed.Text}" });
            return;
        }

        var row = NewAttachment(disk);
        if (await _context.Ledger.CommitAsync(tables => ObligationRules.Take(tables, [row])) is WriteOutcome.Unwritable unwritable)
        {
            RefuseAdjustment(item, new Condition { Type = ConditionType.LedgerUnwritable, PoolId = disk.PoolId, Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': this host's ledger cannot be written ({unwritable.Reason})." });
            return;
        }

        var answer = await AttachAsync(row, flight);
        if (answer is DriverAnswer<AttachmentReply>.Failed failed)
        {
            await LetGoOfAsync(row, $"attaching the disk to machine '{Name}' failed");
            RefuseAdjustment(item, new Condition
            {
                Type = ConditionType.Failed, PoolId = disk.PoolId, Code = failed.Error.Code,
                Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': {DriverErrorText.Describe(disk.PoolName, failed.Error)}",
            });
            return;
        }

        var attached = Attached(row, ((DriverAnswer<AttachmentReply>.Ok)answer).Value);
        if (Conflicts([attached]) is [var conflict, ..])
        {
            await LetGoOfAsync(row, $"attaching the disk to machine '{Name}' failed");
            RefuseAdjustment(item, conflict.Why with { Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': {conflict.Why.Text}" });
            return;
        }

        await _context.Ledger.RecordAsync(new LedgerChange.PutAttachment(attached));
        await _context.Loop.Failpoints.PassAsync(Failpoint.PlugBefore, _context.Loop.Stopping);
        var outcome = await _context.Hypervisor.AttachDiskAsync(_machine, NewDisk(disk, attached.Source!), _context.Loop.Stopping);
        await _context.Loop.Failpoints.PassAsync(Failpoint.PlugDone, _context.Loop.Stopping);
        switch (outcome)
        {
            case AttachOutcome.Attached or AttachOutcome.AlreadyAttached:
                LogHotAttached(Name, _machine, disk.VolumeId, disk.PoolName);
                break;
            case AttachOutcome.NotRunning:
                break;
            case AttachOutcome.Failed { Fault.EffectUnknown: true } unclear:
                // The next look tells whether the guest has it; the attachment is written down either way.
                LogHotAttachUnclear(Name, _machine, disk.VolumeId, unclear.Fault.Message);
                await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                break;
            default:
                var words = outcome switch
                {
                    AttachOutcome.TargetTaken taken => $"another disk holds {taken.Target}",
                    AttachOutcome.Failed refused => refused.Fault.Message,
                    _ => "for an unknown reason",
                };
                await LetGoOfAsync(attached, $"attaching the disk to machine '{Name}' failed");
                RefuseAdjustment(item, new Condition { Type = ConditionType.Failed, PoolId = disk.PoolId, Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': {words}" });
                break;
        }
    }

    private async Task HotDetachAsync(VolumeId volume)
    {
        var unplugged = await _context.Hypervisor.DetachDiskAsync(_machine, volume, _context.Loop.Stopping);
        await _context.Loop.Failpoints.PassAsync(Failpoint.PlugDone, _context.Loop.Stopping);
        switch (unplugged)
        {
            case DetachOutcome.Detached or DetachOutcome.NotAttached:
                foreach (var row in _context.Ledger.Tables.AttachmentsOf(_machine.Value).Where(row => row.Volume == volume))
                {
                    await LetGoOfAsync(row, $"the disk was detached from machine '{Name}'");
                }

                LogHotDetached(Name, _machine, volume);
                break;
            case DetachOutcome.GuestHolds holds:
                LogGuestHolds(Name, _machine, volume, holds.Target);
                await _wake.WaitAsync(GuestHoldsRetry, _context.Loop.Stopping);
                break;
            case DetachOutcome.Failed failed:
                LogHotDetachFailed(Name, _machine, volume, failed.Fault.Message);
                await _wake.WaitAsync(GuestHoldsRetry, _context.Loop.Stopping);
                break;
        }
    }

    private async Task HotResizeAsync(HostItem item, MachineDisk disk)
    {
        var row = _context.Ledger.Tables.AttachmentsOf(_machine.Value).First(row => row.Volume == disk.VolumeId);
        switch (await _context.Hypervisor.ResizeDiskAsync(_machine, disk.VolumeId, disk.SizeBytes, _context.Loop.Stopping))
        {
            case ResizeOutcome.Resized:
                await _context.Ledger.RecordAsync(new LedgerChange.PutAttachment(row with { SizeBytes = disk.SizeBytes }));
                LogHotResized(Name, _machine, disk.VolumeId, disk.SizeBytes);
                break;
            case ResizeOutcome.Failed failed:
                RefuseAdjustment(item, new Condition
                {
                    Type = ConditionType.Failed, PoolId = disk.PoolId, Text = $"The guest of machine '{Name}' was not told that volume {disk.VolumeId} has grown: {failed.Fault.Message}",
                });
                break;
        }
    }

    // Nothing is written down: what the guest has is seen, and what it was to have is the item.
    private async Task GrowAsync(HostItem item, string what, GrowOutcome outcome)
    {
        await _context.Loop.Failpoints.PassAsync(Failpoint.PlugDone, _context.Loop.Stopping);
        switch (outcome)
        {
            case GrowOutcome.Done:
                LogGrown(Name, _machine, what);
                break;
            case GrowOutcome.Failed { Fault.EffectUnknown: true } unclear:
                LogGrowthUnclear(Name, _machine, what, unclear.Fault.Message);
                await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                break;
            case GrowOutcome.Failed failed:
                RefuseAdjustment(item, new Condition { Type = ConditionType.Failed, Text = $"The guest of machine '{Name}' was not given {what}: {failed.Fault.Message}" });
                break;
        }
    }

    private async Task RebootAsync(HostItem item, Adjustment.Reboot reboot)
    {
        // What was last seen of it may be of before.
        await LookAsync();
        if (_seen is Observation.Present { Domain.Status: DomainStatus.Paused })
        {
            await RebootPausedAsync(item, reboot);
            return;
        }

        var outcome = reboot.Forced
            ? await _context.Hypervisor.ResetAsync(_machine, _context.Loop.Stopping)
            : await _context.Hypervisor.RebootAsync(_machine, _context.Loop.Stopping);
        switch (outcome)
        {
            case RebootOutcome.Requested:
                // Written after the effect: what is reported is never better than the truth.
                await _context.Ledger.RecordAsync(new LedgerChange.PutMachine(Row! with { RebootSequence = reboot.Sequence }));
                LogRebooted(Name, _machine, reboot.Sequence, reboot.Forced);
                break;
            case RebootOutcome.Failed failed:
                await RefuseRebootAsync(item, reboot, failed.Fault.Message);
                break;
        }
    }

    // Written down, or it would be carried out with the next specification, or by the next process of the agent, long after it was said to have failed.
    private async Task RefuseRebootAsync(HostItem item, Adjustment.Reboot reboot, string why)
    {
        RefuseAdjustment(item, new Condition { Type = ConditionType.Failed, Text = $"Machine '{Name}' was not rebooted: {why}" });
        await _context.Ledger.RecordAsync(new LedgerChange.PutMachine(Row! with { Generation = item.Generation, RefusedReboot = reboot.Sequence, Conditions = RemarksOn(Row) }));
    }

    /// <summary>What failed is not tried again for this generation: the server decides.</summary>
    private void RefuseAdjustment(HostItem item, Condition why)
    {
        LogAdjustmentFailed(Name, _machine, item.Generation, why.Text);
        _refusedAdjustments = item.Generation;
        _adjustmentFailures = [.. _adjustmentFailures, why];
    }

    private Task LetGoOfAsync(AttachmentRow row, string cause) =>
        _context.Ledger.RecordAsync(tables => ObligationRules.LetGo(tables, [row], cause, _context.Loop.Time.GetUtcNow(), _context.Ids.Next));
}
