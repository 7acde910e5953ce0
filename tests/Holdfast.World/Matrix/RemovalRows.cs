using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Removal of a pool: confirmed by every host, whatever state hosts and backend are in.</summary>
internal static class RemovalRows
{
    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(39, "hosts offline", "remove", "pending, listed by host; done on return") { Play = Offline, Options = static seed => new WorldOptions { Seed = seed, Hosts = 4 } },
        new MatrixRow(40, "hosts in maintenance", "remove", "maintenance blocks placement, not removal") { Play = InMaintenance },
        new MatrixRow(41, "F23 host installed anew under the same name", "remove", "the old installation is absolved, with who and why") { Play = Reimaged },
        new MatrixRow(42, "F24 backend gone for ever", "remove, forced", "drivers end, leftovers are listed, nobody is contacted") { Play = GoneForEver },
        new MatrixRow(43, "a VM starts on it while it is removed", "remove against start", "exactly one wins") { Play = StartRaces },
        new MatrixRow(44, "the same storage added again", "add after remove", "nothing of the former applies to the new one") { Play = AddedAgain },
        new MatrixRow(48, "something is owed when it is removed", "remove", "settled, or handed over by name; never silently dropped") { Play = OwedAtRemoval },
        new MatrixRow(72, "F12 and the driver cannot be killed, on a host that is up", "maintenance, remove, forced", "tombstoned all the same; the host shows the process; a named person can absolve it") { Play = DriverSleeps },
    ];

    // A driver that was killed in vain holds up the maintenance of its pool, and must not hold up its removal.
    private static void DriverSleeps(Scene scene)
    {
        var pool = scene.Own.Pool;
        var vm = scene.World.Run(host: scene.Host);
        scene.Well(scene.Api.DestroyVm(vm, expunge: true));
        scene.Until(() => scene.World.Node.Read(db => db.Volumes.AllAsync(v => v.PoolId != pool || v.Removed != null)), "its volumes to go");
        var driver = scene.Host.Launcher.Of(pool)!;
        driver.SleepInKernel(sleeps: true);
        if (scene.Simulator.Chance(0.5))
        {
            scene.World.For(scene.Simulator.Milliseconds(1, 30_000));
        }

        var maintenance = scene.Api.EnableMaintenance(pool);
        scene.Until(() => scene.World.Hosts.Where(host => host != scene.Host).All(host => scene.Observed(host, pool) == BindingState.Quiesced), "the other hosts to be quiesced");
        scene.World.For(TimeSpan.FromSeconds(60));
        scene.Expect(scene.StateOf(pool) == PoolState.PrepareForMaintenance, "a maintenance that is not over while a driver may act");
        scene.Badly(scene.Api.DeletePool(pool), "PrepareForMaintenance");
        scene.Well(scene.Api.DeletePool(pool, forced: true));
        scene.World.Finish(maintenance);
        var row = scene.World.Node.Read(db => db.Bindings.SingleAsync(b => b.PoolId == pool && b.IncarnationId == scene.Host.Incarnation));
        scene.Expect(row.Conditions.Contains($"{driver.Pid}", StringComparison.Ordinal), $"the host to show process {driver.Pid}; it says: {row.Conditions}");
        scene.Until(() => scene.World.Hosts.Where(host => host != scene.Host).All(host => scene.Observed(host, pool) == BindingState.Absent), "the other hosts to confirm");
        scene.Expect(scene.World.Node.Read(db => db.StoragePools.Where(p => p.Id == pool).Select(p => p.Absent).SingleAsync()) is null, "a removal that is not complete while a driver may act");
        scene.World.Run(1, scene.Host);
        var isAbsolved = scene.Simulator.Chance(0.5);
        if (isAbsolved)
        {
            scene.Well(scene.Api.Absolve(pool, scene.Host.Id, "its kernel waits for a shelf that was sold"));
            scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Absent != null)), "the removal to be complete");
        }

        scene.World.For(scene.Simulator.Milliseconds(0, 30_000));
        driver.SleepInKernel(sleeps: false);
        scene.Until(() => scene.Observed(scene.Host, pool) == BindingState.Absent, "the host to confirm when its driver can end");
        scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Absent != null)), "the removal to be complete");
        scene.Expect(scene.World.Hosts.All(host => host.Launcher.Of(pool) is null), "no driver of it");
    }

    private static void Empty(Scene scene, VmId vm)
    {
        scene.Well(scene.Api.DestroyVm(vm, expunge: true));
        scene.Until(() => scene.World.Node.Read(db => db.Volumes.AllAsync(v => v.PoolId != scene.Own.Pool || v.Removed != null || v.State == VolumeState.Expunging)), "its volumes to go");
    }

    private static void Offline(Scene scene)
    {
        var gone = scene.Simulator.Pick(scene.World.Hosts);
        var how = scene.Simulator.Random.Next(3);
        if (how == 0)
        {
            gone.IsHeldDown = true;
            gone.KillAgent();
        }
        else if (how == 1)
        {
            scene.Cut(gone, true);
        }
        else
        {
            gone.FreezeAgent();
        }

        var pool = scene.Own.Pool;
        scene.World.Finish(scene.Api.EnableMaintenance(pool));
        scene.Until(() => scene.StateOf(pool) == PoolState.Maintenance, "maintenance without the host that is away", 900);
        scene.Well(scene.Api.DeletePool(pool));
        var others = scene.World.Hosts.Where(host => host != gone).ToList();
        scene.Until(() => others.TrueForAll(host => scene.Observed(host, pool) == BindingState.Absent), "the hosts that are there to confirm", 10);
        scene.Expect(scene.Observed(gone, pool) != BindingState.Absent, "the host that is away to be listed as missing");
        gone.IsHeldDown = false;
        if (how == 1)
        {
            scene.Cut(gone, false);
        }
        else if (how == 2)
        {
            gone.ThawAgent();
        }

        scene.Until(() => scene.Observed(gone, pool) == BindingState.Absent, "the host that came back to confirm", 60);
        scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Absent != null)), "the removal to be complete", 10);
    }

    private static void InMaintenance(Scene scene)
    {
        var host = scene.Simulator.Pick(scene.World.Hosts);
        scene.Well(scene.Api.PrepareHost(host.Id));
        scene.Badly(scene.World.Deploy(0, host));
        var pool = scene.Own.Pool;
        scene.Remove(scene.Own, forced: true);
        scene.Until(() => scene.Observed(host, pool) == BindingState.Absent, "the host in maintenance to confirm", 10);
        scene.Well(scene.Api.CancelHost(host.Id));
    }

    private static void Reimaged(Scene scene)
    {
        var host = scene.Host;
        var old = host.Incarnation;
        var pool = scene.Own.Pool;
        host.IsHeldDown = true;
        host.KillAgent();
        scene.World.Finish(scene.Api.EnableMaintenance(pool));
        scene.Until(() => scene.StateOf(pool) == PoolState.Maintenance, "maintenance", 900);
        scene.Well(scene.Api.DeletePool(pool));
        scene.World.For(scene.Moment);
        host.Reimage();
        scene.World.Join(host, host.Id);
        host.IsHeldDown = false;
        host.StartAgent();
        scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Absent != null)), "the removal to be complete");
        var binding = scene.World.Node.Read(db => db.Bindings.SingleAsync(b => b.IncarnationId == old && b.PoolId == pool));
        scene.Expect(binding.Absolved is { Length: > 0 } why && why.Contains("join token", StringComparison.Ordinal), $"the old installation absolved with who and why; it says: {binding.Absolved}");
    }

    private static void GoneForEver(Scene scene)
    {
        var vm = scene.World.Run();
        var pool = scene.Own.Pool;
        scene.Own.Become(scene.Simulator.Chance(0.5) ? BackendMood.Refuses : scene.BlackHole);
        scene.World.Finish(scene.Api.DestroyVm(vm, expunge: true));
        scene.World.Finish(scene.Api.EnableMaintenance(pool));
        scene.Until(() => scene.StateOf(pool) == PoolState.Maintenance, "maintenance", 900);
        var requests = scene.Own.Requests;
        scene.Well(scene.Api.DeletePool(pool, forced: true));
        scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Absent != null)), "the removal to be complete", 60);
        scene.Expect(scene.World.Hosts.All(host => host.Launcher.Of(pool) is null), "no driver of it");
        scene.Expect(scene.Own.Requests == requests, "nobody contacted");
        var orphans = scene.World.Node.Read(db => db.Obligations.Where(o => o.PoolId == pool && o.State == ObligationState.Orphaned).Select(o => o.VolumeId).ToListAsync());
        foreach (var left in scene.Own.Volumes.Keys)
        {
            scene.Expect(orphans.Contains(left), $"what is left at the backend to be listed: {History.HistoryText.Short(left.Value)}");
        }
    }

    private static void StartRaces(Scene scene)
    {
        var vm = scene.World.Run();
        scene.Well(scene.Api.StopVm(vm, forced: true));
        var pool = scene.Own.Pool;
        var first = scene.Simulator.Chance(0.5) ? scene.Api.StartVm(vm) : null;
        scene.World.For(scene.Simulator.Milliseconds(0, 400));
        var maintenance = scene.Api.EnableMaintenance(pool);
        scene.World.For(scene.Simulator.Milliseconds(0, 400));
        var second = scene.Api.StartVm(vm);
        scene.World.Finish(maintenance);
        scene.World.Finish(second);
        if (first is not null)
        {
            scene.World.Finish(first);
        }

        scene.Until(() => scene.StateOf(pool) is PoolState.Maintenance or PoolState.Up, "one of the two", 900);
        scene.Expect(scene.StateOf(pool) != PoolState.Maintenance || !scene.World.Runs(vm), "never a guest on a pool in maintenance");
        var delete = scene.World.Finish(scene.Api.DeletePool(pool));
        scene.Expect(!delete.Succeeded, "a pool with a volume not to be deleted");
    }

    private static void AddedAgain(Scene scene)
    {
        var vm = scene.World.Run();
        scene.Faults.Storage(scene.Own, scene.Simulator.Pick([BackendMood.Refuses, BackendMood.LosesAnswers]), scene.Simulator.Milliseconds(100, 20_000));
        scene.World.Finish(scene.Api.DestroyVm(vm, expunge: true));
        var former = scene.Own.Pool;
        scene.World.Finish(scene.Api.EnableMaintenance(former));
        scene.Until(() => scene.StateOf(former) == PoolState.Maintenance, "maintenance", 900);
        scene.Well(scene.Api.DeletePool(former, forced: true));
        scene.Own.Become(BackendMood.Well);
        var next = scene.World.AddPool(scene.Own);
        scene.Expect(next != former, "a pool of its own");
        var mark = scene.Mark;
        var again = scene.World.Run();
        scene.World.For(TimeSpan.FromMinutes(2));
        scene.Expect(!scene.World.Recorder.Entries.Skip(mark).Any(entry => entry is History.HistoryEntry.DriverCalled called && called.Pool == former), "nothing called for the former pool");
        scene.Expect(scene.World.Runs(again), "the new VM to run");
    }

    private static void OwedAtRemoval(Scene scene)
    {
        var vm = scene.World.Run();
        scene.Own.Become(scene.Simulator.Pick([BackendMood.Refuses, BackendMood.Silent, BackendMood.LosesAnswers, BackendMood.Garbage]));
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.World.Finish(scene.Api.DestroyVm(vm, expunge: true));
        if (scene.Simulator.Chance(0.5))
        {
            scene.Simulator.After(scene.Simulator.Milliseconds(0, 20_000), () => scene.Own.Become(BackendMood.Well));
        }

        var pool = scene.Own.Pool;
        scene.World.Finish(scene.Api.EnableMaintenance(pool));
        scene.Until(() => scene.StateOf(pool) == PoolState.Maintenance, "maintenance", 900);
        scene.Well(scene.Api.DeletePool(pool, forced: true));
        scene.Until(() => scene.World.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Absent != null)), "the removal to be complete", 60);
        scene.Expect(scene.World.Hosts.All(host => host.Store.Tables.Obligations.Values.All(row => row.Pool != pool || !row.IsOpen)), "no host to owe anything to a pool that is gone");
    }
}
