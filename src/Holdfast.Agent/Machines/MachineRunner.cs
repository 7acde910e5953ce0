using Holdfast.Agent.Bindings;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Machines;

/// <summary>
/// Makes one machine what its newest item says. One job on the loop: look, decide, do one step, look again. A wish to end the guest comes in on a way of its own:
/// it cancels the step that is under way, whatever it waits for, and nothing that a stop does after that waits for storage.
/// </summary>
internal sealed partial class MachineRunner : IDisposable
{
    private static readonly TimeSpan AttachDeadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan AttachRetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DestroyBound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookWhileStopping = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PressAgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan UninterruptibleRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HypervisorRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan GuestHoldsRetry = TimeSpan.FromSeconds(5);
    private const int AttachTries = 3;
    private readonly MachineContext _context;
    private readonly VmId _machine;
    private readonly ILogger _log;
    private readonly Signal _wake;
    private CancellationTokenSource _flight = new();
    private Observation _seen = new Observation.Unknown("not asked yet");
    private bool _mustLook = true;
    private bool _isNamed;
    private Task<StartOutcome>? _startCall;
    private Generation _refusedAdjustments;
    private IReadOnlyList<Condition> _adjustmentFailures = [];
    private Phase? _phase;

    /// <summary>Makes a runner; <see cref="Start"/> starts it.</summary>
    public MachineRunner(MachineContext context, VmId machine, ILogger log)
    {
        (_context, _machine, _log) = (context, machine, log);
        _wake = new Signal(context.Loop.Time);
    }

    /// <summary>The guest as last seen.</summary>
    public Observation Seen => _seen;

    /// <summary>Whether a step is under way; for the local status.</summary>
    public bool IsBusy => _phase is not null;

    private ItemRow? ItemRow => _context.Ledger.Tables.Item(ItemKind.Machine, _machine.Value);

    private MachineRow? Row => _context.Ledger.Tables.Machines.GetValueOrDefault(_machine);

    private string Name => ItemRow?.Item.Machine?.Name ?? (_seen as Observation.Present)?.Domain.Name ?? _machine.ToString();

    /// <summary>Starts the runner's job.</summary>
    public void Start() => _context.Loop.Spawn($"machine {_machine}", RunAsync);

    /// <summary>Its item has changed.</summary>
    public void Follow(HostItem item)
    {
        if (item.Desired is Desired.Stopped or Desired.Absent)
        {
            _flight.Cancel();
        }

        _isNamed = true;
        _wake.Set();
    }

    /// <summary>The server has confirmed the ledger.</summary>
    public void Confirmed() => _wake.Set();

    /// <summary>Its guest may have changed.</summary>
    public void LookAgain()
    {
        _mustLook = true;
        _wake.Set();
    }

    /// <summary>Whether what the ledger says of the machine is what the server wants now: the server named it to this process, or has said that there is nothing newer.</summary>
    private bool IsConfirmed => _isNamed || _context.IsSynced();

