using Holdfast.Drivers.Linstor.Rest.Model;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>
/// The room of a resource group: how much data there can be when each volume has its replicas on different nodes. Remembers what pools told last, because LINSTOR tells nothing of
/// a pool whose satellite is away, and not told is not "none". One probe at a time.
/// </summary>
internal sealed class GroupRoom
{
    private Dictionary<string, Space> _told = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Counts the room.</summary>
    /// <param name="pools">Storage pools that the group may use.</param>
    /// <param name="filter">The group's choice.</param>
    /// <returns>The room.</returns>
    public Counted Count(IEnumerable<StoragePool> pools, SelectFilter? filter)
    {
        var names = new HashSet<string>(filter?.StoragePoolList ?? [], StringComparer.OrdinalIgnoreCase);
        if (names.Count == 0 && filter?.StoragePool is { Length: > 0 } one)
        {
            names.Add(one);
        }

        var told = new Dictionary<string, Space>(StringComparer.OrdinalIgnoreCase);
        var nodes = new Dictionary<string, Space>(StringComparer.OrdinalIgnoreCase);
        var counted = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var silent = new SortedSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var pool in pools)
        {
            if (string.Equals(pool.ProviderKind, "DISKLESS", StringComparison.OrdinalIgnoreCase) || (names.Count > 0 && !names.Contains(pool.StoragePoolName ?? string.Empty)))
            {
                continue;
            }

            var key = $"{pool.NodeName};{pool.StoragePoolName}";
            if (pool.TotalCapacity is >= 0 and var total)
            {
                told[key] = new Space((UInt128)total, (UInt128)Math.Clamp(pool.FreeCapacity ?? 0, 0, total));
            }
            else if (_told.TryGetValue(key, out var last))
            {
                told[key] = last;
            }
            else
            {
                silent.Add(pool.NodeName ?? key);
                continue;
            }

            // Space that several pools share is there once.
            if (counted.Add(pool.FreeSpaceMgrName ?? key))
            {
                var node = pool.NodeName ?? string.Empty;
                var (known, added) = (nodes.GetValueOrDefault(node), told[key]);
                nodes[node] = new Space(known.Total + added.Total, known.Free + added.Free);
            }
        }

        _told = told;
        var copies = Math.Max(filter?.PlaceCount ?? 1, 1);
        var all = Fitting(nodes.Values.Select(static space => space.Total), copies);
        var free = Math.Min(Fitting(nodes.Values.Select(static space => space.Free), copies), all);

        // Nothing fits into what is known, and there is more: how much fits is not known.
        return all == 0 && silent.Count > 0 ? new Counted(null, 0, [.. silent]) : new Counted(all, all - free, [.. silent]);
    }

    /// <summary>
    /// How much data fits with so many copies of each part on different nodes. A node can take no more than one copy of everything: of the largest nodes, fewer than there are copies,
    /// what goes beyond that is of no use.
    /// </summary>
    private static long Fitting(IEnumerable<UInt128> nodes, int copies)
    {
        var sizes = nodes.OrderDescending().ToList();
        if (sizes.Count < copies)
        {
            return 0;
        }

        var least = (UInt128)(long.MaxValue / 1024);
        for (var full = 0; full < copies; full++)
        {
            var others = sizes.Skip(full).Aggregate(UInt128.Zero, static (sum, size) => sum + size);
            least = UInt128.Min(least, others / (UInt128)(copies - full));
        }

        return (long)least;
    }

    private readonly record struct Space(UInt128 Total, UInt128 Free);

    /// <summary>The room of a group.</summary>
    /// <param name="TotalKib">How much data there can be, in KiB, by what is known; null: that is not known.</param>
    /// <param name="UsedKib">How much of it is taken.</param>
    /// <param name="Silent">Nodes whose room was never told; it is not in the sum.</param>
    internal sealed record Counted(long? TotalKib, long UsedKib, IReadOnlyList<string> Silent);
}
