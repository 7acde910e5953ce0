using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Cli.CloudStack;
using Holdfast.LinstorSimulation;

namespace Holdfast.Staging;

/// <summary>
/// A storage pool on a LINSTOR cluster of its own that can be made to fail and that sees every attempt to reach it. Its volumes are real block devices of
/// this machine.
/// </summary>
internal sealed class SimulatedPool : IAsyncDisposable
{
    private const string Group = "holdfast";
    private const string StorageNode = "storage1";

    private static readonly TimeSpan JobDeadline = TimeSpan.FromSeconds(180);

    private readonly Stage _stage;
    private readonly LinstorSimulator _linstor;
    private DateTimeOffset? _healed;
    private readonly LinstorKind _kind;

    private SimulatedPool(Stage stage, LinstorSimulator linstor, LinstorKind kind, string name)
    {
        _stage = stage;
        _linstor = linstor;
        _kind = kind;
        Name = name;
    }

    /// <summary>The pool's name.</summary>
    public string Name { get; }

    /// <summary>The pool's id.</summary>
    public string Id { get; private set; } = "";

    /// <summary>The service offering whose VMs go to this pool, and the disk offering whose volumes do.</summary>
    public string Offering => Name;

    /// <summary>Requests and attempts to connect since <see cref="ForgetRequests"/>, whether anybody listened or not.</summary>
    public long Requests => Math.Max(_linstor.Requests.ConnectionAttempts ?? 0, Math.Max(_linstor.Requests.ConnectionsAccepted, _linstor.Requests.Entries.Count));

