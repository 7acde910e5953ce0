using System.Diagnostics.CodeAnalysis;
using Holdfast.Agent.Bindings;
using Holdfast.Agent.Drivers;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Inventory;
using Holdfast.Agent.Items;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Agent.LocalStatus;
using Holdfast.Agent.Loop;
using Holdfast.Agent.Machines;
using Holdfast.Agent.Tasks;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent;

/// <summary>The agent: puts its parts together, starts them in the order that makes a restart safe, and ends them without touching a guest.</summary>
internal sealed partial class HostAgent : IReportSource
{
    private static readonly TimeSpan WaitForHypervisor = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DescribeAgainAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FlushEvery = TimeSpan.FromSeconds(5);
    private readonly AgentParts _parts;
    private readonly ILogger _log;
    private readonly ReportBook _reports;
    private readonly ServerSession _session;
    private readonly Dictionary<PoolId, HashSet<VolumeId>> _suspended = [];
    private readonly HashSet<(ItemKind Kind, Guid Id)> _untold = [];
    private readonly Signal _noted;
    private readonly DateTimeOffset _startedAt;
    private HostDescription? _host;
    private bool _isDescribing;

    /// <summary>Makes an agent; called on the loop.</summary>
    public HostAgent(AgentParts parts)
    {
        _parts = parts;
        _log = parts.Logs.CreateLogger<HostAgent>();
        var time = parts.Loop.Time;
        (_noted, _startedAt) = (new Signal(time), time.GetUtcNow());
        Ledger = new AgentLedger(parts.Store, time, parts.Logs.CreateLogger<AgentLedger>(), parts.Loop.Failpoints);
        Ledger.Noted += _noted.Set;
        if (parts.Damage is { } damage)
        {
            Salvage(damage);
        }

        var epoch = Math.Max(Ledger.Tables.Number(LedgerNumber.Epoch) + 1, time.GetUtcNow().ToUnixTimeMilliseconds());
        Ledger.Note(new LedgerChange.SetNumber(LedgerNumber.Epoch, epoch));
        var boot = new HostBoot(parts.BootId, time);
        _reports = new ReportBook(Ledger);
        Items = new ItemBook(Ledger, boot, time, parts.Logs.CreateLogger<ItemBook>());
        Bindings = new BindingBook(
            parts.Loop, Ledger, parts.Launcher,
            new InventoryContext(() => Machines!.IsAdopted, volume => Machines!.IsHeldByGuest(volume), parts.Ids),
            BindingChanged, parts.Logs)
        {
            SuspendedAfter = parts.SuspendedAfter,
        };
        Machines = new MachineBook(
            new MachineContext
            {
                Loop = parts.Loop,
                Ledger = Ledger,
                Hypervisor = parts.Hypervisor,
                Bindings = Bindings,
                Boot = boot,
                Ids = parts.Ids,
                Host = () => _host,
                Bridge = parts.Bridge,
                SerialLogFolder = parts.SerialLogFolder,
                Server = parts.Server,
                GuestDrives = parts.GuestDrives,
                IsConfirmed = vm => Items.IsConfirmed(vm.Value),
                Guests = () => _session!.Guests,
                Changed = machine => _reports.Touch(ItemKind.Machine, machine.Value),
            },
            parts.Logs);
        Tasks = new TaskBook(
            new TaskContext
            {
                Loop = parts.Loop, Ledger = Ledger, Bindings = Bindings, Boot = boot, Ids = parts.Ids, Fetcher = parts.Fetcher, Images = parts.Images,
                Imports = new ImportTurns(parts.ImportsAtOnce), Changed = task => _reports.Touch(ItemKind.Task, task.Value),
            },
            parts.Logs);
        _session = new ServerSession(
            parts.Loop, parts.Server, Items, _reports, this, () => Facts, epoch, parts.Random, parts.Logs.CreateLogger<ServerSession>());
        Ledger.HealthChanged += TellLedger;
        Items.Accepted += Follow;
        Items.NotTakenChanged += _reports.Touch;
        Items.Synced += Machines.Confirmed;
    }

    /// <summary>The ledger.</summary>
    public AgentLedger Ledger { get; }

    /// <summary>The host document.</summary>
    public ItemBook Items { get; }

    /// <summary>The storage pools.</summary>
    public BindingBook Bindings { get; }

    /// <summary>The machines.</summary>
    public MachineBook Machines { get; }

    /// <summary>The tasks.</summary>
    public TaskBook Tasks { get; }

