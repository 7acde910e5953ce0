using Holdfast.Agent.Drivers;
using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

// Attaching what a guest needs, starting it, and undoing what was done when that fails.
internal sealed partial class MachineRunner
{
    private async Task StartAsync(HostItem item, CancellationToken flight)
    {
        var spec = item.Machine!;
        var began = _context.Loop.Time.GetTimestamp();
        Enter(MachineState.Starting);
        if (_startCall is { } former)
        {
            await former.OrAbandonAsync(flight);
            _startCall = null;
            _mustLook = true;
            return;
        }

        // Of an undo that an end of the agent interrupted: the guest is gone.
        var cut = _context.Ledger.Tables.AttachmentsOf(_machine.Value).Where(row => row.Cut is not null).ToArray();
        if (cut.Length > 0)
        {
            await _context.Ledger.RecordAsync(tables => ObligationRules.LetGo(
                tables, cut, $"I/O of machine '{Name}' was cut off to end it", _context.Loop.Time.GetUtcNow(), _context.Ids.Next));
        }

        if (await ReleaseCutAsync(spec.Disks, flight) is { } owed)
        {
            await FailStartAsync(item.Generation, [owed with { Text = $"Machine '{Name}' was not started: {owed.Text}" }]);
            return;
        }

        var networks = Networks(spec);
        var rows = spec.Disks.OrderBy(disk => disk.DeviceId).Select(disk => NewAttachment(disk)).ToArray();
        var starting = new MachineRow
        {
            Machine = _machine,
            Generation = item.Generation,
            State = MachineState.Starting,
            Since = _context.Loop.Time.GetUtcNow(),
            RebootSequence = spec.RebootSequence,
        };

        // Disks of an earlier attempt that are not in this specification any more are let go first.
        var written = await _context.Ledger.CommitAsync(tables =>
        [
            .. ObligationRules.LetGo(
                tables, tables.AttachmentsOf(_machine.Value).Where(held => rows.All(row => row.Key != held.Key)).ToArray(), $"the disk left machine '{Name}'", starting.Since,
                _context.Ids.Next),
            .. ObligationRules.Take(tables, rows),
            new LedgerChange.PutMachine(starting),
        ]);
        if (written is WriteOutcome.Unwritable unwritable)
        {
            await FailStartAsync(item.Generation,
            [
                new Condition { Type = ConditionType.LedgerUnwritable, Text = $"Machine '{Name}' was not started: this host's ledger cannot be written ({unwritable.Reason})." },
            ]);
            return;
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.AttachRecorded, _context.Loop.Stopping);

        // Beside each other, as neither needs the other. The drive's end is awaited first: an abandoned start leaves nobody who still writes it, and drivers are told to give up.
        var making = MakeDriveAsync(spec, networks, flight);
        var attaching = Task.WhenAll(rows.Select(row => AttachAsync(row, flight)));
        var (drive, withoutDrive) = await making;
        var answers = await attaching;
        var (firmware, withoutFirmware) = withoutDrive is null ? FirmwareOf(spec, drive) : default;
        var failures = answers.Select((answer, index) => (Row: rows[index], Failure: answer as DriverAnswer<AttachmentReply>.Failed)).Where(pair => pair.Failure is not null).ToArray();
        if (failures.Length > 0 || (withoutDrive ?? withoutFirmware) is not null)
        {
            foreach (var (row, failure) in failures)
            {
                LogAttachFailed(Name, _machine, row.PoolName, row.Pool, row.Volume, failure!.Error.Code, DriverErrorText.Describe(row.PoolName, failure.Error));
            }

            await FailStartAsync(item.Generation,
            [
                .. failures.Select(pair => new Condition
                {
                    Type = ConditionType.Failed,
                    PoolId = pair.Row.Pool,
                    Code = pair.Failure!.Error.Code,
                    Text = $"Machine '{Name}' was not started: {DriverErrorText.Describe(pair.Row.PoolName, pair.Failure.Error)}",
                }),
                .. (withoutDrive ?? withoutFirmware) is { } without ? [without] : Array.Empty<Condition>(),
            ]);
            return;
        }

        var attached = rows.Zip(answers, (row, answer) => Attached(row, ((DriverAnswer<AttachmentReply>.Ok)answer).Value)).ToArray();
        if (Conflicts(attached) is { Length: > 0 } conflicts)
        {
            await FailStartAsync(item.Generation, [.. conflicts.Select(pair => pair.Why with { Text = $"Machine '{Name}' was not started: {pair.Why.Text}" })]);
            return;
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.AttachAnswered, _context.Loop.Stopping);

        // Where each volume is becomes durable before a guest opens it: from here on no other volume is handed the same place.
        await _context.Ledger.RecordAsync([.. attached.Select(row => new LedgerChange.PutAttachment(row))]);
        flight.ThrowIfCancellationRequested();
        await _context.Loop.Failpoints.PassAsync(Failpoint.StartBefore, _context.Loop.Stopping);
        _isProvenGone = false;
        _startCall = _context.Hypervisor.StartAsync(
            new DomainSpec
            {
                Machine = _machine,
                Generation = item.Generation,
                Name = spec.InstanceName,
                Cpus = spec.Cpus,
                MemoryMiB = spec.MemoryMiB,
                MaxCpus = spec.MaxCpus,
                MaxMemoryMiB = spec.MaxMemoryMiB,
                Disks = [.. attached.Zip(spec.Disks.OrderBy(disk => disk.DeviceId), (row, disk) => NewDisk(disk, row.Source!))],
                Firmware = firmware,
                GuestDrive = drive,
                Nics = networks.Nics,
                SerialLogPath = Path.Combine(_context.SerialLogFolder, $"{spec.InstanceName}.serial.log"),
                Accelerator = _context.Host()?.Accelerator ?? Accelerator.Tcg,
            },
            _context.Loop.Stopping);
        var outcome = await _startCall.OrAbandonAsync(flight);
        _startCall = null;
        await _context.Loop.Failpoints.PassAsync(Failpoint.StartDone, _context.Loop.Stopping);
        switch (outcome)
        {
            case StartOutcome.Started started when Lacks(started.Domain, spec) is { } missing:
                LogNotVerified(Name, _machine, missing);
                await UndoStartAsync(item, new Condition { Type = ConditionType.Failed, Text = $"Machine '{Name}' was started without volume {missing} and ended again." });
                break;
            case StartOutcome.Started started:
                _seen = new Observation.Present(started.Domain);
                await RecordRunningAsync(item,
                [
                    .. answers.OfType<DriverAnswer<AttachmentReply>.Ok>().Zip(attached)
                        .Where(pair => pair.First.Value.WithoutControlPlane is not null)
                        .Select(pair => new Condition
                        {
                            Type = ConditionType.ControlPlaneDown,
                            PoolId = pair.Second.Pool,
                            Code = pair.First.Value.WithoutControlPlane!.Code,
                            Text = $"Volume {pair.Second.Volume} was found on this host without its control plane: "
                                + DriverErrorText.Describe(pair.Second.PoolName, pair.First.Value.WithoutControlPlane),
                        }),
                    .. networks.Without.Select(network => new Condition
                    {
                        Type = ConditionType.NoNetwork, Text = $"Machine '{Name}' runs without an interface on network '{network}': this host has neither a bridge nor a libvirt network for it.",
                    }),
                ]);
                LogStarted(Name, _machine, item.Generation, _context.Loop.Time.GetElapsedTime(began).TotalSeconds);
                break;
            case StartOutcome.AlreadyPresent present:
                _seen = new Observation.Present(present.Domain);
                break;
            case StartOutcome.Foreign foreign:
                await FailStartAsync(item.Generation,
                [
                    new Condition { Type = ConditionType.Conflict, Text = $"Machine '{Name}' was not started: the domain '{foreign.Name}' on this host is in the way, and this agent did not make it. Another installation's guests on this host need another 'instance.name' in its settings." },
                ]);
                break;
            case StartOutcome.Failed { Fault: var fault }:
                LogStartFailed(Name, _machine, fault.Message);
                var why = new Condition
                {
                    Type = fault is HypervisorFault.Refused ? ConditionType.Failed : ConditionType.HypervisorDown, Text = $"Machine '{Name}' was not started: {fault.Message}",
                };
                if (fault.EffectUnknown)
                {
                    await UndoStartAsync(item, why);
                }
                else
                {
                    await FailStartAsync(item.Generation, [why]);
                }

                break;
        }
    }

