using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Placement;

/// <summary>
/// Why no host can take a VM: one statement counts the hosts of a zone by what speaks against them and names the first of each kind. It sorts them as the planner does, which
/// looks at each of the named ones itself and says it.
/// </summary>
internal static class HostObstacles
{
    /// <summary>Nothing of the host itself: what speaks against it is its storage.</summary>
    private const int Storage = 0;
    private const int Memory = 1;
    private const int CpusGiven = 2;
    private const int CpusFew = 3;
    private const int Disabled = 4;
    private const int NotUp = 5;
    private const int OtherCluster = 6;
    private const int OtherHost = 7;
    private const int ZoneDisabled = 8;
    private const int PodDisabled = 9;
    private const int ClusterDisabled = 10;
    private const int NoFirmware = 11;
    private const int FirstTag = 12;

    /// <summary>Affinity groups, downwards; the tags go upwards.</summary>
    private const int LastGroup = -1;

    // As many as the planner names, and of those whose storage is looked at, as many as can be told apart in a text.
    private const int Named = 10;
    private const int LookedAt = 200;

    /// <summary>Reads it.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="demand">What no host was found for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<Refusals> ReadAsync(StoreConnection db, HostDemand demand, CancellationToken cancellationToken)
    {
        var (vm, zone, wanted) = (demand.Vm.Id, demand.Vm.ZoneId, demand.Wanted);
        var (cpus, memory) = (wanted.Cpus, wanted.MemoryMib);
        var graded =
            from h in db.Hosts
            where h.ZoneId == zone && h.Removed == null && h.IncarnationId != null
            select new Graded { Host = h, Obstacle = Storage };

        // What counts first is asked last.
        graded = graded.Select(g => new Graded
        {
            Host = g.Host,
            Obstacle = (db.Vms.Where(v => v.HostId == g.Host.Id && v.Removed == null && v.Id != vm).Sum(v => (int?)v.MemoryMib) ?? 0) + memory > g.Host.MemoryBytes / (1 << 20) ? Memory : g.Obstacle,
        });
        graded = graded.Select(g => new Graded
        {
            Host = g.Host,
            Obstacle = g.Host.Cpus < cpus ? CpusFew
                : (db.Vms.Where(v => v.HostId == g.Host.Id && v.Removed == null && v.Id != vm).Sum(v => (int?)v.Cpus) ?? 0) + cpus > g.Host.Cpus * PlacementPlanner.CpuOvercommit ? CpusGiven
                : g.Obstacle,
        });
        var tags = wanted.HostTags.Where(HostSearch.IsComparable).Select(t => $",{t.ToLowerInvariant()},").ToList();
        for (var i = tags.Count - 1; i >= 0; i--)
        {
            var (tag, obstacle) = (tags[i], FirstTag + i);
            graded = graded.Select(g => new Graded { Host = g.Host, Obstacle = ("," + g.Host.HostTags.ToLower() + ",").Contains(tag) ? g.Obstacle : obstacle });
        }

        for (var i = wanted.Affinities.Count - 1; i >= 0; i--)
        {
            var (there, obstacle) = (wanted.Affinities[i].Hosts.ToList(), LastGroup - i);
            graded = wanted.Affinities[i].Type switch
            {
                AffinityType.HostAntiAffinity when there.Count > 0 => graded.Select(g => new Graded { Host = g.Host, Obstacle = there.Contains(g.Host.Id) ? obstacle : g.Obstacle }),
                AffinityType.HostAffinity when there.Count > 0 => graded.Select(g => new Graded { Host = g.Host, Obstacle = there.Contains(g.Host.Id) ? g.Obstacle : obstacle }),
                _ => graded,
            };
        }

        if (wanted.Firmware != MachineFirmware.Bios)
        {
            var firmware = FirmwareNames.Of(wanted.Firmware);
            graded = graded.Select(g => new Graded { Host = g.Host, Obstacle = g.Host.Firmware.Contains(firmware) ? g.Obstacle : NoFirmware });
        }

        graded = graded.Select(g => new Graded
        {
            Host = g.Host,
            Obstacle = g.Host.State != HostState.Up ? NotUp : g.Host.ResourceState != ResourceState.Enabled ? Disabled : g.Obstacle,
        });
        if (!wanted.MayUseDisabledPlaces)
        {
            graded = graded.Select(g => new Graded
            {
                Host = g.Host,
                Obstacle = PlaceRule.DisabledPlaceOf(db, g.Host) == PlaceRule.Zone ? ZoneDisabled
                    : PlaceRule.DisabledPlaceOf(db, g.Host) == PlaceRule.Pod ? PodDisabled
                    : PlaceRule.DisabledPlaceOf(db, g.Host) == PlaceRule.Cluster ? ClusterDisabled
                    : g.Obstacle,
            });
        }

        if (wanted.OnlyCluster is { } cluster)
        {
            graded = graded.Select(g => new Graded { Host = g.Host, Obstacle = g.Host.ClusterId != cluster ? OtherCluster : g.Obstacle });
        }

        if (wanted.OnlyHost is { } only)
        {
            graded = graded.Select(g => new Graded { Host = g.Host, Obstacle = g.Host.Id != only ? OtherHost : g.Obstacle });
        }

        var counted =
            from g in graded
            select new
            {
                g.Host.Id,
                g.Obstacle,
                Place = Sql.Ext.RowNumber().Over().PartitionBy(g.Obstacle).OrderBy(g.Host.Id).ToValue(),
                Count = Sql.Ext.Count().Over().PartitionBy(g.Obstacle).ToValue(),
            };
        var named = await counted.Where(c => c.Place <= (c.Obstacle == Storage ? LookedAt : Named)).OrderBy(c => c.Id).ToListAsync(cancellationToken);
        var ids = named.Select(n => n.Id).ToList();
        var offers = await db.Hosts.Where(h => ids.Contains(h.Id)).Select(HostOffer.Of(db, vm)).ToDictionaryAsync(h => h.Id, cancellationToken);
        var more = named.GroupBy(n => n.Obstacle).ToDictionary(g => g.Key, g => g.First().Count - g.Count());
        var first = named.DistinctBy(n => n.Obstacle).Select(n => n.Id).ToHashSet();
        return new Refusals(
            [.. named.Select(n => offers[n.Id].ToCandidate(n.Obstacle != Storage && first.Contains(n.Id) ? more[n.Obstacle] : 0))],
            [.. named.Where(n => n.Obstacle == Storage).Select(n => offers[n.Id].IncarnationId!.Value)],
            more.GetValueOrDefault(Storage));
    }

    private sealed record Graded
    {
        public required HostRow Host { get; init; }

        public required int Obstacle { get; init; }
    }
}