    /// <summary>The host's properties as they are known now.</summary>
    public HostFacts Facts => _host is not { } host ? WithDrivers(_parts.Facts) : WithDrivers(_parts.Facts with
    {
        Cpus = host.Cpus,
        CpuMhz = host.CpuMegahertz,
        MemoryBytes = host.MemoryMiB << 20,
        HypervisorVersion = host.EmulatorVersion,
        LibvirtVersion = host.DaemonVersion,
        Accelerator = host.Accelerator == Accelerator.Kvm ? "kvm" : "tcg",
        Firmware = [.. host.Uefi is null ? Array.Empty<string>() : ["uefi"], .. host.SecureBoot is null ? Array.Empty<string>() : ["secure-boot"]],
    });

    /// <summary>Whom guests run as, once the hypervisor has told.</summary>
    public GuestUser? GuestUser => _host?.GuestUser;

    /// <summary>Starts everything; called on the loop.</summary>
    public void Start()
    {
        LogStarting(_parts.Facts.AgentVersion, Ledger.Tables.Items.Count, Ledger.Tables.Attachments.Count, Ledger.Tables.Obligations.Values.Count(row => row.IsOpen));
        foreach (var ((kind, id), why) in Ledger.Tables.SetAside)
        {
            LogSetAside(kind, id, why);
        }

        Machines.Start();

        // Before the first item can arrive: a task for a pool of this host must find its binding, and one of before must not be begun twice.
        Bindings.Start();
        Tasks.Start();
        _parts.Loop.Keep("ledger", WriteNotedAsync);
        _parts.Loop.Keep("session", async () =>
        {
            // The epoch is on disk before anybody is told of it, unless the disk refuses.
            await Ledger.FlushAsync();
            _session.Start();
        });
        _parts.Loop.Keep("ledger flush", FlushAsync);

        // Drivers are told whom guests run as, and only the hypervisor knows; a host without one still gets its drivers.
        _parts.Loop.Keep("first drivers", async () =>
        {
            try
            {
                await DescribeAsync();
            }
            finally
            {
                Bindings.LaunchDrivers();
            }
        });
        Machines.Listed += () =>
        {
            if (_host is null && !_isDescribing)
            {
                _parts.Loop.Keep("describe host", DescribeAsync);
            }
        };
    }

    /// <summary>Ends the drivers and everything else. Guests go on.</summary>
    public async Task StopAsync()
    {
        LogStopping();
        await _parts.Loop.StopAsync(TimeSpan.FromSeconds(5));
        await Bindings.EndAsync();
    }

    /// <summary>What the local socket tells; called on the loop.</summary>
    public AgentStatus Status() => new()
    {
        Version = _parts.Facts.AgentVersion,
        Watching = _session.IsWatching,
        Confirmed = Items.IsSynced,
        LinkError = _session.LastError,
        LedgerUnwritable = Ledger.Unwritable,
        HypervisorError = _parts.Hypervisor.Health is { Connected: false } health ? health.Detail ?? "not connected" : null,
        ReportedAt = _session.ReportedAt,
        ReconciledAt = Machines.ListedAt,
        Guests = [.. Machines.Runners.Values.Select(runner => runner.Seen).OfType<Observation.Present>().Select(seen => LedgerView.Guest(seen.Domain))],
        Revision = Items.Revision,
        Items = [.. ((IReportSource)this).All().Select(key => ((IReportSource)this).Report(key.Kind, key.Id)).OfType<ItemReport>()],
        Machines = LedgerView.Machines(Ledger.Tables),
        Bindings =
        [
            .. Bindings.All.Select(binding => new BindingInsides(
                binding.PoolName, binding.Pool.Value, binding.Spec.Driver, binding.View.Pid,
                (binding.Circuit.Verdict as CircuitVerdict.Open)?.Error.Text, binding.Lane.Running, binding.Lane.Waiting, binding.Lane.Made)),
        ],
        Obligations = LedgerView.Obligations(Ledger.Tables),
        Attachments = LedgerView.Attachments(Ledger.Tables),
    };

