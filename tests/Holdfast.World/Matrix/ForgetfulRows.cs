using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>Storage that forgot what it had confirmed, and storage that has what nobody knows: said, never papered over, and nothing removed by itself.</summary>
internal static class ForgetfulRows
{
    public static IEnumerable<MatrixRow> All =>
    [
        new MatrixRow(69, "own storage loses what it had confirmed", "start, deploy, stop, expunge", "missing with its name; never made anew once it was written to; lost templates are brought again") { Play = Loses },
        new MatrixRow(70, "own storage is restored from an older state", "all", "what came since is missing, what went since is nobody's; neither is made or removed by itself") { Play = Restored },
        new MatrixRow(71, "own storage has volumes that nobody knows", "look, remove", "listed; removed only when a named person says so") { Play = Strangers },
    ];

    private static void Loses(Scene scene)
    {
        var vm = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var other = scene.World.Run();
        scene.Well(scene.Api.StopVm(vm, scene.Simulator.Chance(0.5)));
        scene.Until(() => scene.World.Hosts.All(host => host.Store.Tables.Obligations.Values.All(row => !row.IsOpen)), "all to be released");
        var unused = scene.Data();
        scene.Well(scene.Api.AttachVolume(unused, vm));
        var (losesUnused, losesCopy, comesBack) = (scene.Simulator.Chance(0.5), scene.Simulator.Chance(0.5), scene.Simulator.Chance(0.5));
        var root = scene.Root(vm);
        var lost = new List<VolumeInfo> { scene.Own.Lose(root) };
        if (losesUnused)
        {
            lost.Add(scene.Own.Lose(unused));
        }

        var copy = Copy(scene);
        if (losesCopy)
        {
            scene.Own.Lose(copy);
        }

        scene.World.For(scene.Moment);
        var isMet = scene.Simulator.Chance(0.7);
        if (isMet)
        {
            // Nobody has found out yet: the start meets it. From now on its guest may have had every one of its volumes.
            scene.Badly(scene.Api.StartVm(vm), scene.Own.Name);
        }
        else
        {
            scene.Well(scene.Api.TakeInventory(scene.Own.Pool));
        }

        scene.Until(() => scene.Volume(root).Missing is not null, "the lost volume to be missing");
        scene.Until(() => Looked(scene) is not null, "the look to be complete");
        var mark = scene.Mark;
        scene.Badly(scene.Api.StartVm(vm), "missing", scene.Own.Name, scene.Volume(root).Name);
        scene.Expect(scene.DriverCalls(scene.Own, mark) == 0, "no driver to be asked for that");
        scene.Expect(scene.World.Vm(vm).State == VmState.Stopped && scene.World.Runs(other), "the VM Stopped, and the other one to run");
        var again = scene.Volume(unused);
        scene.Expect(
            (again.State, again.Missing is not null) == (losesUnused && !isMet ? VolumeState.Allocated : VolumeState.Ready, losesUnused && isMet),
            $"the unused volume as if it were new, or missing once a guest may have had it; it is {again.State}, missing since {again.Missing}");
        var fresh = new VmId(scene.Well(scene.World.Deploy()).Entity!.Value);
        scene.Expect(losesCopy == (Copy(scene) != copy), "the template brought again exactly when it was lost");
        scene.Well(scene.Api.StopVm(fresh, forced: true));
        if (comesBack)
        {
            lost.Where(one => scene.Volume(one.VolumeId).Missing is not null).ToList().ForEach(scene.Own.Return);
            scene.Until(() => lost.TrueForAll(one => scene.Volume(one.VolumeId).Missing is null), "the volumes to be there again", 1200);
            scene.Well(scene.Api.StartVm(vm));
            scene.Expect(scene.Own.Volumes.ContainsKey(unused), "the unused volume made again when it was needed");
            return;
        }

        scene.Well(scene.Api.DestroyVm(vm, expunge: true));
        scene.Until(() => scene.Volume(root).Removed is not null, "the missing volume to be gone for good");
        scene.Finally(() => scene.Expect(!scene.Own.Volumes.ContainsKey(root), "nothing made in its place"));
    }

