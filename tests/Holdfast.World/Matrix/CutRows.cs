using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>I/O that does not go on: cut off under a guest that is to end, resumed under one that is to run.</summary>
internal static class CutRows
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ToldWithin = TimeSpan.FromSeconds(15);

    private static readonly IReadOnlyList<Failpoint> AroundACut =
        [Failpoint.DestroyBefore, Failpoint.CutRecorded, Failpoint.CutAsked, Failpoint.DestroyDone, Failpoint.GoneRecorded, Failpoint.CallBefore, Failpoint.CallAnswered];

    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(64, "F10 own: a device suspends, its driver can cut", "stop, force stop, destroy, expunge", "done within 10 s of SIGKILL; event and VM name volume and pool; it starts again") { Play = CutOff },
        new MatrixRow(65, "F10 own: a device suspends, and a cut is not to be had", "stop, force stop, destroy", "fails within 15 s of SIGKILL with process, volume, pool and why; done by itself when storage answers")
        {
            Play = NotCut, Options = static seed => new WorldOptions { Seed = seed, CanCut = seed % 4 != 0 },
        },
        new MatrixRow(66, "F14 agent killed around a cut", "stop, start", "what was cut off never runs on; released, then attached anew") { Play = KilledAroundACut },
        new MatrixRow(67, "F10 own: the device resumes just when it is to be cut off", "force stop, start", "the guest ends; nothing is lost that was confirmed") { Play = ResumesJustBefore },
        new MatrixRow(68, "a snapshot's suspension is left behind, F11, F14", "running VMs", "told, and I/O goes on by itself; the guest runs on") { Play = HeldBack },
    ];

    private static void CutOff(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var host = scene.World.HostOf(vm)!;
        var neighbour = scene.World.Run(host: host);
        var waiting = Suspend(scene, vm, Suspension.NoQuorum);
        scene.World.For(scene.Moment);
        var kind = scene.Simulator.Random.Next(4);
        var call = kind switch
        {
            0 => scene.Api.StopVm(vm),
            1 => scene.Api.StopVm(vm, forced: true),
            2 => scene.Api.DestroyVm(vm, expunge: false),
            _ => scene.Api.DestroyVm(vm, expunge: true),
        };
        scene.Well(call);
        var took = scene.Simulator.Now - KilledAt(scene, vm);
        scene.Expect(took <= DoneWithin + (kind == 3 ? Core.Planning.VmPlanner.ExpungeGrace : TimeSpan.Zero), $"{call.Command} to be done within 10 s of SIGKILL; it took {took.TotalSeconds:0.0} s");
        scene.Expect(!scene.World.Runs(vm) && scene.World.Runs(neighbour), "its guest gone, and the neighbour's not");
        var told = Events(scene, "VM.IO.CUT");
        scene.Expect(waiting.All(volume => told.Any(text => text.Contains($"{volume}", StringComparison.Ordinal) && text.Contains(scene.Own.Name, StringComparison.Ordinal))), $"an event with volumes and pool; there is: {string.Join(" | ", told)}");
        if (kind < 2)
        {
            scene.Expect((scene.World.Vm(vm).Condition ?? "").Contains("is lost", StringComparison.Ordinal), "the stop to say what was lost");
            scene.Finally(() => scene.Well(scene.Api.StartVm(vm)));
        }
    }

    private static void NotCut(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var host = scene.World.HostOf(vm)!;
        var neighbour = scene.World.Run(1, host);
        var waiting = Suspend(scene, vm, Suspension.NoQuorum);
        var driver = host.Launcher.Of(scene.Own.Pool)!;
        var how = scene.Own.CanCut ? scene.Simulator.Random.Next(4) : -1;
        switch (how)
        {
            case 0:
                scene.Own.Cuts = CutMood.Fails;
                break;
            case 1:
                scene.Own.Cuts = CutMood.Hangs;
                break;
            case 2:
                driver.IsFrozen = true;
                break;
            case 3:
                host.Launcher.Uninstall("linstor");
                driver.Crash();
                break;
        }

        var began = scene.Mark;

        // A frozen driver is ended and started afresh, and can cut then: long before the end of a guest's grace.
        var isGentle = how != 2;
        var call = isGentle && scene.Simulator.Chance(0.3) ? scene.Api.DestroyVm(vm, expunge: true) : scene.Api.StopVm(vm, forced: !isGentle || scene.Simulator.Chance(0.7));
        scene.World.Finish(call);
        var took = scene.Simulator.Now - KilledAt(scene, vm);
        scene.Badly(call, "4711", scene.Own.Name, $"{waiting[0]}");
        scene.Expect(took <= ToldWithin, $"the job to fail within 15 s of SIGKILL; it took {took.TotalSeconds:0.0} s");
        if (how is -1 or 0 or 1)
        {
            scene.Badly(call, "no quorum");
        }

        if (how < 0)
        {
            scene.Badly(call, "resume-all");
        }

        scene.Expect(scene.DriverCalls(scene.Other, began) == 0, "no call to a pool that it does not use");
        var row = scene.World.Vm(vm);
        scene.Expect(row is { State: VmState.Stopping, Stuck: not null } && row.HostId == host.Id, $"Stopping, on its host and known to be stuck; it is {row.State}");
        scene.Expect(scene.World.Node.Read(db => db.Leases.AnyAsync(l => l.VmId == vm)), "the writer lease to be kept");
        scene.Expect(scene.World.Node.Read(db => db.Alerts.CountAsync(a => a.ResourceId == vm.Value)) == 1, "one alert");
        scene.Badly(scene.Api.StartVm(vm));
        scene.Well(scene.Api.StopVm(neighbour, forced: true));
        if (how is 0 or 1 or -1)
        {
            scene.Badly(scene.Api.StopVm(vm, forced: true), "4711", scene.Own.Name);
        }

        // Storage answers, and nobody asks again.
        waiting.ForEach(volume => scene.Own.Resume(host.Name, volume));
        scene.Until(() => !scene.World.Node.Read(db => db.Vms.AnyAsync(v => v.Id == vm && v.State == VmState.Stopping && v.Removed == null)), "it to be stopped by itself", 30);
        scene.Expect(Events(scene, "VM.STOP").Any(text => text.Contains("has ended", StringComparison.Ordinal)), "an event that it has ended");
    }

    private static void KilledAroundACut(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var host = scene.World.HostOf(vm)!;
        Suspend(scene, vm, Suspension.NoQuorum);
        var call = scene.Api.StopVm(vm, forced: true);
        scene.Until(() => scene.World.Recorder.Entries.Any(entry => entry is HistoryEntry.GuestKilled), "SIGKILL", 30);
        for (var kills = scene.Simulator.Random.Next(1, 4); kills > 0; kills--)
        {
            if (scene.Simulator.Chance(0.4))
            {
                scene.Faults.KillAtLedger(host, within: 5);
            }
            else
            {
                scene.Faults.KillAt(host.Failpoints, scene.Simulator.Pick(AroundACut), within: 2);
            }

            scene.World.For(scene.Simulator.Milliseconds(3000, 12_000));
        }

        scene.World.Finish(call);
        scene.Until(() => scene.World.Vm(vm).State == VmState.Stopped, "it to be stopped, whoever was killed");
        scene.World.Heal(host);
        scene.Expect(scene.Patiently(() => scene.Api.StartVm(vm)).Succeeded, "it to start again");
    }

    private static void ResumesJustBefore(Scene scene)
    {
        var vm = scene.World.Run();
        var host = scene.World.HostOf(vm)!;
        var waiting = Suspend(scene, vm, Suspension.NoQuorum);
        var call = scene.Api.StopVm(vm, forced: true);
        scene.Until(() => scene.World.Recorder.Entries.Any(entry => entry is HistoryEntry.GuestKilled), "SIGKILL", 30);
        scene.World.For(scene.Simulator.Milliseconds(4500, 5500));
        waiting.ForEach(volume => scene.Own.Resume(host.Name, volume));
        scene.World.Finish(call);
        scene.Expect(call.Succeeded && scene.World.Vm(vm).State == VmState.Stopped, $"stopped; {call}");
        scene.Well(scene.Patiently(() => scene.Api.StartVm(vm)));
    }

    private static void HeldBack(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var host = scene.World.HostOf(vm)!;
        var started = scene.World.Recorder.Entries.Count(entry => entry is HistoryEntry.GuestStarted);
        if (scene.Simulator.Chance(0.5))
        {
            scene.Faults.Storage(scene.Own, scene.Simulator.Pick([BackendMood.Refuses, BackendMood.Silent, BackendMood.LosesAnswers]), scene.Simulator.Milliseconds(5000, 60_000));
        }

        Suspend(scene, vm, Suspension.ForSnapshot);
        var crashes = scene.Simulator.Random.Next(3);
        for (var left = crashes; left > 0; left--)
        {
            scene.World.For(scene.Simulator.Milliseconds(0, 15_000));
            switch (scene.Simulator.Random.Next(3))
            {
                case 0:
                    host.Launcher.Of(scene.Own.Pool)?.Crash();
                    break;
                case 1:
                    scene.Faults.KillAtLedger(host, within: 4);
                    break;
                default:
                    host.KillAgent();
                    break;
            }
        }

        scene.Until(() => !scene.Own.Suspended.Any(), "I/O to go on by itself", 180);
        if (crashes == 0)
        {
            // An agent that ends with only the obligation written resumes after its start and has nothing left to tell.
            scene.Until(() => Events(scene, EventTypes.IoResumed).Count > 0, "that to be told", 60);
            scene.Expect(Events(scene, EventTypes.IoSuspended).Any(text => text.Contains(scene.Own.Name, StringComparison.Ordinal)), "an event that names the pool");
            scene.Expect(scene.World.Node.Read(db => db.Alerts.AnyAsync(a => a.Description.Contains(scene.Own.Name))), "an alert");
        }

        scene.Expect(scene.World.Runs(vm) && scene.World.Recorder.Entries.Count(entry => entry is HistoryEntry.GuestStarted) == started, "the guest to have run all the time");
        scene.Until(() => scene.World.Vm(vm).Condition is null, "nothing to stand in its way any more", 60);
    }

    /// <summary>Devices of a guest wait: of one volume of its, or of all.</summary>
    private static List<VolumeId> Suspend(Scene scene, VmId vm, Suspension why)
    {
        var host = scene.World.HostOf(vm)!;
        var volumes = host.Hypervisor.Guests[vm.Value].Disks.Select(disk => disk.Volume).ToList();
        var waiting = scene.Simulator.Chance(0.5) ? volumes : [volumes[0]];
        waiting.ForEach(volume => scene.Own.Suspend(host.Name, volume, why));
        return waiting;
    }

    private static TimeSpan KilledAt(Scene scene, VmId vm) => scene.World.Recorder.Entries.OfType<HistoryEntry.GuestKilled>().First(killed => killed.Vm == vm).At;

    private static List<string> Events(Scene scene, string type) => scene.World.Node.Read(db => db.Events.Where(e => e.Type == type).Select(e => e.Description).ToListAsync());
}
