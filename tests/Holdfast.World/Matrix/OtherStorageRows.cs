using Holdfast.Core.States;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Sick storage that the VM does not use: it must not notice.</summary>
internal static class OtherStorageRows
{
    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(1, "F1 other: storage deleted, controller gone", "stop all VMs of the host", "all stop, no call to it") { Play = Deleted },
        new MatrixRow(2, "F2 other", "start, stop, reboot, attach, detach", "as if it were not there; no call to it") { Play = scene => Untouched(scene, scene.BlackHole) },
        new MatrixRow(3, "F3 other: a hundred times as slow", "start, stop, reboot, attach, detach", "as if it were not there; no call to it") { Play = scene => Untouched(scene, BackendMood.Crawls) },
        new MatrixRow(4, "F4 other flaps, 5 s up, 5 s down", "mixed load for an hour", "host stays Up; events are bounded") { Play = Flaps },
        new MatrixRow(5, "F13 other: driver executable gone", "stop, start, agent restart", "agent up, VMs run, the pool says so") { Play = ExecutableGone },
        new MatrixRow(31, "F16 libvirtd hangs", "stop", "ends all the same, by the path of its own") { Play = LibvirtHangs },
    ];

    private static void Deleted(Scene scene)
    {
        var vms = new[] { scene.World.Run(), scene.World.Run() };
        var doomed = scene.World.Run(1);
        scene.Well(scene.Api.DestroyVm(doomed, expunge: true));
        scene.Until(() => scene.World.Node.Read(db => db.Volumes.AllAsync(v => v.PoolId != scene.Other.Pool || v.Removed != null)), "its volume to be expunged");
        scene.Remove(scene.Other);
        scene.Other.Become(scene.Simulator.Pick([BackendMood.Refuses, BackendMood.BlackHole, BackendMood.Silent]));
        var requests = scene.Other.Requests;
        foreach (var vm in vms)
        {
            scene.Well(scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)));
        }

        scene.Expect(scene.Other.Requests == requests, $"no request to the deleted storage; there were {scene.Other.Requests - requests}");
        scene.Expect(scene.World.Hosts.All(host => host.Launcher.Of(scene.Other.Pool) is null), "no driver of the deleted storage anywhere");
        scene.Other.Become(BackendMood.Well);
    }

    private static void Untouched(Scene scene, BackendMood mood)
    {
        var other = scene.World.Run(1);
        scene.Other.Become(mood);
        scene.World.For(TimeSpan.FromSeconds(scene.Simulator.Random.Next(0, 20)));
        var mark = scene.Mark;
        var vm = scene.World.Run();
        var data = scene.Data();
        scene.Well(scene.Api.AttachVolume(data, vm));
        scene.Well(scene.Api.DetachVolume(data));
        scene.Well(scene.Api.RebootVm(vm));
        var began = scene.Simulator.Now;
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Expect(scene.Simulator.Now - began < TimeSpan.FromSeconds(1), $"a forced stop within a second; it took {(scene.Simulator.Now - began).TotalSeconds:0.00} s");
        scene.Well(scene.Api.StartVm(vm));
        scene.Well(scene.Api.DestroyVm(vm, expunge: true));
        scene.Expect(scene.DriverCalls(scene.Other, mark) == 0, "no call about a volume to the other storage's driver");
        scene.Expect(scene.World.Runs(other), "the other storage's own guest to run on");
    }

    private static void Flaps(Scene scene)
    {
        var vm = scene.World.Run();
        scene.Other.Become(BackendMood.Flaps);
        var events = Events(scene);
        for (var minutes = 0; minutes < 60; minutes += 10)
        {
            scene.World.For(TimeSpan.FromMinutes(10));
            scene.Well(scene.Api.StopVm(vm, forced: true));
            scene.Well(scene.Api.StartVm(vm));
            scene.Expect(scene.World.Node.Read(db => db.Hosts.AllAsync(h => h.State == HostState.Up)), "every host to stay Up");
        }

        // Six stops and six starts tell their own; a flapping storage may tell of itself a few times, not 720 times.
        var told = Events(scene) - events;
        scene.Expect(told <= 12 * 4 + 40, $"a bounded number of events in an hour of flapping; there were {told}");
    }

    private static int Events(Scene scene) => scene.World.Node.Read(db => db.Events.CountAsync());

    private static void ExecutableGone(Scene scene)
    {
        var vm = scene.World.Run();
        var other = scene.World.Run(1);
        var host = scene.World.HostOf(other)!;
        host.Launcher.Uninstall("directory");
        host.Launcher.Uninstall("linstor");
        host.Launcher.Of(scene.Other.Pool)?.Crash();
        scene.Until(() => host.Launcher.Of(scene.Other.Pool) is null, "the driver to be gone");
        host.KillAgent();
        scene.Until(() => host.IsAgentUp, "the agent to be back");
        scene.Until(
            () => scene.World.Node.Read(db => db.Bindings.Where(b => b.IncarnationId == host.Incarnation && b.PoolId == scene.Other.Pool).Select(b => b.Conditions).SingleAsync()).Contains("driver-missing", StringComparison.Ordinal),
            "the binding to say that its driver is missing");
        scene.Expect(scene.World.Runs(vm) && scene.World.Runs(other), "both guests to run on");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Well(scene.Api.StopVm(other, forced: true));
    }

    private static void LibvirtHangs(Scene scene)
    {
        var vm = scene.World.Run();
        var host = scene.World.HostOf(vm)!;
        scene.Faults.Switch($"libvirtd of {host.Name}: hangs", TimeSpan.FromHours(1), on => host.Hypervisor.IsHung = on);
        scene.World.For(TimeSpan.FromSeconds(scene.Simulator.Random.Next(0, 60)));
        var began = scene.Simulator.Now;
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Expect(scene.Simulator.Now - began < TimeSpan.FromSeconds(20), $"a forced stop past a hung libvirtd; it took {(scene.Simulator.Now - began).TotalSeconds:0.0} s");
    }
}