    [SuppressMessage("Design", "CA1031", Justification = "The boundary of an item: a bug in telling of one must not keep the host from telling of the others.")]
    ItemReport? IReportSource.Report(ItemKind kind, Guid id)
    {
        try
        {
            var report = kind switch
            {
                ItemKind.Binding => WithLedger(Bindings.Report(new PoolId(id))),
                ItemKind.Machine => Machines.Runners.GetValueOrDefault(new VmId(id))?.Report(),
                _ => Tasks.Report(new TaskId(id)),
            };
            _untold.Remove((kind, id));
            return Items.WhyNotTaken(kind, id) is not { } why ? report : (report ?? Unbegun(kind, id)) is not { } told ? null : told with
            {
                Conditions = [.. told.Conditions, new Condition { Type = ConditionType.NotTaken, Text = why }],
            };
        }
        catch (Exception exception)
        {
            if (_untold.Add((kind, id)))
            {
                LogNotTold(kind, id, exception);
            }

            return null;
        }
    }

    // Accepted, and nothing of it was begun.
    private ItemReport? Unbegun(ItemKind kind, Guid id) => kind == ItemKind.Machine ? null : new ItemReport
    {
        Kind = kind,
        Id = id,
        Generation = Ledger.Tables.Item(kind, id)?.Item.Generation ?? Generation.None,
        Since = Ledger.Tables.Item(kind, id)?.AcceptedAt ?? _startedAt,
        Binding = kind == ItemKind.Binding ? new BindingStatus { State = BindingState.Starting } : null,
        Task = kind == ItemKind.Task ? new Protocol.Host.TaskStatus { State = TaskState.Pending } : null,
    };

    IEnumerable<(ItemKind Kind, Guid Id)> IReportSource.All() =>
        Ledger.Tables.Items.Keys.Union(Ledger.Tables.SetAside.Keys).Union(Machines.Runners.Keys.Select(machine => (ItemKind.Machine, machine.Value)));

    // A machine tells what its volumes wait for, which its pool's binding finds out.
    private void BindingChanged(PoolId pool)
    {
        _reports.Touch(ItemKind.Binding, pool.Value);
        var suspended = Bindings.SuspendedOn(pool).Select(condition => condition.VolumeId!.Value).ToHashSet();
        foreach (var volume in suspended.Union(_suspended.GetValueOrDefault(pool) ?? []))
        {
            foreach (var held in Ledger.Tables.Attachments.Values.Where(row => row.Volume == volume && row.Machine is not null).ToArray())
            {
                _reports.Touch(ItemKind.Machine, held.Owner);
            }
        }

        _suspended[pool] = suspended;
    }

    private HostFacts WithDrivers(HostFacts facts) =>
        facts with { Drivers = _parts.Launcher.Installed().ToDictionary(name => name, _ => "") };

    private void Follow(HostItem item)
    {
        switch (item.Kind)
        {
            case ItemKind.Binding:
                Bindings.Follow(item);
                break;
            case ItemKind.Machine:
                Machines.Follow(item);
                break;
            case ItemKind.Task:
                Tasks.Follow(item);
                break;
        }
    }

    private async Task DescribeAsync()
    {
        _isDescribing = true;
        try
        {
            var began = _parts.Loop.Time.GetTimestamp();
            while (_host is null && _parts.Loop.Time.GetElapsedTime(began) < WaitForHypervisor)
            {
                switch (await _parts.Hypervisor.DescribeHostAsync(_parts.Loop.Stopping))
                {
                    case DescribeOutcome.Described described:
                        _host = described.Host;
                        LogDescribed(_host.EmulatorVersion, _host.DaemonVersion, _host.Accelerator, _host.AcceleratorReason);
                        _reports.TouchFacts();
                        break;
                    case DescribeOutcome.Failed failed:
                        LogNotDescribed(failed.Fault.Message);
                        await Task.Delay(DescribeAgainAfter, _parts.Loop.Time, _parts.Loop.Stopping);
                        break;
                }
            }
        }
        finally
        {
            _isDescribing = false;
        }
    }

    // What was noted, the new epoch first, is written at once, and nobody waits for it.
    private async Task WriteNotedAsync()
    {
        while (!_parts.Loop.Stopping.IsCancellationRequested)
        {
            await _noted.WaitAsync(Timeout.InfiniteTimeSpan, _parts.Loop.Stopping);
            await Ledger.FlushAsync();
        }
    }

    private void TellLedger()
    {
        foreach (var binding in Bindings.All)
        {
            _reports.Touch(ItemKind.Binding, binding.Pool.Value);
        }
    }

    // With each storage pool of the host: what is wanted of it, starts first of all, is refused for this reason.
    private ItemReport? WithLedger(ItemReport? report) => report is null || Ledger.Unwritable is not { } reason ? report : report with
    {
        Conditions =
        [
            .. report.Conditions,
            new Condition
            {
                Type = ConditionType.LedgerUnwritable, PoolId = new PoolId(report.Id),
                Text = $"The ledger of this host cannot be written ({reason}): nothing new is begun here; what runs goes on, and can be stopped.",
            },
        ],
    };

