using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Processes that end or stand still, ledgers that break.</summary>
internal static class CrashRows
{
    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(15, "F14 agent killed between any effect and its record", "start, stop, attach, detach, resize, remove", "restart: world = ledger + desired; no guest touched") { Play = KilledAtLedger },
        new MatrixRow(16, "F14 agent killed while it undoes", "undo of a start", "goes on undoing; the forward step is not done again") { Play = KilledWhileUndoing },
        new MatrixRow(24, "F19 server killed at any step", "all", "the next one goes on, once") { Play = ServerKilled },
        new MatrixRow(26, "F20 the server and its database away for ten minutes", "running VMs", "guests run on; what ended meanwhile is told later") { Play = ServerAway },
        new MatrixRow(27, "F20 commit result unknown", "deploy, stop", "read again; never assumed") { Play = CommitUnknown },
        new MatrixRow(28, "F26 database restored from an older backup", "reconcile", "nothing is destroyed") { Play = RestoredBackup },
        new MatrixRow(29, "F26 ledger damaged", "stop, remove", "agent starts, VMs manageable, inventory rebuilds") { Play = DamagedLedger },
        new MatrixRow(30, "F16 libvirtd restarts", "start, stop", "listed again by UUID; no VM lost or doubled") { Play = LibvirtRestarts },
        new MatrixRow(38, "F9 the ledger's disk is full", "start, stop", "new effects refused; stops go on") { Play = LedgerFull },
        new MatrixRow(46, "F15 agent upgraded in the middle", "resize, deploy", "the new one goes on; no guest touched") { Play = AgentUpgraded },
        new MatrixRow(73, "F10 the ledger's disk hangs, or is slow", "start, stop, agent killed", "nobody waits for long; new effects refused; stops go on; all is written when it answers") { Play = LedgerHangs },
    ];

    private static void KilledAtLedger(Scene scene)
    {
        var vm = scene.World.Run();
        var data = scene.Data();
        var host = scene.World.HostOf(vm)!;
        var steps = new List<Func<Client.Call>>
        {
            () => scene.Api.AttachVolume(data, vm), () => scene.Api.ResizeVolume(data, 2), () => scene.Api.DetachVolume(data), () => scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)),
            () => scene.Api.StartVm(vm),
        };
        var at = scene.Simulator.Random.Next(steps.Count + 1);
        for (var i = 0; i < steps.Count; i++)
        {
            if (i == at)
            {
                Kill(Runs.Faults.AgentPoints);
            }

            scene.World.Finish(steps[i]());
        }

        // The other pool has no volume: what can go wrong is the end of its driver.
        if (at == steps.Count)
        {
            Kill([Failpoint.DriverEnded, Failpoint.BindingCleared]);
        }

        scene.Remove(scene.Other);
        scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == scene.Other.Pool && p.Absent != null)), "the removal to be complete");

        void Kill(IReadOnlyList<Failpoint> places)
        {
            if (scene.Simulator.Chance(0.5))
            {
                scene.Faults.KillAtLedger(host, within: 8);
            }
            else
            {
                scene.Faults.KillAt(host.Failpoints, scene.Simulator.Pick(places));
            }
        }
    }

    private static void KilledWhileUndoing(Scene scene)
    {
        var vm = scene.World.Run(withData: true);
        var host = scene.World.HostOf(vm)!;
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Until(() => scene.Owed().Count == 0, "all to be released");
        scene.Faults.Storage(scene.Own, scene.Simulator.Pick([BackendMood.Refuses, BackendMood.LosesAnswers, BackendMood.Garbage, BackendMood.Silent]), scene.Simulator.Milliseconds(2000, 40_000));
        var call = scene.Api.StartVm(vm);
        scene.Faults.KillAtLedger(host, within: 6);
        scene.World.Finish(call);
    }

    private static void ServerKilled(Scene scene)
    {
        scene.Simulator.After(scene.Simulator.Milliseconds(0, 8000), () =>
        {
            if (scene.Simulator.Chance(0.5))
            {
                scene.World.Node.Kill("kill -9");
            }
            else
            {
                scene.Faults.KillAt(scene.World.Node.Failpoints, scene.Simulator.Pick(Runs.Faults.ServerPoints), within: 12);
            }
        });
        scene.Simulator.After(scene.Simulator.Milliseconds(0, 30_000), () => scene.World.Node.Kill("kill -9"));
        var deploy = scene.World.Finish(scene.World.Deploy(withData: true));
        if (deploy.Entity is { } id && deploy.Succeeded)
        {
            var vm = new VmId(id);
            scene.World.Finish(scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)));
            scene.World.Finish(scene.Api.StartVm(vm));
            scene.World.Finish(scene.Api.DestroyVm(vm, expunge: true));
        }

        scene.World.For(TimeSpan.FromSeconds(30));
    }

    private static void ServerAway(Scene scene)
    {
        var vm = scene.World.Run();
        var ends = scene.World.Run();
        scene.World.IsServerHeldDown = true;
        scene.World.Node.Kill("its database is away");
        scene.World.For(TimeSpan.FromMinutes(scene.Simulator.Random.Next(1, 5)));
        scene.World.HostOf(ends)!.Hypervisor.EndByItself(ends, Agent.Hypervisor.StopReason.Shutdown);
        scene.World.For(TimeSpan.FromMinutes(5));
        scene.Expect(scene.World.Runs(vm), "the guest to run on without a server");
        scene.World.IsServerHeldDown = false;
        scene.Until(() => scene.World.Node.IsUp && scene.World.Vm(ends).State == VmState.Stopped, "the server to learn what ended");
        scene.Expect(scene.World.Vm(vm).State == VmState.Running, "the other one Running");
    }

    private static void CommitUnknown(Scene scene)
    {
        // The server dies within the milliseconds in which the call arrives, is committed and answered.
        scene.Simulator.After(scene.Simulator.Milliseconds(0.2, 5), () => scene.World.Node.Kill("kill -9 around a commit"));
        var call = scene.World.Finish(scene.World.Deploy());
        scene.Until(() => scene.World.Node.IsUp, "the server to be back");
        var made = scene.World.Node.Read(db => db.Vms.CountAsync());
        scene.Expect(made is 0 or 1, $"one VM or none; there are {made}");
        scene.Expect(!call.IsAccepted || made == 1, "what was accepted to be there");
    }

    private static void RestoredBackup(Scene scene)
    {
        var old = scene.World.Run();
        scene.World.For(TimeSpan.FromSeconds(10));
        var backup = scene.World.Node.Backup();
        var young = scene.World.Run();
        scene.Well(scene.Api.StopVm(old, forced: true));
        scene.Well(scene.Api.StartVm(old));
        scene.World.For(TimeSpan.FromHours(1));
        var mark = scene.Mark;
        scene.World.Node.Kill("its database is restored");
        scene.World.Node.Restore(backup);
        scene.World.Node.Start();
        scene.World.For(TimeSpan.FromMinutes(30));
        scene.Expect(scene.World.Runs(young) && scene.World.Runs(old), "every guest to run on, also one that the restored database does not know");
        scene.Expect(!scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is HistoryEntry.VolumeDestroyed), "no volume destroyed");

        // What the database does not know any more is for a person to decide; the world ends here.
        scene.World.HasLostKnowledge = true;
    }

    private static void DamagedLedger(Scene scene)
    {
        if (scene.Simulator.Chance(0.5))
        {
            OlderLedger(scene);
            return;
        }

        var vm = scene.World.Run();
        var stopped = scene.World.Run();
        var host = scene.World.HostOf(vm)!;
        if (scene.Simulator.Chance(0.5))
        {
            scene.Faults.Storage(scene.Own, BackendMood.Refuses, scene.Simulator.Milliseconds(1000, 30_000));
        }

        scene.Well(scene.Api.StopVm(stopped, forced: true));
        host.KillAgent("its ledger is damaged");
        host.Store.Damage(_ => scene.Simulator.Chance(0.5));
        scene.Until(() => host.IsAgentUp, "the agent to start on a damaged ledger");
        scene.World.For(scene.Moment);
        scene.Expect(scene.World.Runs(vm), "the guest to run on");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Well(scene.Patiently(() => scene.Api.StartVm(vm)));
    }

    // The worse damage is the one that does not show: a file that was cut opens as the ledger of a while ago, and the server cannot be asked.
    private static void OlderLedger(Scene scene)
    {
        var host = scene.Host;
        var vm = scene.World.Run(host: host);
        var isStopped = scene.Simulator.Chance(0.5);
        if (isStopped)
        {
            scene.Well(scene.Api.StopVm(vm, forced: true));
        }

        var deploy = scene.World.Deploy(0, host);
        scene.World.For(scene.Moment);
        var older = host.Store.Load();
        var gone = new VmId(scene.Well(deploy).Entity!.Value);
        if (isStopped)
        {
            scene.Well(scene.Api.StartVm(vm));
        }

        scene.Well(scene.Api.DestroyVm(gone, expunge: true));
        scene.World.For(scene.Moment);
        scene.Cut(host, true);
        host.KillAgent("its ledger is one of before");
        host.Store.GoBackTo(older);
        var mark = scene.Mark;
        scene.World.For(TimeSpan.FromMinutes(3));
        scene.Expect(
            !scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is HistoryEntry.GuestStarted started && started.Host == host.Name || entry is HistoryEntry.GuestEnded ended && ended.Host == host.Name),
            "no guest started or ended by a ledger that the server has not confirmed");
        scene.Cut(host, false);
        scene.Until(() => host.IsAgentUp, "the agent to start on an older ledger");
        scene.World.For(TimeSpan.FromMinutes(1));
        scene.Expect(scene.World.Runs(vm) && !scene.World.Runs(gone), "the server's wish to stand");
        scene.Well(scene.Patiently(() => scene.Api.StopVm(vm, forced: true)));
    }

    private static void LibvirtRestarts(Scene scene)
    {
        var running = scene.World.Run(host: scene.Host);
        var call = scene.Simulator.Chance(0.5) ? scene.World.Deploy(0, scene.Host) : scene.Api.StopVm(running, scene.Simulator.Chance(0.5));
        scene.World.For(scene.Moment);
        scene.Faults.StopLibvirt(scene.Host, scene.Simulator.Milliseconds(100, 20_000));
        scene.World.Finish(call);
        scene.World.For(TimeSpan.FromMinutes(1));
    }

    private static void LedgerFull(Scene scene)
    {
        var vm = scene.World.Run(host: scene.Host);
        var other = scene.World.Run(host: scene.Host);
        scene.Well(scene.Api.StopVm(other, forced: true));
        scene.Host.Store.Refuse = "database or disk is full";
        scene.World.For(scene.Moment);
        var mark = scene.Mark;
        scene.Badly(scene.World.Deploy(0, scene.Host));
        scene.Expect(!scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is HistoryEntry.GuestStarted { Host: "host1" } or HistoryEntry.VolumeAttached { Host: "host1" }), "no new effect without a row");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Expect(!scene.World.Runs(vm), "the guest to be gone");
    }

    private static void LedgerHangs(Scene scene)
    {
        var vm = scene.World.Run(host: scene.Host);
        var other = scene.World.Run(host: scene.Host);
        if (scene.Simulator.Chance(0.3))
        {
            Switch("slow", on => scene.Host.Store.Slowness = on ? TimeSpan.FromSeconds(4) : TimeSpan.Zero, () =>
            {
                scene.Well(scene.Api.StopVm(vm, forced: true));
                scene.Well(scene.Api.StartVm(vm));
                scene.Well(scene.Api.StopVm(other, forced: true));
            });
            scene.Expect(scene.World.Runs(vm), "the guest to run");
            return;
        }

        var mark = scene.Mark;
        Switch("hangs", scene.Host.Store.Hang, () =>
        {
            scene.World.For(scene.Moment);
            var began = scene.Simulator.Now;
            scene.Well(scene.Api.StopVm(vm, forced: true));
            scene.Expect(scene.Simulator.Now - began < TimeSpan.FromSeconds(20), "the stop not to wait for the disk");
            scene.Expect(!scene.World.Runs(vm), "the guest to be gone");
            scene.Badly(scene.World.Deploy(0, scene.Host), "ledger", "has not answered since");
            scene.Expect(
                !scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is HistoryEntry.GuestStarted { Host: "host1" } or HistoryEntry.VolumeAttached { Host: "host1" }),
                "no new effect without a row");
            scene.Expect(scene.World.Node.Read(db => db.Hosts.AnyAsync(h => h.Id == scene.Host.Id && h.State == HostState.Up)), "the host to report all the time");
            if (scene.Simulator.Chance(0.5))
            {
                // What is at the disk is done, or is not; one who is started anew gets no further than opening it.
                scene.Host.KillAgent();
                scene.World.For(scene.Simulator.Milliseconds(0, 20_000));
            }
        });
        scene.Well(scene.Patiently(() => scene.Api.StopVm(other, forced: true)));
        scene.Expect(!scene.World.Runs(other), "the other guest to be gone");

        void Switch(string how, Action<bool> set, Action meanwhile)
        {
            scene.World.Recorder.Add(new HistoryEntry.Fault($"ledger disk of {scene.Host.Name}: {how}", Begins: true));
            set(true);
            meanwhile();
            scene.World.Recorder.Add(new HistoryEntry.Fault($"ledger disk of {scene.Host.Name}: {how}", Begins: false));
            set(false);
        }
    }

    private static void AgentUpgraded(Scene scene)
    {
        var vm = scene.World.Run(withData: true);
        var host = scene.World.HostOf(vm)!;
        var data = scene.World.Node.Read(db => db.Volumes.Where(v => v.VmId == vm && v.Type == VolumeType.DataDisk).Select(v => v.Id).SingleAsync());
        var calls = new[] { scene.Api.ResizeVolume(data, 3), scene.World.Deploy(0, host) };
        scene.World.For(scene.Moment);
        host.KillAgent("upgraded");
        scene.World.For(scene.Simulator.Milliseconds(100, 2000));
        host.StartAgent();
        foreach (var call in calls)
        {
            scene.World.Finish(call);
        }

        scene.Expect(scene.World.Runs(vm), "the guest to run on");
    }
}
