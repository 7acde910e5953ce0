using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Messages that are lost, late, doubled, too few, or of another version.</summary>
internal static class NetworkRows
{
    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(19, "F18 partition agent-server", "stop", "stopped on the host, learnt on reconnect; no second command") { Play = Partition },
        new MatrixRow(20, "F18 one way: the host does not hear", "start", "withdrawn at its deadline, not begun hours late") { Play = OneWay },
        new MatrixRow(22, "F22 an old stop arrives after a newer start", "stop, start", "refused by generation") { Play = LateItems },
        new MatrixRow(23, "F22 duplicates", "destroy twice, reports twice", "one effect, the same answer") { Play = Duplicates },
        new MatrixRow(45, "an empty or truncated list of items", "reconcile", "nothing removed") { Play = EmptyList },
        new MatrixRow(55, "F21 the clock jumps by an hour", "leases, deadlines", "no guest touched, nothing fenced") { Play = ClockJumps },
        new MatrixRow(58, "O19 peers of another version", "all", "fields that nobody knows are passed over, items that nobody knows are put aside") { Play = OtherVersions },
    ];

    private static void Partition(Scene scene)
    {
        var vm = scene.World.Run();
        var host = scene.World.HostOf(vm)!;
        scene.Cut(host, true);
        var asked = scene.Simulator.Chance(0.5);
        var stop = asked ? scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)) : null;
        if (!asked || scene.Simulator.Chance(0.5))
        {
            scene.World.For(scene.Simulator.Milliseconds(0, 20_000));
            host.Hypervisor.EndByItself(vm, Agent.Hypervisor.StopReason.Shutdown);
        }

        scene.World.For(scene.Simulator.Milliseconds(1000, 90_000));
        var mark = scene.Mark;
        scene.Cut(host, false);
        scene.Until(() => scene.World.Vm(vm).State == VmState.Stopped, "the server to learn that it has stopped");
        if (stop is not null)
        {
            scene.World.Finish(stop);
        }

        scene.Expect(scene.World.Recorder.Entries.Skip(mark).Count(entry => entry is HistoryEntry.GuestEnded) <= 1, "at most one end");
    }

    private static void OneWay(Scene scene)
    {
        var vm = scene.World.Run(host: scene.Host);
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.World.For(TimeSpan.FromSeconds(2));
        foreach (var host in scene.World.Hosts)
        {
            host.Wire.IsCutDown = true;
        }

        var start = scene.World.Finish(scene.Api.StartVm(vm), TimeSpan.FromHours(1));
        scene.World.For(TimeSpan.FromHours(scene.Simulator.Random.Next(1, 4)));
        var mark = scene.Mark;
        foreach (var host in scene.World.Hosts)
        {
            host.Wire.IsCutDown = false;
        }

        scene.World.For(TimeSpan.FromMinutes(2));
        scene.Expect(!start.Succeeded, $"a start that nobody heard not to succeed; {start}");
        scene.Expect(!scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is HistoryEntry.StartAsked or HistoryEntry.GuestStarted), "nothing started hours late");
    }

    private static void LateItems(Scene scene)
    {
        foreach (var host in scene.World.Hosts)
        {
            host.RepeatsItems = true;
        }

        var vm = scene.World.Run();
        for (var i = 0; i < 4; i++)
        {
            scene.Well(scene.Api.StopVm(vm, forced: true));
            scene.Well(scene.Api.StartVm(vm));
            scene.World.For(scene.Simulator.Milliseconds(0, 15_000));
        }

        scene.World.For(TimeSpan.FromSeconds(40));
        scene.Expect(scene.World.Runs(vm) && scene.World.Vm(vm).State == VmState.Running, "the newest wish to stand");
    }

    private static void Duplicates(Scene scene)
    {
        foreach (var host in scene.World.Hosts)
        {
            host.RepeatsReports = true;
        }

        var vm = scene.World.Run(withData: true);
        var first = scene.Api.DestroyVm(vm, expunge: true);
        var second = scene.Api.DestroyVm(vm, expunge: true);
        scene.World.Finish(first);
        scene.World.Finish(second);
        scene.Expect(first.Succeeded || second.Succeeded, $"destroyed; {first}; {second}");
        scene.World.For(TimeSpan.FromSeconds(70));
    }

    private static void EmptyList(Scene scene)
    {
        var vms = new[] { scene.World.Run(), scene.World.Run(1) };
        foreach (var host in scene.World.Hosts)
        {
            host.ItemsPerWatch = scene.Simulator.Random.Next(0, 3);
            if (scene.Simulator.Chance(0.5))
            {
                host.KillAgent();
            }
            else
            {
                // The agent asks anew from the beginning.
                host.KillAgent("its ledger is lost");
                host.Store.Damage(static change => change is Agent.Ledger.LedgerChange.PutAttachment or Agent.Ledger.LedgerChange.PutObligation);
            }
        }

        scene.World.For(TimeSpan.FromMinutes(10));
        scene.Expect(vms.All(scene.World.Runs), "every guest to run on");
        foreach (var host in scene.World.Hosts)
        {
            // Asked anew, the server tells everything.
            host.ItemsPerWatch = null;
            host.KillAgent();
        }

        scene.Expect(scene.World.Backends.All(backend => backend.Volumes.Count > 0), "no volume gone");
    }

    private static void ClockJumps(Scene scene)
    {
        var vm = scene.World.Run();
        scene.Simulator.Time.JumpWallClock(TimeSpan.FromHours(scene.Simulator.Chance(0.5) ? 1 : -1));
        scene.World.For(TimeSpan.FromMinutes(5));
        scene.Expect(scene.World.Runs(vm) && scene.World.Vm(vm).State == VmState.Running, "the guest to run, and to be shown so");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Well(scene.Api.StartVm(vm));
    }

    private static void OtherVersions(Scene scene)
    {
        foreach (var host in scene.World.Hosts)
        {
            host.SpeaksNewer = true;
            host.KillAgent("upgraded");
        }

        scene.Until(() => scene.World.Hosts.All(host => host.IsAgentUp), "the agents to be back");
        var vm = scene.World.Run(withData: true);
        scene.Well(scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)));
        scene.Well(scene.Api.StartVm(vm));
        scene.Well(scene.Api.DestroyVm(vm, expunge: true));
        scene.Until(() => scene.World.Node.Read(db => db.Volumes.AllAsync(v => v.VmId != vm || v.Removed != null || !v.GoesWithVm)), "its volumes to be expunged");
        scene.Remove(scene.Other);
        scene.Until(() => scene.Observed(scene.Host, scene.Other.Pool) is null or BindingState.Absent, "the removal to be confirmed");
    }
}