    private async Task FlushAsync()
    {
        while (!_parts.Loop.Stopping.IsCancellationRequested)
        {
            await Task.Delay(FlushEvery, _parts.Loop.Time, _parts.Loop.Stopping);
            await Ledger.FlushAsync();
            Items.TryAgain();
            foreach (var (kind, id) in _untold)
            {
                _reports.Touch(kind, id);
            }
        }
    }

    /// <summary>
    /// Of a damaged ledger only what may be attached is taken over, as uncertain, and releases that are owed. Deletions are not: an old one could name a volume
    /// that is wanted again. The server sends all items anew, and what is still to be deleted with them.
    /// </summary>
    private void Salvage(LedgerDamage damage)
    {
        foreach (var change in damage.Salvage)
        {
            switch (change)
            {
                case LedgerChange.PutAttachment { Row: var row }:
                    Ledger.Note(new LedgerChange.PutAttachment(row with { State = AttachmentState.Uncertain }));
                    LogSalvagedAttachment(row.Volume, row.PoolName, row.Pool, row.BackendName);
                    break;
                case LedgerChange.PutObligation { Row: { IsOpen: true, Kind: not ObligationKind.DeleteVolume } row }:
                    Ledger.Note(change);
                    LogSalvagedObligation(row.Kind, row.Id, row.Volume, row.PoolName, row.Pool);
                    break;
                case LedgerChange.PutObligation { Row: { IsOpen: true } row }:
                    LogNotSalvaged(row.Kind, row.Id, row.Volume, row.PoolName, row.Pool, row.BackendName);
                    break;
                case LedgerChange.SetNumber { Number: LedgerNumber.Epoch }:
                    Ledger.Note(change);
                    break;
            }
        }
    }

    [LoggerMessage(EventId = 1950, Level = LogLevel.Information, Message = "Agent {Version} starts with {Items} items, {Attachments} attachments and {Obligations} open obligations")]
    private partial void LogStarting(string version, int items, int attachments, int obligations);

    [LoggerMessage(EventId = 1958, Level = LogLevel.Error, Message = "{Kind} {Id} is set aside: this version of the agent cannot read what the ledger has of it, and does nothing about it: {Reason}")]
    private partial void LogSetAside(ItemKind kind, Guid id, string reason);

    [LoggerMessage(EventId = 1951, Level = LogLevel.Information, Message = "Agent ends: drivers end, guests go on")]
    private partial void LogStopping();

    [LoggerMessage(EventId = 1952, Level = LogLevel.Information, Message = "QEMU {Qemu} with libvirt {Libvirt} on {Accelerator}: {Reason}")]
    private partial void LogDescribed(string qemu, string libvirt, Accelerator accelerator, string reason);

    [LoggerMessage(EventId = 1957, Level = LogLevel.Error, Message = "A bug: the state of {Kind} {Id} cannot be told; all else is, and it is tried again")]
    private partial void LogNotTold(ItemKind kind, Guid id, Exception exception);

    [LoggerMessage(EventId = 1953, Level = LogLevel.Warning, Message = "The hypervisor does not say what this host can do: {Reason}")]
    private partial void LogNotDescribed(string reason);

    [LoggerMessage(EventId = 1954, Level = LogLevel.Warning, Message = "From the damaged ledger: volume {Volume} of storage pool '{PoolName}' ({Pool}), backend object {BackendName}, may be attached on this host")]
    private partial void LogSalvagedAttachment(VolumeId volume, string poolName, PoolId pool, string? backendName);

    [LoggerMessage(EventId = 1955, Level = LogLevel.Warning, Message = "From the damaged ledger: {Kind} {Obligation} of volume {Volume} is owed to storage pool '{PoolName}' ({Pool})")]
    private partial void LogSalvagedObligation(ObligationKind kind, ObligationId obligation, VolumeId volume, string poolName, PoolId pool);

    [LoggerMessage(EventId = 1956, Level = LogLevel.Error, Message = "From the damaged ledger, not carried on because it may be out of date: {Kind} {Obligation} of volume {Volume}, storage pool '{PoolName}' ({Pool}), backend object {BackendName}")]
    private partial void LogNotSalvaged(ObligationKind kind, ObligationId obligation, VolumeId volume, string poolName, PoolId pool, string? backendName);
}
