using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>Chooses the host of a VM and the pools of volumes that have none. Same facts, same answer.</summary>
public static class PlacementPlanner
{
    /// <summary>Virtual CPUs that a host takes for each of its own.</summary>
    public const int CpuOvercommit = 16;

    // A text that a person can read, whatever the size of the installation.
    private const int MostNames = 10;
    private const int MostReasons = 10;

    /// <summary>Chooses.</summary>
    /// <param name="facts">What there is.</param>
    /// <param name="volumes">The volumes that the VM needs.</param>
    /// <returns>The place, or why there is none.</returns>
    public static Placement Choose(PlacementFacts facts, IReadOnlyList<VolumeFacts> volumes)
    {
        if (UnservedPool(volumes) is { } unserved)
        {
            return new Placement.Nowhere(unserved);
        }

        var bindings = new Dictionary<(IncarnationId, PoolId), BindingFacts>();
        foreach (var binding in facts.Bindings)
        {
            bindings.TryAdd((binding.IncarnationId, binding.PoolId), binding);
        }

        var (liked, disliked) = AffinityFacts.Wishes(facts.Affinities);
        var reasons = new List<(HostCandidate Host, Reason Reason)>();
        var storageReasons = facts.MoreHosts;
        Candidate? best = null;
        foreach (var host in facts.Hosts)
        {
            if (HostObjection(facts, host) is { } objection)
            {
                reasons.Add((host, objection));
                continue;
            }

            if (StorageObjection(facts, bindings, host, volumes, out var pools, out var rank) is { } storage)
            {
                storageReasons++;
                reasons.Add((host, storage));
                continue;
            }

            var candidate = new Candidate(host, pools, rank, liked.Contains(host.Id) ? 1 : disliked.Contains(host.Id) ? -1 : 0, host.Id == facts.LastHost);
            if (best is null || candidate.CompareTo(best) < 0)
            {
                best = candidate;
            }
        }

        if (best is not null)
        {
            return new Placement.Found(best.Host, best.Pools);
        }

        var kind = storageReasons > 0 ? PlanFaultKind.StorageUnavailable : PlanFaultKind.NoCapacity;
        return new Placement.Nowhere(new PlanFault(kind, reasons.Count == 0 ? "there is no host" : Grouped(reasons, facts.MoreHosts)));
    }

    /// <summary>Whether a pool can take a volume, whichever host it is on.</summary>
    /// <param name="facts">What a pool may promise; hosts and bindings are not looked at.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="volume">The volume.</param>
    public static bool CanTake(PlacementFacts facts, PoolFacts pool, VolumeFacts volume) =>
        StandingObjection(pool, volume) is null && facts.Storage.Objection(pool, NeededOn(facts, pool, volume)) is null;

    /// <summary>Why no host can be looked for: a volume is on a pool that serves nobody.</summary>
    /// <param name="volumes">The volumes that the VM needs.</param>
    public static PlanFault? UnservedPool(IReadOnlyList<VolumeFacts> volumes)
    {
        foreach (var volume in volumes)
        {
            if (volume is { PoolId: { } pool, PoolState: not (PoolState.Up or PoolState.Disabled) })
            {
                return new PlanFault(
                    PlanFaultKind.StorageUnavailable,
                    $"volume {volume.Name} ({volume.Id}) is on storage pool {volume.PoolName} ({pool}), which is in state {volume.PoolState}");
            }
        }

        return null;
    }

    // The reasons that most hosts have come first, each with the number of its hosts; of all hosts, some are named.
    private static string Grouped(IReadOnlyList<(HostCandidate Host, Reason Reason)> reasons, int moreHosts)
    {
        var groups = reasons
            .GroupBy(r => r.Reason.Kind)
            .Select(g => (Hosts: g.ToList(), Count: g.Sum(r => 1 + r.Host.Alike)))
            .OrderByDescending(g => g.Count)
            .ToList();
        var shown = groups.Take(MostReasons).ToList();
        var names = MostNames;
        var texts = new List<string>();
        for (var i = 0; i < shown.Count; i++)
        {
            var (hosts, count) = shown[i];
            var named = Math.Min(hosts.Count, Math.Max(1, names - (shown.Count - 1 - i)));
            names -= named;
            var list = string.Join(", ", hosts.Take(named).Select(h => h.Host.Name));
            var rest = count - named;
            texts.Add(hosts switch
            {
                [var only] when count == 1 => $"host {only.Host.Name}: {only.Reason.Text}",
                [var first, ..] => $"{count} hosts ({list}{(rest > 0 ? $" and {rest} more" : string.Empty)}): {first.Reason.Kind}{(first.Reason.Detail is { } detail ? $" (on {first.Host.Name}: {detail})" : string.Empty)}",
                _ => throw new InvalidOperationException("A group has a member."),
            });
        }

        if (groups.Count > shown.Count)
        {
            texts.Add($"{groups.Skip(MostReasons).Sum(g => g.Count)} more hosts for {groups.Count - shown.Count} other reasons");
        }

        if (moreHosts > 0)
        {
            texts.Add($"{moreHosts} more hosts: their storage cannot take it either");
        }

        return string.Join("; ", texts);
    }

