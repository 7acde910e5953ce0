using System.Threading.Channels;
using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Ids;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>A host's guests. Outlives the agents that a test starts on it.</summary>
internal sealed class SimHypervisor(TimeProvider time) : IHypervisor
{
    private readonly Dictionary<VmId, OwnDomain> _domains = [];
    private Channel<HypervisorEvent> _events = Channel.CreateUnbounded<HypervisorEvent>();

    public List<string> Effects { get; } = [];

    public IReadOnlyDictionary<VmId, OwnDomain> Domains => _domains;

    /// <summary>How long a guest takes to power off when asked; null: it ignores the button.</summary>
    public TimeSpan? PowersOffAfter { get; set; } = TimeSpan.FromMilliseconds(300);

    public TimeSpan StartTakes { get; set; } = TimeSpan.FromMilliseconds(100);

    public HashSet<VmId> Uninterruptible { get; } = [];

    private readonly HashSet<VmId> _killed = [];

    public bool IsDown { get; set; }

    /// <summary>libvirtd answers no question about a guest; its end goes past it.</summary>
    public bool AnswersNothing { get; set; }

    public string? RefuseStart { get; set; }

    /// <summary>libvirtd has taken calls to plug a disk in and answers nothing; see <see cref="GoOn"/>.</summary>
    public bool PlugsLate { get; set; }

    private Action? _late;

    /// <summary>libvirtd goes on, and does what it was asked long ago.</summary>
    public void GoOn()
    {
        (AnswersNothing, PlugsLate) = (false, false);
        _late?.Invoke();
        _late = null;
    }

    public bool LosesEvents { get; set; }

    public HypervisorHealth Health => new(!IsDown, 0, null, default);

    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    /// <summary>A new agent reads the events from here on.</summary>
    public void NewReader() => _events = Channel.CreateUnbounded<HypervisorEvent>();

    /// <summary>The guest ends by itself.</summary>
    public void EndByItself(VmId machine)
    {
        _domains.Remove(machine);
        Tell(new HypervisorEvent.Stopped(machine, StopReason.Shutdown));
    }

    /// <summary>What makes a guest stand still again as soon as it was let go on.</summary>
    public Dictionary<VmId, GuestPause> Held { get; } = [];

    /// <summary>How often a guest was let go on.</summary>
    public int Resumes => Effects.Count(effect => effect == "resume");

    /// <summary>Why no guest can be let go on; null: they can.</summary>
    public string? RefuseResume { get; set; }

    /// <summary>How long libvirt takes to say that a guest was not let go on; null: it is prompt.</summary>
    public TimeSpan? ResumeHangs { get; set; }

    /// <summary>A guest stands still.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="why">Why.</param>
    /// <param name="isHeld">Whether it stands still again whenever it is let go on.</param>
    public void Pause(VmId machine, GuestPause why, bool isHeld = false)
    {
        if (isHeld)
        {
            Held[machine] = why;
        }

        if (_domains.TryGetValue(machine, out var domain))
        {
            _domains[machine] = domain with { Status = DomainStatus.Paused, Pause = why };
            Tell(new HypervisorEvent.Paused(machine, why.Reason is PauseReason.IoError or PauseReason.NoSpace));
        }
    }

    /// <summary>A guest goes on, whoever let it.</summary>
    public void Unpause(VmId machine)
    {
        _domains[machine] = _domains[machine] with { Status = DomainStatus.Running, Pause = null };
        Tell(new HypervisorEvent.Started(machine));
    }

    public async Task<ResumeOutcome> ResumeAsync(VmId machine, CancellationToken cancellationToken)
    {
        if (ResumeHangs is { } hangs)
        {
            await Task.Delay(hangs, time, cancellationToken);
            return new ResumeOutcome.Failed(new HypervisorFault.TimedOut("resume", hangs));
        }

        return Resume(machine);
    }

    private ResumeOutcome Resume(VmId machine)
    {
        if (!_domains.TryGetValue(machine, out var domain))
        {
            return new ResumeOutcome.NotRunning();
        }

        if (domain.Status != DomainStatus.Paused)
        {
            return new ResumeOutcome.AlreadyRuns();
        }

        Effects.Add("resume");
        if (RefuseResume is { } reason)
        {
            return new ResumeOutcome.Failed(new HypervisorFault.Refused(55, reason));
        }

        Unpause(machine);
        time.CreateTimer(_ =>
        {
            if (Held.TryGetValue(machine, out var why))
            {
                Pause(machine, why);
            }
        }, null, TimeSpan.FromMilliseconds(20), Timeout.InfiniteTimeSpan);
        return new ResumeOutcome.Resumed();
    }