    /// <summary>Asks the server what the guest is told, and puts it on a drive.</summary>
    /// <returns>Where the drive is, null when the guest gets none; or why there is none.</returns>
    private async Task<(string? Path, Condition? Why)> MakeDriveAsync(MachineSpec spec, NetworkChoice networks, CancellationToken flight)
    {
        if (spec.Told == 0)
        {
            return (null, null);
        }

        var (told, reason) = await AskWhatIsToldAsync(flight);
        if (told is not null)
        {
            _mayHaveDrive = true;
            switch (await _context.GuestDrives.MakeAsync(_machine, DriveContent.Of(told, [.. networks.Nics.Select(nic => nic.MacAddress)]), _context.Host()?.GuestUser, flight))
            {
                case DriveOutcome.Made made:
                    return (made.Path, null);
                case DriveOutcome.Failed failed:
                    reason = failed.Reason;
                    break;
            }
        }

        LogNoDrive(Name, _machine, reason!);
        return (null, new Condition { Type = ConditionType.Failed, Text = $"Machine '{Name}' was not started: its configuration drive, by which it is told its name, keys and user data, could not be made: {reason}" });
    }

    // Its variables lie beside its drive, and go with it: at its next start, on whatever host, it begins with fresh ones.
    private (DomainFirmware? Firmware, Condition? Why) FirmwareOf(MachineSpec spec, string? drive)
    {
        if (spec.Firmware == MachineFirmware.Bios)
        {
            return (null, null);
        }

        var isSecure = spec.Firmware == MachineFirmware.SecureBoot;
        var files = isSecure ? _context.Host()?.SecureBoot : _context.Host()?.Uefi;
        return files is not null && drive is not null
            ? (new DomainFirmware(files, Path.ChangeExtension(drive, IGuestDrives.VariablesSuffix), isSecure), null)
            : (null, new Condition { Type = ConditionType.Failed, Text = $"Machine '{Name}' was not started: this host has no UEFI firmware{(isSecure ? " with secure boot" : string.Empty)}; the Debian package ovmf has it." });
    }