    /// <summary>The state as it is reported; null when there is nothing to say yet.</summary>
    public ItemReport? Report()
    {
        var (item, row) = (ItemRow?.Item, Row);
        var domain = (_seen as Observation.Present)?.Domain;
        if (item is null && domain is null)
        {
            return null;
        }

        var state = _phase?.State ?? row?.State ?? (item is null ? MachineState.Running : null);
        if (state is null)
        {
            return null;
        }

        var attachments = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        var hasGuest = state is MachineState.Running or MachineState.Stopping or MachineState.Starting && _seen is Observation.Present { IsAlive: true };
        return new ItemReport
        {
            Kind = ItemKind.Machine,
            Id = _machine.Value,
            Generation = _phase is not null ? item!.Generation : row?.Generation ?? domain!.Generation,
            Since = _phase?.Since ?? row?.Since ?? default,
            Conditions = _phase?.Conditions ?? row?.Conditions ?? [],
            Machine = new MachineStatus
            {
                State = state.Value,
                RebootSequence = row?.RebootSequence ?? 0,
                Disks = !hasGuest ? [] :
                [
                    .. domain!.Disks.Where(disk => disk.Volume is not null).Select(disk => new MachineDiskStatus(
                        disk.Volume!.Value,
                        attachments.FirstOrDefault(held => held.Volume == disk.Volume)?.SizeBytes ?? 0,
                        disk.Source)),
                ],
                Networks = hasGuest && item?.Machine is { } spec ? Networks(spec).Networks : [],
            },
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _flight.Dispose();

    private async Task RunAsync()
    {
        while (!_context.Loop.Stopping.IsCancellationRequested)
        {
            if (_flight.IsCancellationRequested)
            {
                _flight.Dispose();
                _flight = new CancellationTokenSource();
            }

            try
            {
                await StepAsync(_flight.Token);
            }
            catch (OperationCanceledException) when (_flight.IsCancellationRequested)
            {
                // A stop took over: what was under way is abandoned, and its rows say what may exist.
            }
        }
    }

    private async Task StepAsync(CancellationToken flight)
    {
        if (_mustLook)
        {
            await LookAsync();
        }

        var item = ItemRow;
        var step = MachineDecider.Next(
            item?.Item, Row, _seen, _context.Ledger.Tables.AttachmentsOf(_machine.Value).Count > 0, _context.Boot.HasPassed(item?.StartBy), IsConfirmed);
        switch (step)
        {
            case MachineStep.Rest:
                EndPhase();
                await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _context.Loop.Stopping);
                break;
            case MachineStep.AwaitHypervisor waits:
                Enter(
                    item!.Item.Desired == Desired.Running ? Row?.State == MachineState.Running ? MachineState.Running : MachineState.Starting : MachineState.Stopping,
                    new Condition { Type = ConditionType.HypervisorDown, Text = waits.Reason });
                await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                _mustLook = true;
                break;
            case MachineStep.AwaitServer:
                LogAwaitsServer(Name, _machine, item!.Item.Generation, item.Item.Desired);
                await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _context.Loop.Stopping);
                _mustLook = true;
                break;
            case MachineStep.Start:
                await StartAsync(item!.Item, flight);
                break;
            case MachineStep.FailStart fail:
                FailStart(item!.Item.Generation, [new Condition { Type = fail.Why, Text = $"Machine '{Name}' was not started: {fail.Text}" }]);
                break;
            case MachineStep.Stop stop:
                await StopAsync(item!.Item, stop.AtOnce);
                break;
            case MachineStep.RecordGone gone:
                await RecordGoneAsync(item!.Item, gone.ByItself);
                break;
            case MachineStep.Adjust:
                await AdjustAsync(item!.Item, ((Observation.Present)_seen).Domain, flight);
                break;
            case MachineStep.Forget:
                await ForgetAsync(item!.Item);
                break;
        }
    }

    private async Task LookAsync()
    {
        _mustLook = false;
        var before = _seen;
        var found = await _context.Hypervisor.FindAsync(_machine, _context.Loop.Stopping);
        _seen = found switch
        {
            FindOutcome.Found present => new Observation.Present(present.Domain),
            FindOutcome.Absent => new Observation.Absent(),
            FindOutcome.Foreign foreign => new Observation.Foreign(foreign.Name),
            FindOutcome.Failed failed => new Observation.Unknown(failed.Fault.Message),
            _ => new Observation.Unknown("an answer of an unknown kind"),
        };
        if (Differs(before, _seen))
        {
            _context.Changed(_machine);
        }
    }

    // ---- Stop