    /// <summary>Starts a cluster and makes a pool of it, with an offering of the same name.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="name">The pool's name.</param>
    /// <param name="kind">What kind of cluster.</param>
    /// <returns>The pool; not attached yet.</returns>
    public static async Task<SimulatedPool> CreateAsync(Stage stage, string name, LinstorKind kind)
    {
        var folder = Directory.CreateDirectory(Path.Combine(stage.Stack.Options.Data, "linstor", name)).FullName;
        var linstor = await LinstorSimulator.StartAsync(new LinstorSimulatorOptions
        {
            StateFolder = folder,
            ResourceGroup = Group,
            Drbd = kind == LinstorKind.Drbd,
            PlaceCount = 1,
            MoreLocalNodes = kind == LinstorKind.Drbd ? [StorageNode] : [],
        });
        var pool = new SimulatedPool(stage, linstor, kind, name);
        try
        {
            if (kind == LinstorKind.Drbd)
            {
                await pool.KeepDataElsewhereAsync();
            }

            await pool.AddAsync();
            await stage.Api.AskAsync(
                "createServiceOffering",
                CancellationToken.None,
                ("name", name),
                ("displaytext", $"1 CPU, 128 MiB, disks on {name}"),
                ("cpunumber", "1"),
                ("cpuspeed", "1000"),
                ("memory", "128"),
                ("tags", name));
            await stage.AddDiskOfferingAsync(name, name, gib: 1);
            return pool;
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the pool of the same cluster, for the first time or again after its removal.</summary>
    /// <returns>When the API has answered.</returns>
    public async Task AddAsync() => Id = await AddAsync(Name, _linstor.Uri.ToString().TrimEnd('/'), Group);

    /// <summary>The port of the controller.</summary>
    public int Port => _linstor.Uri.Port;

    /// <summary>Asks for a further pool of the same resource group.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="url">Where the controller is said to be.</param>
    /// <param name="group">How the group is spelt.</param>
    /// <returns>The refusal.</returns>
    /// <exception cref="PromiseBrokenException">It was added.</exception>
    public async Task<string> RefusedAgainAsync(string name, string url, string group = Group)
    {
        try
        {
            await AddAsync(name, url, group);
        }
        catch (ApiFaultException refused)
        {
            return refused.Message;
        }

        throw new PromiseBrokenException($"resource group {group} at {url} was added as {name}, and {Name} is that already");
    }

    private async Task<string> AddAsync(string name, string url, string group)
    {
        var cluster = (await _stage.Api.ListAsync("listClusters", "cluster", CancellationToken.None))[0];
        var host = (await _stage.Api.ListAsync("listHosts", "host", CancellationToken.None, ("type", "Routing")))[0];
        if (_kind == LinstorKind.Drbd)
        {
            await TellHostAsync();
        }

        var answer = await _stage.Api.AskAsync(
            "createStoragePool",
            CancellationToken.None,
            [
            ("name", name),
            ("provider", "Linstor"),
            ("url", url),
            ("details[0].resourceGroup", group),
            .. _kind == LinstorKind.Drbd ? (IEnumerable<(string, string)>)[("scope", "CLUSTER")] : [("scope", "HOST"), ("hostid", host.Text("id"))],
            ("zoneid", cluster.Text("zoneid")),
            ("podid", cluster.Text("podid")),
            ("clusterid", cluster.Text("id")),
            ("hypervisor", "KVM"),
            ("tags", name),
            ]);
        return answer.GetProperty("storagepool").Text("id");
    }

    /// <summary>The stand-ins for DRBD's devices and for drbdsetup are the cluster's own: the host's configuration says so, as only it may.</summary>
    private async Task TellHostAsync()
    {
        var file = Path.Combine(_stage.Stack.Options.AgentFolder, "drivers.json");
        var settings = File.Exists(file) ? JsonNode.Parse(await File.ReadAllTextAsync(file))!.AsObject() : [];
        settings[$"linstor/{Name}"] = new JsonObject { ["devicePrefix"] = Path.Combine(_linstor.StateFolderPath, "dev"), ["drbdsetup"] = _linstor.DrbdSetupPath };
        await File.WriteAllTextAsync(file + ".new", settings.ToJsonString());
        File.SetUnixFileMode(file + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Waits until this host's driver is attached, as it is seen since the last fault was lifted: a look that was under way then still tells of the fault, and late.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> AttachedAsync()
    {
        var took = TimeSpan.Zero;
        if (_healed is { } healed)
        {
            took = await Wait.UntilAsync(
                $"the controller of {Name} to have answered since it works again",
                TimeSpan.FromSeconds(180),
                () => Task.FromResult(_linstor.Requests.Entries.Any(request => request.At > healed && request.Status is >= 200 and < 300)));
            _healed = null;
        }

        return took + await Wait.UntilAsync(
            $"the driver of {Name} to be attached", TimeSpan.FromSeconds(120), async () => (await BindingAsync()) is { } binding && binding.Text("observed") == "Attached");
    }

    /// <summary>Waits until no host has the pool any more.</summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> UnboundAsync() => Wait.UntilAsync(
        $"every host to confirm that the driver of {Name} is gone", TimeSpan.FromSeconds(120), async () => await BindingAsync() is null);

    /// <summary>The binding of this host, as the API shows it; null when there is none.</summary>
    /// <returns>The object.</returns>
    public async Task<JsonElement?> BindingAsync()
    {
        foreach (var binding in await _stage.Api.ListAsync("listStoragePoolBindings", "storagepoolbinding", CancellationToken.None))
        {
            if (binding.GetRawText().Contains(Id, StringComparison.Ordinal))
            {
                return binding;
            }
        }

        return null;
    }

    /// <summary>The driver process.</summary>
    /// <returns>The process, found by the id that the API shows, and looked at in /proc.</returns>
    public async Task<DriverProcess> DriverAsync()
    {
        var binding = await BindingAsync() ?? throw new PromiseBrokenException($"no host has the pool {Name}");
        var process = int.Parse(binding.Text("driverpid"), CultureInfo.InvariantCulture);
        var socket = ListeningSocket(process, _stage.Stack.Options.AgentFolder);
        return new DriverProcess(process, socket, Path.GetDirectoryName(socket)!);
    }

    /// <summary>Whether the cluster holds a volume, seen on this machine and not by asking the cluster.</summary>
    /// <param name="volume">The volume's id.</param>
    /// <returns>Whether it does.</returns>
    public bool Holds(string volume) => _linstor.Cluster.Volumes.Any(held => held.Resource == $"hf-{volume}");

    /// <summary>What the cluster holds, by name, seen as <see cref="Holds"/> sees it.</summary>
    public IReadOnlyList<string> Resources => [.. _linstor.Cluster.Volumes.Select(held => held.Resource).Distinct(StringComparer.Ordinal)];

    /// <summary>Starts counting requests anew.</summary>
    public void ForgetRequests() => _linstor.Requests.Clear();

    /// <summary>Makes the controller fail.</summary>
    /// <param name="death">How.</param>
    /// <returns>When it fails.</returns>
    public Task DieAsync(Death death) => _linstor.Faults.SetAsync(new FaultRule
    {
        Kind = death switch
        {
            Death.Refused => FaultKind.Refuse,
            Death.BlackHoled => FaultKind.Blackhole,
            Death.Silent => FaultKind.Hang,
            Death.ServerError => FaultKind.ServerErrorPage,
            Death.Garbage => FaultKind.Garbage,
            Death.Crawling => FaultKind.SlowBody,
            _ => throw new ArgumentOutOfRangeException(nameof(death), death, "no such death"),
        },
    });

    /// <summary>Makes the controller take some requests and never answer them; nothing of them is carried out.</summary>
    /// <param name="method">Their method.</param>
    /// <param name="path">Their path; <c>*</c> stands for anything.</param>
    /// <returns>When it does.</returns>
    public Task HangAsync(string method, string path) => _linstor.Faults.SetAsync(new FaultRule { Kind = FaultKind.Hang, Method = method, Path = path });

    /// <summary>The path of the request by which a volume is attached to this host.</summary>
    /// <param name="volume">The volume's id.</param>
    /// <returns>The path.</returns>
    public static string AttachPath(string volume) => $"/v1/resource-definitions/hf-{volume}/resources/{File.ReadAllText("/proc/sys/kernel/hostname").Trim()}/make-available";

    /// <summary>Lifts all faults.</summary>
    /// <returns>When the controller works again.</returns>
    public async Task HealAsync()
    {
        await _linstor.Faults.ClearAsync();
        _healed = TimeProvider.System.GetUtcNow();
    }

    /// <summary>Waits until a request has reached the controller, to inject a fault right into it.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="path">What its path contains.</param>
    /// <returns>When it has.</returns>
    public async Task AskedAsync(string method, string path)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _linstor.Requests.WaitForAsync(
            request => request.Method == method && request.Path.Contains(path, StringComparison.Ordinal), late.Token);
    }

    /// <summary>Puts the pool in maintenance.</summary>
    /// <returns>When the job is done.</returns>
    public Task EnterMaintenanceAsync() => _stage.Api.DoAsync("enableStorageMaintenance", JobDeadline, CancellationToken.None, ("id", Id));

    /// <summary>Deletes the pool, which is in maintenance.</summary>
    /// <param name="forced">Whether destroyed volumes that were not deleted yet are given up.</param>
    /// <returns>When the API has answered.</returns>
    public Task DeleteAsync(bool forced = false) => _stage.Api.DoAsync("deleteStoragePool", JobDeadline, CancellationToken.None, ("id", Id), ("forced", forced ? "true" : "false"));

    /// <summary>Puts it in maintenance, deletes it, and waits until no host has it.</summary>
    /// <returns>When it is gone everywhere.</returns>
    public async Task RemoveAsync()
    {
        await EnterMaintenanceAsync();
        await DeleteAsync();
        await UnboundAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _linstor.DestroyAsync();
        await _linstor.DisposeAsync();
    }

    // As on a cluster with storage nodes: this host has no copy, only a diskless resource while a VM runs, which is what has to be cleaned up after it.
    private async Task KeepDataElsewhereAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var filter = new StringContent($$$"""{"select_filter":{"place_count":1,"node_name_list":["{{{StorageNode}}}"]}}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await http.PutAsync(new Uri(_linstor.Uri, $"/v1/resource-groups/{Group}"), filter);
        response.EnsureSuccessStatusCode();
    }

    // The runtime has a socket of its own for diagnostics, elsewhere.
    private static string ListeningSocket(int process, string folder)
    {
        var inodes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var handle in Directory.EnumerateFiles($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/fd"))
        {
            if (new FileInfo(handle).LinkTarget is { } target && target.StartsWith("socket:[", StringComparison.Ordinal))
            {
                inodes.Add(target[8..^1]);
            }
        }

        return File.ReadLines("/proc/net/unix")
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length == 8 && inodes.Contains(fields[6]) && fields[7].StartsWith(folder + "/", StringComparison.Ordinal))
            .Select(fields => fields[7])
            .First();
    }
}