    private static Reason? HostObjection(PlacementFacts facts, HostCandidate host)
    {
        if (facts.OnlyHost is { } only && only != host.Id)
        {
            return new Reason("another host was asked for");
        }

        if (facts.OnlyCluster is { } cluster && cluster != host.ClusterId)
        {
            return new Reason("another cluster was asked for");
        }

        if (host.DisabledPlace is { } place && !facts.MayUseDisabledPlaces)
        {
            return new Reason($"its {place} is disabled");
        }

        if (!host.IsUp)
        {
            return new Reason("it is not up");
        }

        if (!host.IsEnabled)
        {
            return new Reason("it is disabled or in maintenance");
        }

        if (facts.Firmware != MachineFirmware.Bios && !host.Firmware.Contains(facts.Firmware))
        {
            return new Reason(facts.Firmware == MachineFirmware.Uefi ? "it has no UEFI firmware" : "it has no UEFI firmware with secure boot");
        }

        if (facts.Affinities.Select(a => a.Objection(host.Id)).FirstOrDefault(o => o is not null) is { } affinity)
        {
            return new Reason(affinity);
        }

        if (facts.HostTags.FirstOrDefault(t => !host.Tags.Contains(t, StringComparer.OrdinalIgnoreCase)) is { } tag)
        {
            return new Reason($"it has no tag {tag}");
        }

        return RoomObjection(host, facts.Cpus, facts.MemoryMib);
    }

    /// <summary>Why a host has no room for a VM of a size; null when it has.</summary>
    /// <param name="host">The host, without what the VM has there already.</param>
    /// <param name="amounts">The size.</param>
    internal static string? NoRoom(HostCandidate host, VmAmounts amounts) => RoomObjection(host, amounts.Cpus, amounts.MemoryMib)?.Text;

    private static Reason? RoomObjection(HostCandidate host, int cpus, long memoryMib)
    {
        if (cpus > host.Cpus)
        {
            return new Reason($"it has fewer than {cpus} CPUs", $"{host.Cpus}");
        }

        if (host.UsedCpus + cpus > host.Cpus * CpuOvercommit)
        {
            return new Reason("its CPUs are given away", $"{host.UsedCpus} virtual CPUs on {host.Cpus}");
        }

        var free = host.MemoryMib - host.UsedMemoryMib;
        return memoryMib > free ? new Reason($"it has less than the {memoryMib} MiB of memory free that are needed", $"{free} MiB of memory free") : null;
    }

    private static Reason? StorageObjection(
        PlacementFacts facts,
        Dictionary<(IncarnationId, PoolId), BindingFacts> bindings,
        HostCandidate host,
        IReadOnlyList<VolumeFacts> volumes,
        out IReadOnlyDictionary<VolumeId, PoolId> chosen,
        out int rank)
    {
        var pools = new Dictionary<VolumeId, PoolId>();
        var promised = new Dictionary<PoolId, long>();
        chosen = pools;
        rank = 0;
        foreach (var volume in volumes)
        {
            if (volume.PoolId is { } pool)
            {
                var binding = bindings.GetValueOrDefault((host.IncarnationId, pool));
                var mustMake = volume.State is VolumeState.Allocated or VolumeState.Creating;
                if (binding is null)
                {
                    return new Reason($"it does not serve storage pool {volume.PoolName} ({pool}) of volume {volume.Name}");
                }

                if (binding.Health == BindingHealth.Down || (binding.Health == BindingHealth.LocalOnly && mustMake))
                {
                    return new Reason($"storage pool {volume.PoolName} ({pool}) of volume {volume.Name} does not serve there", binding.Error ?? "no reason given");
                }

                if (mustMake && binding.NoNewVolumes is { } never)
                {
                    return new Reason($"storage pool {volume.PoolName} ({pool}) takes no new volumes, and volume {volume.Name} is not made yet", never);
                }

                rank = Math.Max(rank, (int)binding.Health);
                continue;
            }

            if (ChoosePool(facts, bindings, host, volume, promised, out var health, out var objection) is not { } found)
            {
                return objection;
            }

            rank = Math.Max(rank, (int)health);
            pools[volume.Id] = found.Id;
            promised[found.Id] = promised.GetValueOrDefault(found.Id) + NeededOn(facts, found, volume);
        }

        return null;
    }