    private async Task StopAsync(HostItem item, bool atOnce)
    {
        Enter(MachineState.Stopping);
        var began = _context.Loop.Time.GetTimestamp();
        var grace = TimeSpan.FromSeconds(item.Machine?.GraceSeconds ?? 0);
        if (!atOnce && grace > TimeSpan.Zero)
        {
            await AskGuestAsync(item, grace, began);
            if (_seen is not Observation.Present || ItemRow?.Item.Desired == Desired.Running)
            {
                return;
            }
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.DestroyBefore, _context.Loop.Stopping);
        var destroyed = await _context.Hypervisor.DestroyAsync(_machine, DestroyBound, _context.Loop.Stopping);
        await _context.Loop.Failpoints.PassAsync(Failpoint.DestroyDone, _context.Loop.Stopping);
        switch (destroyed)
        {
            case DestroyOutcome.Gone:
                _seen = new Observation.Absent();
                break;
            case DestroyOutcome.Foreign foreign:
                _seen = new Observation.Foreign(foreign.Name);
                break;
            case DestroyOutcome.Uninterruptible stuck:
                LogUninterruptible(Name, _machine, stuck.ProcessId, stuck.Detail);
                Enter(MachineState.Stopping, new Condition
                {
                    Type = ConditionType.Uninterruptible,
                    Text = $"QEMU process {stuck.ProcessId} of machine '{Name}' cannot be killed ({stuck.Detail}). It may still write: its volumes stay leased to this host.",
                });
                await _wake.WaitAsync(UninterruptibleRetry, _context.Loop.Stopping);
                _mustLook = true;
                break;
            case DestroyOutcome.Failed failed:
                LogDestroyFailed(Name, _machine, failed.Fault.Message);
                Enter(MachineState.Stopping, new Condition { Type = ConditionType.HypervisorDown, Text = $"Machine '{Name}' could not be ended: {failed.Fault.Message}" });
                await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                _mustLook = true;
                break;
        }
    }

    private async Task AskGuestAsync(HostItem item, TimeSpan grace, long began)
    {
        long? pressed = null;
        while (_context.Loop.Time.GetElapsedTime(began) is var passed && passed < grace)
        {
            var newest = ItemRow?.Item;
            if (newest is null || newest.Desired == Desired.Absent || newest.Machine is { ForcedStop: true } || newest.Desired != item.Desired)
            {
                return;
            }

            if (pressed is null || _context.Loop.Time.GetElapsedTime(pressed.Value) >= PressAgainAfter)
            {
                // Pressed again now and then: a guest that is still booting does not hear the first one.
                pressed = _context.Loop.Time.GetTimestamp();
                if (await _context.Hypervisor.RequestShutdownAsync(_machine, _context.Loop.Stopping) is ShutdownOutcome.Failed failed)
                {
                    LogShutdownFailed(Name, _machine, failed.Fault.Message);
                }
            }

            var left = grace - passed;
            await _wake.WaitAsync(left < LookWhileStopping ? left : LookWhileStopping, _context.Loop.Stopping);
            await LookAsync();
            if (_seen is not Observation.Present { IsAlive: true })
            {
                return;
            }
        }
    }

    private async Task RecordGoneAsync(HostItem item, bool byItself)
    {
        if (await StartIsPendingAsync())
        {
            return;
        }

        var now = _context.Loop.Time.GetUtcNow();
        var cause = byItself ? $"the guest of machine '{Name}' ended by itself" : $"machine '{Name}' was stopped";
        Condition[] conditions = byItself ? [new Condition { Type = ConditionType.GuestEnded, Text = $"The guest of machine '{Name}' ended by itself." }] : [];
        var held = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        _phase = null;
        _context.Ledger.Record(
        [
            .. ObligationRules.LetGo(_context.Ledger.Tables, held, cause, now, _context.Ids.Next),
            new LedgerChange.PutMachine(new MachineRow
            {
                Machine = _machine,
                Generation = item.Generation,
                State = MachineState.Stopped,
                Since = now,
                RebootSequence = item.Machine?.RebootSequence ?? Row?.RebootSequence ?? 0,
                Conditions = conditions,
            }),
        ]);
        await _context.Loop.Failpoints.PassAsync(Failpoint.GoneRecorded, _context.Loop.Stopping);
        LogGone(Name, _machine, item.Generation, byItself ? "by itself" : "as asked", held.Count);
    }