    /// <summary>The configuration drives that guests were started with.</summary>
    public Dictionary<VmId, string?> GuestDrives { get; } = [];

    public void Put(OwnDomain domain) => _domains[domain.Machine] = domain;

    public Task<DescribeOutcome> DescribeHostAsync(CancellationToken cancellationToken) => Task.FromResult<DescribeOutcome>(IsDown
        ? new DescribeOutcome.Failed(new HypervisorFault.Unavailable("down"))
        : new DescribeOutcome.Described(new HostDescription
        {
            HostName = "sim", Architecture = "x86_64", CpuModel = "sim", Cpus = 4, CpuMegahertz = 1000, MemoryMiB = 4096, Emulator = "/qemu", EmulatorVersion = "7.2",
            DaemonVersion = "9.0", Accelerator = Accelerator.Tcg, AcceleratorReason = "simulated", GuestUser = null, ActiveNetworks = ["default"],
        }));

    public Task<ListOutcome> ListAsync(CancellationToken cancellationToken) => Task.FromResult<ListOutcome>(
        IsDown ? new ListOutcome.Failed(new HypervisorFault.Unavailable("down")) : new ListOutcome.Listed([.. _domains.Values]));

    public async Task<FindOutcome> FindAsync(VmId machine, CancellationToken cancellationToken)
    {
        if (AnswersNothing)
        {
            var limit = new LibvirtHypervisorOptions().QuickDeadline;
            await Task.Delay(limit, time, cancellationToken);
            return new FindOutcome.Failed(new HypervisorFault.TimedOut("find", limit));
        }

        return Find(machine);
    }

    private FindOutcome Find(VmId machine) =>
        IsDown ? new FindOutcome.Failed(new HypervisorFault.Unavailable("down"))
        : _domains.TryGetValue(machine, out var domain) ? new FindOutcome.Found(domain) : new FindOutcome.Absent();

    /// <summary>Has the agent look at a guest.</summary>
    public void Hint(VmId machine) => Tell(new HypervisorEvent.Started(machine));

    public async Task<StartOutcome> StartAsync(DomainSpec spec, CancellationToken cancellationToken)
    {
        if (IsDown)
        {
            return new StartOutcome.Failed(new HypervisorFault.Unavailable("down"));
        }

        await Task.Delay(StartTakes, time, cancellationToken);
        if (RefuseStart is { } reason)
        {
            return new StartOutcome.Failed(new HypervisorFault.Refused(1, reason));
        }

        if (_domains.TryGetValue(spec.Machine, out var present))
        {
            return new StartOutcome.AlreadyPresent(present);
        }

        Effects.Add($"start {spec.Name}");
        GuestDrives[spec.Machine] = spec.GuestDrive;
        var domain = new OwnDomain
        {
            Machine = spec.Machine, Name = spec.Name, Generation = spec.Generation, Status = DomainStatus.Running, Cpus = spec.Cpus, MemoryMiB = spec.MemoryMiB,
            Disks = [.. spec.Disks.Select(disk => new OwnDomainDisk(disk.Target, disk.Volume, "/dev/" + disk.Volume))],
        };
        _domains[spec.Machine] = domain;
        Tell(new HypervisorEvent.Started(spec.Machine));
        return new StartOutcome.Started(domain);
    }

    public Task<ShutdownOutcome> RequestShutdownAsync(VmId machine, CancellationToken cancellationToken)
    {
        Effects.Add("button");
        if (PowersOffAfter is { } pause && !Uninterruptible.Contains(machine) && _domains.GetValueOrDefault(machine) is not { Status: DomainStatus.Paused })
        {
            time.CreateTimer(_ =>
            {
                // One that stands still hears nothing and does nothing.
                if (_domains.GetValueOrDefault(machine) is { Status: not DomainStatus.Paused })
                {
                    EndByItself(machine);
                }
            }, null, pause, Timeout.InfiniteTimeSpan);
        }

        return Task.FromResult<ShutdownOutcome>(new ShutdownOutcome.Requested());
    }

    public Task<RebootOutcome> RebootAsync(VmId machine, CancellationToken cancellationToken)
    {
        Effects.Add("reboot");
        return Task.FromResult<RebootOutcome>(new RebootOutcome.Requested());
    }

    public Task<RebootOutcome> ResetAsync(VmId machine, CancellationToken cancellationToken)
    {
        Effects.Add("reset");
        return Task.FromResult<RebootOutcome>(new RebootOutcome.Requested());
    }

    /// <summary>When the last process that cannot be ended was killed.</summary>
    public DateTimeOffset? KilledAt { get; private set; }

