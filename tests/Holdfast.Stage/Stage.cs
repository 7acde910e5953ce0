using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Holdfast.Cli.CloudStack;
using Holdfast.Cli.Host;
using Holdfast.Cli.Processes;
using Holdfast.Cli.Up;
using Holdfast.FaultInjection;
using Holdfast.Protocol.Host;
using Holdfast.Testing;

namespace Holdfast.Staging;

/// <summary>
/// A complete installation to play on: server, agent and drivers as real processes on a folder and ports of its own, real guests, and LINSTOR clusters that
/// can be made to fail. Everything is undone at the end.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    private const string FailpointVariable = "HOLDFAST_FAILPOINTS";

    private const int EvidenceLines = 60;
    private const int EvidenceWidth = 300;

    private readonly Action<string> _say;
    private readonly List<SimulatedPool> _pools = [];
    private readonly FaultProxy? _network;

    // The variables of server and agent; what is in here counts for the next of them that is started.
    private readonly Dictionary<string, string> _environment;
    private int _guests;

    private Stage(LocalStack stack, PrivateLibvirtd libvirt, Dictionary<string, string> environment, FaultProxy? network, Action<string> say)
    {
        Stack = stack;
        Libvirt = libvirt;
        Virsh = new Virsh(libvirt);
        _environment = environment;
        _network = network;
        _say = say;
    }

    /// <summary>The programs.</summary>
    public LocalStack Stack { get; }

    /// <summary>The libvirtd that looks after this installation's guests and nobody else's. Whoever hurts it leaves it as it was.</summary>
    public PrivateLibvirtd Libvirt { get; }

    /// <summary>A look at the guests past Holdfast.</summary>
    public Virsh Virsh { get; }

    /// <summary>The network between agent and server.</summary>
    /// <exception cref="InvalidOperationException">The stage was started without one.</exception>
    public FaultProxy Network => _network ?? throw new InvalidOperationException("This stage has nothing between agent and server.");

    /// <summary>The API, as the administrator.</summary>
    public ApiClient Api => Stack.Api;

    /// <summary>The storage pools made on simulated LINSTOR clusters.</summary>
    public IReadOnlyList<SimulatedPool> Pools => _pools;

    /// <summary>Starts an installation with a directory pool, offerings and the test guest's template.</summary>
    /// <param name="say">Told one sentence a step.</param>
    /// <param name="breakableNetwork">Whether a proxy stands between agent and server that can make their network fail.</param>
    /// <returns>The installation.</returns>
    public static async Task<Stage> StartAsync(Action<string> say, bool breakableNetwork = false)
    {
        var programs = ProgramPaths.FromBuild(AppContext.BaseDirectory);
        var root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", ".."));
        var image = (await Tool.TryAsync(TimeSpan.FromMinutes(5), Path.Combine(root, "eng", "guest", "build"))) is { Code: 0 } built
            ? built.Output.Trim()
            : throw new InvalidOperationException("eng/guest/build failed; eng/setup installs what it needs.");
        // Not in a private folder: QEMU runs as a user of its own and must get at its disks.
        var data = Directory.CreateTempSubdirectory("holdfast-stage-").FullName;
        File.SetUnixFileMode(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var gateway = FreePort();
        var network = breakableNetwork ? FaultProxy.Start(new IPEndPoint(IPAddress.Loopback, gateway)) : null;
        var environment = new Dictionary<string, string>();
        // Pools on file systems of their own are mounted below the folder later on.
        var libvirt = await PrivateLibvirtd.StartAsync(shared: data);
        var options = new LocalStackOptions
        {
            Data = data,
            ApiPort = FreePort(),
            GatewayPort = gateway,
            GatewaySeenByAgent = network?.EndPoint.Port,
            GuestImage = image,
            Programs = programs,
            Libvirt = libvirt.Uri,
            Environment = environment,
            // What a busy machine needs for its first commands is no fault; how fast an answer has to be, the tests that are about it say themselves.
            CallPatience = TimeSpan.FromSeconds(60),
        };
        try
        {
            return new Stage(await LocalStack.StartAsync(options, say, TimeProvider.System, CancellationToken.None), libvirt, environment, network, say);
        }
        catch
        {
            if (network is not null)
            {
                await network.DisposeAsync();
            }

            KeepLogs(options);
            await libvirt.DisposeAsync();
            Directory.Delete(data, recursive: true);
            throw;
        }
    }

    /// <summary>Kills the agent; its drivers end with it.</summary>
    /// <returns>When it has ended.</returns>
    public async Task KillAgentAsync()
    {
        Stack.Agent.Signal(Signal.Kill);
        await Stack.Agent.Exited;
    }

    /// <summary>Starts the agent, which has ended, and waits until this very process watches the server and has heard that there is nothing newer.</summary>
    /// <param name="failpoints">Places where it and its drivers shall fail, wait or die.</param>
    /// <returns>When it has.</returns>
    public async Task StartAgentAsync(string failpoints = "")
    {
        _environment[FailpointVariable] = failpoints;
        try
        {
            await Stack.StartAgentAsync(static _ => { }, CancellationToken.None);
        }
        finally
        {
            _environment.Remove(FailpointVariable);
        }

        await Wait.UntilAsync("the agent to watch the server and to be confirmed", TimeSpan.FromSeconds(180), async () => await AgentAsync() is { Watching: true, Confirmed: true });
    }

    /// <summary>Waits until the agent has died by itself, at a place where it was told to.</summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> AgentDiedAsync() => Wait.UntilAsync("the agent to die where it was told to", TimeSpan.FromSeconds(180), () => Task.FromResult(Stack.Agent.Exited.IsCompleted));

    /// <summary>Kills the server and starts it again.</summary>
    /// <param name="failpoints">Places where the new process shall wait or die.</param>
    /// <returns>When the new process answers and the agent watches it.</returns>
    public async Task RestartServerAsync(string failpoints = "")
    {
        Stack.Server.Signal(Signal.Kill);
        await Stack.Server.Exited;
        await StartServerAsync(failpoints);
        await Wait.UntilAsync("the agent to watch the new server", TimeSpan.FromSeconds(180), async () => await AgentAsync() is { Watching: true });
    }

    /// <summary>Starts the server, which has ended. Nothing is said about the agent.</summary>
    /// <param name="failpoints">Places where the new process shall wait or die.</param>
    /// <returns>When the new process answers.</returns>
    /// <exception cref="StackFaultException">It has ended before it did.</exception>
    public async Task StartServerAsync(string failpoints)
    {
        _environment[FailpointVariable] = failpoints;
        try
        {
            await Stack.StartServerAsync(CancellationToken.None);
        }
        finally
        {
            _environment.Remove(FailpointVariable);
        }
    }

    /// <summary>Tells how server and agent are and what they logged last, for somebody who looks for the cause of a failure.</summary>
    /// <param name="say">Told a line at a time.</param>
    public void Tell(Action<string> say)
    {
        foreach (var program in new[] { Stack.Server, Stack.Agent })
        {
            say($"the {program.Name} {(program.Exited.IsCompleted ? "has ended" : "runs")}; of its last lines, without what drivers log:");
            foreach (var line in program.Tail(EvidenceLines).Where(static line => !line.Contains("Driver of storage pool", StringComparison.Ordinal)))
            {
                say("  " + (line.Length > EvidenceWidth ? line[..EvidenceWidth] : line));
            }
        }
    }

    /// <summary>Starts server and agent anew and mends network and pools, after a test that failed anywhere in the middle.</summary>
    /// <returns>When the new agent watches the new server; its drivers may still be starting.</returns>
    public async Task RenewAsync()
    {
        if (_network is not null)
        {
            await _network.SetAsync(ProxyFault.None);
        }

        foreach (var pool in _pools)
        {
            await pool.HealAsync();
        }

        Stack.Agent.Signal(Signal.Kill);
        Stack.Server.Signal(Signal.Kill);
        await Task.WhenAll(Stack.Agent.Exited, Stack.Server.Exited);
        await StartServerAsync("");
        await StartAgentAsync();
    }

    /// <summary>What the agent says of itself on its local socket; null when it does not answer.</summary>
    /// <returns>Its state.</returns>
    public async Task<AgentStatus?> AgentAsync() =>
        await StatusClient.AskAsync(Stack.Options.AgentFolder, TimeSpan.FromSeconds(5), TimeProvider.System, CancellationToken.None) is StatusAnswer.Told told ? told.Status : null;

    /// <summary>Waits until every pool that should be attached is, by the driver processes that the agent has now; after the agent was started again the API shows the former ones for a moment.</summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> DriversServeAsync() => Wait.UntilAsync("the drivers of all pools to serve", TimeSpan.FromSeconds(180), async () =>
    {
        var here = (await AgentAsync())?.Bindings ?? [];
        var shown = await Api.ListAsync("listStoragePoolBindings", "storagepoolbinding", CancellationToken.None);
        return shown.Where(binding => binding.Text("desired") == "Attached").All(binding => binding.Text("observed") == "Attached"
            && here.Any(one => binding.Text("driverpid") == one.Pid?.ToString(CultureInfo.InvariantCulture) && binding.GetRawText().Contains(one.PoolId.ToString(), StringComparison.Ordinal)));
    });

    /// <summary>Deploys a VM from the test guest's template; does not wait for the guest itself.</summary>
    /// <param name="name">A name for texts; made unique.</param>
    /// <param name="offering">The service offering, which decides the storage by its tags.</param>
    /// <returns>The VM.</returns>
    public async Task<Guest> DeployAsync(string name, string offering = "tiny")
    {
        var (guest, reply) = await TryDeployAsync(name, offering);
        return reply is ApiReply.Answered ? guest : throw new ApiFaultException("deployVirtualMachine", reply);
    }

    /// <summary>Deploys a VM, however that ends.</summary>
    /// <param name="name">A name for texts; made unique.</param>
    /// <param name="offering">The service offering.</param>
    /// <returns>The VM and how the job ended.</returns>
    public async Task<(Guest Guest, ApiReply Reply)> TryDeployAsync(string name, string offering = "tiny")
    {
        var (guest, job) = await BeginDeployAsync(name, offering);
        return (guest, await Api.WaitAsync("deployVirtualMachine", job, TimeSpan.FromSeconds(300), CancellationToken.None));
    }

    /// <summary>Asks for a VM and does not wait.</summary>
    /// <param name="name">A name for texts; made unique.</param>
    /// <param name="offering">The service offering.</param>
    /// <returns>The VM and the job.</returns>
    public async Task<(Guest Guest, string Job)> BeginDeployAsync(string name, string offering = "tiny")
    {
        var (unique, parameters) = await DeployParametersAsync(name, offering);
        var answer = await Api.AskAsync("deployVirtualMachine", CancellationToken.None, parameters);
        return (new Guest(this, unique, answer.Text("id")), answer.Text("jobid"));
    }

    /// <summary>What a deployVirtualMachine says.</summary>
    /// <param name="name">A name for texts; made unique.</param>
    /// <param name="offering">The service offering.</param>
    /// <returns>The unique name, and the parameters.</returns>
    public async Task<(string Name, (string Name, string Value)[] Parameters)> DeployParametersAsync(string name, string offering = "tiny")
    {
        var unique = $"{name}-{Interlocked.Increment(ref _guests)}";
        var zone = (await Api.ListAsync("listZones", "zone", CancellationToken.None))[0].Text("id");
        var serviceOffering = (await Api.ListAsync("listServiceOfferings", "serviceoffering", CancellationToken.None, ("name", offering))).Single().Text("id");
        var template = (await Api.ListAsync("listTemplates", "template", CancellationToken.None, ("templatefilter", "all"), ("name", "tiny-linux")))[0].Text("id");
        return (unique, [("name", unique), ("displayname", unique), ("zoneid", zone), ("serviceofferingid", serviceOffering), ("templateid", template)]);
    }

    /// <summary>Makes a data volume; no backend holds anything of it before it is attached for the first time.</summary>
    /// <param name="offering">The disk offering, which decides the storage by its tags.</param>
    /// <returns>Its id.</returns>
    public async Task<string> CreateVolumeAsync(string offering)
    {
        var zone = (await Api.ListAsync("listZones", "zone", CancellationToken.None))[0].Text("id");
        var disk = (await Api.ListAsync("listDiskOfferings", "diskoffering", CancellationToken.None, ("name", offering))).Single().Text("id");
        var made = await Api.DoAsync("createVolume", TimeSpan.FromSeconds(120), CancellationToken.None, ("name", $"data-{Interlocked.Increment(ref _guests)}"), ("zoneid", zone), ("diskofferingid", disk));
        return made.GetProperty("volume").Text("id");
    }

    /// <summary>Makes a disk offering whose volumes go to the pools with a tag.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="gib">The size of its volumes, in GiB.</param>
    /// <returns>Its id.</returns>
    public async Task<string> AddDiskOfferingAsync(string name, string tag, int gib)
    {
        await Api.AskAsync(
            "createDiskOffering",
            CancellationToken.None,
            ("name", name),
            ("displaytext", string.Create(CultureInfo.InvariantCulture, $"{gib} GiB on {tag}")),
            ("disksize", gib.ToString(CultureInfo.InvariantCulture)),
            ("tags", tag));
        return (await Api.ListAsync("listDiskOfferings", "diskoffering", CancellationToken.None, ("name", name))).Single().Text("id");
    }

    /// <summary>Starts a LINSTOR cluster and makes a storage pool of it, with a service offering of the same name whose VMs go there.</summary>
    /// <param name="name">The pool's name; made unique.</param>
    /// <param name="kind">What kind of cluster.</param>
    /// <returns>The pool, attached on this host.</returns>
    public async Task<SimulatedPool> AddLinstorAsync(string name, LinstorKind kind = LinstorKind.Drbd)
    {
        var pool = await SimulatedPool.CreateAsync(this, $"{name}-{_pools.Count + 1}", kind);
        _pools.Add(pool);
        await pool.AttachedAsync();
        return pool;
    }

    /// <summary>What is owed to storage, as the API lists it.</summary>
    /// <param name="pool">Only for this pool; null: all.</param>
    /// <returns>The obligations.</returns>
    public async Task<IReadOnlyList<System.Text.Json.JsonElement>> ObligationsAsync(SimulatedPool? pool = null)
    {
        var all = await Api.ListAsync("listObligations", "obligation", CancellationToken.None);
        return pool is null ? all : [.. all.Where(owed => owed.GetRawText().Contains(pool.Id, StringComparison.Ordinal))];
    }

    /// <summary>What a removed pool has left behind at its backend, as the API lists it.</summary>
    /// <param name="pool">The pool.</param>
    /// <returns>The orphans.</returns>
    public Task<IReadOnlyList<System.Text.Json.JsonElement>> OrphansAsync(SimulatedPool pool) =>
        Api.ListAsync("listObligations", "obligation", CancellationToken.None, ("state", "orphaned"), ("storageid", pool.Id));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var pool in _pools)
        {
            await pool.HealAsync();
        }

        if (_network is not null)
        {
            await _network.SetAsync(ProxyFault.None);
        }

        await Stack.DisposeAsync();
        if (_network is not null)
        {
            await _network.DisposeAsync();
        }

        // Guests outlive server and agent by design, so they are ended here, past both: a stage must come down whatever state a failed test left it in.
        foreach (var guest in (await Virsh.RunAsync("list", "--all", "--uuid")).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            await Virsh.TryAsync("destroy", guest);
        }

        foreach (var pool in _pools)
        {
            await pool.DisposeAsync();
        }

        KeepLogs(Stack.Options);
        await Libvirt.DisposeAsync();
        Directory.Delete(Stack.Options.Data, recursive: true);
        _say("the stage is cleared");
    }

    private static void KeepLogs(LocalStackOptions options)
    {
        var keep = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "test-results", "stage-logs", Path.GetFileName(options.Data)));
        if (Directory.Exists(options.LogFolder))
        {
            Directory.CreateDirectory(keep);
            foreach (var log in Directory.EnumerateFiles(options.LogFolder))
            {
                File.Copy(log, Path.Combine(keep, Path.GetFileName(log)), overwrite: true);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