    private async Task ForgetAsync(HostItem item)
    {
        if (await StartIsPendingAsync())
        {
            return;
        }

        var now = _context.Loop.Time.GetUtcNow();
        var held = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        _phase = null;
        _context.Ledger.Record(
        [
            .. ObligationRules.LetGo(_context.Ledger.Tables, held, $"machine '{Name}' was removed from this host", now, _context.Ids.Next),
            new LedgerChange.PutMachine(new MachineRow { Machine = _machine, Generation = item.Generation, State = MachineState.Absent, Since = now }),
        ]);
        LogForgotten(Name, _machine, item.Generation);
    }

    /// <summary>
    /// A start that was abandoned may still bring up a guest after it was found absent. Its call is bounded; only when it is over can absence be believed.
    /// </summary>
    private async Task<bool> StartIsPendingAsync()
    {
        if (_startCall is not { } call)
        {
            return false;
        }

        Enter(MachineState.Stopping);
        if (!call.IsCompleted)
        {
            await _context.Hypervisor.DestroyAsync(_machine, DestroyBound, _context.Loop.Stopping);
        }

        await call;
        _startCall = null;
        await LookAsync();
        return _seen is not (Observation.Absent or Observation.Foreign);
    }

    // ---- Start

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
        var leftBehind = _context.Ledger.Tables.AttachmentsOf(_machine.Value).Where(held => rows.All(row => row.Key != held.Key)).ToArray();
        var written = _context.Ledger.Commit(
        [
            .. ObligationRules.LetGo(_context.Ledger.Tables, leftBehind, $"the disk left machine '{Name}'", starting.Since, _context.Ids.Next),
            .. ObligationRules.Take(_context.Ledger.Tables, rows),
            new LedgerChange.PutMachine(starting),
        ]);
        if (written is WriteOutcome.Unwritable unwritable)
        {
            FailStart(item.Generation,
            [
                new Condition { Type = ConditionType.LedgerUnwritable, Text = $"Machine '{Name}' was not started: this host's ledger cannot be written ({unwritable.Reason})." },
            ]);
            return;
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.AttachRecorded, _context.Loop.Stopping);
        var answers = await Task.WhenAll(rows.Select(row => AttachAsync(row, flight)));
        var failures = answers.Select((answer, index) => (Row: rows[index], Failure: answer as DriverAnswer<AttachmentReply>.Failed)).Where(pair => pair.Failure is not null).ToArray();
        if (failures.Length > 0)
        {
            foreach (var (row, failure) in failures)
            {
                LogAttachFailed(Name, _machine, row.PoolName, row.Pool, row.Volume, failure!.Error.Code, DriverErrorText.Describe(row.PoolName, failure.Error));
            }

            FailStart(item.Generation,
            [
                .. failures.Select(pair => new Condition
                {
                    Type = ConditionType.Failed,
                    PoolId = pair.Row.Pool,
                    Code = pair.Failure!.Error.Code,
                    Text = $"Machine '{Name}' was not started: {DriverErrorText.Describe(pair.Row.PoolName, pair.Failure.Error)}",
                }),
            ]);
            return;
        }

        var attached = rows.Zip(answers, (row, answer) => Attached(row, ((DriverAnswer<AttachmentReply>.Ok)answer).Value)).ToArray();
        if (Conflicts(attached) is { Length: > 0 } conflicts)
        {
            FailStart(item.Generation, [.. conflicts.Select(pair => pair.Why with { Text = $"Machine '{Name}' was not started: {pair.Why.Text}" })]);
            return;
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.AttachAnswered, _context.Loop.Stopping);

