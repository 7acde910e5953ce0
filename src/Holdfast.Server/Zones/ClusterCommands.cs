using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Zones;

/// <summary>Commands about clusters.</summary>
internal static class ClusterCommands
{
    private const string Key = "cluster";
    private const string Kvm = "KVM";
    private const string CloudManaged = "CloudManaged";
    private const string Managed = "Managed";

    private static readonly ValueParameter<ClusterId> FilterId = Id<ClusterId>("id", "the id of the cluster");
    private static readonly TextParameter FilterName = Text("name", "the exact name, whatever its case");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone");
    private static readonly ValueParameter<PodId> FilterPod = Id<PodId>("podid", "the pod");
    private static readonly TextParameter FilterHypervisor = Text("hypervisor", "the hypervisor");
    private static readonly TextParameter FilterType = Text("clustertype", "the type of the cluster: CloudManaged");
    private static readonly TextParameter FilterState = Text("allocationstate", "the allocation state: Enabled or Disabled");
    private static readonly TextParameter FilterManaged = Text("managedstate", "the managed state of the cluster: Managed");
    private static readonly ValueParameter<bool> ShowCapacities = Bool("showcapacities", "whether capacities are answered", noEffect: "listCapacity tells them");

    private static readonly ValueParameter<ClusterId> Cluster = Id<ClusterId>("id", "the id of the cluster", required: true);
    private static readonly TextParameter NewName = Text("clustername", "the name of the cluster; no other cluster of the pod has it", required: true);
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "its zone", required: true);
    private static readonly ValueParameter<PodId> Pod = Id<PodId>("podid", "its pod", required: true);
    private static readonly TextParameter NewHypervisor = Text("hypervisor", "only KVM", required: true);
    private static readonly TextParameter NewType = Text("clustertype", "only CloudManaged", required: true);
    private static readonly TextParameter Name = Text("clustername", "another name");
    private static readonly TextParameter Hypervisor = Text("hypervisor", "only KVM");
    private static readonly TextParameter Type = Text("clustertype", "only CloudManaged");
    private static readonly TextParameter ManagedState = Text("managedstate", "only Managed");
    private static readonly TextParameter State = Text("allocationstate", "Enabled, or Disabled: only what belongs to root administrators can be placed in it, what runs goes on");

    private static readonly View<ClusterEntry> View = View<ClusterEntry>.Build(v => v
        .Id("id", "the id of the cluster", c => c.Cluster.Id)
        .Text("name", "the name of the cluster", c => c.Cluster.Name)
        .Id("podid", "the id of its pod", c => c.Pod.Id)
        .Text("podname", "the name of its pod", c => c.Pod.Name)
        .Id("zoneid", "the id of its zone", c => c.Zone.Id)
        .Text("zonename", "the name of its zone", c => c.Zone.Name)
        .Text("hypervisortype", "the hypervisor of its hosts", c => c.Cluster.Hypervisor)
        .Text("clustertype", "the type of the cluster", _ => CloudManaged)
        .Text("allocationstate", "whether the cluster takes new resources", c => c.Cluster.AllocationState)
        .Text("managedstate", "whether the cluster is managed", _ => Managed)
        .Text("cpuovercommitratio", "virtual CPUs that its hosts take for each of their own", _ => FormattableString.Invariant($"{PlacementPlanner.CpuOvercommit}.0"))
        .Text("memoryovercommitratio", "always 1.0: no memory is promised twice", _ => "1.0")
        .Text("arch", "the processors of its hosts", _ => "x86_64"));

    private static readonly View<ClusterEntry> MetricsView = View<ClusterEntry>.Build(v => v
        .Include(View, c => c)
        .Text("state", "the same as allocationstate", c => c.Cluster.AllocationState)
        .Text("hosts", "its hosts that are Up, of all", c => MetricText.Of(c.Metrics.HostsUp, c.Metrics.Hosts))
        .Include(PlaceMetrics.View, c => c.Metrics));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        List("listClusters", "Lists clusters", View),
        List("listClustersMetrics", "Lists clusters, with what their hosts have and have promised", MetricsView),
        new()
        {
            Name = "addCluster",
            Description = "Makes a cluster in a pod; answers a list of it",
            Roles = Roles.RootAdmin,
            Parameters = [NewName, Zone, Pod, NewHypervisor, NewType, State],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => Unfit(call.Require(NewHypervisor), call.Require(NewType), null) is { } unfit
                ? unfit
                : await (await call.Services.Of<IClusterOperations>().AddAsync(call.Caller.ForOperations, call.Require(Zone), call.Require(Pod), call.Require(NewName), call.Get(State), ct))
                    .ToResultAsync(async id => ApiResult.List(Key, View, [await FindAsync(call, id, ct)], 1)),
        },
        new()
        {
            Name = "updateCluster",
            Description = "Changes a cluster",
            Roles = Roles.RootAdmin,
            Parameters = [Cluster, Name, Hypervisor, Type, State, ManagedState],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => Unfit(call.Get(Hypervisor), call.Get(Type), call.Get(ManagedState)) is { } unfit
                ? unfit
                : await (await call.Services.Of<IClusterOperations>().UpdateAsync(call.Caller.ForOperations, call.Require(Cluster), call.Get(Name), call.Get(State), ct))
                    .ToResultAsync(async id => ApiResult.Object(Key, View, await FindAsync(call, id, ct))),
        },
        new()
        {
            Name = "deleteCluster",
            Description = "Deletes a cluster that nothing is in",
            Roles = Roles.RootAdmin,
            Parameters = [Cluster],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IClusterOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Cluster), ct)).ToResult(),
        },
    ];

    private static ApiCommand List(string name, string description, View<ClusterEntry> view) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.RootAdmin,
        Parameters = [FilterId, FilterName, FilterPod, FilterZone, FilterHypervisor, FilterType, FilterState, FilterManaged, ShowCapacities, .. CommonParameters.List],
        Response = ResponseShape.Of(Key, view),
        Handler = (call, ct) => ListAsync(call, view, ct),
    };

    private static ApiError? Unfit(string? hypervisor, string? type, string? managed) =>
        !Is(hypervisor, Kvm) ? ApiError.InvalidParameter($"Parameter hypervisor is only {Kvm}, not {hypervisor}")
        : !Is(type, CloudManaged) ? ApiError.InvalidParameter($"Parameter clustertype is only {CloudManaged}, not {type}")
        : !Is(managed, Managed) ? ApiError.InvalidParameter($"Parameter managedstate is only {Managed}, not {managed}: a cluster that is not to take VMs is disabled, allocationstate=Disabled")
        : null;

    private static bool Is(string? text, string value) => text is null || text.Equals(value, StringComparison.OrdinalIgnoreCase);

    private static async Task<ApiResult> ListAsync(CommandCall call, View<ClusterEntry> view, CancellationToken cancellationToken)
    {
        if (!Is(call.Get(FilterType), CloudManaged) || !Is(call.Get(FilterManaged), Managed))
        {
            return ApiResult.EmptyList();
        }

        var id = call.Get(FilterId);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var zoneId = call.Get(FilterZone);
        var podId = call.Get(FilterPod);
        var hypervisor = call.Get(FilterHypervisor)?.ToLowerInvariant();
        var state = call.Get(FilterState)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var page = await Listing.ReadAsync(
                    Entries(db, db.Clusters.Where(cluster => cluster.Removed == null
                            && (id == null || cluster.Id == id)
                            && (zoneId == null || cluster.ZoneId == zoneId)
                            && (podId == null || cluster.PodId == podId)
                            && (name == null || cluster.Name.ToLower() == name)
                            && (keyword == null || cluster.Name.ToLower().Contains(keyword))
                            && (hypervisor == null || cluster.Hypervisor.ToLower() == hypervisor)
                            && (state == null || cluster.AllocationState.ToLower() == state)))
                        .OrderBy(e => e.Cluster.Created)
                        .ThenBy(e => e.Cluster.Id),
                    call.Page,
                    ct);
                if (view == View)
                {
                    return page;
                }

                var ids = page.Rows.Select(e => e.Cluster.Id).ToArray();
                var metrics = (await PlaceMetrics.ReadAsync(db, db.Hosts.Where(h => ids.Contains(h.ClusterId)), ct)).ToLookup(m => m.ClusterId);
                return page with { Rows = [.. page.Rows.Select(e => e with { Metrics = PlaceMetrics.Sum(metrics[e.Cluster.Id]) })] };
            },
            cancellationToken);
        return ApiResult.List(Key, view, listing.Rows, listing.Total);
    }

    private static IQueryable<ClusterEntry> Entries(StoreConnection db, IQueryable<ClusterRow> clusters) =>
        from cluster in clusters
        join pod in db.Pods on cluster.PodId equals pod.Id
        join zone in db.Zones on cluster.ZoneId equals zone.Id
        select new ClusterEntry { Cluster = cluster, Pod = pod, Zone = zone };

    private static Task<ClusterEntry> FindAsync(CommandCall call, ClusterId id, CancellationToken cancellationToken) =>
        call.Services.Database.ReadAsync((db, ct) => Entries(db, db.Clusters.Where(c => c.Id == id)).SingleAsync(ct), cancellationToken);

    private sealed record ClusterEntry
    {
        public required ClusterRow Cluster { get; init; }

        public required PodRow Pod { get; init; }

        public required ZoneRow Zone { get; init; }

        public PlaceMetrics Metrics { get; init; } = PlaceMetrics.None;
    }
}
