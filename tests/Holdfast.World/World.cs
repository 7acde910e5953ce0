using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Agents;
using Holdfast.Server.Hosts;
using Holdfast.Server.Machines;
using Holdfast.Server.Offerings;
using Holdfast.Server.Pools;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Worlds.Checking;
using Holdfast.Worlds.Client;
using Holdfast.Worlds.Control;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using Holdfast.Worlds.Simulation;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;

namespace Holdfast.Worlds;

/// <summary>
/// An installation in one thread: the real server and the real agents, on simulated hosts, storage and network and one virtual clock. What happens in it is a
/// function of the seed. Not safe for two threads; worlds side by side share nothing.
/// </summary>
internal sealed class World : IDisposable
{
    /// <summary>A secret that is given to the product and must be seen nowhere.</summary>
    public const string Taint = "tainted-token-8f2c1";

    private static readonly string CertificateRequest = NewCertificateRequest();
    private readonly List<SimHost> _hosts = [];
    private readonly List<SimBackend> _backends = [];
    private int _vms;

    public World(WorldOptions options)
    {
        Options = options;
        Simulator = new Simulator(options.Seed);
        Recorder = new Recorder(Simulator);
        foreach (var checker in AllCheckers.New())
        {
            Recorder.Watch(checker);
        }

        Node = new SimNode(Simulator, Recorder, LogOf("server"), services =>
        {
            services.AddSingleton(options.Timings);
            options.Twins.Server?.Invoke(services);
        });
        Api = new ApiClient(Simulator, Recorder, Node);
        for (var i = 1; i <= options.Pools; i++)
        {
            _backends.Add(new SimBackend(Simulator, Recorder, $"store{i}") { CanAttachLocally = true, CanCut = i > 1 || options.CanCut });
        }
    }

    public WorldOptions Options { get; }

    public Twins Twins => Options.Twins;

    public Simulator Simulator { get; }

    public Recorder Recorder { get; }

    public SimNode Node { get; }

    public ApiClient Api { get; }

    public IReadOnlyList<SimHost> Hosts => _hosts;

    public IReadOnlyList<SimBackend> Backends => _backends;

    public ZoneId Zone { get; private set; }

    public ServiceOfferingId Offering { get; private set; }

    public IReadOnlyList<ServiceOfferingId> OfferingOf { get; private set; } = [];

    public IReadOnlyList<DiskOfferingId> DiskOfferingOf { get; private set; } = [];

    public TemplateId Template { get; private set; }

    /// <summary>Makes an installation that works: hosts joined and up, pools added, a template ready everywhere.</summary>
    public World Build()
    {
        Node.Start();
        Zone = Node.Read(db => db.Zones.Select(z => z.Id).FirstAsync());
        for (var i = 1; i <= Options.Hosts; i++)
        {
            var host = new SimHost(this, i);
            _hosts.Add(host);
            Join(host, null);
            host.StartAgent();
        }

        Supervise();
        UntilSeen(() => Node.Read(db => db.Hosts.CountAsync(h => h.State == HostState.Up)) == Options.Hosts, TimeSpan.FromMinutes(2), "all hosts to be up");
        var offerings = new List<ServiceOfferingId>();
        var diskOfferings = new List<DiskOfferingId>();
        foreach (var backend in _backends)
        {
            AddPool(backend);
            offerings.Add(new ServiceOfferingId(Do(Api.Make<ServiceOfferingRow>(
                $"createServiceOffering on {backend.Name}",
                (node, admin, ct) => node.Service<IOfferingOperations>().CreateServiceOfferingAsync(
                    admin, new CreateServiceOffering { Name = $"on {backend.Name}", Cpus = 1, CpuMhz = 100, MemoryMib = 64, StorageTags = [backend.Name] }, ct),
                static row => row.Id.Value)).Entity!.Value));
            diskOfferings.Add(new DiskOfferingId(Do(Api.Make<DiskOfferingRow>(
                $"createDiskOffering on {backend.Name}",
                (node, admin, ct) => node.Service<IOfferingOperations>().CreateDiskOfferingAsync(admin, new CreateDiskOffering { Name = $"on {backend.Name}", Customized = true, Tags = [backend.Name] }, ct),
                static row => row.Id.Value)).Entity!.Value));
        }

        (OfferingOf, DiskOfferingOf) = (offerings, diskOfferings);
        if (_backends.Count > 0)
        {
            Template = new TemplateId(Do(Api.Make<TemplateRow>(
                "registerTemplate tiny",
                (node, admin, ct) => node.Service<ITemplateOperations>().RegisterAsync(
                    admin, new RegisterTemplate { Name = "tiny", Url = "https://images.example.org/tiny.qcow2", Format = "QCOW2", Hypervisor = "KVM", IsPublic = true, DynamicallyScalable = true }, ct),
                static row => row.Id.Value)).Entity!.Value);
            UntilSeen(() => Node.Read(db => db.Templates.AnyAsync(t => t.Id == Template && t.State == TemplateState.Ready)), TimeSpan.FromMinutes(5), "the template to be ready");
        }

        if (Options.LookEvery > TimeSpan.Zero)
        {
            LookAgain();
        }

        return this;
    }

