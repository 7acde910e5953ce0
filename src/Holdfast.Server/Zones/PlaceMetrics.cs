using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;

namespace Holdfast.Server.Zones;

/// <summary>What the hosts of a zone or cluster have and have promised. How much of it guests use is not told: hosts do not report it.</summary>
/// <param name="Hosts">All its hosts.</param>
/// <param name="HostsUp">Those that are Up.</param>
/// <param name="Mhz">CPU of the hosts that are Up.</param>
/// <param name="MemoryBytes">Memory of the hosts that are Up.</param>
/// <param name="PromisedMhz">What of that CPU is promised to VMs.</param>
/// <param name="PromisedBytes">What of that memory is promised to VMs.</param>
internal sealed record PlaceMetrics(int Hosts, int HostsUp, long Mhz, long MemoryBytes, long PromisedMhz, long PromisedBytes)
{
    /// <summary>Of a place without hosts.</summary>
    public static PlaceMetrics None { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>The fields.</summary>
    public static View<PlaceMetrics> View { get; } = View<PlaceMetrics>.Build(v => v
        .Text("cputotal", "the CPU of its hosts that are Up", m => MetricText.Ghz(m.Mhz))
        .Text("cpuallocated", "the part of that promised to VMs", m => MetricText.Percent(m.PromisedMhz, m.Mhz) + "%")
        .Text("memorytotal", "the memory of its hosts that are Up", m => MetricText.Gb(m.MemoryBytes))
        .Text("memoryallocated", "the part of that promised to VMs", m => MetricText.Percent(m.PromisedBytes, m.MemoryBytes) + "%"));

    /// <summary>Those of the clusters of some hosts: two statements.</summary>
    /// <param name="db">The store.</param>
    /// <param name="hosts">The hosts.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static async Task<IReadOnlyList<ClusterMetrics>> ReadAsync(StoreConnection db, IQueryable<HostRow> hosts, CancellationToken cancellationToken)
    {
        var there = await (
            from host in hosts
            where host.Removed == null
            group host by new { host.ZoneId, host.ClusterId } into g
            select new
            {
                g.Key.ZoneId,
                g.Key.ClusterId,
                Hosts = g.Count(),
                HostsUp = g.Sum(h => h.State == HostState.Up ? 1 : 0),
                Mhz = g.Sum(h => h.State == HostState.Up ? (long)h.Cpus * h.CpuMhz : 0),
                MemoryBytes = g.Sum(h => h.State == HostState.Up ? h.MemoryBytes : 0),
            }).ToListAsync(cancellationToken);
        var promised = await (
            from host in hosts
            join vm in db.Vms on host.Id equals vm.HostId
            where host.Removed == null && host.State == HostState.Up && vm.Removed == null
            group vm by host.ClusterId into g
            select new { ClusterId = g.Key, Mhz = g.Sum(v => (long)v.Cpus * v.CpuMhz), MemoryMib = g.Sum(v => (long)v.MemoryMib) }).ToDictionaryAsync(p => p.ClusterId, cancellationToken);
        return
        [
            .. there.Select(t => new ClusterMetrics(
                t.ZoneId,
                t.ClusterId,
                new PlaceMetrics(t.Hosts, t.HostsUp, t.Mhz, t.MemoryBytes, promised.GetValueOrDefault(t.ClusterId)?.Mhz ?? 0, (promised.GetValueOrDefault(t.ClusterId)?.MemoryMib ?? 0) << 20))),
        ];
    }

    /// <summary>All of some together.</summary>
    public static PlaceMetrics Sum(IEnumerable<ClusterMetrics> clusters) => clusters.Select(c => c.Metrics).Aggregate(
        None,
        (a, b) => new PlaceMetrics(a.Hosts + b.Hosts, a.HostsUp + b.HostsUp, a.Mhz + b.Mhz, a.MemoryBytes + b.MemoryBytes, a.PromisedMhz + b.PromisedMhz, a.PromisedBytes + b.PromisedBytes));
}

/// <summary>The metrics of a cluster.</summary>
/// <param name="ZoneId">Its zone.</param>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Metrics">What its hosts have.</param>
internal sealed record ClusterMetrics(ZoneId ZoneId, ClusterId ClusterId, PlaceMetrics Metrics);
