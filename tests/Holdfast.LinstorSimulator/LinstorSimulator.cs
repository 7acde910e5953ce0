using Holdfast.FaultInjection;
using Holdfast.LinstorSimulation.Admin;
using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Cluster;
using Holdfast.LinstorSimulation.Devices;
using Holdfast.LinstorSimulation.Drbd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.LinstorSimulation;

/// <summary>
/// A LINSTOR cluster in one process: controller, satellites, storage. Any number may run side by side, each with its own state folder and ports. What it made on the
/// host (loop devices, backing files) stays when it stops, so that guests go on, and is found again by the next one on the same folder; only
/// <see cref="DestroyAsync"/> takes it away.
/// </summary>
public sealed class LinstorSimulator : IAsyncDisposable
{
    private readonly LinstorSimulatorOptions _options;
    private readonly StateFolder _folder;
    private readonly bool _temporary;
    private readonly ILoggerFactory _loggers;
    private readonly ReservedPort _port;
    private readonly ReservedPort? _httpsPort;
    private readonly ServerCertificate? _certificate;
    private readonly SimulatorSwitches _switches;
    private readonly NodeMemory _nodes = new();
    private readonly ConnectCounter? _counter;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private AdminServer? _admin;
    private Controller? _controller;
    private ApiServer? _server;
    private Task _dying = Task.CompletedTask;
    private bool _destroyed;

    private LinstorSimulator(LinstorSimulatorOptions options, StateFolder folder, bool temporary, ILoggerFactory loggers)
    {
        _options = options;
        _folder = folder;
        _temporary = temporary;
        _loggers = loggers;
        _port = ReservedPort.Reserve(options.Port);
        if (options.Https)
        {
            _httpsPort = ReservedPort.Reserve(options.HttpsPort);
            _certificate = ServerCertificate.Create(options.Time);
        }

        Faults = new FaultSet();
        Requests = new RequestLog(options.Time);
        _counter = ConnectCounter.TryStart(Requests, _httpsPort is null ? [_port.Number] : [_port.Number, _httpsPort.Number]);
        _switches = new SimulatorSwitches(Faults, options.Time, () => _dying = Task.Run(StopAsync));
        Cluster = new SimulatedCluster(this, _switches);
    }

    /// <summary>Base address of the REST API, without <c>/v1</c>; the same over stop and restart.</summary>
    public Uri Uri => new($"http://127.0.0.1:{_port.Number}");

    /// <summary>Base address over HTTPS, when asked for.</summary>
    public Uri? HttpsUri => _httpsPort is null ? null : new Uri($"https://127.0.0.1:{_httpsPort.Number}");

    /// <summary>The certificate of the HTTPS listener in PEM, to be trusted by clients.</summary>
    public string? CertificatePem => _certificate?.Certificate.ExportCertificatePem();

    /// <summary>Base address of the admin API.</summary>
    public Uri AdminUri => _admin!.Uri;

    /// <summary>What goes wrong.</summary>
    public FaultSet Faults { get; }

    /// <summary>What came in.</summary>
    public RequestLog Requests { get; }

    /// <summary>Nodes, devices and openers, past the REST API.</summary>
    public SimulatedCluster Cluster { get; }

    /// <summary>Whether the controller runs (the admin API always does).</summary>
    public bool IsRunning => _server is not null;

    /// <summary>The folder that keeps everything.</summary>
    public string StateFolderPath => _folder.Path;

    /// <summary>The fake <c>drbdsetup</c> of this cluster's first node; it answers from the state folder, whether the simulator runs or not.</summary>
    public string DrbdSetupPath => Path.Combine(_folder.Path, "bin", "drbdsetup");

    /// <summary>How often the controller's database was written by this simulator; see <see cref="KillAsync(int)"/>.</summary>
    public int DatabaseWrites => _folder.Writes;

    internal Controller? Controller => _controller;

    internal DeviceMode Devices => _options.Devices;

    /// <summary>Why real loop devices cannot be had here; null when they can.</summary>
    public static string? WhyNoLoopDevices() => LoopDevices.WhyNot();

