using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>Chooses the host of a VM and the pools of volumes that have none. Same facts, same answer.</summary>
public static class PlacementPlanner
{
    /// <summary>Virtual CPUs that a host takes for each of its own.</summary>
    public const int CpuOvercommit = 16;

    /// <summary>Volumes are thin: the sizes promised on a pool may exceed it by this factor (CloudStack's storage.overprovisioning.factor).</summary>
    public const int StorageOvercommit = 2;

    /// <summary>A pool this full (per cent really used) takes no new volume (CloudStack's pool.storage.capacity.disablethreshold).</summary>
    public const int FullPercent = 85;

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

        var reasons = new List<string>();
        var storageReasons = 0;
        Candidate? best = null;
        foreach (var host in facts.Hosts)
        {
            if (HostObjection(facts, host) is { } objection)
            {
                reasons.Add($"host {host.Name}: {objection}");
                continue;
            }

            if (StorageObjection(facts, host, volumes, out var pools, out var rank) is { } storage)
            {
                storageReasons++;
                reasons.Add($"host {host.Name}: {storage}");
                continue;
            }

            var candidate = new Candidate(host, pools, rank, host.Id == facts.LastHost);
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
        return new Placement.Nowhere(new PlanFault(kind, reasons.Count == 0 ? "there is no host" : string.Join("; ", reasons)));
    }

    private static PlanFault? UnservedPool(IReadOnlyList<VolumeFacts> volumes)
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

    private static string? HostObjection(PlacementFacts facts, HostCandidate host)
    {
        if (facts.OnlyHost is { } only && only != host.Id)
        {
            return "another host was asked for";
        }

        if (facts.OnlyCluster is { } cluster && cluster != host.ClusterId)
        {
            return "another cluster was asked for";
        }

        if (!host.IsUp)
        {
            return "it is not up";
        }

        if (!host.IsEnabled)
        {
            return "it is disabled or in maintenance";
        }

        if (facts.HostTags.FirstOrDefault(t => !host.Tags.Contains(t, StringComparer.OrdinalIgnoreCase)) is { } tag)
        {
            return $"it has no tag {tag}";
        }

        if (facts.Cpus > host.Cpus)
        {
            return $"it has {host.Cpus} CPUs, {facts.Cpus} are needed";
        }

        if (host.UsedCpus + facts.Cpus > host.Cpus * CpuOvercommit)
        {
            return $"its CPUs are given away ({host.UsedCpus} virtual CPUs on {host.Cpus})";
        }

        var free = host.MemoryMib - host.UsedMemoryMib;
        return facts.MemoryMib > free ? $"it has {free} MiB of memory free, {facts.MemoryMib} MiB are needed" : null;
    }

    private static string? StorageObjection(
        PlacementFacts facts,
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
                var binding = facts.Bindings.FirstOrDefault(b => b.IncarnationId == host.IncarnationId && b.PoolId == pool);
                var mustMake = volume.State is VolumeState.Allocated or VolumeState.Creating;
                if (binding is null)
                {
                    return $"it does not serve storage pool {volume.PoolName} ({pool}) of volume {volume.Name}";
                }

                if (binding.Health == BindingHealth.Down || (binding.Health == BindingHealth.LocalOnly && mustMake))
                {
                    return $"storage pool {volume.PoolName} ({pool}) of volume {volume.Name} does not serve there: {binding.Error ?? "no reason given"}";
                }

                if (mustMake && binding.NoNewVolumes is { } never)
                {
                    return $"storage pool {volume.PoolName} ({pool}) takes no new volumes, and volume {volume.Name} is not made yet: {never}";
                }

                rank = Math.Max(rank, (int)binding.Health);
                continue;
            }

            if (ChoosePool(facts, host, volume, promised, out var health, out var objection) is not { } found)
            {
                return objection;
            }

            rank = Math.Max(rank, (int)health);
            pools[volume.Id] = found;
            promised[found] = promised.GetValueOrDefault(found) + volume.SizeBytes;
        }

        return null;
    }

    private static PoolId? ChoosePool(
        PlacementFacts facts,
        HostCandidate host,
        VolumeFacts volume,
        Dictionary<PoolId, long> promised,
        out BindingHealth health,
        out string objection)
    {
        PoolFacts? best = null;
        var bestRoom = 0L;
        var bestUnclear = true;
        var reasons = new List<string>();
        foreach (var pool in facts.Pools)
        {
            var binding = facts.Bindings.FirstOrDefault(b => b.IncarnationId == host.IncarnationId && b.PoolId == pool.Id);
            var room = RoomOf(pool) - promised.GetValueOrDefault(pool.Id);
            if (PoolObjection(pool, binding, volume, room) is { } reason)
            {
                reasons.Add($"storage pool {pool.Name} ({pool.Id}) {reason}");
                continue;
            }

            var unclear = binding!.Health == BindingHealth.Unclear;
            if (best is null || (bestUnclear && !unclear) || (bestUnclear == unclear && (room > bestRoom || (room == bestRoom && pool.Id.Value.CompareTo(best.Id.Value) < 0))))
            {
                (best, bestRoom, bestUnclear) = (pool, room, unclear);
            }
        }

        health = bestUnclear ? BindingHealth.Unclear : BindingHealth.Serving;
        objection = $"no storage pool for volume {volume.Name}: {(reasons.Count == 0 ? "there is none" : string.Join(", ", reasons))}";
        return best?.Id;
    }

    private static string? PoolObjection(PoolFacts pool, BindingFacts? binding, VolumeFacts volume, long room)
    {
        if (pool.State != PoolState.Up)
        {
            return $"is in state {pool.State}";
        }

        if (volume.Tags.FirstOrDefault(t => !pool.Tags.Contains(t, StringComparer.OrdinalIgnoreCase)) is { } tag)
        {
            return $"has no tag {tag}";
        }

        if (binding is null)
        {
            return "is not on this host";
        }

        if (binding.Health is BindingHealth.Down or BindingHealth.LocalOnly)
        {
            return $"does not serve: {binding.Error ?? "no reason given"}";
        }

        if (binding.NoNewVolumes is { } never)
        {
            return $"takes no new volumes: {never}";
        }

        if (pool is { CapacityBytes: > 0 and var total, UsedBytes: { } used } && used / (total / 100.0) > FullPercent)
        {
            return $"is more than {FullPercent} % full";
        }

        return room < volume.SizeBytes ? $"has no room for {volume.SizeBytes} bytes" : null;
    }

    private static long RoomOf(PoolFacts pool) =>
        pool.CapacityBytes is { } total ? (total * StorageOvercommit) - pool.AllocatedBytes : 0;

    private sealed record Candidate(HostCandidate Host, IReadOnlyDictionary<VolumeId, PoolId> Pools, int Rank, bool IsLast) : IComparable<Candidate>
    {
        // Healthy storage first, then where it ran last, then most memory free, then by id so that the answer never depends on the order of rows.
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
