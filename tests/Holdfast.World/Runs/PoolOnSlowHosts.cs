using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Async;

namespace Holdfast.Worlds.Runs;

/// <summary>Adds a storage pool while every host takes its time to start a driver. All times are virtual, from the call on.</summary>
/// <param name="Answered">When createStoragePool answered.</param>
/// <param name="Answer">The state it answered with.</param>
/// <param name="Ended">When the pool was Up or undone.</param>
/// <param name="End">Which of the two.</param>
/// <param name="Told">What events told of the pool, the last one last.</param>
internal sealed record PoolOnSlowHosts(TimeSpan Answered, PoolState Answer, TimeSpan Ended, PoolState End, IReadOnlyList<string> Told)
{
    /// <summary>Plays it, heals everything, and demands that it comes to rest.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="slowness">How much longer a driver needs to start.</param>
    /// <param name="slowFor">For how long the hosts are so slow.</param>
    /// <param name="crashes">Whether a driver then ends instead.</param>
    /// <returns>What came of it.</returns>
    public static PoolOnSlowHosts Play(int seed, TimeSpan slowness, TimeSpan slowFor, bool crashes = false)
    {
        using var world = new World(new WorldOptions { Seed = seed }).Build();
        foreach (var host in world.Hosts)
        {
            (host.Launcher.Slowness, host.Launcher.FailsToStart) = (slowness, crashes);
            world.Simulator.After(slowFor, () => host.Launcher.Slowness = TimeSpan.Zero);
        }

        // The storage has a pool already; how long a start may take is another matter, so it does not say.
        world.Backends[0].Identity = null;
        var asked = world.Simulator.Now;
        var id = new PoolId(world.Do(world.Api.CreatePool(world.PoolRequest(world.Backends[0], "late"))).Entity!.Value);
        var (answered, answer) = (world.Simulator.Now - asked, StateOf(world, id));
        world.UntilSeen(() => StateOf(world, id) is PoolState.Up or PoolState.Removed, TimeSpan.FromMinutes(5), "the pool to be up or undone");
        var (ended, end) = (world.Simulator.Now - asked, StateOf(world, id));
        var told = world.Node.Read(db => db.Events.Where(e => e.ResourceId == id.Value && e.Type == "STORAGE.POOL.CREATE").OrderBy(e => e.Created).Select(e => e.Description).ToListAsync());
        world.HealAndSettle();
        return new PoolOnSlowHosts(answered, answer, ended, end, told);
    }

    private static PoolState StateOf(World world, PoolId id) => world.Node.Read(db => db.StoragePools.Where(p => p.Id == id).Select(p => p.State).SingleAsync());
}