    private async Task<(GuestTold? Told, string? Reason)> AskWhatIsToldAsync(CancellationToken flight)
    {
        var began = _context.Loop.Time.GetTimestamp();
        while (true)
        {
            var asked = _context.Server.GuestAsync(_machine, flight);
            await asked.AtMostAsync(AskBound, _context.Loop.Time, flight);
            switch (asked.IsCompleted ? await asked : new GuestAnswer.Failed($"no answer within {AskBound.TotalSeconds:0} s"))
            {
                case GuestAnswer.Told told:
                    return (told.Value, null);
                case GuestAnswer.Refused refused:
                    return (null, $"the server does not tell what the guest is told ({refused.Reason})");
                case GuestAnswer.Failed failed when _context.Loop.Time.GetElapsedTime(began) >= AttachDeadline:
                    return (null, $"the server cannot be asked what the guest is told ({failed.Reason})");
            }

            await Task.Delay(AttachRetryPause, _context.Loop.Time, flight);
        }
    }

    /// <summary>Makes sure that there is no guest before the start is concluded to have failed.</summary>
    private async Task UndoStartAsync(HostItem item, Condition why)
    {
        while (true)
        {
            var (ended, waits) = await EndGuestAsync();
            switch (ended)
            {
                case DestroyOutcome.Gone or DestroyOutcome.Foreign:
                    _seen = new Observation.Absent();
                    await FailStartAsync(item.Generation, [why]);
                    return;
                case DestroyOutcome.Uninterruptible:
                    Enter(MachineState.Stopping, [why, .. waits]);
                    await _wake.WaitAsync(UninterruptibleRetry, _context.Loop.Stopping);
                    break;
                case DestroyOutcome.Failed failed:
                    Enter(MachineState.Stopping, why, new Condition { Type = ConditionType.HypervisorDown, Text = failed.Fault.Message });
                    await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                    break;
            }
        }
    }

