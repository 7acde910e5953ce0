using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Guests that are to run and stand still: told with the reason, let go on when what holds them is over, rebooted and stopped for real.</summary>
internal static class PausedRows
{
    private static readonly TimeSpan StoppedWithin = TimeSpan.FromSeconds(15);

    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(74, "F9 own, F10 own: a guest is suspended by hand, or its disk is full or fails", "start, stop, force stop, reboot", "told once with the reason, volume and pool; a reboot restarts it or fails; a stop does not wait out the grace")
        {
            Play = Paused,
        },
        new MatrixRow(75, "F9 own: its disk is full or fails, F14, F16, F18, F19", "running VMs", "told once, and goes on by itself when there is room; what was suspended by hand does not") { Play = PausedUnderFaults },
    ];

    private static void Paused(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var host = scene.World.HostOf(vm)!;
        var neighbour = scene.World.Run(1, host);
        host.Hypervisor.LosesEvents = scene.Simulator.Chance(0.3);
        var began = scene.Mark;
        var why = Pause(scene, host, vm);
        var isHeld = why.Reason != PauseReason.ByHand;
        scene.Until(() => scene.World.Vm(vm).Paused is not null, "it to be told", 30);
        var row = scene.World.Vm(vm);
        scene.Expect(row is { State: VmState.Running, Condition: { } said } && Words(scene, why).All(word => said.Contains(word, StringComparison.Ordinal)), $"Running, and why it stands still; it is {row.State}: {row.Condition}");
        scene.Expect(Events(scene, EventTypes.VmPaused).Count == 1 && scene.World.Node.Read(db => db.Alerts.CountAsync(a => a.ResourceId == vm.Value)) == 1, "one event and one alert");
        scene.Badly(scene.Api.StartVm(vm), [.. Words(scene, why), "already running"]);
        switch (scene.Simulator.Random.Next(4))
        {
            case 0 when !isHeld:
                scene.Well(scene.Api.RebootVm(vm, forced: scene.Simulator.Chance(0.5)));
                scene.Expect(scene.World.Recorder.Entries.Skip(began).Any(entry => entry is HistoryEntry.GuestRestarted restarted && restarted.Vm == vm), "the guest to be restarted");
                scene.Expect(host.Hypervisor.Guests[vm.Value].Domain.Status == DomainStatus.Running, "the guest to run");
                break;
            case 0:
                scene.Badly(scene.Api.RebootVm(vm, forced: scene.Simulator.Chance(0.5)), [.. Words(scene, why), "not rebooted"]);
                break;
            case 1 or 2:
                var isForced = scene.Simulator.Chance(0.5);
                var asked = scene.Simulator.Now;
                scene.Well(scene.Api.StopVm(vm, isForced));
                var took = scene.Simulator.Now - asked;
                scene.Expect(!scene.World.Runs(vm) && (took <= StoppedWithin || !isHeld), $"it to be stopped within {StoppedWithin.TotalSeconds:0} s; it took {took.TotalSeconds:0.0} s");
                scene.Well(scene.Api.StartVm(vm));
                scene.Expect(scene.World.Vm(vm) is { Paused: null, Condition: null }, "nothing of it to be left on a guest that was started afresh");
                scene.Expect(scene.World.Runs(neighbour) && scene.DriverCalls(scene.Other, began) == 0, "the neighbour to run, and no call to a pool that it does not use");
                return;
            default:
                break;
        }

        host.Hypervisor.LetGo(vm);
        scene.Until(() => scene.World.Vm(vm) is { Paused: null, Condition: null }, "it to go on, and that to be told", 90);
        scene.Expect(host.Hypervisor.Guests[vm.Value].Domain.Status == DomainStatus.Running && Events(scene, EventTypes.VmResumed).Count == 1, "the guest to run, and one event of that");
        scene.Expect(scene.World.Runs(neighbour) && scene.DriverCalls(scene.Other, began) == 0, "the neighbour to run, and no call to a pool that it does not use");
    }

    private static void PausedUnderFaults(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var host = scene.World.HostOf(vm)!;
        var started = scene.World.Recorder.Entries.Count(entry => entry is HistoryEntry.GuestStarted);
        var why = Pause(scene, host, vm);
        for (var faults = scene.Simulator.Random.Next(1, 4); faults > 0; faults--)
        {
            scene.World.For(scene.Simulator.Milliseconds(0, 40_000));
            switch (scene.Simulator.Random.Next(6))
            {
                case 0:
                    scene.Faults.KillAtLedger(host, within: 4);
                    break;
                case 1:
                    host.KillAgent();
                    break;
                case 2 when !host.Hypervisor.IsDown:
                    scene.Faults.StopLibvirt(host, scene.Simulator.Milliseconds(1000, 40_000));
                    break;
                case 3:
                    scene.Faults.Switch($"libvirtd of {host.Name}: hangs", scene.Simulator.Milliseconds(1000, 40_000), on => host.Hypervisor.IsHung = on);
                    break;
                case 4:
                    scene.Faults.Switch($"wire of {host.Name}: cut", scene.Simulator.Milliseconds(1000, 90_000), on => host.Wire.IsCutUp = host.Wire.IsCutDown = on);
                    break;
                default:
                    scene.Faults.KillAt(scene.World.Node.Failpoints, scene.Simulator.Pick<Failpoint>([Failpoint.ServerBeforeCommit, Failpoint.ServerCommitted]));
                    break;
            }
        }

        scene.World.For(scene.Simulator.Milliseconds(0, 200_000));
        if (why.Reason == PauseReason.ByHand)
        {
            scene.Expect(host.Hypervisor.Guests[vm.Value].Domain.Status == DomainStatus.Paused, "what was suspended by hand to stay so");
        }

        scene.World.Heal(host);
        scene.Until(() => scene.World.Node.UpSince is not null && scene.World.Vm(vm) is { State: VmState.Running, Paused: null, Condition: null }, "it to go on, and that to be told", 240);
        scene.Expect(host.Hypervisor.Guests[vm.Value].Domain.Status == DomainStatus.Running, "the guest to run");
        scene.Expect(scene.World.Recorder.Entries.Count(entry => entry is HistoryEntry.GuestStarted) == started, "the guest not to be started again");
        scene.Expect(Events(scene, EventTypes.VmPaused).Count <= 1 && Events(scene, EventTypes.VmResumed).Count <= 1, "each to be told once at most");
    }

    private static GuestPause Pause(Scene scene, SimHost host, VmId vm)
    {
        var disks = host.Hypervisor.Guests[vm.Value].Domain.Disks;
        var isFull = scene.Simulator.Chance(0.5);
        FailedDisk[] failed = [.. (scene.Simulator.Chance(0.5) ? disks : disks.Take(1)).Select(disk => new FailedDisk(disk.Target, disk.Volume, isFull))];
        var why = scene.Simulator.Chance(0.3) ? new GuestPause(PauseReason.ByHand, "it was suspended on its host by hand")
            : isFull ? new GuestPause(PauseReason.NoSpace, "a disk has no room") { Disks = failed }
            : new GuestPause(PauseReason.IoError, "a disk failed") { Disks = failed };
        host.Hypervisor.Pause(vm, why);
        return why;
    }

    private static string[] Words(Scene scene, GuestPause why) => why.Reason == PauseReason.ByHand
        ? ["is paused", "by hand"]
        : ["is paused", scene.Own.Name, .. why.Disks.Select(disk => $"{disk.Volume}"), why.Reason == PauseReason.NoSpace ? "no room" : "I/O failed"];

    private static List<string> Events(Scene scene, string type) => scene.World.Node.Read(db => db.Events.Where(e => e.Type == type).Select(e => e.Description).ToListAsync());
}
