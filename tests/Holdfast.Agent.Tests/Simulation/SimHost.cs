using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Ingest;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Testing;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>A host on virtual time: guests, storages, a server, a ledger, and the agent, which can be ended at any point and started anew.</summary>
internal sealed class SimHost
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private int _ids;

    public SimHost()
    {
        Scheduler = new VirtualScheduler(Time);
        Failpoints = new FailpointSet(_ => Scheduler.Halt(), Time);
        Hypervisor = new SimHypervisor(Time);
        Launcher = new SimLauncher(Time);
        Server = new SimServer(Time);
    }

    public FakeTimeProvider Time { get; } = new();

    public VirtualScheduler Scheduler { get; private set; }

    /// <summary>The failpoints of the agent, whichever runs; panic ends it as kill -9 does.</summary>
    public FailpointSet Failpoints { get; }

    public SimHypervisor Hypervisor { get; }

    public SimLauncher Launcher { get; }

    public SimServer Server { get; private set; }

    public MemoryLedgerStore Store { get; set; } = new();

    /// <summary>A store that takes the place of <see cref="Store"/>, such as a real file.</summary>
    public ILedgerStore? OtherStore { get; set; }

    public FakeImages Images { get; } = new();

    public FakeGuestDrives Drives { get; } = new();

    public ErrorLog Errors { get; } = new();

    public LedgerDamage? Damage { get; set; }

    public string BootId { get; set; } = "boot-1";

    public HostAgent Agent { get; private set; } = null!;

    public SimStorage AddStorage(PoolId pool, string name = "fast", string driver = "directory", bool send = true)
    {
        var storage = new SimStorage(pool, Time);
        Launcher.Storages[pool] = storage;
        if (send)
        {
            Server.Send(Samples.Binding(pool, name: name, driver: driver));
        }

        return storage;
    }

    /// <summary>Starts an agent; the one before is gone as by kill -9: nothing of it runs any more.</summary>
    public SimHost StartAgent()
    {
        Scheduler = new VirtualScheduler(Time);
        Hypervisor.NewReader();
        foreach (var driver in Launcher.Running.Values)
        {
            // The leash: a driver ends with its agent.
            driver.CloseInput();
        }

        var loop = new AgentLoop(Scheduler, Time, Errors) { Failpoints = Failpoints };
        Agent = new HostAgent(new AgentParts
        {
            Loop = loop,
            BootId = BootId,
            Store = OtherStore ?? Store,
            Damage = Damage,
            Hypervisor = Hypervisor,
            Launcher = Launcher,
            Server = Server,
            Fetcher = Images,
            Images = Images,
            GuestDrives = Drives,
            Ids = new CountingIds(this),
            Random = new Random(1),
            Logs = new ErrorLogFactory(Errors),
            Facts = new HostFacts { HostName = "h", NodeName = "h", AgentVersion = "1", Cpus = 1, MemoryBytes = 1, Accelerator = "tcg" },
            SerialLogFolder = "/logs",
        });
        loop.Spawn("start", () =>
        {
            Agent.Start();
            return Task.CompletedTask;
        });
        return this;
    }

    public void Until(Func<bool> condition, string what, TimeSpan? atMost = null)
    {
        Scheduler.RunUntil(condition, atMost ?? Soon, what);
        Errors.ThrowIfAny();
    }

    public void UntilMachine(MachineState state, long generation, VmId? machine = null, TimeSpan? atMost = null)
    {
        var id = (machine ?? Samples.Vm).Value;
        Until(
            () => Server.Report(ItemKind.Machine, id) is { Machine: { } status } report && status.State == state && report.Generation.Value == generation,
            $"machine {state} generation {generation}; it is {Server.Report(ItemKind.Machine, id)?.Machine?.State} {Server.Report(ItemKind.Machine, id)?.Generation}", atMost);
    }

    public void UntilBinding(PoolId pool, BindingState state, TimeSpan? atMost = null) =>
        Until(() => Server.Binding(pool)?.State == state, $"binding {state}", atMost);

    public void For(TimeSpan time)
    {
        Scheduler.RunFor(time);
        Errors.ThrowIfAny();
    }

    /// <summary>Ends the agent as kill -9 does: what it was about to do is never done.</summary>
    public void Kill() => Scheduler = new VirtualScheduler(Time);

    private sealed class CountingIds(SimHost host) : IIdSource
    {
        public Guid Next() => Samples.Id(0x10000 + ++host._ids);
    }

    internal sealed class FakeGuestDrives : IGuestDrives
    {
        /// <summary>What is on whose drive. They outlive agents.</summary>
        public Dictionary<VmId, IReadOnlyList<DriveFile>> Made { get; } = [];

        /// <summary>Why none can be made.</summary>
        public string? Refuse { get; set; }

        public Task<DriveOutcome> MakeAsync(VmId machine, IReadOnlyList<DriveFile> files, GuestUser? reader, CancellationToken cancellationToken)
        {
            if (Refuse is { } reason)
            {
                return Task.FromResult<DriveOutcome>(new DriveOutcome.Failed(reason));
            }

            Made[machine] = files;
            return Task.FromResult<DriveOutcome>(new DriveOutcome.Made($"/drives/{machine}.iso"));
        }

        public Task RemoveAsync(VmId machine)
        {
            Made.Remove(machine);
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<VmId>> FindAsync() => Task.FromResult<IReadOnlyList<VmId>>([.. Made.Keys]);
    }

    internal sealed class FakeImages : IImageFetcher, IImageTool
    {
        public string? RefuseFetch { get; set; }

        public string? FailCopy { get; set; }

        public List<string> Copies { get; } = [];

        /// <summary>Bytes that a guest would see of anything but zeros.</summary>
        public long ContentBytes { get; set; }

        /// <summary>Downloads that wait to be let go on; null: none waits.</summary>
        public Dictionary<Guid, (ImportProgress Progress, TaskCompletionSource<FetchOutcome> End)>? Downloads { get; set; }

        public Task<FetchOutcome> FetchAsync(string url, string? checksum, Guid key, ImportProgress progress, CancellationToken cancellationToken)
        {
            if (Downloads is not null)
            {
                Downloads[key] = (progress, new TaskCompletionSource<FetchOutcome>(TaskCreationOptions.RunContinuationsAsynchronously));
                return Downloads[key].End.Task;
            }

            return Task.FromResult<FetchOutcome>(RefuseFetch is { } reason ? new FetchOutcome.Refused(reason) : new FetchOutcome.Fetched("/image"));
        }

        public void Discard(Guid key)
        {
        }

        public Task<InspectOutcome> InspectAsync(string path, string declaredFormat, CancellationToken cancellationToken) =>
            Task.FromResult<InspectOutcome>(new InspectOutcome.Fine(1 << 20) { ContentBytes = ContentBytes });

        public Task<CopyOutcome> CopyAsync(string source, string sourceFormat, string target, string targetFormat, CancellationToken cancellationToken)
        {
            Copies.Add($"{source} {target}");
            return Task.FromResult<CopyOutcome>(FailCopy is { } reason ? new CopyOutcome.Failed(reason) : new CopyOutcome.Copied());
        }
    }

    /// <summary>Keeps exceptions that were logged: in a simulation every one is a bug.</summary>
    internal sealed class ErrorLog : ILogger
    {
        private readonly List<Exception> _exceptions = [];

        public List<string> Lines { get; } = [];

        public void ThrowIfAny()
        {
            if (_exceptions.Count > 0)
            {
                throw new AggregateException(_exceptions);
            }
        }

        public void Forget() => _exceptions.Clear();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Lines.Add(formatter(state, exception));
            if (exception is not null)
            {
                _exceptions.Add(exception);
            }
        }
    }

    private sealed class ErrorLogFactory(ErrorLog log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
