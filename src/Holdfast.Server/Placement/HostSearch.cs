using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Placement;

/// <summary>
/// Searches hosts that a VM may be placed on, some at a time, in statements that leave out what the planner would refuse: never more than it would, or a host that can take
/// the VM would not be found. The search begins at the VM's own place on the ring of hosts, so that VMs that come at once do not all want the same host, and ends when it has
/// been around: each host that passes is shown once.
/// </summary>
internal sealed class HostSearch
{
    // On each side of the place where the search begins. A zone of no more hosts than this is looked at whole.
    private const int FirstStep = 32;
    private const int Growth = 4;

    private readonly StoreConnection _db;
    private readonly HostDemand _demand;
    private readonly BindingHealth _worst;
    private readonly IReadOnlyDictionary<VolumeId, HashSet<PoolId>> _full;
    private readonly string _begin;
    private int _step = FirstStep;
    private string? _after;
    private string? _fromStart;

    /// <summary>Begins a search.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="demand">What is searched for.</param>
    /// <param name="worst">The worst binding that will do.</param>
    /// <param name="full">Pools that cannot take a volume, as was found on the way; looked at anew at each step.</param>
    public HostSearch(StoreConnection db, HostDemand demand, BindingHealth worst, IReadOnlyDictionary<VolumeId, HashSet<PoolId>> full)
    {
        _db = db;
        _demand = demand;
        _worst = worst;
        _full = full;
        _begin = StoreSql.RingPlace(demand.Vm.Id.Value);
        _after = _begin;
        _fromStart = string.Empty;
    }

    /// <summary>Only these are looked at; empty: all.</summary>
    public IReadOnlySet<HostId> Among { get; init; } = new HashSet<HostId>();

    /// <summary>These are not looked at.</summary>
    public IReadOnlySet<HostId> ButNot { get; init; } = new HashSet<HostId>();

    /// <summary>Whether there may be more.</summary>
    public bool HasMore => _after is not null || _fromStart is not null;

    /// <summary>One host, if it passes.</summary>
    public Task<List<HostOffer>> OnlyAsync(HostId id, CancellationToken cancellationToken) =>
        Passing().Where(h => h.Id == id).Select(HostOffer.Of(_db, _demand.Vm.Id)).ToListAsync(cancellationToken);

    /// <summary>The next hosts that pass; none does not mean that there are no more.</summary>
    public async Task<IReadOnlyList<HostOffer>> NextAsync(CancellationToken cancellationToken)
    {
        if (_demand.Wanted.OnlyHost is { } only)
        {
            (_after, _fromStart) = (null, null);
            return await OnlyAsync(only, cancellationToken);
        }

        var passing = Passing();
        var (after, fromStart, begin, step) = (_after, _fromStart, _begin, _step);
        var offer = HostOffer.Of(_db, _demand.Vm.Id);
        var onwards = passing.Where(h => StoreSql.IsAfterOnRing(h.Id, after ?? string.Empty)).OrderBy(h => StoreSql.RingKey(h.Id)).Take(step).Select(offer);
        var around = passing
            .Where(h => StoreSql.IsAfterOnRing(h.Id, fromStart ?? string.Empty) && !StoreSql.IsAfterOnRing(h.Id, begin))
            .OrderBy(h => StoreSql.RingKey(h.Id))
            .Take(step)
            .Select(offer);
        var found = await (after is null ? around : fromStart is null ? onwards : onwards.Concat(around)).ToListAsync(cancellationToken);

        var ahead = found.Where(h => string.CompareOrdinal(h.RingKey, _begin) > 0).Select(h => h.RingKey).ToList();
        var behind = found.Where(h => string.CompareOrdinal(h.RingKey, _begin) <= 0).Select(h => h.RingKey).ToList();
        _after = after is not null && ahead.Count == step ? ahead.Max(StringComparer.Ordinal) : null;
        _fromStart = fromStart is not null && behind.Count == step ? behind.Max(StringComparer.Ordinal) : null;
        _step *= Growth;
        return found;
    }

