using System.Globalization;
using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using Holdfast.Worlds.Simulation;
using Holdfast.Worlds.Storage;
using HistoryFault = Holdfast.Worlds.History.HistoryEntry.Fault;

namespace Holdfast.Worlds.Runs;

/// <summary>Hurts a world for a while. Every fault heals by itself after its time; <see cref="World.HealAndSettle"/> ends what is left.</summary>
internal sealed class Faults(World world)
{
    private static readonly BackendMood[] Moods = [.. Enum.GetValues<BackendMood>().Where(mood => mood != BackendMood.Well)];

    private static readonly BuildFlaw[] Flaws = Enum.GetValues<BuildFlaw>();

    /// <summary>The places in an agent where it can be made to fail, wait or die.</summary>
    public static readonly IReadOnlyList<Failpoint> AgentPoints = [.. Failpoint.All.Where(point => point.Name.StartsWith("agent.", StringComparison.Ordinal))];

    /// <summary>The places in a server.</summary>
    public static readonly IReadOnlyList<Failpoint> ServerPoints = [.. Failpoint.All.Where(point => point.Name.StartsWith("server.", StringComparison.Ordinal))];

    private Simulator Simulator => world.Simulator;

    /// <summary>Begins one fault of a kind, somewhere, for a while.</summary>
    public void Begin(FaultKind kind)
    {
        var host = Simulator.Pick(world.Hosts);
        var lasts = Simulator.Between(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(90));
        switch (kind)
        {
            case FaultKind.Storage:
                Storage(Simulator.Pick(world.Backends), Simulator.Pick(Moods), lasts);
                break;
            case FaultKind.KillAgent:
                host.KillAgent();
                break;
            case FaultKind.KillAgentAtLedger:
                KillAtLedger(host);
                break;
            case FaultKind.AgentFailpoint:
                Trip(host.Failpoints, Simulator.Pick(AgentPoints));
                break;
            case FaultKind.ServerFailpoint:
                Trip(world.Node.Failpoints, Simulator.Pick(ServerPoints));
                break;
            case FaultKind.FreezeAgent when host is { IsAgentUp: true, AgentProcess.IsFrozen: false }:
                var frozen = host.AgentProcess;
                host.FreezeAgent();
                Simulator.After(lasts, () =>
                {
                    if (host.AgentProcess == frozen && frozen is { IsFrozen: true, IsDead: false })
                    {
                        host.ThawAgent();
                    }
                });
                break;
            case FaultKind.KillServer:
                world.Node.Kill("kill -9");
                break;
            case FaultKind.FreezeServer when world.Node.UpSince is not null:
                world.Node.Freeze();
                Simulator.After(lasts, () =>
                {
                    if (world.Node is { IsUp: true, UpSince: null })
                    {
                        world.Node.Thaw();
                    }
                });
                break;
            case FaultKind.CutWire:
                Switch($"wire of {host.Name}: cut", lasts, on => host.Wire.IsCutUp = host.Wire.IsCutDown = on);
                break;
            case FaultKind.CutUp:
                Switch($"wire of {host.Name}: cut towards the server", lasts, on => host.Wire.IsCutUp = on);
                break;
            case FaultKind.CutDown:
                Switch($"wire of {host.Name}: cut towards the host", lasts, on => host.Wire.IsCutDown = on);
                break;
            case FaultKind.RepeatReports:
                Switch($"reports of {host.Name}: repeated", lasts, on => host.RepeatsReports = on);
                break;
            case FaultKind.StopLibvirt when !host.Hypervisor.IsDown:
                StopLibvirt(host, lasts);
                break;
            case FaultKind.HangLibvirt:
                Switch($"libvirtd of {host.Name}: hangs", lasts, on => host.Hypervisor.IsHung = on);
                break;
            case FaultKind.LoseEvents:
                Switch($"events of libvirt on {host.Name}: lost", lasts, on => host.Hypervisor.LosesEvents = on);
                break;
            case FaultKind.CrashDriver or FaultKind.FreezeDriver or FaultKind.SleepingDriver when host.Launcher.Running.ToList() is { Count: > 0 } drivers:
                HurtDriver(host, Simulator.Pick(drivers), kind, lasts);
                break;
            case FaultKind.RemoveExecutable:
                Switch($"driver executable of {host.Name}: removed", lasts, on =>
                {
                    if (on)
                    {
                        host.Launcher.Uninstall("linstor");
                    }
                    else
                    {
                        host.Launcher.Repair();
                    }
                });
                break;
            case FaultKind.DriverFailsToStart:
                Switch($"driver executable of {host.Name}: ends at once", lasts, on => host.Launcher.FailsToStart = on);
                break;
            case FaultKind.UpgradeDriver:
                host.Launcher.Install("linstor", Simulator.Pick(Flaws));
                Simulator.After(lasts, () => host.Launcher.Repair());
                break;
            case FaultKind.PowerLoss when host.HasPower:
                host.LosePower();
                Simulator.After(lasts, () =>
                {
                    if (!host.HasPower)
                    {
                        host.Boot();
                    }
                });
                break;
            case FaultKind.GuestEnds when host.Hypervisor.Guests.Where(pair => !host.Hypervisor.IsUninterruptible(pair.Value) && pair.Value.Domain.Pause is null).Select(pair => pair.Key).ToList() is { Count: > 0 } guests:
                host.Hypervisor.EndByItself(new VmId(Simulator.Pick(guests)), Simulator.Chance(0.5) ? StopReason.Crashed : StopReason.Shutdown);
                break;
            case FaultKind.SleepingGuest when host.Hypervisor.Guests.Keys.ToList() is { Count: > 0 } guests:
                SleepingGuest(host, new VmId(Simulator.Pick(guests)), lasts);
                break;
            case FaultKind.PauseGuest when host.Hypervisor.Guests.Where(pair => pair.Value.Domain.Pause is null).ToList() is { Count: > 0 } guests:
                var (paused, of) = Simulator.Pick(guests);
                var disk = Simulator.Pick(of.Domain.Disks);
                PauseGuest(host, new VmId(paused), Simulator.Random.Next(3) switch
                {
                    0 => new GuestPause(PauseReason.ByHand, "it was suspended on its host by hand"),
                    1 => new GuestPause(PauseReason.NoSpace, "a disk has no room") { Disks = [new FailedDisk(disk.Target, disk.Volume, HasNoSpace: true)] },
                    _ => new GuestPause(PauseReason.IoError, "a disk failed") { Disks = [new FailedDisk(disk.Target, disk.Volume, HasNoSpace: false)] },
                }, lasts * 3);
                break;
            case FaultKind.SuspendDevice when world.Backends.SelectMany(backend => backend.Attached.Where(one => one.Mode == AttachMode.Run).Select(one => (Backend: backend, one.Host, one.Volume)))
                .OrderBy(one => one.Host, StringComparer.Ordinal).ThenBy(one => one.Volume.Value).ToList() is { Count: > 0 } devices:
                var device = Simulator.Pick(devices);
                Suspend(device.Backend, device.Host, device.Volume, Simulator.Chance(0.5) ? Suspension.NoQuorum : Suspension.ForSnapshot, lasts);
                break;
            case FaultKind.HurtCuts:
                var hurt = Simulator.Pick(world.Backends);
                var cuts = Simulator.Chance(0.5) ? CutMood.Fails : CutMood.Hangs;
                Switch($"cuts of {hurt.Name}: {cuts}", lasts, on => hurt.Cuts = on ? cuts : CutMood.Works);
                break;
            case FaultKind.LedgerFull:
                Switch($"ledger disk of {host.Name}: full", lasts, on => host.Store.Refuse = on ? "database or disk is full" : null);
                break;
            case FaultKind.LedgerHangs:
                Switch($"ledger disk of {host.Name}: hangs", lasts, host.Store.Hang);
                break;
            case FaultKind.LedgerSlow:
                // Up to more than the agent has patience for.
                var slowness = Simulator.Between(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(8));
                Switch($"ledger disk of {host.Name}: slow", lasts, on => host.Store.Slowness = on ? slowness : TimeSpan.Zero);
                break;
            case FaultKind.DamageLedger when host.HasPower:
                host.KillAgent("its ledger is damaged");
                host.Store.Damage(_ => Simulator.Chance(0.7));
                break;
            case FaultKind.Reimage when host is { HasPower: true, IsHeldDown: false } && world.Node.UpSince is not null:
                host.IsHeldDown = true;
                host.Reimage();
                Simulator.After(lasts, () => Rejoin(host));
                break;
        }
    }

