using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.DriverKit.Processes;
using Holdfast.Drivers.Linstor;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>A simulated cluster and drivers on it, in one process.</summary>
internal sealed class LinstorBench : IAsyncDisposable
{
    public const string Node = "kvm1";

    private readonly List<IStorageDriver> _drivers = [];
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("holdfast-linstor-driver-").FullName;

    private LinstorBench(LinstorSimulator simulator) => Simulator = simulator;

    public LinstorSimulator Simulator { get; }

    public static async Task<LinstorBench> StartAsync(LinstorSimulatorOptions? options = null, string node = Node) =>
        new(await LinstorSimulator.StartAsync(
            (options ?? new LinstorSimulatorOptions { Devices = DeviceMode.None }) with { NodeName = node },
            cancellationToken: TestContext.Current.CancellationToken));

    /// <summary>Real loop devices, or skips where there are none.</summary>
    public static Task<LinstorBench> StartWithDevicesAsync(bool drbd = false)
    {
        Assert.SkipWhen(LinstorSimulator.WhyNoLoopDevices() is not null, LinstorSimulator.WhyNoLoopDevices() ?? string.Empty);
        return StartAsync(new LinstorSimulatorOptions { Drbd = drbd, SimulatedNodes = drbd ? ["kvm2", "kvm3"] : [] });
    }

    public static DriverCall Call(double seconds = 30) => new("test", TimeSpan.FromSeconds(seconds), TimeProvider.System);

    public static T Ok<T>(DriverResult<T> result) => result is DriverResult<T>.Ok ok
        ? ok.Value
        : throw new ShouldAssertException($"Failed: {((DriverResult<T>.Failed)result).Error}");

    public static DriverError Failed<T>(DriverResult<T> result) =>
        result is DriverResult<T>.Failed failed ? failed.Error : throw new ShouldAssertException($"Worked: {((DriverResult<T>.Ok)result).Value}");

    public Driving Driver(
        PoolId? pool = null,
        Dictionary<string, string>? config = null,
        string? controllers = null,
        string? stateFolder = null,
        string? token = null,
        GuestUser? guest = null,
        IProcessRunner? processes = null,
        TimeProvider? time = null,
        Dictionary<string, string>? hostConfig = null,
        string hostName = Node)
    {
        var calls = new BackendCallCounter();
        var id = pool ?? new PoolId(Guid.NewGuid());
        var all = new Dictionary<string, string>
        {
            ["controllers"] = controllers ?? Simulator.Uri.ToString(),
            ["resourceGroup"] = "rg",
        };
        var host = new Dictionary<string, string>
        {
            ["devicePrefix"] = Path.Combine(Simulator.StateFolderPath, "dev"),
            ["drbdsetup"] = Simulator.DrbdSetupPath,
        };
        foreach (var (key, value) in hostConfig ?? [])
        {
            host[key] = value;
        }

        foreach (var (key, value) in config ?? [])
        {
            all[key] = value;
        }

        var context = new DriverContext
        {
            Startup = new DriverStartup
            {
                Protocol = 1,
                PoolId = id,
                PoolName = "tank",
                Generation = Generation.First,
                Socket = "/nowhere",
                StateFolder = stateFolder ?? Path.Combine(_folder, id.ToString()),
                NodeName = hostName,
                Config = all,
                HostConfig = host,
                GuestUser = guest,
                Secrets = token is null ? new Dictionary<string, Secret>() : new Dictionary<string, Secret> { ["token"] = new(token) },
            },
            Time = time ?? TimeProvider.System,
            Ids = new TimeOrderedIdSource(TimeProvider.System),
            Random = new Random(1),
            Loggers = NullLoggerFactory.Instance,
            BackendCalls = calls,
            Processes = processes ?? new ProcessRunner(TimeProvider.System),
        };
        var driver = Ok(new LinstorDriverFactory().Create(context));
        _drivers.Add(driver);
        return new Driving(driver, calls, id, context.Startup.StateFolder);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var driver in _drivers)
        {
            await driver.DisposeAsync();
        }

