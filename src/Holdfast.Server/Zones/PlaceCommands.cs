using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Zones;

/// <summary>Commands about zones, pods and clusters.</summary>
internal static class PlaceCommands
{
    private static readonly ValueParameter<ZoneId> FilterZoneId = Id<ZoneId>("id", "the id of the zone");
    private static readonly ListParameter<ZoneId> FilterZoneIds = Ids<ZoneId>("ids", "the ids of the zones");
    private static readonly ValueParameter<PodId> FilterPodId = Id<PodId>("id", "the id of the pod");
    private static readonly ValueParameter<ClusterId> FilterClusterId = Id<ClusterId>("id", "the id of the cluster");
    private static readonly TextParameter Name = Text("name", "the exact name, whatever its case");
    private static readonly ValueParameter<bool> Available = Bool("available", "whether only zones that can be used are listed", noEffect: "every zone is available to everybody");
    private static readonly TextParameter NetworkType = Text("networktype", "the network type of the zone");
    private static readonly ValueParameter<bool> ShowCapacities = Bool("showcapacities", "whether capacities are answered", noEffect: "listCapacity tells them");
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone");
    private static readonly ValueParameter<PodId> Pod = Id<PodId>("podid", "the pod");
    private static readonly TextParameter Hypervisor = Text("hypervisor", "the hypervisor");
    private static readonly TextParameter ClusterType = Text("clustertype", "the type of the cluster: CloudManaged");
    private static readonly TextParameter AllocationState = Text("allocationstate", "the allocation state: Enabled or Disabled");
    private static readonly TextParameter ManagedState = Text("managedstate", "the managed state of the cluster: Managed");

    private static readonly View<ZoneRow> ZoneView = View<ZoneRow>.Build(v => v
        .Id("id", "the id of the zone", z => z.Id)
        .Text("name", "the name of the zone", z => z.Name)
        .Text("networktype", "the network type of the zone", z => z.NetworkType)
        .Bool("securitygroupsenabled", "always false: there are no security groups", _ => false)
        .Text("allocationstate", "whether the zone takes new resources", z => z.AllocationState)
        .Bool("localstorageenabled", "true: storage that one host reaches can be used", _ => true)
        .Text("type", "the type of the zone", _ => "Core")
        .EmptyList("tags", "always empty: there are no tags"));

    private static readonly View<PodEntry> PodView = View<PodEntry>.Build(v => v
        .Id("id", "the id of the pod", p => p.Pod.Id)
        .Text("name", "the name of the pod", p => p.Pod.Name)
        .Id("zoneid", "the id of its zone", p => p.Zone.Id)
        .Text("zonename", "the name of its zone", p => p.Zone.Name)
        .Text("allocationstate", "whether the pod takes new resources", p => p.Pod.AllocationState));