    /// <summary>Hurts a storage system for a while.</summary>
    public void Storage(SimBackend backend, BackendMood mood, TimeSpan lasts)
    {
        backend.Become(mood);
        Simulator.After(lasts, () =>
        {
            if (backend.Mood == mood)
            {
                backend.Become(BackendMood.Well);
            }
        });
    }

    /// <summary>Has I/O of a device wait for a while; what a request holds back waits until a request lets it go on.</summary>
    public void Suspend(SimBackend backend, string host, VolumeId volume, Suspension why, TimeSpan lasts)
    {
        backend.Suspend(host, volume, why);
        if (!why.CanResume)
        {
            Simulator.After(lasts, () => backend.Resume(host, volume));
        }
    }

    /// <summary>Has the agent killed before or after one of its next writes of the ledger.</summary>
    public void KillAtLedger(SimHost host, int within = 12)
    {
        var left = Simulator.Random.Next(1, within);
        host.Store.KillsAt = _ =>
        {
            if (--left > 0)
            {
                return false;
            }

            host.Store.KillsAt = static _ => false;
            return true;
        };
    }

    /// <summary>Has a process killed at one of its next passes of a failpoint.</summary>
    public void KillAt(FailpointSet points, Failpoint point, int within = 3)
    {
        var before = Simulator.Random.Next(within);
        points.Arm($"{point.Name}={(before > 0 ? $"{before}*off->" : "")}1*panic");
    }

