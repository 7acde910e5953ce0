using Holdfast.Agent;
using Holdfast.Agent.Loop;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Network;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Hosts;

/// <summary>A KVM host: guests, drivers, the ledger on its disk, its network, and the agent process, which the world kills, freezes and starts.</summary>
internal sealed class SimHost
{
    private readonly World _world;
    private readonly SeededIds _ids;
    private readonly SortedSet<Guid> _drives = [];
    private readonly SimLog _log;
    private int _boots;

    public SimHost(World world, int number)
    {
        _world = world;
        Number = number;
        Name = $"host{number}";
        Wire = new Wire(world.Simulator);
        _ids = new SeededIds((ushort)(0x1000 + number));
        _log = world.LogOf(Name);
        Failpoints = new FailpointSet(
            point =>
            {
                KillAgent($"kill -9 at {point.Name}");
                throw new ProcessKilledException(point.Name);
            },
            world.Simulator.Time);
        Store = new SimLedgerStore(world.Simulator, world.Recorder, Name) { Killed = AgentIsGone };
        Hypervisor = new SimHypervisor(
            world.Simulator, world.Recorder, Name, (host, volume) => world.Backends.Any(backend => backend.PathOn(host, volume) is not null),
            (host, volume) => world.Backends.Any(backend => backend.IsSuspended(host, volume)), Touch, EnsureAgentLives);
        foreach (var backend in world.Backends)
        {
            backend.DeviceChanged += host =>
            {
                if (host == Name)
                {
                    Hypervisor.Wake();
                }
            };
        }

        Launcher = new SimLauncher(world.Simulator, world.Recorder, Name, world.BackendOf, EnsureAgentLives, Hypervisor.HasOpen);
    }

    public int Number { get; }

    public string Name { get; }

    public Wire Wire { get; }

    public SimLedgerStore Store { get; }

    /// <summary>The failpoints of the agent, whichever process of it runs.</summary>
    public FailpointSet Failpoints { get; }

    public SimHypervisor Hypervisor { get; }

    public SimLauncher Launcher { get; }

    /// <summary>Which installation of the agent this is; set by joining.</summary>
    public IncarnationId Incarnation { get; private set; }

    /// <summary>The host as the server knows it.</summary>
    public HostId Id { get; private set; }

    public SimProcess? AgentProcess { get; private set; }

    public HostAgent? Agent { get; private set; }

    public bool IsAgentUp => AgentProcess is { IsDead: false };

    public bool HasPower { get; private set; } = true;

    /// <summary>Nobody starts the agent again.</summary>
    public bool IsHeldDown { get; set; }

    /// <summary>F22: reports are delivered more than once.</summary>
    public bool RepeatsReports { get; set; }

    /// <summary>F22: items arrive again, later, after newer ones.</summary>
    public bool RepeatsItems { get; set; }

    /// <summary>The server's list is empty or ends early: only so many items of a watch arrive.</summary>
    public int? ItemsPerWatch { get; set; }

    /// <summary>The peer is of another version: every body carries fields that nobody knows.</summary>
    public bool SpeaksNewer { get; set; }

    public HostFacts Facts => new() { HostName = Name, NodeName = Name, AgentVersion = "1.0", Cpus = 256, MemoryBytes = 4L << 40, Accelerator = "tcg" };

    public void Join(IncarnationId incarnation, HostId id) => (Incarnation, Id) = (incarnation, id);

    public void StartAgent()
    {
        // One whose ledger's disk hangs does not get beyond opening it.
        if (IsAgentUp || !HasPower || Store.Hangs)
        {
            return;
        }

        var process = new SimProcess(_world.Simulator, $"agent of {Name}");
        AgentProcess = process;
        Store.Open(process);
        Hypervisor.NewReader();
        _world.Recorder.Add(new HistoryEntry.AgentStarted(Name));
        var images = new SimImages(_world.Simulator);
        var loop = new AgentLoop(process, _world.Simulator.Time, _log) { Failpoints = Failpoints };
        process.Spawn(async () =>
        {
            Agent = new HostAgent(_world.Twins.Agent(_world, new AgentParts
            {
                Loop = loop,
                BootId = $"{Name}-boot-{_boots}",
                Store = Store,
                Damage = Store.TakeDamage(),
                Hypervisor = Hypervisor,
                Launcher = Launcher,
                Server = new AgentLink(_world.Simulator, _world.Recorder, this, _world.Node),
                Fetcher = images,
                Images = images,
                GuestDrives = new SimGuestDrives(_world.Simulator, _drives),
                Ids = _ids,
                Random = _world.Simulator.Random,
                Logs = _log,
                Facts = Facts,
                SerialLogFolder = "/var/log/holdfast",
            }));
            Agent.Start();
        });
    }

    /// <summary>kill -9.</summary>
    public void KillAgent(string how = "kill -9")
    {
        if (IsAgentUp)
        {
            AgentProcess!.Kill();
            AgentIsGone(how);
        }
    }

    public void FreezeAgent()
    {
        AgentProcess?.Freeze();
        _world.Recorder.Add(new HistoryEntry.Fault($"agent of {Name}: SIGSTOP", Begins: true));
    }

    public void ThawAgent()
    {
        _world.Recorder.Add(new HistoryEntry.Fault($"agent of {Name}: SIGSTOP", Begins: false));
        AgentProcess?.Thaw();
    }

    /// <summary>F17. What ran is gone, what was attached is not any more; the disk stays.</summary>
    public void LosePower()
    {
        HasPower = false;
        AgentProcess?.Kill();
        Agent = null;
        _world.Recorder.Add(new HistoryEntry.HostLostPower(Name));
        Hypervisor.LosePower();
        Launcher.LosePower();
        foreach (var backend in _world.Backends)
        {
            backend.Forget(Name);
        }
    }

    public void Boot()
    {
        HasPower = true;
        _boots++;
        if (!IsHeldDown)
        {
            // One that was installed anew has no agent to start before it has joined again.
            StartAgent();
        }
    }

    /// <summary>F23: installed anew. The agent is started once it has joined again.</summary>
    public void Reimage()
    {
        LosePower();
        HasPower = true;
        _boots++;
        Store.Wipe();
        Launcher.Wipe();
        _world.Recorder.Add(new HistoryEntry.HostReimaged(Name));
    }

    // A guest that starts reads what there is, and writes.
    private void Touch(VolumeId volume, bool isReadOnly)
    {
        var backend = _world.Backends.First(one => one.Volumes.ContainsKey(volume));
        backend.Read(Name, volume);
        if (!isReadOnly)
        {
            backend.Write(Name, volume);
        }
    }

    private void AgentIsGone(string how)
    {
        Agent = null;
        _world.Recorder.Add(new HistoryEntry.AgentEnded(Name, how));
        Launcher.LetGo();
    }

    private void EnsureAgentLives()
    {
        if (AgentProcess is not { IsDead: false })
        {
            throw new ProcessKilledException("an adapter");
        }
    }
}