    /// <summary>What was cut off is released before it is attached here again: until then it is a device whose I/O fails.</summary>
    /// <returns>Why it is not released; null when nothing stands in the way.</returns>
    private async Task<Condition?> ReleaseCutAsync(IReadOnlyList<MachineDisk> disks, CancellationToken flight)
    {
        var volumes = disks.Select(disk => disk.VolumeId).ToHashSet();
        var owed = _context.Ledger.Tables.OwedCuts(volumes);
        foreach (var row in owed)
        {
            LogReleasesCut(Name, _machine, row.Volume, row.PoolName, row.Pool);
            _context.Bindings.Retry(row);
        }

        var began = _context.Loop.Time.GetTimestamp();
        while (_context.Ledger.Tables.OwedCuts(volumes) is [var first, ..])
        {
            var tried = owed.FirstOrDefault(row => row.Id == first.Id);
            if ((tried is not null && first.Tries > tried.Tries) || _context.Loop.Time.GetElapsedTime(began) >= AttachDeadline)
            {
                return new Condition
                {
                    Type = ConditionType.Failed,
                    PoolId = first.Pool,
                    VolumeId = first.Volume,
                    Text = $"I/O of volume {first.Volume} on storage pool '{first.PoolName}' was cut off on this host, and it has to be released first: {first.LastError ?? "its driver does not answer"}",
                };
            }

            await Task.Delay(LookForRelease, _context.Loop.Time, flight);
        }

        return null;
    }

    private async Task<DriverAnswer<AttachmentReply>> AttachAsync(AttachmentRow row, CancellationToken flight)
    {
        if (_context.Bindings.Find(row.Pool) is not { } binding)
        {
            return new DriverAnswer<AttachmentReply>.Failed(
                new DriverError { Code = DriverErrorCode.NotFound, Text = $"Storage pool '{row.PoolName}' is not on this host." });
        }

        var request = new AttachRequest { Generation = row.Generation, Mode = row.Mode };
        var began = _context.Loop.Time.GetTimestamp();
        for (var tries = 1; ; tries++)
        {
            var left = AttachDeadline - _context.Loop.Time.GetElapsedTime(began);
            var answer = await binding.AttachAsync(row.Volume, request, left > AttachRetryPause ? left : AttachRetryPause, flight);
            var mayRetry = answer is DriverAnswer<AttachmentReply>.Failed { IsSilent: false, Error.Code: DriverErrorCode.Busy or DriverErrorCode.Unknown };
            if (!mayRetry || tries >= AttachTries || binding.Circuit.Verdict is CircuitVerdict.Open || left < 2 * AttachRetryPause)
            {
                return answer;
            }

            await Task.Delay(AttachRetryPause, _context.Loop.Time, flight);
        }
    }

    private async Task FailStartAsync(Generation generation, IReadOnlyList<Condition> conditions)
    {
        var now = _context.Loop.Time.GetUtcNow();
        await _context.Ledger.RecordAsync(tables =>
        {
            var held = tables.AttachmentsOf(_machine.Value);
            return
            [
                .. ObligationRules.LetGo(tables, held, $"the start of machine '{Name}' failed", now, _context.Ids.Next),
                new LedgerChange.PutMachine(new MachineRow
                {
                    Machine = _machine,
                    Generation = generation,
                    State = MachineState.Failed,
                    Since = now,
                    Conditions = [.. conditions, .. CutOff(held)],
                    RebootSequence = Row?.RebootSequence ?? 0,
                }),
            ];
        });
        EndPhase();
        LogNotStarted(Name, _machine, generation, string.Join(" ", conditions.Select(condition => condition.Text)));
    }

    private async Task RecordRunningAsync(HostItem item, IReadOnlyList<Condition> conditions)
    {
        var row = Row;
        await _context.Ledger.RecordAsync(
        [
            new LedgerChange.PutMachine(new MachineRow
            {
                Machine = _machine,
                Generation = item.Generation,
                State = MachineState.Running,
                Since = row is { State: MachineState.Running } ? row.Since : _context.Loop.Time.GetUtcNow(),
                RebootSequence = row is { State: MachineState.Running } ? row.RebootSequence : item.Machine!.RebootSequence,
                RefusedReboot = row?.RefusedReboot ?? 0,
                Conditions = conditions,
            }),
        ]);
        EndPhase();
    }
}
