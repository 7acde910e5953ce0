using System.Threading.Channels;
using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Hosts;

/// <summary>
/// libvirtd and the guests of a host. What was asked of it happens whether or not the agent that asked still lives; guests outlive both.
/// </summary>
internal sealed class SimHypervisor(
    Simulator simulator, Recorder recorder, string host, Func<string, VolumeId, bool> isDeviceThere, Func<string, VolumeId, bool> isSuspended, Action<VolumeId, bool> touch,
    Action ensureAgentLives) : IHypervisor
{
    private static readonly LibvirtHypervisorOptions Limits = new();
    private readonly SortedDictionary<Guid, SimGuest> _guests = [];
    private Channel<HypervisorEvent> _events = NewEvents();
    private readonly Queue<Action> _pending = [];
    private bool _isHung;
    private int _epoch;

    public IReadOnlyDictionary<Guid, SimGuest> Guests => _guests;

    /// <summary>F16: libvirtd is down.</summary>
    public bool IsDown { get; private set; }

    /// <summary>F16: libvirtd takes calls and answers none; ending a guest goes past it.</summary>
    public bool IsHung
    {
        get => _isHung;
        set
        {
            _isHung = value;
            while (!_isHung && _pending.TryDequeue(out var serve))
            {
                serve();
            }
        }
    }

    /// <summary>Events are lost, as across reconnects.</summary>
    public bool LosesEvents { get; set; }

    /// <summary>Part of the guests that ignore the power button.</summary>
    public double Deaf { get; set; } = 0.1;

    public HypervisorHealth Health => new(!IsDown, IsHung ? 1 : 0, IsDown ? "libvirtd is down" : null, default);

    public ChannelReader<HypervisorEvent> Events => _events.Reader;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>A new agent reads the events from here on.</summary>
    public void NewReader()
    {
        _events = NewEvents();

        // What it has killed, an adapter knows as long as it lives.
        foreach (var guest in _guests.Values)
        {
            guest.KilledAt = null;
        }
    }

    public bool Runs(VmId machine) => _guests.ContainsKey(machine.Value);

    /// <summary>Whether a guest has the volume's device open.</summary>
    public bool HasOpen(VolumeId volume) => _guests.Values.Any(guest => guest.Disks.Any(disk => disk.Volume == volume));

    /// <summary>libvirtd ends; whoever waits for an answer of it gets none, and whether it acted is not known.</summary>
    public void Stop()
    {
        IsDown = true;
        _epoch++;
        Tell(new HypervisorEvent.Disconnected("libvirtd ended"));
    }

    public void Start()
    {
        IsDown = false;
        Tell(new HypervisorEvent.ResyncNeeded("libvirtd is back"));
    }

    public void LosePower()
    {
        _epoch++;
        foreach (var id in _guests.Keys.ToList())
        {
            Remove(new VmId(id), "power loss", null);
        }
    }

    /// <summary>The guest ends by itself.</summary>
    public void EndByItself(VmId machine, StopReason reason) => Remove(machine, reason == StopReason.Crashed ? "crashed" : "shut itself down", reason);

    /// <summary>The guest stands still.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="why">Why. What a disk holds stands still again whenever it is let go on, until <see cref="LetGo"/>.</param>
    public void Pause(VmId machine, GuestPause why)
    {
        if (_guests.TryGetValue(machine.Value, out var guest))
        {
            guest.Held = why.Reason is PauseReason.NoSpace or PauseReason.IoError ? why : guest.Held;
            StandStill(machine, guest, why);
        }
    }

    /// <summary>There is room again, the disk works again, or whoever suspended the guest by hand resumes it.</summary>
    public void LetGo(VmId machine)
    {
        if (_guests.TryGetValue(machine.Value, out var guest))
        {
            guest.Held = null;
            if (guest.Domain.Pause is { Reason: PauseReason.ByHand })
            {
                GoOn(machine, guest, byItsHost: false);
            }
        }
    }

    private void StandStill(VmId machine, SimGuest guest, GuestPause why)
    {
        if (guest.Domain.Status == DomainStatus.Running)
        {
            recorder.Add(new HistoryEntry.GuestPaused(host, machine, why.Reason.ToString()));
        }

        guest.Domain = guest.Domain with { Status = DomainStatus.Paused, Pause = why };
        Tell(new HypervisorEvent.Paused(machine, guest.Held is not null));
    }

    private void GoOn(VmId machine, SimGuest guest, bool byItsHost)
    {
        guest.Domain = guest.Domain with { Status = DomainStatus.Running, Pause = null };
        recorder.Add(new HistoryEntry.GuestResumed(host, machine, byItsHost));
        Tell(new HypervisorEvent.Started(machine));
        if (guest.Held is not null)
        {
            // Its requests are made again at once.
            simulator.After(simulator.Milliseconds(1, 200), () =>
            {
                if (_guests.GetValueOrDefault(machine.Value) == guest && guest.Held is { } held)
                {
                    StandStill(machine, guest, held);
                }
            });
        }
    }

    /// <summary>A thread of the guest begins or ends to sleep in the kernel.</summary>
    public void SleepInKernel(VmId machine, bool sleeps)
    {
        if (_guests.TryGetValue(machine.Value, out var guest))
        {
            guest.Sleeps = sleeps;
            Wake();
        }
    }

    /// <summary>Whether a guest's process sleeps in the kernel: then it ends for no signal.</summary>
    public bool IsUninterruptible(SimGuest guest) => guest.Sleeps || guest.Disks.Any(disk => isSuspended(host, disk.Volume));

    /// <summary>Ends what was told to end and does not sleep any more.</summary>
    public void Wake()
    {
        foreach (var (id, guest) in _guests.ToList())
        {
            if (guest.IsTerminated && !IsUninterruptible(guest))
            {
                Remove(new VmId(id), guest.KilledAt is null ? "terminated at last" : "killed at last", StopReason.Destroyed);
            }
        }
    }

    public Task<DescribeOutcome> DescribeHostAsync(CancellationToken cancellationToken) => AskAsync<DescribeOutcome>(
        "describe",
        5,
        20,
        () => new DescribeOutcome.Described(new HostDescription
        {
            HostName = host, Architecture = "x86_64", CpuModel = "sim", Cpus = 256, CpuMegahertz = 3000, MemoryMiB = 4 << 20, Emulator = "/qemu", EmulatorVersion = "7.2",
            DaemonVersion = "9.0", Accelerator = Accelerator.Tcg, AcceleratorReason = "simulated", GuestUser = null, ActiveNetworks = ["default"],
        }),
        fault => new DescribeOutcome.Failed(fault),
        cancellationToken);

    public Task<ListOutcome> ListAsync(CancellationToken cancellationToken) => AskAsync<ListOutcome>(
        "list", 1, 10, () => new ListOutcome.Listed([.. _guests.Values.Select(guest => guest.Domain)]), fault => new ListOutcome.Failed(fault), cancellationToken);

    public Task<FindOutcome> FindAsync(VmId machine, CancellationToken cancellationToken) => AskAsync<FindOutcome>(
        "find",
        1,
        5,
        () => _guests.TryGetValue(machine.Value, out var guest) ? new FindOutcome.Found(guest.Domain) : new FindOutcome.Absent(),
        fault => new FindOutcome.Failed(fault),
        cancellationToken);

    public Task<StartOutcome> StartAsync(DomainSpec spec, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        recorder.Add(new HistoryEntry.StartAsked(host, spec.Machine, spec.Generation));
        return AskAsync<StartOutcome>("start", 50, 300, () => Start(spec), fault => new StartOutcome.Failed(fault), cancellationToken);
    }

    public Task<ShutdownOutcome> RequestShutdownAsync(VmId machine, CancellationToken cancellationToken) => AskAsync<ShutdownOutcome>(
        "shutdown",
        1,
        5,
        () =>
        {
            if (!_guests.TryGetValue(machine.Value, out var guest))
            {
                return new ShutdownOutcome.NotRunning();
            }

            if (guest.PowersOffAfter is { } pause && guest.Domain.Status == DomainStatus.Running)
            {
                simulator.After(pause, () =>
                {
                    if (_guests.GetValueOrDefault(machine.Value) == guest && !IsUninterruptible(guest) && guest.Domain.Status == DomainStatus.Running)
                    {
                        Remove(machine, "powered off", StopReason.Shutdown);
                    }
                });
            }

            return new ShutdownOutcome.Requested();
        },
        fault => new ShutdownOutcome.Failed(fault),
        cancellationToken);

    public Task<RebootOutcome> RebootAsync(VmId machine, CancellationToken cancellationToken) => AskAsync<RebootOutcome>(
        "reboot", 1, 5, () => Restart(machine, isReset: false), fault => new RebootOutcome.Failed(fault), cancellationToken);

    public Task<RebootOutcome> ResetAsync(VmId machine, CancellationToken cancellationToken) => AskAsync<RebootOutcome>(
        "reset", 1, 5, () => Restart(machine, isReset: true), fault => new RebootOutcome.Failed(fault), cancellationToken);

    public Task<ResumeOutcome> ResumeAsync(VmId machine, CancellationToken cancellationToken) => AskAsync<ResumeOutcome>(
        "resume",
        1,
        5,
        () =>
        {
            if (!_guests.TryGetValue(machine.Value, out var guest))
            {
                return new ResumeOutcome.NotRunning();
            }

            if (guest.Domain.Status == DomainStatus.Running)
            {
                return new ResumeOutcome.AlreadyRuns();
            }

            GoOn(machine, guest, byItsHost: true);
            return new ResumeOutcome.Resumed();
        },
        fault => new ResumeOutcome.Failed(fault),
        cancellationToken);

    // One that stands still takes a reset, and hears no request.
    private RebootOutcome Restart(VmId machine, bool isReset)
    {
        if (!_guests.TryGetValue(machine.Value, out var guest))
        {
            return new RebootOutcome.NotRunning();
        }

        if (isReset || guest.Domain.Status == DomainStatus.Running)
        {
            recorder.Add(new HistoryEntry.GuestRestarted(host, machine));
        }

        return new RebootOutcome.Requested();
    }

    public async Task<DestroyOutcome> DestroyAsync(VmId machine, TimeSpan bound, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        recorder.Add(new HistoryEntry.DestroyAsked(host, machine));

        // The process is found and killed by the kernel's own word; libvirtd has no say.
        var gone = new TaskCompletionSource<DestroyOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var takes = simulator.Milliseconds(5, 40);
        simulator.After(takes, () =>
        {
            if (!_guests.TryGetValue(machine.Value, out var guest))
            {
                gone.TrySetResult(new DestroyOutcome.Gone(WasPresent: false));
            }
            else if (IsUninterruptible(guest))
            {
                var isLook = guest.KilledAt is not null;
                guest.IsTerminated = true;
                guest.Gone += () => gone.TrySetResult(new DestroyOutcome.Gone(WasPresent: true));
                simulator.After(isLook ? TimeSpan.Zero : Limits.KillAfter < bound ? Limits.KillAfter : bound, () => Kill(machine, guest));
                var told = isLook ? bound : (Limits.KillAfter < bound ? Limits.KillAfter : bound) + Limits.UninterruptibleAfter;
                simulator.After(told, () => gone.TrySetResult(new DestroyOutcome.Uninterruptible(4711, "it survived SIGKILL: io_schedule")));
            }
            else
            {
                Remove(machine, "destroyed", StopReason.Destroyed);
                gone.TrySetResult(new DestroyOutcome.Gone(WasPresent: true));
            }
        });
        return await gone.Task.OrAbandonAsync(cancellationToken);
    }

    public Task<AttachOutcome> AttachDiskAsync(VmId machine, DomainDisk disk, CancellationToken cancellationToken) => AskAsync<AttachOutcome>(
        "attach-device",
        5,
        50,
        () =>
        {
            if (!_guests.TryGetValue(machine.Value, out var guest))
            {
                return new AttachOutcome.NotRunning();
            }

            if (guest.Disks.FirstOrDefault(one => one.Volume == disk.Volume) is not null)
            {
                return new AttachOutcome.AlreadyAttached(disk.Target);
            }

            if (!isDeviceThere(host, disk.Volume))
            {
                return new AttachOutcome.Failed(new HypervisorFault.Refused(38, $"cannot open {PathOf(disk)}: No such device"));
            }

            guest.Disks = [.. guest.Disks, new GuestDisk(disk.Volume, PathOf(disk), disk.ReadOnly)];
            guest.Domain = guest.Domain with { Disks = [.. guest.Domain.Disks, new OwnDomainDisk(disk.Target, disk.Volume, PathOf(disk))] };
            recorder.Add(new HistoryEntry.GuestDisksChanged(host, machine, guest.Disks));
            return new AttachOutcome.Attached();
        },
        fault => new AttachOutcome.Failed(fault),
        cancellationToken);

    public Task<DetachOutcome> DetachDiskAsync(VmId machine, VolumeId volume, CancellationToken cancellationToken) => AskAsync<DetachOutcome>(
        "detach-device",
        5,
        50,
        () =>
        {
            if (!_guests.TryGetValue(machine.Value, out var guest))
            {
                return new DetachOutcome.NotRunning();
            }

            if (guest.Disks.FirstOrDefault(one => one.Volume == volume) is not { } disk)
            {
                return new DetachOutcome.NotAttached();
            }

            if (simulator.Chance(0.3) || guest.Domain.Status == DomainStatus.Paused)
            {
                return new DetachOutcome.GuestHolds("vdb");
            }

            guest.Disks = [.. guest.Disks.Where(one => one != disk)];
            guest.Domain = guest.Domain with { Disks = [.. guest.Domain.Disks.Where(one => one.Volume != volume)] };
            recorder.Add(new HistoryEntry.GuestDisksChanged(host, machine, guest.Disks));
            return new DetachOutcome.Detached();
        },
        fault => new DetachOutcome.Failed(fault),
        cancellationToken);

    public Task<ResizeOutcome> ResizeDiskAsync(VmId machine, VolumeId volume, long bytes, CancellationToken cancellationToken) => AskAsync<ResizeOutcome>(
        "resize-device", 1, 20, () => Runs(machine) ? new ResizeOutcome.Resized() : new ResizeOutcome.NotRunning(), fault => new ResizeOutcome.Failed(fault), cancellationToken);

    public Task<GrowOutcome> GrowCpusAsync(VmId machine, int cpus, CancellationToken cancellationToken) => AskAsync<GrowOutcome>(
        "set-vcpus",
        5,
        50,
        () => Grow(machine, cpus > _guests.GetValueOrDefault(machine.Value)?.MaxCpus, domain => domain with { Cpus = Math.Max(domain.Cpus, cpus) }),
        fault => new GrowOutcome.Failed(fault),
        cancellationToken);

    public Task<GrowOutcome> GrowMemoryAsync(VmId machine, long mebibytes, CancellationToken cancellationToken) => AskAsync<GrowOutcome>(
        "attach-memory",
        5,
        50,
        () => Grow(machine, mebibytes > _guests.GetValueOrDefault(machine.Value)?.MaxMemoryMiB, domain => domain with { MemoryMiB = Math.Max(domain.MemoryMiB, mebibytes) }),
        fault => new GrowOutcome.Failed(fault),
        cancellationToken);

    private GrowOutcome Grow(VmId machine, bool isTooMuch, Func<OwnDomain, OwnDomain> grown)
    {
        if (!_guests.TryGetValue(machine.Value, out var guest))
        {
            return new GrowOutcome.NotRunning();
        }

        if (isTooMuch)
        {
            return new GrowOutcome.Failed(new HypervisorFault.Refused(8, "more than it was defined with"));
        }

        guest.Domain = grown(guest.Domain);
        return new GrowOutcome.Done();
    }

    private static Channel<HypervisorEvent> NewEvents() => Channel.CreateBounded<HypervisorEvent>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private static string PathOf(DomainDisk disk) => disk.Source switch
    {
        DiskSource.Block block => block.Path,
        DiskSource.File file => file.Path,
        _ => disk.Source.ToString(),
    };

    private StartOutcome Start(DomainSpec spec)
    {
        if (_guests.TryGetValue(spec.Machine.Value, out var present))
        {
            return new StartOutcome.AlreadyPresent(present.Domain);
        }

        if (spec.Disks.FirstOrDefault(disk => !isDeviceThere(host, disk.Volume)) is { } missing)
        {
            return new StartOutcome.Failed(new HypervisorFault.Refused(38, $"cannot open {PathOf(missing)}: No such device"));
        }

        var domain = new OwnDomain
        {
            Machine = spec.Machine, Name = spec.Name, Generation = spec.Generation, Status = DomainStatus.Running, Cpus = spec.Cpus, MemoryMiB = spec.MemoryMiB,
            Disks = [.. spec.Disks.Select(disk => new OwnDomainDisk(disk.Target, disk.Volume, PathOf(disk)))],
        };
        var disks = spec.Disks.Select(disk => new GuestDisk(disk.Volume, PathOf(disk), disk.ReadOnly)).ToList();
        _guests[spec.Machine.Value] = new SimGuest
        {
            Domain = domain,
            Disks = disks,
            MaxCpus = spec.MaxCpus ?? spec.Cpus,
            MaxMemoryMiB = spec.MaxMemoryMiB ?? spec.MemoryMiB,
            PowersOffAfter = simulator.Chance(Deaf) ? null : simulator.Milliseconds(300, 3000),
        };
        recorder.Add(new HistoryEntry.GuestStarted(host, spec.Machine, spec.Generation, disks));
        disks.ForEach(disk => touch(disk.Volume, disk.ReadOnly));
        Tell(new HypervisorEvent.Started(spec.Machine));
        return new StartOutcome.Started(domain);
    }

    private void Kill(VmId machine, SimGuest guest)
    {
        if (_guests.GetValueOrDefault(machine.Value) == guest && guest.KilledAt is null)
        {
            guest.KilledAt = simulator.Now;
            recorder.Add(new HistoryEntry.GuestKilled(host, machine));
        }
    }

    private void Remove(VmId machine, string how, StopReason? reason)
    {
        if (_guests.Remove(machine.Value, out var guest))
        {
            recorder.Add(new HistoryEntry.GuestEnded(host, machine, how));
            guest.TellGone();
            if (reason is { } told)
            {
                Tell(new HypervisorEvent.Stopped(machine, told));
            }
        }
    }

    private async Task<T> AskAsync<T>(string what, double least, double most, Func<T> effect, Func<HypervisorFault, T> failed, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        if (IsDown)
        {
            return failed(new HypervisorFault.Unavailable("Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused"));
        }

        // As long as the real one waits.
        var deadline = what switch
        {
            "find" => Limits.QuickDeadline,
            "list" => Limits.ListDeadline,
            "start" => Limits.StartDeadline,
            "describe" => Limits.ReadDeadline,
            "shutdown" or "reboot" or "reset" or "resume" => Limits.ButtonDeadline,
            _ => Limits.DeviceDeadline,
        };
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var epoch = _epoch;
        simulator.After(simulator.Milliseconds(least, most), Serve);
        simulator.After(deadline, () => answer.TrySetResult(failed(new HypervisorFault.TimedOut(what, deadline))));
        void Serve()
        {
            if (epoch != _epoch)
            {
                // The daemon ended in between; whether it acted before is not known.
                answer.TrySetResult(failed(new HypervisorFault.ConnectionLost("end of file while reading data")));
            }
            else if (IsHung)
            {
                // Served when it goes on, also when nobody waits any more.
                _pending.Enqueue(Serve);
            }
            else
            {
                answer.TrySetResult(effect());
            }
        }

        return await answer.Task.OrAbandonAsync(cancellationToken);
    }

    private void Tell(HypervisorEvent hint)
    {
        if (IsHung)
        {
            _pending.Enqueue(() => Tell(hint));
        }
        else if (!LosesEvents)
        {
            _events.Writer.TryWrite(hint);
        }
    }
}
