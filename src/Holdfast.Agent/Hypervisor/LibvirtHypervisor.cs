using System.Collections.Concurrent;
using System.Threading.Channels;
using System.Xml.Linq;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Libvirt;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Hypervisor;

/// <summary>The hypervisor of this host through libvirt. The README of this folder says why it does what it does.</summary>
/// <remarks>
/// Four lanes that share nothing: reads; operations; stop, for shutdown and destroy alone; and events. A fifth one reads the kernel's processes, which
/// can hang too. All blocking happens there; the code here runs on whatever scheduler its caller awaits on.
/// </remarks>
internal sealed partial class LibvirtHypervisor : IHypervisor
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);
    // Fewer than a lane queues, so that a host with many machines is listed whole.
    private const int ListedAtOnce = 32;

    private static readonly TimeSpan UnplugInterval = TimeSpan.FromMilliseconds(250);

    private readonly LibvirtHypervisorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<LibvirtHypervisor> _log;
    private readonly LibvirtLane _reads;
    private readonly LibvirtLane _operations;
    private readonly LibvirtLane _stop;
    private readonly LibvirtLane _events;
    private readonly LibvirtLane _processes;
    private readonly QemuProcessTable _processTable;
    private readonly CancellationTokenSource _closing = new();
    private readonly HypervisorEventPump _pump;

    // Domains that were seen to be ours, as they were last read. Saves the look at the definition on the way of a stop, and tells what is known of a
    // machine about which libvirt cannot be asked.
    private readonly ConcurrentDictionary<Guid, OwnDomain> _own = new();

    // Machines whose process has ended while libvirt is still clearing up after it.
    private readonly ConcurrentDictionary<Guid, Task> _clearing = new();

    // Processes that were sent SIGKILL and had not ended when somebody last looked, by machine, and when they were sent it.
    private readonly ConcurrentDictionary<Guid, (QemuProcess Process, long At)> _killed = new();

    /// <summary>Makes the adapter and begins to follow events. Nothing here fails or waits when libvirt is away.</summary>
    /// <param name="options">Where libvirt is and how long it may take.</param>
    /// <param name="time">The clock of all deadlines.</param>
    /// <param name="log">The log.</param>
    public LibvirtHypervisor(LibvirtHypervisorOptions options, TimeProvider time, ILogger<LibvirtHypervisor> log)
    {
        _options = options;
        _time = time;
        _log = log;
        _reads = Lane("reads", maxThreads: 4);
        _operations = Lane("operations", maxThreads: 5);
        _stop = Lane("stop", maxThreads: 10);
        _events = Lane("events", maxThreads: 1);
        _processes = Lane("processes", maxThreads: 1);
        _processTable = new QemuProcessTable(options.ProcessRoot);
        _pump = new HypervisorEventPump(_events, options, time, log);
        _pump.Begin(_closing.Token);
    }

    /// <inheritdoc/>
    public ChannelReader<HypervisorEvent> Events => _pump.Events;

    /// <inheritdoc/>
    public HypervisorHealth Health
    {
        get
        {
            var (connected, detail, since) = _pump.State;
            var stuck = _reads.StuckCalls + _operations.StuckCalls + _stop.StuckCalls + _events.StuckCalls + _processes.StuckCalls;
            return new HypervisorHealth(connected, stuck, detail ?? (stuck > 0 ? $"{stuck} calls to libvirt overran their deadline and have not returned" : null), since);
        }
    }

    /// <inheritdoc/>
    public async Task<DescribeOutcome> DescribeHostAsync(CancellationToken cancellationToken)
    {
        var answer = await ReadAsync(
            "describe",
            _options.ReadDeadline,
            static session => (
                HostName: session.GetHostName(),
                Node: session.GetNodeInfo(),
                Daemon: session.GetDaemonVersion(),
                Emulator: session.GetHypervisorVersion(),
                Capabilities: session.GetCapabilities(),
                Networks: session.ListActiveNetworks(),
                CpuInfo: File.ReadAllText("/proc/cpuinfo"),
                MemInfo: File.ReadAllText("/proc/meminfo"),
                Kvm: KvmProbe.TryDevice(),
                Uefi: FirmwareFiles.Find(secure: false, File.Exists),
                SecureBoot: FirmwareFiles.Find(secure: true, File.Exists)),
            cancellationToken);
        if (answer is not LibvirtResult<(string HostName, LibvirtNodeInfo Node, Version Daemon, Version Emulator, string Capabilities,
            IReadOnlyList<string> Networks, string CpuInfo, string MemInfo, string? Kvm, FirmwareFiles? Uefi, FirmwareFiles? SecureBoot)>.Ok { Value: var host })
        {
            return new DescribeOutcome.Failed(HypervisorFaults.Of(answer, "describe the host"));
        }

        var capabilities = HostCapabilities.Read(XElement.Parse(host.Capabilities));
        var (accelerator, reason) = KvmProbe.Decide(host.CpuInfo, () => host.Kvm, capabilities.OffersKvm);
        return new DescribeOutcome.Described(new HostDescription
        {
            HostName = host.HostName,
            Architecture = capabilities.Architecture,
            CpuModel = HostCapabilities.ReadCpuModel(host.CpuInfo) ?? host.Node.Model,
            Cpus = host.Node.Cpus,
            CpuMegahertz = host.Node.Megahertz,
            MemoryMiB = (HostCapabilities.ReadMemoryKiB(host.MemInfo) ?? (long)host.Node.MemoryKiB) / 1024,
            Emulator = capabilities.Emulator,
            EmulatorVersion = host.Emulator.ToString(),
            DaemonVersion = host.Daemon.ToString(),
            Accelerator = accelerator,
            AcceleratorReason = reason,
            GuestUser = capabilities.GuestUser,
            Uefi = host.Uefi,
            SecureBoot = host.SecureBoot,
            ActiveNetworks = host.Networks,
        });
    }

    /// <inheritdoc/>
    public async Task<ListOutcome> ListAsync(CancellationToken cancellationToken)
    {
        // A libvirt that is away would make every machine look dropped.
        var alive = await ReadAsync("alive", _options.ListDeadline, static session => session.GetDaemonVersion(), cancellationToken);
        if (alive is not LibvirtResult<Version>.Ok)
        {
            return new ListOutcome.Failed(HypervisorFaults.Of(alive, "list the domains"));
        }

        var scan = await ScanAsync(cancellationToken);
        if (scan is not LibvirtResult<IReadOnlyDictionary<Guid, QemuProcess>>.Ok { Value: var processes })
        {
            return new ListOutcome.Failed(HypervisorFaults.Of(scan, "read the processes"));
        }

        // Never virConnectListAllDomains: it waits for the lock of every domain, and while it waits for one nothing can be started.
        var answers = new List<FindOutcome>();
        foreach (var some in processes.Keys.Where(static machine => machine != QemuProcess.Unidentified).Chunk(ListedAtOnce))
        {
            answers.AddRange(await Task.WhenAll(some.Select(machine => FindAsync(new VmId(machine), _options.ListDeadline, cancellationToken))));
        }

        return answers.Find(static answer => answer is FindOutcome.Failed) is FindOutcome.Failed failed
            ? new ListOutcome.Failed(failed.Fault)
            : new ListOutcome.Listed([.. answers.OfType<FindOutcome.Found>().Select(found => found.Domain).Where(domain => _own.ContainsKey(domain.Machine.Value))]);
    }

    /// <inheritdoc/>
    public Task<FindOutcome> FindAsync(VmId machine, CancellationToken cancellationToken) => FindAsync(machine, _options.QuickDeadline, cancellationToken);

    private async Task<FindOutcome> FindAsync(VmId machine, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (_clearing.ContainsKey(machine.Value))
        {
            return new FindOutcome.Absent();
        }

        var answer = await ReadAsync(Key("find", machine), deadline, session => Find(session, machine), cancellationToken);
        switch (answer)
        {
            case LibvirtResult<FindOutcome>.Ok { Value: FindOutcome.Found found }:
                if (found.Domain.Pause is { Reason: PauseReason.IoError } pause)
                {
                    found = new FindOutcome.Found(found.Domain with { Pause = await WithDiskErrorsAsync(found.Domain, pause, cancellationToken) });
                }

                _own[machine.Value] = found.Domain;
                return _clearing.ContainsKey(machine.Value) ? new FindOutcome.Absent() : found;
            case LibvirtResult<FindOutcome>.Ok { Value: FindOutcome.Foreign foreign }:
                return foreign;
            case LibvirtResult<FindOutcome>.Ok or LibvirtResult<FindOutcome>.TimedOut or LibvirtResult<FindOutcome>.Saturated:
                break;
            default:
                return new FindOutcome.Failed(HypervisorFaults.Of(answer, "find the domain"));
        }

        // libvirt does not know it, or is stuck with it. The kernel knows whether there is a process.
        var (process, fault) = await FindProcessAsync(machine, cancellationToken);
        return process is not null ? new FindOutcome.Found(KnownByKernel(process))
            : fault is not null ? new FindOutcome.Failed(fault)
            : answer is LibvirtResult<FindOutcome>.Ok ? new FindOutcome.Absent()
            : new FindOutcome.Failed(HypervisorFaults.Of(answer, "find the domain"));
    }

    /// <inheritdoc/>
    public async Task<StartOutcome> StartAsync(DomainSpec spec, CancellationToken cancellationToken)
    {
        string xml;
        try
        {
            xml = DomainXml.Domain(spec).ToString();
        }
        catch (UnfitForDomainException unfit)
        {
            return new StartOutcome.Failed(new HypervisorFault.Refused(0, unfit.Message));
        }

        if (_clearing.TryGetValue(spec.Machine.Value, out var clearing))
        {
            // Bounded by the deadline of the destroy.
            await clearing.AtMostAsync(Timeout.InfiniteTimeSpan, _time, cancellationToken);
            await clearing;
        }

        // A process that libvirt has dropped may still write to the disks.
        var (present, unclear) = await FindProcessAsync(spec.Machine, cancellationToken);
        if (unclear is not null)
        {
            return new StartOutcome.Failed(unclear);
        }

        if (present is not null && await FindAsync(spec.Machine, cancellationToken) is FindOutcome.Found { Domain: { Status: DomainStatus.Unknown } dropped })
        {
            return new StartOutcome.AlreadyPresent(dropped);
        }

        var answer = await _operations.CallAsync(Key("start", spec.Machine), _options.StartDeadline, session => Start(session, spec, xml), cancellationToken);
        if (answer is LibvirtResult<StartOutcome>.Ok { Value: var outcome })
        {
            if (outcome is StartOutcome.Started started)
            {
                _own[spec.Machine.Value] = started.Domain;
            }

            return outcome;
        }

        var fault = HypervisorFaults.Of(answer, $"start {spec.Name}");
        if (!fault.EffectUnknown && await FindProcessAsync(spec.Machine, cancellationToken) is ({ } left, _))
        {
            // libvirt gives up on a QEMU that it cannot kill and forgets it.
            LogLeftByStart(spec.Name, spec.Machine, left.ProcessId, fault.Message);
            return new StartOutcome.Failed(new HypervisorFault.TimedOut($"start {spec.Name} (process {left.ProcessId} is left of it; {fault.Message})", _options.StartDeadline));
        }

        return new StartOutcome.Failed(fault);
    }

    /// <inheritdoc/>
    public async Task<ShutdownOutcome> RequestShutdownAsync(VmId machine, CancellationToken cancellationToken)
    {
        var answer = await PressAsync(_stop, "shutdown", machine, static domain => domain.PressPowerButton(), cancellationToken);
        return answer switch
        {
            LibvirtResult<bool>.Ok { Value: true } => new ShutdownOutcome.Requested(),
            LibvirtResult<bool>.Ok => new ShutdownOutcome.NotRunning(),
            _ => new ShutdownOutcome.Failed(HypervisorFaults.Of(answer, "press the power button")),
        };
    }

    /// <inheritdoc/>
    public async Task<RebootOutcome> RebootAsync(VmId machine, CancellationToken cancellationToken) =>
        Rebooted(await PressAsync(_operations, "reboot", machine, static domain => domain.Reboot(), cancellationToken), "reboot");

    /// <inheritdoc/>
    public async Task<RebootOutcome> ResetAsync(VmId machine, CancellationToken cancellationToken) =>
        Rebooted(await PressAsync(_operations, "reset", machine, static domain => domain.Reset(), cancellationToken), "reset");

    /// <inheritdoc/>
    public async Task<ResumeOutcome> ResumeAsync(VmId machine, CancellationToken cancellationToken)
    {
        var answer = await _operations.CallAsync<ResumeOutcome>(
            Key("resume", machine),
            _options.ButtonDeadline,
            session =>
            {
                using var domain = session.FindDomain(machine.Value);
                if (domain is null || !IsOwn(domain))
                {
                    return new ResumeOutcome.NotRunning();
                }

                try
                {
                    var (state, reason) = domain.GetState();
                    if (PauseReader.Read(state, reason) is null)
                    {
                        return state is LibvirtDomainState.Running or LibvirtDomainState.Blocked ? new ResumeOutcome.AlreadyRuns() : new ResumeOutcome.NotRunning();
                    }

                    domain.Resume();
                    return new ResumeOutcome.Resumed();
                }
                catch (LibvirtException gone) when (gone.Error.Code == LibvirtErrorCode.NoDomain)
                {
                    return new ResumeOutcome.NotRunning();
                }
            },
            cancellationToken);
        return answer is LibvirtResult<ResumeOutcome>.Ok { Value: var outcome } ? outcome : new ResumeOutcome.Failed(HypervisorFaults.Of(answer, "resume"));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _pump.EndAsync();
        _reads.Dispose();
        _operations.Dispose();
        _stop.Dispose();
        _events.Dispose();
        _processes.Dispose();
        _closing.Dispose();
    }

    private static RebootOutcome Rebooted(LibvirtResult<bool> answer, string operation) => answer switch
    {
        LibvirtResult<bool>.Ok { Value: true } => new RebootOutcome.Requested(),
        LibvirtResult<bool>.Ok => new RebootOutcome.NotRunning(),
        _ => new RebootOutcome.Failed(HypervisorFaults.Of(answer, operation)),
    };

    private static string Key(string operation, VmId machine) => $"{operation} {machine}";

    private static FindOutcome Find(LibvirtSession session, VmId machine)
    {
        using var domain = session.FindDomain(machine.Value);
        return domain is null ? new FindOutcome.Absent()
            : TryRead(domain) is { } own ? new FindOutcome.Found(own)
            : new FindOutcome.Foreign(domain.Name);
    }

    /// <summary>Null when it is not ours, or went away while it was read.</summary>
    private static OwnDomain? TryRead(LibvirtDomain domain)
    {
        try
        {
            var (state, reason) = domain.GetState();
            return DomainReader.Read(XElement.Parse(domain.GetXml()), StatusOf(state, reason), state == LibvirtDomainState.ShutOff ? TimeSpan.Zero : domain.GetCpuTime())
                is { } own ? own with { Pause = PauseReader.Read(state, reason) } : null;
        }
        catch (LibvirtException gone) when (gone.Error.Code == LibvirtErrorCode.NoDomain)
        {
            return null;
        }
    }

    /// <summary>
    /// Which disks keep a guest from running. QEMU is asked, by its monitor: on the lane of operations, for reads ask the daemon's memory only. Without an answer the
    /// guest is told as what it is, with less.
    /// </summary>
    private async Task<GuestPause> WithDiskErrorsAsync(OwnDomain own, GuestPause pause, CancellationToken cancellationToken)
    {
        var answer = await _operations.CallAsync(
            Key("disk errors", own.Machine),
            _options.QuickDeadline,
            session =>
            {
                using var domain = session.FindDomain(own.Machine.Value);
                return domain?.GetDiskErrors() ?? new Dictionary<string, LibvirtDiskError>();
            },
            cancellationToken);
        return answer is LibvirtResult<IReadOnlyDictionary<string, LibvirtDiskError>>.Ok { Value: var errors }
            ? PauseReader.WithErrors(pause, errors, own.Disks)
            : _own.TryGetValue(own.Machine.Value, out var last) && last.Pause is { Disks.Count: > 0 } known ? known
            : pause;
    }

    private static DomainStatus StatusOf(LibvirtDomainState state, int reason) => state switch
    {
        LibvirtDomainState.Running or LibvirtDomainState.Blocked => DomainStatus.Running,
        LibvirtDomainState.Paused => (LibvirtPausedReason)reason switch
        {
            LibvirtPausedReason.ShuttingDown => DomainStatus.ShuttingDown,
            LibvirtPausedReason.Crashed => DomainStatus.Crashed,
            _ => DomainStatus.Paused,
        },
        LibvirtDomainState.PmSuspended => DomainStatus.Paused,
        LibvirtDomainState.Shutdown => DomainStatus.ShuttingDown,
        LibvirtDomainState.ShutOff => DomainStatus.Stopped,
        LibvirtDomainState.Crashed => DomainStatus.Crashed,
        _ => DomainStatus.Unknown,
    };

    private static StartOutcome Start(LibvirtSession session, DomainSpec spec, string xml)
    {
        switch (Find(session, spec.Machine))
        {
            case FindOutcome.Foreign foreign:
                return new StartOutcome.Foreign(foreign.Name);
            case FindOutcome.Found { Domain.Status: DomainStatus.Stopped }:
                // Somebody defined it by hand; ours exist only while they run.
                using (var defined = session.FindDomain(spec.Machine.Value))
                {
                    defined?.Undefine();
                }

                break;
            case FindOutcome.Found found:
                return new StartOutcome.AlreadyPresent(found.Domain);
        }

        using (var namesake = session.FindDomain(spec.Name))
        {
            if (namesake is not null)
            {
                return new StartOutcome.Foreign(namesake.Name);
            }
        }

        using var domain = session.CreateTransient(xml);
        return TryRead(domain) is { } own
            ? new StartOutcome.Started(own)
            : throw new LibvirtException(new LibvirtError(LibvirtErrorCode.OperationFailed, 0, $"{spec.Name} ended right after its start"));
    }

    /// <summary>libvirt does not tell, the kernel does: the process is there. All else is as it was last read.</summary>
    private OwnDomain KnownByKernel(QemuProcess process) => _own.TryGetValue(process.Machine, out var last)
        ? last with { Status = DomainStatus.Unknown }
        : new OwnDomain
        {
            Machine = new VmId(process.Machine),
            Name = $"process {process.ProcessId}",
            Generation = Generation.None,
            Status = DomainStatus.Unknown,
            Disks = [],
        };

    private LibvirtLane Lane(string name, int maxThreads) => new(new LibvirtLaneOptions { Name = name, Uri = _options.Uri, MaxThreads = maxThreads }, _time);

    /// <summary>A read whose connection broke is tried once more: it has no effect that could happen twice.</summary>
    private async Task<LibvirtResult<T>> ReadAsync<T>(string key, TimeSpan deadline, Func<LibvirtSession, T> body, CancellationToken cancellationToken)
    {
        var answer = await _reads.CallAsync(key, deadline, body, cancellationToken);
        return answer is LibvirtResult<T>.ConnectionLost ? await _reads.CallAsync(key, deadline, body, cancellationToken) : answer;
    }

    private Task<LibvirtResult<IReadOnlyDictionary<Guid, QemuProcess>>> ScanAsync(CancellationToken cancellationToken) =>
        _processes.RunAsync(_options.ProcessScanDeadline, _processTable.Scan, cancellationToken);

    /// <summary>The process of a machine, or why that is not known.</summary>
    private async Task<(QemuProcess? Process, HypervisorFault? Fault)> FindProcessAsync(VmId machine, CancellationToken cancellationToken)
    {
        var scan = await ScanAsync(cancellationToken);
        if (scan is not LibvirtResult<IReadOnlyDictionary<Guid, QemuProcess>>.Ok { Value: var processes })
        {
            return (null, HypervisorFaults.Of(scan, "read the processes"));
        }

        return processes.TryGetValue(machine.Value, out var process) ? (process, null)
            : processes.TryGetValue(QemuProcess.Unidentified, out var nameless)
                ? (null, new HypervisorFault.Refused(0, $"process {nameless.ProcessId} is a QEMU that does not let itself be identified and may be this machine"))
            : (null, null);
    }

    /// <summary>True when pressed, false when the machine does not run.</summary>
    private Task<LibvirtResult<bool>> PressAsync(
        LibvirtLane lane, string operation, VmId machine, Action<LibvirtDomain> press, CancellationToken cancellationToken) =>
        lane.CallAsync(
            Key(operation, machine),
            _options.ButtonDeadline,
            session =>
            {
                using var domain = session.FindDomain(machine.Value);
                if (domain is null || !IsOwn(domain))
                {
                    return false;
                }

                try
                {
                    press(domain);
                    return true;
                }
                catch (LibvirtException notRunning) when (notRunning.Error.Code is LibvirtErrorCode.NoDomain or LibvirtErrorCode.OperationInvalid)
                {
                    return false;
                }
            },
            cancellationToken);

    private bool IsOwn(LibvirtDomain domain)
    {
        if (_own.ContainsKey(domain.Uuid))
        {
            return true;
        }

        if (TryRead(domain) is not { } own)
        {
            return false;
        }

        _own[domain.Uuid] = own;
        return true;
    }
}
