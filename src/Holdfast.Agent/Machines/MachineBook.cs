using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Machines;

/// <summary>
/// The machines of this host: one runner each, woken by items, by the hypervisor's hints, and by the list of domains that is read now and then because hints get
/// lost. A domain of ours that no item names is left alone and told to the server.
/// </summary>
internal sealed partial class MachineBook
{
    private static readonly TimeSpan ListEvery = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ListAgainAfterFailure = TimeSpan.FromSeconds(2);
    private readonly MachineContext _context;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private readonly Signal _list;
    private readonly Dictionary<VmId, MachineRunner> _runners = [];

    /// <summary>Makes the book; <see cref="Start"/> starts it.</summary>
    public MachineBook(MachineContext context, ILoggerFactory logs)
    {
        (_context, _logs, _log) = (context, logs, logs.CreateLogger<MachineBook>());
        _list = new Signal(context.Loop.Time);
    }

    /// <summary>Whether the guests that run on this host are known: before, nothing may be released.</summary>
    public bool IsAdopted { get; private set; }

    /// <summary>When the hypervisor's domains were last listed and compared with what is wanted; null before.</summary>
    public DateTimeOffset? ListedAt { get; private set; }

    /// <summary>Called when the hypervisor's domains were listed after a (re)connection.</summary>
    public event Action? Listed;

    /// <summary>The machines, by id.</summary>
    public IReadOnlyDictionary<VmId, MachineRunner> Runners => _runners;

    /// <summary>Whether a guest on this host has the volume, as it was last seen.</summary>
    public bool IsHeldByGuest(VolumeId volume) => _runners.Values.Any(runner =>
        runner.Seen is Observation.Present present && present.Domain.Disks.Any(disk => disk.Volume == volume));

    /// <summary>Starts runners for everything the ledger knows, and follows the hypervisor.</summary>
    public void Start()
    {
        foreach (var row in _context.Ledger.Tables.Items.Values.Where(row => row.Item.Kind == ItemKind.Machine).ToArray())
        {
            RunnerOf(new VmId(row.Item.Id));
        }

        _context.Loop.Spawn("left configuration drives", async () =>
        {
            // Each has a runner look whether its guest is there; without one the drive goes.
            foreach (var machine in await _context.GuestDrives.FindAsync())
            {
                RunnerOf(machine);
            }
        });
        _context.Loop.Keep("hypervisor events", FollowEventsAsync);
        _context.Loop.Keep("domain list", ListAsync);
    }

    /// <summary>Follows an item that was accepted.</summary>
    public void Follow(HostItem item) => RunnerOf(new VmId(item.Id)).Follow(item);

    /// <summary>The server has confirmed the ledger: what waited for that goes on.</summary>
    public void Confirmed()
    {
        foreach (var runner in _runners.Values)
        {
            runner.Confirmed();
        }
    }

    private MachineRunner RunnerOf(VmId machine)
    {
        if (!_runners.TryGetValue(machine, out var runner))
        {
            runner = new MachineRunner(_context, machine, _logs.CreateLogger<MachineRunner>());
            _runners[machine] = runner;
            runner.Start();
        }

        return runner;
    }

    private async Task FollowEventsAsync()
    {
        // Not ReadAllAsync: it leaves the scheduler.
        while (await _context.Hypervisor.Events.WaitToReadAsync(_context.Loop.Stopping))
        {
            if (!_context.Hypervisor.Events.TryRead(out var hint))
            {
                continue;
            }

            switch (hint)
            {
                case HypervisorEvent.ResyncNeeded:
                    _list.Set();
                    break;
                case HypervisorEvent.Disconnected disconnected:
                    LogDisconnected(disconnected.Reason);
                    break;
                case HypervisorEvent.DiskError error:
                    LogDiskError(error.Machine, error.Source, error.Reason);
                    Look(error.Machine);
                    break;
                case HypervisorEvent.GuestPanicked panicked:
                    LogPanicked(panicked.Machine);
                    Look(panicked.Machine);
                    break;
                case HypervisorEvent.Started { Machine: var machine }:
                    Look(machine);
                    break;
                case HypervisorEvent.Stopped { Machine: var machine }:
                    Look(machine);
                    break;
                case HypervisorEvent.Paused { Machine: var machine }:
                    Look(machine);
                    break;
                case HypervisorEvent.DeviceRemoved { Machine: var machine }:
                    Look(machine);
                    break;
            }
        }
    }

