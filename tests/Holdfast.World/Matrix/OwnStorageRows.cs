using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Sick storage that the VM uses: clear words, nothing half done, nothing forgotten, and a stop is a stop.</summary>
internal static class OwnStorageRows
{
    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(6, "F1 own", "stop", "stopped; what is owed is listed for each volume") { Play = scene => Stop(scene, BackendMood.Refuses) },
        new MatrixRow(7, "F2 own", "stop", "stopped when the guest is gone; clean-up later") { Play = scene => Stop(scene, scene.BlackHole) },
        new MatrixRow(8, "F10 own: QEMU sleeps in the kernel", "stop, force stop", "Stopping, lease kept, not startable; others unaffected") { Play = Uninterruptible },
        new MatrixRow(10, "F1 own", "start", "fails fast with the storage's name; all undone") { Play = Start },
        new MatrixRow(11, "F8 own: done, answer lost", "attach", "the retry finds the attachment; no second one") { Play = scene => AttachDetach(scene, BackendMood.LosesAnswers, isAttach: true) },
        new MatrixRow(12, "F7 own: says done, does nothing", "attach", "not reported attached") { Play = Lies },
        new MatrixRow(13, "F8 own: done, answer lost", "detach", "the row stays until the release is proven") { Play = scene => AttachDetach(scene, BackendMood.LosesAnswers, isAttach: false) },
        new MatrixRow(14, "F25 after 13: the path is another volume's now", "start of another VM", "refused while the row is open") { Play = AddressReuse },
        new MatrixRow(32, "F11 driver process crashes", "attach", "restarted, operation retried or remembered") { Play = scene => DriverHurt(scene, "crash") },
        new MatrixRow(33, "F12 driver process hangs", "attach, then stop", "killed and replaced; stop unaffected") { Play = scene => DriverHurt(scene, "hang") },
        new MatrixRow(34, "F12 and the driver cannot be killed", "operations on the same storage", "circuit open, calls bounded, other storage fine") { Play = DriverSleeps },
        new MatrixRow(35, "F6 own: garbage", "start, attach, delete", "refused; no effect") { Play = scene => Refused(scene, BackendMood.Garbage) },
        new MatrixRow(36, "F5 own: credentials revoked", "start, attach", "clear words; no storm of retries") { Play = Credentials },
        new MatrixRow(37, "F9 no space", "deploy, resize", "undone; the source is intact") { Play = Full },
        new MatrixRow(47, "driver upgrade fails to start", "driver upgrade", "the version before keeps serving, or serves again by itself") { Play = UpgradeFails },
        new MatrixRow(63, "F8 own: made, answer lost, and the host that asked is away", "attach there, attach on another host", "made anew; what the first host owes never deletes it") { Play = MadeAnewElsewhere },
        new MatrixRow(54, "F2 own", "destroy and expunge", "shown as what it is until the backend has confirmed") { Play = Expunge },
    ];

    private static void Stop(Scene scene, BackendMood mood)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        scene.Own.Become(mood);
        scene.World.For(scene.Moment);
        var volumes = scene.World.Node.Read(db => db.Volumes.CountAsync(v => v.VmId == vm));
        scene.Well(scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)));
        scene.Expect(!scene.World.Runs(vm) && scene.World.Vm(vm).State == VmState.Stopped, "Stopped, and the guest is gone");
        scene.Until(() => scene.Owed().Count == volumes, $"an obligation listed for each of {volumes} volumes");
        scene.Expect(scene.Owed().All(owed => owed.PoolId == scene.Own.Pool), "obligations to the sick storage only");
    }

    private static void Uninterruptible(Scene scene)
    {
        var vm = scene.World.Run();
        var other = scene.World.Run();
        var host = scene.World.HostOf(vm)!;
        scene.Faults.SleepingGuest(host, vm, TimeSpan.FromHours(1));
        var stop = scene.Api.StopVm(vm, scene.Simulator.Chance(0.5));
        scene.Well(scene.Api.StopVm(other, forced: true));
        scene.World.Finish(stop);
        scene.Expect(!stop.Succeeded, "the stop not to be called done while QEMU lives");
        var row = scene.World.Vm(vm);
        scene.Expect(row.State == VmState.Stopping && (row.Condition ?? "").Contains("cannot be killed", StringComparison.Ordinal), $"Stopping with the reason; it is {row.State}: {row.Condition}");
        scene.Expect(scene.World.Node.Read(db => db.Leases.AnyAsync(l => l.VmId == vm)), "the writer lease to be kept");
        scene.Badly(scene.Api.StartVm(vm));
        scene.Expect(scene.World.Hosts.Count(one => one.Hypervisor.Runs(vm)) == 1, "no second guest anywhere");
    }

    private static void Start(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Until(() => scene.World.Hosts.All(host => host.Store.Tables.Obligations.Values.All(row => !row.IsOpen)), "all to be released");
        scene.Own.Become(BackendMood.Refuses);
        scene.World.For(scene.Moment);
        var began = scene.Simulator.Now;
        scene.Badly(scene.Api.StartVm(vm), scene.Own.Name);
        scene.Expect(scene.Simulator.Now - began < TimeSpan.FromSeconds(10), $"a fast failure; it took {(scene.Simulator.Now - began).TotalSeconds:0.0} s");
        scene.Expect(scene.World.Vm(vm).State == VmState.Stopped, "Stopped");
        scene.Expect(scene.World.Backends.All(backend => !backend.Attached.Any()) , "nothing left attached");
        scene.Finally(() => scene.Well(scene.Api.StartVm(vm)));
    }

    private static void AttachDetach(Scene scene, BackendMood mood, bool isAttach)
    {
        var vm = scene.World.Run();
        var data = scene.Data();
        if (!isAttach)
        {
            scene.Well(scene.Api.AttachVolume(data, vm));
        }

        scene.Own.Become(mood);
        scene.Faults.Storage(scene.Own, mood, scene.Simulator.Milliseconds(50, 20_000));
        scene.World.Finish(isAttach ? scene.Api.AttachVolume(data, vm) : scene.Api.DetachVolume(data));
        scene.Own.Become(BackendMood.Well);
        if (isAttach)
        {
            scene.World.For(TimeSpan.FromMinutes(2));
            var call = scene.Patiently(() => scene.Api.AttachVolume(data, vm));
            scene.Expect(call.Succeeded || scene.Volume(data).Attached is not null, $"attached in the end; {call}");
            scene.Expect(scene.World.Hosts.Sum(host => host.Hypervisor.Guests.Values.Sum(guest => guest.Disks.Count(disk => disk.Volume == data))) == 1, "one disk in one guest");
        }

        scene.Finally(() => scene.Expect(scene.Own.Attached.Count(one => one.Volume == data) == (isAttach ? 1 : 0), "attached exactly as the guest has it"));
    }

    private static void Lies(Scene scene)
    {
        var vm = scene.World.Run();
        var data = scene.Data();
        scene.Own.Become(BackendMood.Lies);
        var call = scene.World.Finish(scene.Api.AttachVolume(data, vm));
        var hasIt = scene.World.HostOf(vm)!.Hypervisor.HasOpen(data);
        scene.Expect(call.Succeeded == hasIt, $"'attached' to be said only of a disk that the guest has; {call}");
        scene.Expect(hasIt || scene.Volume(data).Attached is null, "a volume that the guest does not have not to be shown as attached");
    }

    private static void AddressReuse(Scene scene)
    {
        var vm = scene.World.Run(host: scene.Host);
        scene.Own.Become(BackendMood.LosesAnswers);
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Until(() => !scene.Own.Attached.Any(), "the backend to have released it, unheard", 30);
        if (scene.Simulator.Chance(0.5))
        {
            scene.Own.Become(BackendMood.Well);
        }

        // Its path is free now. Whoever gets it is another volume's guest, and the address checker looks at that.
        scene.World.Finish(scene.World.Deploy(0, scene.Host));
    }

    private static void DriverHurt(Scene scene, string how)
    {
        var vm = scene.World.Run();
        var data = scene.Data();
        var host = scene.World.HostOf(vm)!;
        var call = scene.Api.AttachVolume(data, vm);
        scene.World.For(scene.Simulator.Milliseconds(0, 120));
        var driver = host.Launcher.Of(scene.Own.Pool);
        if (driver is not null && how == "crash")
        {
            driver.Crash();
        }
        else if (driver is not null)
        {
            driver.IsFrozen = true;
        }

        if (how == "hang")
        {
            var began = scene.Simulator.Now;
            scene.Well(scene.Api.StopVm(vm, forced: true));
            scene.Expect(scene.Simulator.Now - began < TimeSpan.FromSeconds(5), $"a stop that a hung driver does not delay; it took {(scene.Simulator.Now - began).TotalSeconds:0.0} s");
        }

        scene.World.Finish(call);
        scene.Expect(host.IsAgentUp, "the agent to live");
        scene.Until(() => host.Launcher.Of(scene.Own.Pool) is { } next && next != driver, "another driver process");
    }

    private static void DriverSleeps(Scene scene)
    {
        var vm = scene.World.Run(host: scene.Host);
        var driver = scene.Host.Launcher.Of(scene.Own.Pool)!;
        driver.SleepInKernel(sleeps: true);
        for (var i = 0; i < 8; i++)
        {
            scene.World.Deploy(0, scene.Host);
            scene.World.For(scene.Simulator.Milliseconds(10, 3000));
        }

        // The bulkhead checker counts the calls at once; this looks at the neighbour.
        scene.World.Run(1, scene.Host);
        scene.World.For(TimeSpan.FromMinutes(3));
        scene.Expect(scene.Host.Launcher.Running.Count(one => one.Pool == scene.Own.Pool) == 1, "no second driver beside one that cannot be killed");
        scene.Well(scene.Api.StopVm(vm, forced: true));
    }

    private static void Refused(Scene scene, BackendMood mood)
    {
        var vm = scene.World.Run();
        var stopped = scene.World.Run();
        scene.Well(scene.Api.StopVm(stopped, forced: true));
        var data = scene.Data();
        scene.Until(() => scene.Owed().Count == 0, "all to be released");
        scene.Own.Become(mood);
        var volumes = scene.Own.Volumes.Count;
        scene.Badly(scene.Api.StartVm(stopped), scene.Own.Name);
        scene.World.Finish(scene.Api.AttachVolume(data, vm));
        scene.World.Finish(scene.Api.DestroyVm(stopped, expunge: true));
        scene.Expect(scene.Own.Volumes.Count == volumes, "no volume made or lost by answers that are none");
        scene.Expect(scene.World.Runs(vm), "the running guest to run on");
    }

    private static void Credentials(Scene scene)
    {
        var vm = scene.World.Run();
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Until(() => scene.Owed().Count == 0, "all to be released");
        scene.Own.Become(BackendMood.Credentials);
        scene.Badly(scene.Api.StartVm(vm), scene.Own.Name);
        var requests = scene.Own.Requests;
        scene.World.For(TimeSpan.FromMinutes(10));
        scene.Expect(scene.Own.Requests - requests <= 10 * 60 * scene.World.Hosts.Count, $"no storm: {scene.Own.Requests - requests} requests in ten minutes");
    }

    private static void Full(Scene scene)
    {
        var vm = scene.World.Run(withData: true);
        var template = scene.World.Node.Read(db => db.TemplateCopies.Where(c => c.PoolId == scene.Own.Pool).Select(c => c.Id).FirstAsync());
        scene.Own.Become(BackendMood.Full);
        scene.Badly(scene.World.Deploy());
        var data = scene.World.Node.Read(db => db.Volumes.Where(v => v.VmId == vm && v.Type == VolumeType.DataDisk).SingleAsync());
        scene.Badly(scene.Api.ResizeVolume(data.Id, 4));
        var after = scene.Volume(data.Id);
        scene.Expect(after.SizeBytes == data.SizeBytes && after.State == VolumeState.Ready, $"the volume as it was; it is {after.State} with {after.SizeBytes} bytes");
        scene.Expect(scene.Own.Volumes.ContainsKey(template) && scene.World.Runs(vm), "template and guest untouched");
    }

    private static void Expunge(Scene scene)
    {
        var vm = scene.World.Run(withData: true);
        var volumes = scene.World.Node.Read(db => db.Volumes.Where(v => v.VmId == vm).Select(v => v.Id).ToListAsync());
        scene.Own.Become(scene.Simulator.Chance(0.5) ? BackendMood.Refuses : scene.BlackHole);
        scene.World.Finish(scene.Api.DestroyVm(vm, expunge: true));
        scene.World.For(TimeSpan.FromMinutes(1));
        foreach (var volume in volumes.Select(scene.Volume).Where(row => row.GoesWithVm))
        {
            scene.Expect(volume.State is VolumeState.Expunging && scene.Own.Volumes.ContainsKey(volume.Id), $"volume {HistoryText.Short(volume.Id.Value)} to be shown as not yet gone; it is {volume.State}");
        }
    }

    private static void UpgradeFails(Scene scene)
    {
        var vm = scene.World.Run();
        var host = scene.World.HostOf(vm)!;

        // Long enough for the build that serves to be one to go back to.
        scene.World.For(TimeSpan.FromSeconds(75));
        var before = host.Launcher.BuildOf(scene.Own.Pool)!;
        var pid = host.Launcher.Of(scene.Own.Pool)!.Pid;
        var flaw = scene.Simulator.Pick([.. Enum.GetValues<BuildFlaw>().Where(static flaw => flaw != BuildFlaw.None)]);
        var broken = host.Launcher.Install("linstor", flaw);
        var startsAtAll = flaw is BuildFlaw.EndsSoon or BuildFlaw.HangsSoon;
        var agentDies = scene.Simulator.Chance(0.3);
        var mark = scene.Mark;
        scene.World.For(scene.Simulator.Milliseconds(0, 30_000));
        if (agentDies)
        {
            host.KillAgent();
        }

        // While it is tried, nobody notices; while one that ends soon takes its place, a client may have to ask again.
        var data = scene.Data();
        foreach (var step in new Func<Client.Call>[]
        {
            () => scene.Api.AttachVolume(data, vm), () => scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)), () => scene.Api.StartVm(vm), () => scene.Api.DetachVolume(data),
        })
        {
            var call = startsAtAll || agentDies ? scene.Patiently(step) : scene.Well(step());
            scene.Expect(call.Succeeded, $"{call.Command} to succeed; it ended: {call}");
        }

        scene.Until(
            () => Binding() is { Observed: BindingState.Attached } binding && binding.DriverVersion == before.Version && binding.Conditions.Contains("driver-not-upgraded", StringComparison.Ordinal),
            "the version before to serve, and the binding to say why",
            seconds: 300);
        scene.Expect(host.Launcher.BuildOf(scene.Own.Pool) == before, "the build before to run");
        if (!startsAtAll && !agentDies)
        {
            scene.Expect(host.Launcher.Of(scene.Own.Pool)!.Pid == pid, "its process never to have been ended");
            scene.Expect(!scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is HistoryEntry.DriverCalled called && called.Host == host.Name && called.Pool == scene.Own.Pool && called.Pid != pid), "no call to a driver that was only tried");
        }

        scene.World.For(TimeSpan.FromMinutes(scene.Simulator.Random.Next(1, 30)));
        scene.Expect(host.Launcher.BuildOf(scene.Own.Pool) == before, $"build {broken.Number} not to come back by itself");
        var mended = host.Launcher.Install("linstor", BuildFlaw.None);
        scene.Until(
            () => Binding() is { Observed: BindingState.Attached } binding && binding.DriverVersion == mended.Version && !binding.Conditions.Contains("driver-not-upgraded", StringComparison.Ordinal),
            "a build that starts to take its place");
        scene.Well(scene.Api.StopVm(vm, forced: true));

        BindingRow? Binding() => scene.World.Node.Read(db => db.Bindings.FirstOrDefaultAsync(b => b.IncarnationId == host.Incarnation && b.PoolId == scene.Own.Pool));
    }

    private static void MadeAnewElsewhere(Scene scene)
    {
        var away = scene.World.Hosts[0];
        var vms = new[] { scene.World.Run(0, away), scene.World.Run(0, scene.World.Hosts[1]) };
        var data = scene.Data();
        scene.Own.Become(scene.Simulator.Pick([BackendMood.LosesAnswers, BackendMood.Silent, BackendMood.Crawls, BackendMood.Refuses]));
        var first = scene.Api.AttachVolume(data, vms[0]);
        var how = scene.Simulator.Random.Next(3);
        scene.World.For(how == 0 ? TimeSpan.Zero : scene.Moment);
        scene.World.Finish(first);
        scene.Expect(!first.Succeeded || scene.Own.Mood == BackendMood.Crawls, $"the first try to fail; it ended: {first}");
        if (first.Succeeded)
        {
            // So slow, and in time all the same: nothing is owed.
            return;
        }

        // The host that owes is dead, frozen, or cut off; the last may still reach the storage, and its deletion then races with what is made anew.
        Away(isAway: true);
        scene.Own.Become(BackendMood.Well);
        scene.World.For(scene.Moment);
        var second = scene.Patiently(() => scene.Api.AttachVolume(data, vms[1]));
        scene.Expect(second.Succeeded, $"the volume to be made and attached elsewhere; it ended: {second}");
        scene.Expect(scene.World.Hosts[1].Hypervisor.HasOpen(data), "the guest to have it");
        if (scene.Simulator.Chance(0.7))
        {
            // Attached nowhere, and full of data: nothing but its generation protects it.
            scene.Well(scene.Api.DetachVolume(data));
            scene.Until(() => !scene.Own.Attached.Any(one => one.Volume == data), "it to be released");
        }

        scene.World.For(TimeSpan.FromMinutes(scene.Simulator.Random.Next(0, 3)));
        Away(isAway: false);
        scene.Until(() => scene.Owed().Count == 0, "nothing to be owed any more", seconds: 1200);
        scene.Finally(() => scene.Expect(scene.Own.Volumes.ContainsKey(data), "the volume to be there with its data"));

        void Away(bool isAway)
        {
            switch (how, isAway)
            {
                case (0, true):
                    away.IsHeldDown = true;
                    away.KillAgent();
                    break;
                case (0, false):
                    away.IsHeldDown = false;
                    away.StartAgent();
                    break;
                case (1, true):
                    away.FreezeAgent();
                    break;
                case (1, false):
                    away.ThawAgent();
                    break;
                default:
                    scene.Cut(away, isAway);
                    break;
            }
        }
    }
}