    /// <summary>Starts controller and admin API. <see cref="IOException"/> when the state folder is held by another simulator or a port is taken.</summary>
    public static async Task<LinstorSimulator> StartAsync(LinstorSimulatorOptions? options = null, ILoggerFactory? loggers = null, CancellationToken cancellationToken = default)
    {
        options ??= new LinstorSimulatorOptions();
        var temporary = options.StateFolder is null;
        var folder = StateFolder.Take(options.StateFolder ?? Directory.CreateTempSubdirectory("holdfast-linstor-").FullName);
        LinstorSimulator? simulator = null;
        try
        {
            simulator = new LinstorSimulator(options, folder, temporary, loggers ?? NullLoggerFactory.Instance);
            if (folder.Load() is null)
            {
                folder.Save(NewCluster.Create(options, folder), DateTimeOffset.MinValue);
            }

            DrbdSetupScript.Write(folder.Path, options.NodeName, options.MoreLocalNodes);
            simulator._admin = await AdminServer.StartAsync(simulator, options.AdminPort, cancellationToken);
            await simulator.RestartAsync(cancellationToken);
            return simulator;
        }
        catch
        {
            if (simulator is not null)
            {
                await simulator.DisposeAsync();
            }
            else
            {
                folder.Dispose();
            }

            throw;
        }
    }

    /// <summary>Ends the controller as if it were killed: connections are reset, connects refused. Devices stay. No effect when it does not run.</summary>
    public async Task StopAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await StopInTurnAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Ends the controller as <see cref="StopAsync"/> does, and its database loses what was answered in the last moments, as LINSTOR's default database does when it is
    /// killed. What satellites made of it stays on the nodes. <see cref="InvalidOperationException"/> when more is to be forgotten than the simulator remembers.
    /// </summary>
    public Task KillAsync(TimeSpan forget) => KillAsync(folder => folder.ForgetSince(_options.Time.GetUtcNow() - forget));

    /// <summary>As <see cref="KillAsync(TimeSpan)"/>, by the number of the database's last writes, of which a call makes one or more.</summary>
    public Task KillAsync(int forgetWrites) => KillAsync(folder => folder.ForgetWrites(forgetWrites));

    private async Task KillAsync(Action<StateFolder> forget)
    {
        await _turn.WaitAsync();
        try
        {
            await StopInTurnAsync();
            forget(_folder);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Starts the controller, after ending one that runs, from the state folder, on the same ports; faults stay in force.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await StopInTurnAsync();
            var state = _folder.Load() ?? throw new InvalidOperationException($"The state in {_folder.Path} is gone.");
            _controller = new Controller(_folder, state, _switches, _nodes, _options, _loggers.CreateLogger<Controller>());
            await _controller.StartAsync(cancellationToken);
            var https = _httpsPort is null ? ((int, ServerCertificate)?)null : (_httpsPort.Number, _certificate!);
            _server = await ApiServer.StartAsync(_controller, Faults, Requests, _options, _port.Number, https, _loggers, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Stops and removes all this cluster made on the host. Devices that somebody still has open are detached when the last one closes them.
    /// </summary>
    public async Task DestroyAsync()
    {
        await StopAsync();
        _destroyed = true;
        await DestroyedCluster.RemoveAsync(_folder.Path, CancellationToken.None);
    }

    /// <summary>Stops; a temporary state folder is destroyed as by <see cref="DestroyAsync"/>, any other stays.</summary>
    public async ValueTask DisposeAsync()
    {
        await _dying;
        await StopAsync();
        if (_admin is not null)
        {
            await _admin.DisposeAsync();
        }

        _counter?.Dispose();
        _port.Dispose();
        _httpsPort?.Dispose();
        _certificate?.Dispose();
        if (_temporary && !_destroyed)
        {
            await DestroyAsync();
        }

        _folder.Dispose();
        _turn.Dispose();
    }

    private async Task StopInTurnAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            await server.DisposeAsync();
        }

        if (_controller is { } controller)
        {
            _controller = null;
            await controller.DisposeAsync();
        }
    }
}