    private static readonly View<ClusterEntry> ClusterView = View<ClusterEntry>.Build(v => v
        .Id("id", "the id of the cluster", c => c.Cluster.Id)
        .Text("name", "the name of the cluster", c => c.Cluster.Name)
        .Id("podid", "the id of its pod", c => c.Pod.Id)
        .Text("podname", "the name of its pod", c => c.Pod.Name)
        .Id("zoneid", "the id of its zone", c => c.Zone.Id)
        .Text("zonename", "the name of its zone", c => c.Zone.Name)
        .Text("hypervisortype", "the hypervisor of its hosts", c => c.Cluster.Hypervisor)
        .Text("clustertype", "the type of the cluster", _ => "CloudManaged")
        .Text("allocationstate", "whether the cluster takes new resources", c => c.Cluster.AllocationState)
        .Text("managedstate", "whether the cluster is managed", _ => "Managed"));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listZones",
            Description = "Lists zones",
            Roles = Roles.Authenticated,
            Parameters = [FilterZoneId, FilterZoneIds, Name, Available, NetworkType, ShowCapacities, .. CommonParameters.List],
            Response = ResponseShape.Of("zone", ZoneView),
            Handler = ListZonesAsync,
        },
        new()
        {
            Name = "listPods",
            Description = "Lists pods",
            Roles = Roles.RootAdmin,
            Parameters = [FilterPodId, Name, Zone, AllocationState, ShowCapacities, .. CommonParameters.List],
            Response = ResponseShape.Of("pod", PodView),
            Handler = ListPodsAsync,
        },
        new()
        {
            Name = "listClusters",
            Description = "Lists clusters",
            Roles = Roles.RootAdmin,
            Parameters = [FilterClusterId, Name, Pod, Zone, Hypervisor, ClusterType, AllocationState, ManagedState, ShowCapacities, .. CommonParameters.List],
            Response = ResponseShape.Of("cluster", ClusterView),
            Handler = ListClustersAsync,
        },
    ];

    private static async Task<ApiResult> ListZonesAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterZoneId);
        var ids = call.Get(FilterZoneIds);
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var networkType = call.Get(NetworkType)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                (ids is null ? db.Zones : db.Zones.Where(z => ids.Contains(z.Id)))
                    .Where(z => z.Removed == null
                        && (id == null || z.Id == id)
                        && (name == null || z.Name.ToLower() == name)
                        && (keyword == null || z.Name.ToLower().Contains(keyword))
                        && (networkType == null || z.NetworkType.ToLower() == networkType))
                    .OrderBy(z => z.Created)
                    .ThenBy(z => z.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("zone", ZoneView, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> ListPodsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterPodId);
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var zoneId = call.Get(Zone);
        var state = call.Get(AllocationState)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from pod in db.Pods
                join zone in db.Zones on pod.ZoneId equals zone.Id
                where pod.Removed == null
                    && (id == null || pod.Id == id)
                    && (zoneId == null || pod.ZoneId == zoneId)
                    && (name == null || pod.Name.ToLower() == name)
                    && (keyword == null || pod.Name.ToLower().Contains(keyword))
                    && (state == null || pod.AllocationState.ToLower() == state)
                orderby pod.Created, pod.Id
                select new PodEntry { Pod = pod, Zone = zone },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("pod", PodView, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> ListClustersAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterClusterId);
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var zoneId = call.Get(Zone);
        var podId = call.Get(Pod);
        var hypervisor = call.Get(Hypervisor)?.ToLowerInvariant();
        var state = call.Get(AllocationState)?.ToLowerInvariant();
        if ((call.Get(ClusterType) is { } type && !type.Equals("CloudManaged", StringComparison.OrdinalIgnoreCase))
            || (call.Get(ManagedState) is { } managed && !managed.Equals("Managed", StringComparison.OrdinalIgnoreCase)))
        {
            return ApiResult.EmptyList();
        }

        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from cluster in db.Clusters
                join pod in db.Pods on cluster.PodId equals pod.Id
                join zone in db.Zones on cluster.ZoneId equals zone.Id
                where cluster.Removed == null
                    && (id == null || cluster.Id == id)
                    && (zoneId == null || cluster.ZoneId == zoneId)
                    && (podId == null || cluster.PodId == podId)
                    && (name == null || cluster.Name.ToLower() == name)
                    && (keyword == null || cluster.Name.ToLower().Contains(keyword))
                    && (hypervisor == null || cluster.Hypervisor.ToLower() == hypervisor)
                    && (state == null || cluster.AllocationState.ToLower() == state)
                orderby cluster.Created, cluster.Id
                select new ClusterEntry { Cluster = cluster, Pod = pod, Zone = zone },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("cluster", ClusterView, listing.Rows, listing.Total);
    }

    private sealed record PodEntry
    {
        public required PodRow Pod { get; init; }

        public required ZoneRow Zone { get; init; }
    }

    private sealed record ClusterEntry
    {
        public required ClusterRow Cluster { get; init; }

        public required PodRow Pod { get; init; }

        public required ZoneRow Zone { get; init; }
    }
}