        await Simulator.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A driver with the shortest way to call it.</summary>
    internal sealed record Driving(IStorageDriver Driver, BackendCallCounter Calls, PoolId Pool, string StateFolder)
    {
        public const long Size = 64L << 20;

        private static CancellationToken Token => TestContext.Current.CancellationToken;

        public Task<DriverResult<VolumeReply>> EnsureAsync(VolumeId volume, long generation = 1, long size = Size, VolumeSource? source = null, double seconds = 30, bool local = false) =>
            Driver.EnsureVolumeAsync(
                volume,
                new EnsureVolumeRequest { Generation = new(generation), SizeBytes = size, Source = source ?? new VolumeSource.Empty(), Local = local },
                Call(seconds),
                Token);

        public Task<DriverResult<VolumeReply>> GetAsync(VolumeId volume, double seconds = 30) => Driver.GetVolumeAsync(volume, Call(seconds), Token);

        public Task<DriverResult<VolumeList>> ListAsync(double seconds = 30) => Driver.ListVolumesAsync(Call(seconds), Token);

        public Task<DriverResult<VolumeReply>> ResizeAsync(VolumeId volume, long size, long generation = 1, double seconds = 30) =>
            Driver.ResizeVolumeAsync(volume, new ResizeVolumeRequest(new(generation), size), Call(seconds), Token);

        public Task<DriverResult<VolumeReply>> SealAsync(VolumeId volume, long generation = 1, double seconds = 30) =>
            Driver.SealVolumeAsync(volume, new SealVolumeRequest(new(generation)), Call(seconds), Token);

        public Task<DriverResult<DriverAck>> DeleteAsync(VolumeId volume, long generation = 1, double seconds = 30) =>
            Driver.DeleteVolumeAsync(volume, new(generation), Call(seconds), Token);

        public Task<DriverResult<DriverAck>> SnapshotAsync(VolumeId volume, SnapshotId snapshot, long generation = 1, double seconds = 30) =>
            Driver.EnsureSnapshotAsync(volume, snapshot, new EnsureSnapshotRequest(new(generation)), Call(seconds), Token);

        public Task<DriverResult<DriverAck>> DeleteSnapshotAsync(VolumeId volume, SnapshotId snapshot, double seconds = 30) =>
            Driver.DeleteSnapshotAsync(volume, snapshot, Call(seconds), Token);

        public Task<DriverResult<DriverAck>> RevertAsync(VolumeId volume, SnapshotId snapshot, long generation = 1, double seconds = 30) =>
            Driver.RevertAsync(volume, snapshot, new RevertRequest(new(generation)), Call(seconds), Token);

        public Task<DriverResult<AttachmentReply>> AttachAsync(
            VolumeId volume,
            AttachMode mode = AttachMode.Run,
            long generation = 1,
            bool readOnly = false,
            double seconds = 30) =>
            Driver.AttachAsync(volume, new AttachRequest { Generation = new(generation), Mode = mode, ReadOnly = readOnly }, Call(seconds), Token);

        public Task<DriverResult<DriverAck>> ReleaseAsync(VolumeId volume, AttachMode mode = AttachMode.Run, long generation = 1, double seconds = 30) =>
            Driver.ReleaseAsync(volume, new ReleaseRequest(mode, new(generation)), Call(seconds), Token);

        public Task<DriverResult<DriverAck>> CutAsync(VolumeId volume, long generation = 1, double seconds = 30) =>
            Driver.CutAsync(volume, new CutRequest(new(generation)), Call(seconds), Token);

        public Task<DriverResult<DriverAck>> ResumeAsync(VolumeId volume, long generation = 1, double seconds = 30) =>
            Driver.ResumeAsync(volume, new ResumeRequest(new(generation)), Call(seconds), Token);

        public Task<DriverResult<AttachmentList>> InventoryAsync() => Driver.ListAttachmentsAsync(Call(), Token);

        public Task<PoolStatus> ProbeAsync(double seconds = 10) => Driver.ProbeAsync(Call(seconds), Token);
    }
}