    /// <summary>Adds a pool on a storage system through the API.</summary>
    public PoolId AddPool(SimBackend backend, string? name = null)
    {
        var call = Do(Api.CreatePool(PoolRequest(backend, name)));
        backend.Pool = new PoolId(call.Entity!.Value);
        return backend.Pool;
    }

    public CreateStoragePool PoolRequest(SimBackend backend, string? name = null) => new()
    {
        Name = name ?? backend.Name,
        Url = $"http://{backend.Name}:3370/rg",
        ZoneId = Zone,
        Scope = "ZONE",
        Provider = "Linstor",
        Hypervisor = "KVM",
        Tags = [backend.Name],
        Details = new Dictionary<string, string> { ["lin.auth.apitoken"] = Taint },
    };

    /// <summary>The storage system that a binding names.</summary>
    public SimBackend BackendOf(BindingSpec spec)
    {
        var config = string.Join(' ', spec.Config.Values);
        return _backends.Find(backend => config.Contains($"{backend.Name}:", StringComparison.Ordinal)) ?? throw new InvalidOperationException($"No storage system is named in: {config}");
    }

    /// <summary>Takes a host in, a new one or an old one that was installed anew, at once: nothing hurts the server now.</summary>
    public void Join(SimHost host, HostId? known) => Now.Run(() => JoinAsync(host, known));

    /// <summary>Takes a host in again, as a process of the server that may have to wait; begins anew when the server ends in the middle of it.</summary>
    public void BeginJoin(SimHost host, HostId known, Action joined) => Node.Accept(
        refused: () => Simulator.After(TimeSpan.FromSeconds(1), () => BeginJoin(host, known, joined)),
        async () =>
        {
            using var ended = Node.OnEnd(() => Simulator.After(TimeSpan.FromSeconds(1), () => BeginJoin(host, known, joined)));
            await JoinAsync(host, known);
            joined();
        });

    private async Task JoinAsync(SimHost host, HostId? known)
    {
        // Joining is not what is put to the test.
        Node.Failpoints.Disarm();
        var issued = Done(await Node.Service<IHostOperations>().CreateJoinTokenAsync(Node.Admin, null, known, null, CancellationToken.None));
        var token = JoinToken.TryParse(issued.Token) ?? throw new InvalidOperationException("The server's own token cannot be read.");
        var outcome = await Node.Service<JoinDesk>().JoinAsync(
            new JoinRequest { Token = token.Value, CertificateRequest = CertificateRequest, Facts = host.Facts }, CancellationToken.None);
        var answer = outcome is JoinOutcome.Joined joined ? joined.Answer : throw new InvalidOperationException(outcome.ToString());
        host.Join(answer.IncarnationId, answer.HostId);
    }

