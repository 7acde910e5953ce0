using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Matrix;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Runs;

/// <summary>Where volumes and templates are made, when not every host can make them. Each plays one seed, heals the world, and demands that everything comes to rest.</summary>
internal static class WhereDataIs
{
    /// <summary>A host's satellite goes away during deploys: new volumes go elsewhere, what is attached stays, and the host is back by itself.</summary>
    public static void SatelliteAway(int seed) => Play(seed, hosts: 3, scene =>
    {
        var world = scene.World;
        var away = world.Hosts[0];
        var running = world.Run(host: away, withData: true);
        var underWay = Enumerable.Range(0, 3).Select(_ => world.Deploy(withData: true)).ToList();
        world.For(scene.Moment);
        scene.Own.SetSatellite(away.Name, isAway: true);
        scene.Until(() => scene.Observed(away, scene.Own.Pool) == BindingState.Degraded, "the host to be sick for the pool", 30);
        foreach (var call in underWay)
        {
            // Who was at it in that moment is told so; who comes later is sent elsewhere.
            world.Finish(call);
            scene.Expect(call.Succeeded || $"{call.Fault?.Text}{call.JobResult}".Contains("is OFFLINE", StringComparison.Ordinal), $"done, or the satellite named; it ended: {call}");
        }

        var health = world.Node.Read(db => db.Bindings.SingleAsync(b => b.IncarnationId == away.Incarnation && b.PoolId == scene.Own.Pool));
        scene.Expect(health is { ControlPlane: PlaneHealth.Down, Error: { } why } && why.Contains($"node '{away.Name}' is OFFLINE", StringComparison.Ordinal), $"the satellite's state as the reason; it is: {health.Error}");
        for (var i = 0; i < 4; i++)
        {
            var vm = world.Run(withData: true);
            scene.Expect(world.HostOf(vm) != away, "a new VM to run on another host");
        }

        scene.Badly(world.Deploy(host: away), "is OFFLINE");
        scene.Expect(world.Runs(running), "what is attached to go on");
        scene.Well(scene.Api.StopVm(running, forced: true));
        scene.Well(scene.Api.StartVm(running));
        foreach (var host in world.Hosts)
        {
            scene.Own.SetSatellite(host.Name, isAway: true);
        }

        scene.Until(() => world.Hosts.All(host => scene.Observed(host, scene.Own.Pool) == BindingState.Degraded), "all hosts to be sick for the pool", 30);
        scene.Badly(world.Deploy(), "is OFFLINE");
        world.Run(1);
        foreach (var host in world.Hosts)
        {
            scene.Own.SetSatellite(host.Name, isAway: false);
        }

        scene.Until(() => world.Hosts.All(host => scene.Observed(host, scene.Own.Pool) == BindingState.Attached), "all hosts to serve again", 30);
        scene.Expect(world.HostOf(world.Run(host: away)) == away, "new volumes there again");
    });

    /// <summary>A template is brought on a pool for a VM on a host that holds no data.</summary>
    public static void Import(int seed) => Play(
        seed,
        hosts: 3,
        scene =>
        {
            var world = scene.World;
            scene.Until(() => world.Hosts.All(host => scene.Observed(host, scene.Other.Pool) == BindingState.Attached), "all hosts to serve");
            scene.Expect(world.HostOf(world.Run(1, world.Hosts[0])) == world.Hosts[0], "the VM where it was asked for");
            var copy = world.Node.Read(db => db.TemplateCopies.SingleAsync(c => c.PoolId == scene.Other.Pool && c.Removed == null)).Id;
            var made = world.Recorder.Entries.OfType<HistoryEntry.VolumeMade>().Single(entry => entry.Volume == copy);
            scene.Expect(made.By == world.Hosts[2].Name, $"the template to be brought by {world.Hosts[2].Name}; it was by {made.By}");
        },
        world =>
        {
            foreach (var backend in world.Backends)
            {
                backend.WithoutData.UnionWith(["host1", "host2"]);
            }
        });

    /// <summary>Storage whose volumes one host alone can use is added, too wide and as it should be.</summary>
    public static void OneHostsOwn(int seed) => Play(seed, hosts: 2, scene =>
    {
        var (world, own) = (scene.World, scene.Other);
        scene.Remove(own);
        const string Why = "group rg has no DRBD";
        own.NotShared = Why;
        scene.Badly(scene.Api.CreatePool(world.PoolRequest(own, "wide")), "wide", "scope HOST only", Why);
        scene.Expect(world.Node.Read(db => db.StoragePools.CountAsync(p => p.Name == "wide" && p.Removed == null)) == 0, "nothing of it to be left");
        var host = world.Hosts[1];
        world.Do(scene.Api.CreatePool(world.PoolRequest(own, "narrow") with { Scope = "HOST", HostId = host.Id }));
        own.Pool = world.Node.Read(db => db.StoragePools.SingleAsync(p => p.Name == "narrow" && p.Removed == null)).Id;
        for (var i = 0; i < 3; i++)
        {
            scene.Expect(world.HostOf(world.Run(1)) == host, "each VM on it to run where its data is");
        }

        scene.Badly(world.Deploy(1, world.Hosts[0]), "is not on this host");
    });