    private IQueryable<HostRow> Passing()
    {
        var (vm, zone, wanted) = (_demand.Vm.Id, _demand.Vm.ZoneId, _demand.Wanted);
        var (cpus, memory) = (wanted.Cpus, wanted.MemoryMib);
        var hosts = _db.Hosts.Where(h => h.Removed == null && h.IncarnationId != null && h.State == HostState.Up && h.ResourceState == ResourceState.Enabled && h.Cpus >= cpus);

        // A cluster is in one zone; by one of the two there is an index on the ring.
        hosts = wanted.OnlyCluster is { } cluster ? hosts.Where(h => h.ClusterId == cluster) : hosts.Where(h => h.ZoneId == zone);
        if (!wanted.MayUseDisabledPlaces)
        {
            hosts = hosts.Where(h => PlaceRule.DisabledPlaceOf(_db, h) == null);
        }

        if (wanted.Firmware != MachineFirmware.Bios)
        {
            var firmware = FirmwareNames.Of(wanted.Firmware);
            hosts = hosts.Where(h => h.Firmware.Contains(firmware));
        }

        foreach (var group in wanted.Affinities)
        {
            var there = group.Hosts.ToList();
            hosts = group.Type switch
            {
                AffinityType.HostAntiAffinity when there.Count > 0 => hosts.Where(h => !there.Contains(h.Id)),
                AffinityType.HostAffinity when there.Count > 0 => hosts.Where(h => there.Contains(h.Id)),
                _ => hosts,
            };
        }

        if (Among.Count > 0)
        {
            var among = Among.ToList();
            hosts = hosts.Where(h => among.Contains(h.Id));
        }

        if (ButNot.Count > 0)
        {
            var butNot = ButNot.ToList();
            hosts = hosts.Where(h => !butNot.Contains(h.Id));
        }

        foreach (var tag in wanted.HostTags.Where(IsComparable).Select(t => t.ToLowerInvariant()))
        {
            hosts = hosts.Where(h => h.HostTags.ToLower().Contains(tag));
        }

        hosts = hosts.Where(h =>
            (_db.Vms.Where(v => v.HostId == h.Id && v.Removed == null && v.Id != vm).Sum(v => (int?)v.Cpus) ?? 0) + cpus <= h.Cpus * PlacementPlanner.CpuOvercommit
            && (_db.Vms.Where(v => v.HostId == h.Id && v.Removed == null && v.Id != vm).Sum(v => (int?)v.MemoryMib) ?? 0) + memory <= h.MemoryBytes / (1 << 20));
        foreach (var volume in _demand.Volumes)
        {
            hosts = volume.PoolId is { } pool ? On(hosts, pool, volume.State is VolumeState.Allocated or VolumeState.Creating) : WithPoolFor(hosts, volume);
        }

        return hosts;
    }

    private IQueryable<HostRow> On(IQueryable<HostRow> hosts, PoolId pool, bool mustMake)
    {
        var worst = (int)_worst;
        var unclear = Math.Min((int)BindingHealth.Unclear, worst);
        return mustMake
            ? hosts.Where(h => _db.Bindings.Any(b => b.IncarnationId == h.IncarnationId && b.PoolId == pool && b.Absent == null && BindingRule.RankOf(b) <= unclear
                && _db.StoragePools.Any(p => p.Id == pool && p.SameAs == null && (p.Scope == PoolScope.Host || b.NotShared == null))))
            : hosts.Where(h => _db.Bindings.Any(b => b.IncarnationId == h.IncarnationId && b.PoolId == pool && b.Absent == null && BindingRule.RankOf(b) <= worst));
    }

    private IQueryable<HostRow> WithPoolFor(IQueryable<HostRow> hosts, VolumeFacts volume)
    {
        var zone = _demand.Vm.ZoneId;
        var unclear = Math.Min((int)BindingHealth.Unclear, (int)_worst);
        var full = _full[volume.Id].ToList();
        var pools = _db.StoragePools.Where(p => p.ZoneId == zone && p.Removed == null && p.State == PoolState.Up && p.SameAs == null);
        foreach (var tag in volume.Tags.Where(IsComparable).Select(t => t.ToLowerInvariant()))
        {
            pools = pools.Where(p => p.Tags.ToLower().Contains(tag));
        }

        if (full.Count > 0)
        {
            pools = pools.Where(p => !full.Contains(p.Id));
        }

        return hosts.Where(h => (
            from b in _db.Bindings
            join p in pools on b.PoolId equals p.Id
            where b.IncarnationId == h.IncarnationId && b.Absent == null && BindingRule.RankOf(b) <= unclear && (p.Scope == PoolScope.Host || b.NotShared == null)
            select b).Any());
    }

    // Databases differ in what they take for the same letter; of these there is no doubt. Other tags are left to the planner.
    internal static bool IsComparable(string tag) => tag.All(char.IsAscii);
}