    private void Look(VmId machine) => _runners.GetValueOrDefault(machine)?.LookAgain();

    private async Task ListAsync()
    {
        var wasListed = true;
        while (!_context.Loop.Stopping.IsCancellationRequested)
        {
            switch (await _context.Hypervisor.ListAsync(_context.Loop.Stopping))
            {
                case ListOutcome.Listed listed:
                    Compare(listed.Domains);
                    if (!IsAdopted)
                    {
                        await GuardAsync(listed.Domains);
                        IsAdopted = true;
                    }

                    wasListed = true;
                    ListedAt = _context.Loop.Time.GetUtcNow();
                    Listed?.Invoke();
                    await _list.WaitAsync(ListEvery, _context.Loop.Stopping);
                    break;
                case ListOutcome.Failed failed:
                    if (wasListed)
                    {
                        LogNotListed(failed.Fault.Message);
                    }

                    wasListed = false;
                    await _list.WaitAsync(ListAgainAfterFailure, _context.Loop.Stopping);
                    break;
            }
        }
    }

    private void Compare(IReadOnlyList<OwnDomain> domains)
    {
        var present = domains.ToDictionary(domain => domain.Machine);
        foreach (var domain in domains)
        {
            if (!_runners.ContainsKey(domain.Machine))
            {
                LogQuarantined(domain.Name, domain.Machine, domain.Generation);
                RunnerOf(domain.Machine);
            }
        }

        foreach (var (machine, runner) in _runners)
        {
            var differs = runner.Seen switch
            {
                Observation.Present seen => !present.TryGetValue(machine, out var domain) || domain.Status != seen.Domain.Status || domain.Pause != seen.Domain.Pause
                    || !domain.Disks.Select(disk => disk.Volume).SequenceEqual(seen.Domain.Disks.Select(disk => disk.Volume)),
                _ => present.ContainsKey(machine),
            };
            if (differs)
            {
                runner.LookAgain();
            }
        }
    }

    /// <summary>After a ledger was lost or is old: what a running guest holds is not owed, whatever an old row says.</summary>
    private async Task GuardAsync(IReadOnlyList<OwnDomain> domains)
    {
        var held = domains.SelectMany(domain => domain.Disks).Select(disk => disk.Volume).OfType<VolumeId>().ToHashSet();
        ObligationRow[] guarded = [];
        await _context.Ledger.RecordAsync(tables =>
        {
            guarded = [.. tables.Obligations.Values.Where(row => row.IsOpen && row.Kind != ObligationKind.ResumeIo && row.Mode == AttachMode.Run && held.Contains(row.Volume))];
            return guarded.Select(row =>
                new LedgerChange.PutObligation(row with { State = ObligationState.Superseded, NextTryAt = null, LastError = "a running guest holds the volume" }));
        });
        foreach (var row in guarded)
        {
            LogGuarded(row.Kind, row.Id, row.Volume, row.PoolName);
        }
    }

    [LoggerMessage(EventId = 1650, Level = LogLevel.Warning, Message = "The hypervisor's daemon is gone ({Reason}); guests are not touched by that")]
    private partial void LogDisconnected(string reason);

    [LoggerMessage(EventId = 1651, Level = LogLevel.Warning, Message = "A disk of machine {Machine} failed a request: {Source}: {Reason}")]
    private partial void LogDiskError(VmId machine, string source, string reason);

    [LoggerMessage(EventId = 1652, Level = LogLevel.Warning, Message = "The guest of machine {Machine} panicked")]
    private partial void LogPanicked(VmId machine);

    [LoggerMessage(EventId = 1653, Level = LogLevel.Warning, Message = "The guests of this host cannot be listed: {Reason}. Nothing is concluded from that")]
    private partial void LogNotListed(string reason);

    [LoggerMessage(EventId = 1654, Level = LogLevel.Warning, Message = "Domain '{Name}' ({Machine}) generation {Generation} is ours, but the server has not named it: it is left alone until it does")]
    private partial void LogQuarantined(string name, VmId machine, Generation generation);

    [LoggerMessage(EventId = 1655, Level = LogLevel.Error, Message = "{Kind} {Obligation} of volume {Volume} on storage pool '{PoolName}' is void: a running guest holds the volume")]
    private partial void LogGuarded(ObligationKind kind, ObligationId obligation, VolumeId volume, string poolName);
}