        // Where each volume is becomes durable before a guest opens it: from here on no other volume is handed the same place.
        _context.Ledger.Record([.. attached.Select(row => new LedgerChange.PutAttachment(row))]);
        await _context.Loop.Failpoints.PassAsync(Failpoint.StartBefore, _context.Loop.Stopping);
        var networks = Networks(spec);
        _startCall = _context.Hypervisor.StartAsync(
            new DomainSpec
            {
                Machine = _machine,
                Generation = item.Generation,
                Name = spec.InstanceName,
                Cpus = spec.Cpus,
                MemoryMiB = spec.MemoryMiB,
                Disks = [.. attached.Zip(spec.Disks.OrderBy(disk => disk.DeviceId), (row, disk) => NewDisk(disk, row.Source!))],
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
                RecordRunning(item,
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
                FailStart(item.Generation,
                [
                    new Condition { Type = ConditionType.Conflict, Text = $"Machine '{Name}' was not started: the domain '{foreign.Name}' on this host is in the way, and Holdfast did not make it." },
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
                    FailStart(item.Generation, [why]);
                }

                break;
        }
    }

    /// <summary>Makes sure that there is no guest before the start is concluded to have failed.</summary>
    private async Task UndoStartAsync(HostItem item, Condition why)
    {
        while (true)
        {
            switch (await _context.Hypervisor.DestroyAsync(_machine, DestroyBound, _context.Loop.Stopping))
            {
                case DestroyOutcome.Gone or DestroyOutcome.Foreign:
                    _seen = new Observation.Absent();
                    FailStart(item.Generation, [why]);
                    return;
                case DestroyOutcome.Uninterruptible stuck:
                    Enter(MachineState.Stopping, why, new Condition { Type = ConditionType.Uninterruptible, Text = $"QEMU process {stuck.ProcessId} of machine '{Name}' cannot be killed ({stuck.Detail})." });
                    await _wake.WaitAsync(UninterruptibleRetry, _context.Loop.Stopping);
                    break;
                case DestroyOutcome.Failed failed:
                    Enter(MachineState.Stopping, why, new Condition { Type = ConditionType.HypervisorDown, Text = failed.Fault.Message });
                    await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                    break;
            }
        }
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

    private void FailStart(Generation generation, IReadOnlyList<Condition> conditions)
    {
        var now = _context.Loop.Time.GetUtcNow();
        _phase = null;
        _context.Ledger.Record(
        [
            .. ObligationRules.LetGo(
                _context.Ledger.Tables, _context.Ledger.Tables.AttachmentsOf(_machine.Value), $"the start of machine '{Name}' failed", now, _context.Ids.Next),
            new LedgerChange.PutMachine(new MachineRow
            {
                Machine = _machine, Generation = generation, State = MachineState.Failed, Since = now, Conditions = conditions, RebootSequence = Row?.RebootSequence ?? 0,
            }),
        ]);
        LogNotStarted(Name, _machine, generation, string.Join(" ", conditions.Select(condition => condition.Text)));
    }

    private void RecordRunning(HostItem item, IReadOnlyList<Condition> conditions)
    {
        var row = Row;
        _phase = null;
        _context.Ledger.Record(
        [
            new LedgerChange.PutMachine(new MachineRow
            {
                Machine = _machine,
                Generation = item.Generation,
                State = MachineState.Running,
                Since = row is { State: MachineState.Running } ? row.Since : _context.Loop.Time.GetUtcNow(),
                RebootSequence = row is { State: MachineState.Running } ? row.RebootSequence : item.Machine!.RebootSequence,
                Conditions = conditions,
            }),
        ]);
    }

    // ---- Running guests

    private async Task AdjustAsync(HostItem item, OwnDomain domain, CancellationToken flight)
    {
        var spec = item.Machine!;
        Adopt(spec, domain);
        if (_refusedAdjustments != item.Generation)
        {
            _adjustmentFailures = [];
        }

        var held = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        if (_refusedAdjustments == item.Generation || AdjustmentRules.Compare(spec, domain, Row, held) is not [var adjustment, ..])
        {
            await RestRunningAsync(item, domain, held);
            return;
        }

        if (!IsConfirmed)
        {
            // A specification of before would take a disk from the guest that it was given since.
            LogAwaitsServer(Name, _machine, item.Generation, item.Desired);
            await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _context.Loop.Stopping);
            _mustLook = true;
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
            case Adjustment.Reboot reboot:
                await RebootAsync(item, reboot);
                break;
        }

        _mustLook = true;
    }

    private async Task RestRunningAsync(HostItem item, OwnDomain domain, IReadOnlyList<AttachmentRow> held)
    {
        // Volumes that neither the specification wants nor the guest has any more: a detach that was done but not recorded.
        var leftOver = held.Where(row => row.Mode == AttachMode.Run && domain.Disks.All(disk => disk.Volume != row.Volume)).ToArray();
        if (leftOver.Length > 0)
        {
            _context.Ledger.Record([.. ObligationRules.LetGo(
                _context.Ledger.Tables, leftOver, $"the disk left machine '{Name}'", _context.Loop.Time.GetUtcNow(), _context.Ids.Next)]);
        }

        var row = Row;
        if (row is not { State: MachineState.Running } || row.Generation != item.Generation)
        {
            var kept = row?.Conditions.Where(condition => condition.Type is ConditionType.NoNetwork or ConditionType.ControlPlaneDown) ?? [];
            RecordRunning(item, [.. kept, .. _adjustmentFailures]);
            LogRunning(Name, _machine, item.Generation);
        }

        EndPhase();
        await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _context.Loop.Stopping);
    }

    /// <summary>A guest that runs holds its volumes, whatever was forgotten: writes the attachments that are missing.</summary>
    private void Adopt(MachineSpec spec, OwnDomain domain)
    {
        var known = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        var missing = spec.Disks
            .Where(disk => domain.Disks.Any(held => held.Volume == disk.VolumeId) && known.All(row => row.Volume != disk.VolumeId))
            .Select(disk => NewAttachment(disk) with { State = AttachmentState.Attached, SizeBytes = disk.SizeBytes })
            .ToArray();
        if (missing.Length > 0)
        {
            _context.Ledger.Record([.. ObligationRules.Take(_context.Ledger.Tables, missing)]);
            LogAdopted(Name, _machine, missing.Length);
        }
    }

    private async Task HotAttachAsync(HostItem item, MachineDisk disk, CancellationToken flight)
    {
        var row = NewAttachment(disk);
        if (_context.Ledger.Commit([.. ObligationRules.Take(_context.Ledger.Tables, [row])]) is WriteOutcome.Unwritable unwritable)
        {
            RefuseAdjustment(item, new Condition { Type = ConditionType.LedgerUnwritable, PoolId = disk.PoolId, Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': this host's ledger cannot be written ({unwritable.Reason})." });
            return;
        }

        var answer = await AttachAsync(row, flight);
        if (answer is DriverAnswer<AttachmentReply>.Failed failed)
        {
            LetGoOf(row, $"attaching the disk to machine '{Name}' failed");
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
            LetGoOf(row, $"attaching the disk to machine '{Name}' failed");
            RefuseAdjustment(item, conflict.Why with { Text = $"Volume {disk.VolumeId} was not attached to machine '{Name}': {conflict.Why.Text}" });
            return;
        }

        _context.Ledger.Record(new LedgerChange.PutAttachment(attached));
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
                LetGoOf(attached, $"attaching the disk to machine '{Name}' failed");
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
                    LetGoOf(row, $"the disk was detached from machine '{Name}'");
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
                _context.Ledger.Record(new LedgerChange.PutAttachment(row with { SizeBytes = disk.SizeBytes }));
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

    private async Task RebootAsync(HostItem item, Adjustment.Reboot reboot)
    {
        var outcome = reboot.Forced
            ? await _context.Hypervisor.ResetAsync(_machine, _context.Loop.Stopping)
            : await _context.Hypervisor.RebootAsync(_machine, _context.Loop.Stopping);
        switch (outcome)
        {
            case RebootOutcome.Requested:
                // Written after the effect: what is reported is never better than the truth.
                _context.Ledger.Record(new LedgerChange.PutMachine(Row! with { RebootSequence = reboot.Sequence }));
                LogRebooted(Name, _machine, reboot.Sequence, reboot.Forced);
                break;
            case RebootOutcome.Failed failed:
                RefuseAdjustment(item, new Condition { Type = ConditionType.Failed, Text = $"Machine '{Name}' was not rebooted: {failed.Fault.Message}" });
                break;
        }
    }

    /// <summary>What failed is not tried again for this generation: the server decides.</summary>
    private void RefuseAdjustment(HostItem item, Condition why)
    {
        LogAdjustmentFailed(Name, _machine, item.Generation, why.Text);
        _refusedAdjustments = item.Generation;
        _adjustmentFailures = [.. _adjustmentFailures, why];
    }

    private void LetGoOf(AttachmentRow row, string cause) =>
        _context.Ledger.Record([.. ObligationRules.LetGo(_context.Ledger.Tables, [row], cause, _context.Loop.Time.GetUtcNow(), _context.Ids.Next)]);

    // ---- Small things

    private static bool Differs(Observation before, Observation now) => (before, now) switch
    {
        (Observation.Present left, Observation.Present right) => left.Domain.Status != right.Domain.Status
            || !left.Domain.Disks.SequenceEqual(right.Domain.Disks),
        _ => before.GetType() != now.GetType(),
    };

    private static string? Lacks(OwnDomain domain, MachineSpec spec) =>
        spec.Disks.Where(disk => domain.Disks.All(held => held.Volume != disk.VolumeId)).Select(disk => $"{disk.VolumeId}").FirstOrDefault();

    private static DomainDisk NewDisk(MachineDisk disk, DiskSource source) => new() { Volume = disk.VolumeId, Target = DiskTargets.Of(disk.DeviceId), Source = source };

    /// <summary>Disks whose place on this host an open row of another volume names, or two of them at once.</summary>
    private (AttachmentRow Row, Condition Why)[] Conflicts(IReadOnlyList<AttachmentRow> attached) =>
    [
        .. attached.Select((row, index) => (Row: row, Why: DiskAddress.Conflict(_context.Ledger.Tables, row.Volume, row.Source!)
                ?? attached.Take(index).Where(other => DiskAddress.Of(other.Source) == DiskAddress.Of(row.Source))
                    .Select(other => $"the drivers name {DiskAddress.Of(row.Source)} for volume {other.Volume} and for volume {row.Volume}").FirstOrDefault()))
            .Where(pair => pair.Why is not null)
            .Select(pair => (pair.Row, new Condition { Type = ConditionType.Conflict, PoolId = pair.Row.Pool, Text = $"storage pool '{pair.Row.PoolName}': {pair.Why}." })),
    ];

    private static AttachmentRow Attached(AttachmentRow row, AttachmentReply reply) => row with
    {
        State = AttachmentState.Attached, Source = reply.Source, SizeBytes = reply.SizeBytes, BackendName = reply.BackendName,
    };

    private AttachmentRow NewAttachment(MachineDisk disk) => new()
    {
        Volume = disk.VolumeId,
        Owner = _machine.Value,
        Mode = AttachMode.Run,
        Machine = _machine,
        Pool = disk.PoolId,
        PoolName = disk.PoolName,
        Driver = _context.Bindings.Find(disk.PoolId)?.Spec.Driver ?? "",
        Generation = disk.VolumeGeneration,
        LeaseGeneration = disk.LeaseGeneration,
        State = AttachmentState.Uncertain,
    };

    private NetworkChoice Networks(MachineSpec spec) => NetworkChoice.Make(spec, _context.Bridge, _context.Host()?.ActiveNetworks ?? []);

    private void Enter(MachineState state, params Condition[] conditions)
    {
        var since = _phase is { } phase && phase.State == state ? phase.Since : _context.Loop.Time.GetUtcNow();
        var next = new Phase(state, since, conditions);
        if (_phase is null || _phase.State != state || !_phase.Conditions.SequenceEqual(conditions))
        {
            _phase = next;
            _context.Changed(_machine);
        }
    }

    private void EndPhase()
    {
        if (_phase is not null)
        {
            _phase = null;
            _context.Changed(_machine);
        }
    }

    private sealed record Phase(MachineState State, DateTimeOffset Since, IReadOnlyList<Condition> Conditions);
}