    private static PoolFacts? ChoosePool(
        PlacementFacts facts,
        Dictionary<(IncarnationId, PoolId), BindingFacts> bindings,
        HostCandidate host,
        VolumeFacts volume,
        Dictionary<PoolId, long> promised,
        out BindingHealth health,
        out Reason? objection)
    {
        PoolFacts? best = null;
        var bestRoom = 0L;
        var bestUnclear = true;
        var reasons = new List<(PoolFacts Pool, Reason Reason)>();
        foreach (var pool in facts.Pools)
        {
            var binding = bindings.GetValueOrDefault((host.IncarnationId, pool.Id));
            var promising = pool with { AllocatedBytes = pool.AllocatedBytes + promised.GetValueOrDefault(pool.Id) };
            if (PoolObjection(facts, promising, binding, volume) is { } reason)
            {
                reasons.Add((pool, reason));
                continue;
            }

            var room = facts.Storage.RoomOf(promising) ?? 0;
            var unclear = binding!.Health == BindingHealth.Unclear;
            if (best is null || (bestUnclear && !unclear) || (bestUnclear == unclear && (room > bestRoom || (room == bestRoom && pool.Id.Value.CompareTo(best.Id.Value) < 0))))
            {
                (best, bestRoom, bestUnclear) = (pool, room, unclear);
            }
        }

        health = bestUnclear ? BindingHealth.Unclear : BindingHealth.Serving;
        objection = best is null ? NoPool(volume, reasons, facts.MorePools) : null;
        return best;
    }

    // An installation has pools that are on other hosts by the thousand: they are counted, not named.
    private static Reason NoPool(VolumeFacts volume, List<(PoolFacts Pool, Reason Reason)> reasons, int morePools)
    {
        var texts = reasons.Where(r => r.Reason != Elsewhere).ToList();
        var elsewhere = reasons.Count - texts.Count + morePools;
        var isNamed = elsewhere == 1 && morePools == 0;
        if (isNamed)
        {
            texts = reasons;
        }

        var kinds = texts.Take(MostReasons).Select(r => $"storage pool {r.Pool.Name} ({r.Pool.Id}) {r.Reason.Kind}").ToList();
        if (elsewhere > 0 && !isNamed)
        {
            kinds.Add(elsewhere == 1 ? "1 storage pool is not on this host" : $"{elsewhere} storage pools are not on this host");
        }

        if (texts.Count > MostReasons)
        {
            kinds.Add($"and {texts.Count - MostReasons} other storage pools cannot take it either");
        }

        var details = texts.Take(MostReasons).Where(r => r.Reason.Detail is not null).Select(r => $"{r.Pool.Name}: {r.Reason.Detail}").ToList();
        return new Reason(
            $"no storage pool for volume {volume.Name}: {(kinds.Count == 0 ? "there is none" : string.Join(", ", kinds))}",
            details.Count == 0 ? null : string.Join("; ", details));
    }

    private static readonly Reason Elsewhere = new("is not on this host");

    private static Reason? PoolObjection(PlacementFacts facts, PoolFacts pool, BindingFacts? binding, VolumeFacts volume)
    {
        if (StandingObjection(pool, volume) is { } standing)
        {
            return standing;
        }

        if (binding is null)
        {
            return Elsewhere;
        }

        if (binding.Health is BindingHealth.Down or BindingHealth.LocalOnly)
        {
            return new Reason("does not serve", binding.Error ?? "no reason given");
        }

        if (binding.NoNewVolumes is { } never)
        {
            return new Reason("takes no new volumes", never);
        }

        return facts.Storage.Objection(pool, NeededOn(facts, pool, volume)) is { } full ? new Reason(full) : null;
    }

    private static Reason? StandingObjection(PoolFacts pool, VolumeFacts volume)
    {
        if (pool.State != PoolState.Up)
        {
            return new Reason($"is in state {pool.State}");
        }

        return volume.Tags.FirstOrDefault(t => !pool.Tags.Contains(t, StringComparer.OrdinalIgnoreCase)) is { } tag ? new Reason($"has no tag {tag}") : null;
    }

    private static long NeededOn(PlacementFacts facts, PoolFacts pool, VolumeFacts volume) =>
        volume.SizeBytes + (volume.FromTemplate && !pool.HasTemplate ? facts.TemplateBytes : 0);

    // The kind is the same for all hosts that have it; the detail is one host's.
    private sealed record Reason(string Kind, string? Detail = null)
    {
        public string Text => Detail is null ? Kind : $"{Kind}: {Detail}";
    }

    private sealed record Candidate(HostCandidate Host, IReadOnlyDictionary<VolumeId, PoolId> Pools, int Rank, int Wish, bool IsLast) : IComparable<Candidate>
    {
        // Healthy storage first, then where its affinity groups would rather have it, then where it ran last, then most memory free, then by id so that the answer never depends on the order of rows.
        public int CompareTo(Candidate? other)
        {
            if (other is null)
            {
                return -1;
            }

            var byRank = Rank.CompareTo(other.Rank);
            if (byRank != 0)
            {
                return byRank;
            }

            var byWish = other.Wish.CompareTo(Wish);
            if (byWish != 0)
            {
                return byWish;
            }

            var byLast = other.IsLast.CompareTo(IsLast);
            if (byLast != 0)
            {
                return byLast;
            }

            var byMemory = (other.Host.MemoryMib - other.Host.UsedMemoryMib).CompareTo(Host.MemoryMib - Host.UsedMemoryMib);
            return byMemory != 0 ? byMemory : Host.Id.Value.CompareTo(other.Host.Id.Value);
        }
    }
}