    /// <summary>A pool in use becomes so, and is mended.</summary>
    public static void BecomesOneHostsOwn(int seed) => Play(seed, hosts: 2, scene =>
    {
        var world = scene.World;
        var vm = world.Run();
        const string Why = "group rg has no DRBD any more";
        scene.Own.NotShared = Why;
        scene.Until(() => Bindings(scene).All(binding => ScopeRule.Objection(PoolScope.Zone, binding.NotShared) is not null), "all hosts to tell", 30);
        scene.Expect(Bindings(scene).All(binding => binding.Observed == BindingState.Attached && binding.Conditions.Contains("not-shared", StringComparison.Ordinal)), "a condition on each binding, which serves");
        scene.Expect(Events(scene, EventTypes.PoolNotShared) == 1, "one event for the pool");
        scene.Badly(world.Deploy(), "takes no new volumes", Why);
        scene.Expect(world.Runs(vm), "the guest to go on");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Well(scene.Api.StartVm(vm));
        scene.Well(scene.Api.DestroyVm(vm, expunge: true));
        world.Run(1);
        scene.Own.NotShared = null;
        scene.Until(() => Bindings(scene).All(binding => binding.NotShared is null && !binding.Conditions.Contains("not-shared", StringComparison.Ordinal)), "all hosts to tell", 30);
        scene.Expect(Events(scene, EventTypes.PoolShared) == 1, "one event for the pool");
        world.Run();
    });

    /// <summary>The storage of a pool in use is added once more, under another name.</summary>
    public static void SameStorageAgain(int seed) => Play(seed, hosts: 2, scene =>
    {
        var world = scene.World;
        var vm = world.Run();
        var first = scene.Own.Pool;
        scene.Badly(scene.Api.CreatePool(world.PoolRequest(scene.Own, "again")), "again", "same storage", scene.Own.Name, first.ToString());
        scene.Expect(world.Node.Read(db => db.StoragePools.CountAsync(p => p.Name == "again" && p.Removed == null)) == 0, "nothing of it to be left");
        scene.Expect(world.Runs(vm), "the guest to go on");
        world.Run();
        scene.Remove(scene.Other);
        world.Do(scene.Api.CreatePool(world.PoolRequest(scene.Other)));
        scene.Other.Pool = world.Node.Read(db => db.StoragePools.SingleAsync(p => p.Name == scene.Other.Name && p.Removed == null)).Id;
        world.Run(1);
    });

    /// <summary>Two pools in use turn out to be one storage, by an address that leads to another one since; and are mended.</summary>
    public static void TurnsOutTheSame(int seed) => Play(seed, hosts: 2, scene =>
    {
        var world = scene.World;
        var vm = world.Run(1);
        var itself = scene.Other.Identity;
        scene.Other.Identity = scene.Own.Identity;
        scene.Until(() => Row(scene.Other.Pool).SameAs == scene.Own.Pool, "the later one to be known as the same", 30);
        scene.Badly(world.Deploy(1), "takes no new volumes", "same storage", scene.Own.Name);
        scene.Expect(world.Runs(vm), "the guest to go on");
        scene.Well(scene.Api.StopVm(vm, forced: true));
        scene.Well(scene.Api.StartVm(vm));
        world.Run();
        scene.Other.Identity = itself;
        scene.Until(() => Row(scene.Other.Pool).SameAs is null, "it to be another one again", 30);
        world.Run(1);
        scene.Until(() => Bindings(scene, scene.Other).All(binding => binding.Identity == itself), "all hosts to tell", 30);
        foreach (var type in new[] { EventTypes.PoolSame, EventTypes.PoolUnique })
        {
            scene.Expect(Events(scene, type, scene.Other) == 1, $"one {type}; there are {Events(scene, type, scene.Other)}");
        }

        scene.Expect(Events(scene, EventTypes.PoolSame) == 0, "none of the first");

        StoragePoolRow Row(PoolId pool) => world.Node.Read(db => db.StoragePools.SingleAsync(p => p.Id == pool));
    });

    private static List<BindingRow> Bindings(Scene scene, SimBackend? backend = null)
    {
        var pool = (backend ?? scene.Own).Pool;
        return scene.World.Node.Read(db => db.Bindings.Where(b => b.PoolId == pool && b.Absent == null).ToListAsync());
    }

    private static int Events(Scene scene, string type, SimBackend? backend = null)
    {
        var pool = (backend ?? scene.Own).Pool.Value;
        return scene.World.Node.Read(db => db.Events.CountAsync(e => e.Type == type && e.ResourceId == pool));
    }

    private static void Play(int seed, int hosts, Action<Scene> play, Action<World>? prepare = null) =>
        new MatrixRow(0, "where data is", "deploy", "made where it can be used")
        {
            Play = play, Options = at => new WorldOptions { Seed = at, Hosts = hosts }, Prepare = prepare,
        }.Run(seed);
}
