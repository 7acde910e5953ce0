using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using LinqToDB.Async;

namespace Holdfast.Worlds.Runs;

/// <summary>
/// Removal of a pool from many hosts, of which some are away, some in maintenance and some are installed anew under their old names meanwhile. Demands that
/// those who are there confirm in <see cref="Bound"/>, that the others are listed and settle within the same bound once they are back, and that nothing is done
/// to any other pool.
/// </summary>
internal static class FleetRemoval
{
    /// <summary>How long hosts that are there, or are back, may take.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    /// <summary>Fewer hosts than this have no room for each kind.</summary>
    public const int Fewest = 4;

    /// <summary>How it went, in virtual time.</summary>
    /// <param name="Hosts">How many hosts.</param>
    /// <param name="Offline">Of them: agent down, frozen, or cut off.</param>
    /// <param name="InMaintenance">Of them: in maintenance, with a living agent.</param>
    /// <param name="Reimaged">Of them: away, and back as a new installation.</param>
    /// <param name="Confirmed">From the deletion until every host that was there had confirmed.</param>
    /// <param name="Settled">From the return of the others until the removal was complete.</param>
    public sealed record Result(int Hosts, int Offline, int InMaintenance, int Reimaged, TimeSpan Confirmed, TimeSpan Settled);

    /// <summary>Plays one seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="hosts">How many hosts; 5 % of them are offline, 2 % in maintenance, 1 % installed anew, at least one of each.</param>
    /// <param name="keepsLog">Whether log lines become part of the history.</param>
    /// <param name="look">Shown the world at the end.</param>
    /// <exception cref="WorldException">It did not go as it must.</exception>
    public static Result Play(int seed, int hosts, bool keepsLog = false, Action<World>? look = null)
    {
        using var world = new World(new WorldOptions { Seed = seed, Hosts = hosts, LookEvery = TimeSpan.Zero, KeepsLog = keepsLog }).Build();
        var result = new Script(world).Play();
        look?.Invoke(world);
        return result;
    }

    private sealed class Script(World world)
    {
        private readonly PoolId _pool = world.Backends[0].Pool;
        private readonly PoolId _other = world.Backends[1].Pool;

        public Result Play()
        {
            var shuffled = world.Hosts.ToArray();
            world.Simulator.Random.Shuffle(shuffled);
            var remaining = new Queue<SimHost>(shuffled);
            var (offline, resting, doomed) = (Take(remaining, 0.05), Take(remaining, 0.02), Take(remaining, 0.01));
            foreach (var host in resting)
            {
                world.Do(world.Api.PrepareHost(host.Id));
            }

            var back = offline.Select((host, index) => Leave(host, index % 3)).ToList();
            foreach (var host in doomed)
            {
                host.IsHeldDown = true;
                host.KillAgent();
            }

            var away = offline.Concat(doomed).Select(host => host.Incarnation).ToHashSet();
            world.Finish(world.Api.EnableMaintenance(_pool));
            world.UntilSeen(() => world.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == _pool && p.State == PoolState.Maintenance)), TimeSpan.FromMinutes(15), "maintenance");
            var mark = world.Recorder.Entries.Count;
            var began = world.Simulator.Now;
            world.Do(world.Api.DeletePool(_pool));
            world.UntilSeen(() => Waiting().All(away.Contains), Bound, "the hosts that are there to confirm");
            var confirmed = world.Simulator.Now - began;
            Expect(Waiting().ToHashSet().SetEquals(away), "every host that is away to be listed as not confirmed, and no other");
            Expect(!IsComplete(), "the removal not to be complete while hosts are missing");

            // Long enough that every pause between tries has grown as long as it gets.
            world.For(TimeSpan.FromMinutes(1));
            Expect(Waiting().ToHashSet().SetEquals(away), "the same list a minute later");
            began = world.Simulator.Now;
            back.ForEach(static comesBack => comesBack());
            foreach (var host in doomed)
            {
                host.Reimage();
                world.Join(host, host.Id);
                host.IsHeldDown = false;
                host.StartAgent();
            }

            world.UntilSeen(() => Waiting().Count == 0, Bound, () => $"the hosts that came back to confirm: {string.Join(", ", world.Hosts.Where(host => Waiting().Contains(host.Incarnation)).Select(host => host.Name))}");
            world.UntilSeen(IsComplete, TimeSpan.FromSeconds(10), "the removal to be complete");
            var settled = world.Simulator.Now - began;
            var absolved = world.Node.Read(db => db.Bindings.Where(b => b.PoolId == _pool && b.Absolved != null).Select(b => b.IncarnationId).ToListAsync());
            Expect(absolved.Count == doomed.Count && absolved.All(away.Contains), $"the {doomed.Count} former installations, and no other host, to be absolved; there were {absolved.Count}");
            ExpectOthersUntouched(mark, [.. offline.Concat(doomed).Select(host => host.Name)]);
            world.HealAndSettle();
            return new Result(world.Hosts.Count, offline.Count, resting.Count, doomed.Count, confirmed, settled);
        }

        private List<SimHost> Take(Queue<SimHost> from, double share) => [.. Enumerable.Range(0, Math.Max(1, (int)(world.Hosts.Count * share))).Select(_ => from.Dequeue())];

        private static Action Leave(SimHost host, int how)
        {
            switch (how)
            {
                case 0:
                    host.IsHeldDown = true;
                    host.KillAgent();
                    return () =>
                    {
                        host.IsHeldDown = false;
                        host.StartAgent();
                    };
                case 1:
                    (host.Wire.IsCutUp, host.Wire.IsCutDown) = (true, true);
                    return () => (host.Wire.IsCutUp, host.Wire.IsCutDown) = (false, false);
                default:
                    host.FreezeAgent();
                    return host.ThawAgent;
            }
        }

        private List<IncarnationId> Waiting() => world.Node.Read(db => db.Bindings.Where(b => b.PoolId == _pool && b.Absent == null).Select(b => b.IncarnationId).ToListAsync());

        private bool IsComplete() => world.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == _pool && p.Absent != null));

        // Hosts that were away have their drivers started anew with their agents, or get them at last; on all the others nothing may happen to the other pool.
        private void ExpectOthersUntouched(int mark, HashSet<string> away)
        {
            foreach (var entry in world.Recorder.Entries.Skip(mark))
            {
                var touched = entry switch
                {
                    HistoryEntry.DriverStarted started when started.Pool == _other => started.Host,
                    HistoryEntry.DriverEnded ended when ended.Pool == _other => ended.Host,
                    HistoryEntry.FoldersRemoved removed when removed.Pool == _other => removed.Host,
                    HistoryEntry.ItemDelivered { Item: { Kind: ItemKind.Binding } item } delivered when item.Id == _other.Value => delivered.Host,
                    _ => null,
                };
                Expect(touched is null || away.Contains(touched), $"the other pool untouched on {touched}; there was: {HistoryText.Line(entry)}");
            }
        }

        private void Expect(bool isSo, string what)
        {
            if (!isSo)
            {
                throw new WorldException(world, $"expected: {what}");
            }
        }
    }
}