    public async Task<DestroyOutcome> DestroyAsync(VmId machine, TimeSpan bound, CancellationToken cancellationToken)
    {
        if (IsDown)
        {
            return new DestroyOutcome.Failed(new HypervisorFault.Unavailable("down"));
        }

        if (Uninterruptible.Contains(machine))
        {
            // As long as the real one waits.
            var limits = new LibvirtHypervisorOptions();
            if (_killed.Add(machine))
            {
                await Task.Delay(limits.KillAfter, time, cancellationToken);
                KilledAt = time.GetUtcNow();
                await Task.Delay(limits.UninterruptibleAfter, time, cancellationToken);
            }
            else
            {
                await Task.Delay(bound, time, cancellationToken);
            }

            if (Uninterruptible.Contains(machine))
            {
                return new DestroyOutcome.Uninterruptible(4711, "io_schedule");
            }
        }

        Effects.Add("destroy");
        _killed.Remove(machine);
        var was = _domains.Remove(machine);
        if (was)
        {
            Tell(new HypervisorEvent.Stopped(machine, StopReason.Destroyed));
        }

        return new DestroyOutcome.Gone(was);
    }

    public Task<AttachOutcome> AttachDiskAsync(VmId machine, DomainDisk disk, CancellationToken cancellationToken)
    {
        if (!_domains.TryGetValue(machine, out _))
        {
            return Task.FromResult<AttachOutcome>(new AttachOutcome.NotRunning());
        }

        void Plug()
        {
            Effects.Add($"plug {disk.Target}");
            var domain = _domains[machine];
            _domains[machine] = domain with { Disks = [.. domain.Disks, new OwnDomainDisk(disk.Target, disk.Volume, "/dev/" + disk.Volume)] };
        }

        if (PlugsLate)
        {
            AnswersNothing = true;
            _late = Plug;
            return Task.FromResult<AttachOutcome>(new AttachOutcome.Failed(new HypervisorFault.TimedOut("attach-device", new LibvirtHypervisorOptions().DeviceDeadline)));
        }

        Plug();
        return Task.FromResult<AttachOutcome>(new AttachOutcome.Attached());
    }

    public Task<DetachOutcome> DetachDiskAsync(VmId machine, VolumeId volume, CancellationToken cancellationToken)
    {
        if (!_domains.TryGetValue(machine, out var domain))
        {
            return Task.FromResult<DetachOutcome>(new DetachOutcome.NotRunning());
        }

        Effects.Add("unplug");
        _domains[machine] = domain with { Disks = [.. domain.Disks.Where(disk => disk.Volume != volume)] };
        return Task.FromResult<DetachOutcome>(new DetachOutcome.Detached());
    }

    public Task<ResizeOutcome> ResizeDiskAsync(VmId machine, VolumeId volume, long bytes, CancellationToken cancellationToken)
    {
        Effects.Add($"resize {bytes}");
        return Task.FromResult<ResizeOutcome>(new ResizeOutcome.Resized());
    }

    /// <summary>Why no guest is given more processors; null: they are.</summary>
    public string? RefuseCpus { get; set; }

    /// <summary>libvirtd gives guests more and its answer is lost.</summary>
    public bool LosesGrowth { get; set; }

    public Task<GrowOutcome> GrowCpusAsync(VmId machine, int cpus, CancellationToken cancellationToken) => Grow(
        machine, $"cpus {cpus}", RefuseCpus, domain => domain.Cpus >= cpus, domain => domain with { Cpus = cpus });

    public Task<GrowOutcome> GrowMemoryAsync(VmId machine, long mebibytes, CancellationToken cancellationToken) => Grow(
        machine, $"memory {mebibytes}", null, domain => domain.MemoryMiB >= mebibytes, domain => domain with { MemoryMiB = mebibytes });

    private Task<GrowOutcome> Grow(VmId machine, string effect, string? refusal, Func<OwnDomain, bool> has, Func<OwnDomain, OwnDomain> grown)
    {
        if (!_domains.TryGetValue(machine, out var domain))
        {
            return Task.FromResult<GrowOutcome>(new GrowOutcome.NotRunning());
        }

        if (refusal is not null)
        {
            return Task.FromResult<GrowOutcome>(new GrowOutcome.Failed(new HypervisorFault.Refused(55, refusal)));
        }

        if (!has(domain))
        {
            Effects.Add(effect);
            _domains[machine] = grown(domain);
        }

        return Task.FromResult<GrowOutcome>(LosesGrowth ? new GrowOutcome.Failed(new HypervisorFault.TimedOut(effect, new LibvirtHypervisorOptions().DeviceDeadline)) : new GrowOutcome.Done());
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Tell(HypervisorEvent hint)
    {
        if (!LosesEvents)
        {
            _events.Writer.TryWrite(hint);
        }
    }
}