    /// <summary>Deploys a VM on a storage system; returns the call.</summary>
    public Call Deploy(int backend = 0, SimHost? host = null, bool withData = false)
    {
        var name = $"vm{++_vms}";
        return Api.Deploy(
            new DeployVirtualMachine
            {
                Name = name,
                ServiceOfferingId = OfferingOf[backend],
                ZoneId = Zone,
                TemplateId = Template,
                HostId = host?.Id,
                DataDisks = withData ? [new DeployDataDisk(DiskOfferingOf[backend], 1)] : [],
            },
            $"{name} on {_backends[backend].Name}");
    }

    /// <summary>Deploys a VM and waits until it runs.</summary>
    public VmId Run(int backend = 0, SimHost? host = null, bool withData = false) => new(Do(Deploy(backend, host, withData)).Entity!.Value);

    /// <summary>Waits for the good end of a call and of its job.</summary>
    public Call Do(Call call, TimeSpan? atMost = null)
    {
        Finish(call, atMost);
        return call.Succeeded ? call : throw new WorldException(this, $"{call.Command}: {call}");
    }

    /// <summary>Waits for the end of a call and of its job, however it ends.</summary>
    public Call Finish(Call call, TimeSpan? atMost = null)
    {
        Until(() => call.IsFinished, atMost ?? TimeSpan.FromMinutes(40), $"the end of {call.Command}");
        return call;
    }

    /// <summary>Runs until it is so; a world in which it does not become so is broken.</summary>
    public void Until(Func<bool> condition, TimeSpan atMost, string what)
    {
        if (!Simulator.RunUntil(condition, atMost))
        {
            throw new WorldException(this, $"waited {atMost.TotalSeconds:0} virtual seconds for {what}");
        }
    }

    /// <summary>The same for a condition that asks the database, which is looked at ten times a second.</summary>
    public void UntilSeen(Func<bool> condition, TimeSpan atMost, string what) => UntilSeen(condition, atMost, () => what);

    /// <summary>The same, told when it did not become so.</summary>
    public void UntilSeen(Func<bool> condition, TimeSpan atMost, Func<string> what)
    {
        var end = Simulator.Now + atMost;
        while (!condition())
        {
            if (Simulator.Now >= end)
            {
                throw new WorldException(this, $"waited {atMost.TotalSeconds:0} virtual seconds for {what()}");
            }

            For(TimeSpan.FromMilliseconds(100));
        }
    }

    public void For(TimeSpan span)
    {
        Simulator.RunFor(span);
        if (Simulator.IsOver)
        {
            throw new WorldException(this, "the world ended");
        }
    }

    public VmRow Vm(VmId id) => Node.Read(db => db.Vms.SingleAsync(v => v.Id == id));

    public bool Runs(VmId vm) => _hosts.Exists(host => host.Hypervisor.Runs(vm));

    public SimHost? HostOf(VmId vm) => _hosts.Find(host => host.Hypervisor.Runs(vm));

    /// <summary>The host that the server has the VM on.</summary>
    public SimHost? PlacedOn(VmId vm) => Vm(vm).HostId is { } id ? _hosts.Find(host => host.Id == id) : null;

    /// <summary>Ends every fault, and gives everybody time; writes down what is not as it should be then.</summary>
    public void HealAndSettle(TimeSpan? atMost = null)
    {
        foreach (var backend in _backends)
        {
            backend.EndFaults();
        }

        Node.Failpoints.Disarm();
        foreach (var host in _hosts)
        {
            Heal(host);
        }

        if (!Node.IsUp)
        {
            Node.Start();
        }
        else if (Node.UpSince is null)
        {
            Node.Thaw();
        }

        var judge = new Settling(this);
        var end = Simulator.Now + (atMost ?? TimeSpan.FromMinutes(40));
        IReadOnlyList<string> unsettled;
        do
        {
            For(TimeSpan.FromSeconds(5));
            unsettled = judge.Unsettled();
        }
        while (unsettled.Count > 0 && Simulator.Now < end && !HasLostKnowledge);

        Recorder.Add(new HistoryEntry.Settled(HasLostKnowledge ? [] : unsettled));
        if (Simulator.IsOver)
        {
            throw new WorldException(this, "it does not settle");
        }
    }