    /// <summary>Has a process fail, wait or die, as the place can, at one of its next passes of a failpoint.</summary>
    private void Trip(FailpointSet points, Failpoint point)
    {
        var what = Simulator.Random.Next(3);
        if (what == 1 && point.CanFail)
        {
            points.Arm($"{point.Name}={Simulator.Random.Next(1, 4)}*error(it was chosen to fail)");
        }
        else if (what == 2 && point.CanDelay)
        {
            // Short of every bound that a checker knows: a longer wait is a frozen process, which is a fault of its own.
            points.Arm(string.Create(CultureInfo.InvariantCulture, $"{point.Name}={Simulator.Random.Next(1, 4)}*delay({Simulator.Random.Next(1, 1500)})"));
        }
        else
        {
            KillAt(points, point);
        }
    }

    public void StopLibvirt(SimHost host, TimeSpan lasts)
    {
        world.Recorder.Add(new HistoryFault($"libvirtd of {host.Name}: ended", Begins: true));
        host.Hypervisor.Stop();
        Simulator.After(lasts, () =>
        {
            if (host.Hypervisor.IsDown)
            {
                world.Recorder.Add(new HistoryFault($"libvirtd of {host.Name}: ended", Begins: false));
                host.Hypervisor.Start();
            }
        });
    }

    /// <summary>Has a guest stand still for a while. No fault of the host: everything else is as before.</summary>
    public void PauseGuest(SimHost host, VmId vm, GuestPause why, TimeSpan lasts)
    {
        var guest = host.Hypervisor.Guests[vm.Value];
        host.Hypervisor.Pause(vm, why);
        Simulator.After(lasts, () =>
        {
            if (host.Hypervisor.Guests.GetValueOrDefault(vm.Value) == guest)
            {
                host.Hypervisor.LetGo(vm);
            }
        });
    }

    public void SleepingGuest(SimHost host, VmId vm, TimeSpan lasts)
    {
        // Named: of two that sleep, the end of one is not the end of the other.
        var what = $"guest {HistoryText.Short(vm.Value)} on {host.Name} sleeps in the kernel";
        world.Recorder.Add(new HistoryFault(what, Begins: true));
        host.Hypervisor.SleepInKernel(vm, sleeps: true);
        Simulator.After(lasts, () =>
        {
            world.Recorder.Add(new HistoryFault(what, Begins: false));
            host.Hypervisor.SleepInKernel(vm, sleeps: false);
        });
    }

    /// <summary>Switches something on, and off again after its time.</summary>
    public void Switch(string what, TimeSpan lasts, Action<bool> set)
    {
        world.Recorder.Add(new HistoryFault(what, Begins: true));
        set(true);
        Simulator.After(lasts, () =>
        {
            world.Recorder.Add(new HistoryFault(what, Begins: false));
            set(false);
        });
    }

    private void HurtDriver(SimHost host, SimDriver driver, FaultKind kind, TimeSpan lasts)
    {
        switch (kind)
        {
            case FaultKind.CrashDriver:
                driver.Crash();
                break;
            case FaultKind.FreezeDriver:
                Switch($"driver {driver.Pid} on {host.Name}: SIGSTOP", lasts, on => driver.IsFrozen = on);
                break;
            default:
                Switch($"driver {driver.Pid} on {host.Name}: sleeps in the kernel", lasts, on => driver.SleepInKernel(on));
                break;
        }
    }

    private void Rejoin(SimHost host)
    {
        if (!host.IsHeldDown)
        {
            return;
        }

        if (world.Node.UpSince is null)
        {
            Simulator.After(TimeSpan.FromSeconds(1), () => Rejoin(host));
            return;
        }

        world.BeginJoin(host, host.Id, () =>
        {
            host.IsHeldDown = false;
            host.StartAgent();
        });
    }
}
