using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;
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
    private static readonly TimeSpan AskBound = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AttachRetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DestroyBound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookWhileStopping = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PressAgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan UninterruptibleRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HypervisorRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LedgerRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan GuestHoldsRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookForRelease = TimeSpan.FromMilliseconds(100);
    private const int AttachTries = 3;
    private readonly MachineContext _context;
    private readonly VmId _machine;
    private readonly ILogger _log;
    private readonly Signal _wake;
    private CancellationTokenSource _flight = new();
    private Observation _seen = new Observation.Unknown("not asked yet");
    private bool _mustLook;
    private bool _isNamed;

    // Its process was seen to end, and nothing was started since: a libvirt that does not answer takes nothing from that.
    private bool _isProvenGone;

    // Its process was killed and had not ended when it was last looked at.
    private bool _isStuck;

    // What the guest is told may lie there: of this start, or of one before this agent.
    private bool _mayHaveDrive = true;
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
    public void Start() => _context.Loop.Keep($"machine {_machine}", RunAsync);

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
    private bool IsConfirmed => _isNamed || _context.IsConfirmed(_machine);

    /// <summary>The state as it is reported; null when there is nothing to say yet.</summary>
    public ItemReport? Report()
    {
        var (item, row) = (ItemRow?.Item, Row);
        var domain = (_seen as Observation.Present)?.Domain;
        if (item is null && domain is null)
        {
            return null;
        }

        // Of a guest whose I/O was cut off the agent before had not written down that it ends.
        var isEnding = row is { State: MachineState.Running } && _context.Ledger.Tables.CutGuestOf(_machine) is { } cut && row.Generation <= cut;
        var state = _phase?.State ?? (isEnding ? MachineState.Stopping : row?.State) ?? (item is null ? MachineState.Running : null);
        if (state is null)
        {
            return null;
        }

        var attachments = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        var hasGuest = state is MachineState.Running or MachineState.Stopping or MachineState.Starting && _seen is Observation.Present { IsAlive: true };
        MachineDiskStatus[] disks = !hasGuest ? [] :
        [
            .. domain!.Disks.Where(disk => disk.Volume is not null).Select(disk => new MachineDiskStatus(
                disk.Volume!.Value,
                attachments.FirstOrDefault(held => held.Volume == disk.Volume)?.SizeBytes ?? 0,
                disk.Source)),
        ];
        return new ItemReport
        {
            Kind = ItemKind.Machine,
            Id = _machine.Value,
            Generation = _phase is not null ? item!.Generation : row?.Generation ?? domain!.Generation,
            Since = _phase?.Since ?? row?.Since ?? default,
            Conditions =
            [
                .. _phase is { } phase ? phase.Generation == item?.Generation ? phase.Conditions : [] : row?.Conditions.Where(condition => condition.Type != ConditionType.Paused) ?? [],

                // Whatever else is under way: nobody has seen it go on.
                .. state == MachineState.Running ? row?.Conditions.Where(condition => condition.Type == ConditionType.Paused) ?? [] : [],
                .. hasGuest ? attachments.SelectMany(held => _context.Bindings.SuspendedOn(held.Pool).Where(condition => condition.VolumeId == held.Volume)) : [],
            ],
            Machine = new MachineStatus
            {
                State = state.Value,
                RebootSequence = row?.RebootSequence ?? 0,
                Cpus = hasGuest && domain!.Cpus > 0 ? domain.Cpus : null,
                MemoryMiB = hasGuest && domain!.MemoryMiB > 0 ? (int)domain.MemoryMiB : null,
                Disks = disks,
                Unclear = [.. attachments.Where(held => held.Mode == AttachMode.Run && disks.All(disk => disk.VolumeId != held.Volume)).Select(held => held.Volume)],
                Networks = hasGuest && item?.Machine is { } spec ? Networks(spec).Networks : [],
            },
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _flight.Dispose();

    private async Task RunAsync()
    {
        _mustLook = true;
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
            item?.Item, Row, _seen, _context.Ledger.Tables.AttachmentsOf(_machine.Value).Count > 0, _context.Boot.HasPassed(item?.StartBy), IsConfirmed,
            _context.Ledger.Tables.CutGuestOf(_machine));
        switch (step)
        {
            case MachineStep.Rest:
                EndPhase();
                if (_mayHaveDrive && _seen is Observation.Absent)
                {
                    _mayHaveDrive = false;
                    await _context.GuestDrives.RemoveAsync(_machine);
                }

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
                await AwaitServerAsync(item!.Item);
                break;
            case MachineStep.Start:
                await StartAsync(item!.Item, flight);
                break;
            case MachineStep.FailStart fail:
                await FailStartAsync(item!.Item.Generation, [new Condition { Type = fail.Why, Text = $"Machine '{Name}' was not started: {fail.Text}" }]);
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
            FindOutcome.Failed when _isProvenGone => new Observation.Absent(),
            FindOutcome.Failed failed => new Observation.Unknown(failed.Fault.Message),
            _ => new Observation.Unknown("an answer of an unknown kind"),
        };
        _isProvenGone &= _seen is Observation.Absent;
        if (Differs(before, _seen))
        {
            _context.Changed(_machine);
        }
    }

    // Until its word comes or the agent ends: there is nothing else that this could go on by, and a stop is not held up by it.
    private async Task AwaitServerAsync(HostItem item)
    {
        LogAwaitsServer(Name, _machine, item.Generation, item.Desired);
        await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _context.Loop.Stopping);
        _mustLook = true;
    }

    private static bool Differs(Observation before, Observation now) => (before, now) switch
    {
        (Observation.Present left, Observation.Present right) => left.Domain.Status != right.Domain.Status || left.Domain.Pause != right.Domain.Pause
            || left.Domain.Cpus != right.Domain.Cpus || left.Domain.MemoryMiB != right.Domain.MemoryMiB || !left.Domain.Disks.SequenceEqual(right.Domain.Disks),
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
        var next = new Phase(state, since, conditions, ItemRow?.Item.Generation ?? Generation.None);
        if (_phase is null || _phase.State != state || _phase.Generation != next.Generation || !_phase.Conditions.SequenceEqual(conditions))
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

    /// <summary>What is under way.</summary>
    /// <param name="State">As it is reported.</param>
    /// <param name="Since">Since when.</param>
    /// <param name="Conditions">What stands in the way.</param>
    /// <param name="Generation">Of the item that it was found under: for another one nothing is in the way yet.</param>
    private sealed record Phase(MachineState State, DateTimeOffset Since, IReadOnlyList<Condition> Conditions, Generation Generation);
}