    /// <summary>Ends the faults of a host.</summary>
    public void Heal(SimHost host)
    {
        host.Wire.IsCutUp = false;
        host.Wire.IsCutDown = false;
        host.Store.Refuse = null;
        host.Store.Slowness = TimeSpan.Zero;
        host.Store.Hang(on: false);
        host.Store.KillsAt = static _ => false;
        host.Failpoints.Disarm();
        host.Hypervisor.LosesEvents = false;
        host.Hypervisor.IsHung = false;
        host.RepeatsReports = false;
        host.RepeatsItems = false;
        host.ItemsPerWatch = null;
        host.Launcher.Repair();
        if (host.Hypervisor.IsDown)
        {
            host.Hypervisor.Start();
        }

        foreach (var guest in host.Hypervisor.Guests.Keys.ToList())
        {
            host.Hypervisor.SleepInKernel(new VmId(guest), sleeps: false);
            host.Hypervisor.LetGo(new VmId(guest));
        }

        foreach (var driver in host.Launcher.Running.ToList())
        {
            driver.SleepInKernel(sleeps: false);
        }

        if (host.AgentProcess is { IsFrozen: true, IsDead: false })
        {
            host.ThawAgent();
        }

        if (!host.HasPower)
        {
            host.Boot();
        }
    }

    public SimLog LogOf(string who) => new(Simulator, who, (name, level, text) =>
    {
        if (text.Contains(Taint, StringComparison.Ordinal) || Options.KeepsLog)
        {
            Recorder.Add(new HistoryEntry.Logged(name, level.ToString(), text));
        }
    });

    public void Dispose() => Node.Dispose();

    private static T Done<T>(Outcome<T> outcome) => outcome is Outcome<T>.Done done ? done.Value : throw new InvalidOperationException(outcome.ToString());

    private static string NewCertificateRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=host", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
    }

    // What systemd does on a host and for the server: an agent or server that ended is started again after a moment.
    private void Supervise() => Simulator.After(Simulator.Milliseconds(500, 3000), () =>
    {
        foreach (var host in _hosts.Where(host => host is { HasPower: true, IsAgentUp: false, IsHeldDown: false }))
        {
            host.StartAgent();
        }

        if (!Node.IsUp && !IsServerHeldDown)
        {
            Node.Start();
        }

        Supervise();
    });

    /// <summary>The database is older than the world: what it does not know is not settled by itself.</summary>
    public bool HasLostKnowledge { get; set; }

    /// <summary>Nobody starts the server again.</summary>
    public bool IsServerHeldDown { get; set; }

    // Somebody who looks at the API again and again; what it says is compared with what is so at that instant.
    private void LookAgain() => Simulator.After(Options.LookEvery, () =>
    {
        if (Node is { IsUp: true, UpSince: { } since })
        {
            var now = Simulator.Time.GetUtcNow();
            var (vms, jobs) = Node.Read(async db => (
                await db.Vms.Where(v => v.Removed == null).Select(v => new { v.Id, v.Name, v.State, v.Paused, v.Condition }).ToListAsync(),
                await db.Jobs.Where(j => j.State == JobState.Pending).Select(j => new { j.Id, j.Description, j.Deadline }).ToListAsync()));
            foreach (var vm in vms)
            {
                Recorder.Add(new HistoryEntry.VmSeen(vm.Id, vm.Name, vm.State, Runs(vm.Id), vm is { Paused: not null, Condition: { } said } && said.Contains("paused", StringComparison.Ordinal)));
            }

            var served = Simulator.Now - since;
            var slack = Options.Timings.SweepInterval + TimeSpan.FromSeconds(5);
            foreach (var job in jobs.Where(j => now - j.Deadline > slack && served > slack))
            {
                Recorder.Add(new HistoryEntry.JobOverdue(job.Id, job.Description, now - job.Deadline));
            }
        }

        LookAgain();
    });
}