    private static void Restored(Scene scene)
    {
        var stays = scene.World.Run();
        var goes = scene.World.Run();
        var gone = scene.Root(goes);
        var backup = scene.Own.Backup();
        scene.Well(scene.Api.DestroyVm(goes, expunge: true));
        var came = scene.World.Run(withData: scene.Simulator.Chance(0.5));
        var root = scene.Root(came);
        var runs = scene.Simulator.Chance(0.5);
        if (!runs)
        {
            scene.Well(scene.Api.StopVm(came, forced: true));
        }

        scene.Until(() => !scene.Own.Volumes.ContainsKey(gone), "the former volume to be deleted");
        scene.World.For(TimeSpan.FromSeconds(30));
        scene.Own.Restore(backup);
        if (scene.Simulator.Chance(0.5))
        {
            scene.Well(scene.Api.TakeInventory(scene.Own.Pool));
        }

        scene.Until(() => scene.Volume(root).Missing is not null && Unclaimed(scene).Exists(one => one.VolumeId == gone), "what came since to be missing, and what went since to be nobody's", 1500);
        scene.Expect(scene.World.Runs(came) == runs, "its guest not to be touched");
        scene.Well(scene.Api.StopVm(came, forced: true));
        scene.Badly(scene.Api.StartVm(came), "missing");
        scene.Well(scene.Api.StopVm(stays, forced: true));
        scene.Well(scene.Api.StartVm(stays));
        scene.Expect(scene.Own.Volumes.ContainsKey(gone), "nothing to be removed by itself");
        if (scene.Simulator.Chance(0.5))
        {
            Remove(scene, gone);
        }
    }

    private static void Strangers(Scene scene)
    {
        var vm = scene.World.Run();
        var strangers = Enumerable.Range(0, scene.Simulator.Random.Next(1, 4)).Select(_ => Stranger(scene)).ToList();
        strangers.ForEach(scene.Own.Return);
        scene.Own.Strays = [new StrayVolume("hf-half", "its marks name no pool")];
        if (scene.Simulator.Chance(0.5))
        {
            scene.World.HostOf(vm)!.KillAgent();
        }

        scene.Until(() => Unclaimed(scene).Count == strangers.Count + 1, "them to be listed without anybody asking", 1500);
        scene.World.For(TimeSpan.FromHours(1));
        scene.Expect(strangers.TrueForAll(one => scene.Own.Volumes.ContainsKey(one.VolumeId)), "nothing to be removed by itself");
        scene.Badly(scene.Api.DeleteUnclaimed(scene.Own.Pool, "hf-half", "old"), "not proven");
        scene.Badly(scene.Api.DeleteUnclaimed(scene.Own.Pool, scene.Own.Volumes[scene.Root(vm)].BackendName, "old"));
        if (scene.Simulator.Chance(0.5))
        {
            scene.Faults.Storage(scene.Own, scene.BlackHole, TimeSpan.FromSeconds(scene.Simulator.Random.Next(1, 60)));
        }

        Remove(scene, strangers[0].VolumeId);
        scene.Expect(strangers.Skip(1).All(one => scene.Own.Volumes.ContainsKey(one.VolumeId)), "the others to stay");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Well(scene.Api.StartVm(vm));
    }

    private static void Remove(Scene scene, VolumeId volume)
    {
        var row = Unclaimed(scene).Find(one => one.VolumeId == volume)!;
        var call = scene.Patiently(() => scene.Api.DeleteUnclaimed(scene.Own.Pool, row.Name, "seen to be nobody's"));
        scene.Expect(call.Succeeded, $"it to be taken on; {call}");
        scene.Until(() => !scene.Own.Volumes.ContainsKey(volume) && Unclaimed(scene).TrueForAll(one => one.VolumeId != volume), "it to be removed and not listed any more", 1500);
    }

    private static VolumeInfo Stranger(Scene scene)
    {
        var bytes = new byte[16];
        scene.Simulator.Random.NextBytes(bytes);
        var id = new VolumeId(new Guid(bytes));
        return new VolumeInfo { VolumeId = id, Generation = Generation.First, SizeBytes = 1 << 30, BackendName = $"hf-{id}" };
    }

    private static DateTimeOffset? Looked(Scene scene) => scene.World.Node.Read(db => db.Inventories.Where(i => i.PoolId == scene.Own.Pool).Select(i => i.Completed).SingleAsync());

    private static List<UnclaimedVolumeRow> Unclaimed(Scene scene) => scene.World.Node.Read(db => db.UnclaimedVolumes.Where(u => u.PoolId == scene.Own.Pool).ToListAsync());

    private static VolumeId Copy(Scene scene) =>
        scene.World.Node.Read(db => db.TemplateCopies.Where(c => c.PoolId == scene.Own.Pool && c.Removed == null).Select(c => c.Id).SingleOrDefaultAsync());
}
