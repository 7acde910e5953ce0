using Holdfast.LinstorSimulation.Cluster;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>The REST subset: every path the simulator answers.</summary>
internal sealed partial class Routes(Controller controller, TimeProvider time)
{
    private const string Definition = "/v1/resource-definitions/{resource}";

    public IReadOnlyList<Route> All() =>
        [.. new[] { ServerRoutes(), NodeRoutes(), GroupRoutes(), DefinitionRoutes(), ResourceRoutes(), SnapshotRoutes() }.SelectMany(static some => some).Select(Referring).Select(Guarded)];

    // What an entry refers to, by the parameter of the path that names it.
    private static readonly Dictionary<string, string> References = new()
    {
        ["resource"] = "RscDfn", ["node"] = "Node", ["snapshot"] = "Snapshot", ["number"] = "VlmNr", ["group"] = "RscGrp", ["a"] = "FirstNode", ["b"] = "SecondNode", ["pool"] = "StorPool",
    };

    /// <summary>Every entry refers to the objects its call is about, beside those of its own.</summary>
    private static Route Referring(Route route) => route.Method is "GET" or "OPTIONS" ? route : route with
    {
        Handle = async (request, token) => (await route.Handle(request, token)).About(
            [.. from parameter in request.Parameters where References.ContainsKey(parameter.Key) select (References[parameter.Key], parameter.Value)]),
    };

    /// <summary>A change has reached the devices when it is answered: whether two primaries are allowed depends on properties of controller, group, definition and connection, and on who has a resource.</summary>
    private Route Guarded(Route route) => route.Method is "GET" or "OPTIONS" ? route : route with
    {
        Handle = async (request, token) =>
        {
            var reply = await route.Handle(request, token);
            await controller.GuardOpenersAsync(token);
            return reply;
        },
    };

    private IEnumerable<Route> ServerRoutes() =>
    [
        Get("/", _ => new ApiReply(302, []) { Headers = [("Location", "/ui/")] }),
        Get("/ui", static _ => ApiReply.Text(200, "<html><body>LINSTOR simulator</body></html>", "text/html")),
        Get("/health", static _ => ApiReply.Text(200, "")),
        Get("/metrics", _ => ApiReply.Text(200, $"# TYPE linstor_info gauge\nlinstor_info{{gitid=\"{controller.Version.GitHash}\"}} 1\n")),
        Get("/v1/controller/version", _ => ApiReply.Json(controller.Version)),
        Get("/v1/controller/config", static _ => ApiReply.Text(200, """{"log":{"level":"INFO"},"db":{"connection_url":"simulated"},"http":{"enabled":true},"https":{"enabled":false}}""", "application/json")),
        Get("/v1/controller/properties", _ => ApiReply.Json(controller.ControllerProps())),
        Get("/v1/controller/properties/info", static _ => ApiReply.Text(200, "{}", "application/json")),
        Post("/v1/controller/properties", request =>
        {
            var change = request.Read<PropertiesModify>();
            return ApiReply.From(controller.ChangeControllerProps(change.OverrideProps, change.DeleteProps, change.DeleteNamespaces));
        }),
        new Route("DELETE", "/v1/controller/properties/{key}", (request, _) =>
            Task.FromResult(ApiReply.From(controller.ChangeControllerProps(null, [request["key"]], null, ReturnCodes.Delete)))),
        Get("/v1/error-reports", request => ApiReply.Json(Page(request, controller.ErrorReports(request.Flag("withContent"))))),
        Get("/v1/error-reports/{id}", request => controller.ErrorReportById(request["id"]) is { } report
            ? ApiReply.Json<List<ErrorReport>>([report])
            : NotFound(0, ReturnCodes.ErrorReportNotFound, $"Error report '{request["id"]}' not found.")),
        Get("/v1/encryption/passphrase", static _ => ApiReply.Json(new PassphraseStatus("unset"))),
        Get("/v1/physical-storage", static _ => ApiReply.Text(200, "[]", "application/json")),
        Get("/v1/remotes", static _ => ApiReply.Text(200, "{}", "application/json")),
        Get("/v1/files", static _ => ApiReply.Text(200, "[]", "application/json")),
        Get("/v1/schedules", static _ => ApiReply.Text(200, "{}", "application/json")),
        Get("/v1/space-report", static _ => ApiReply.Text(200, """{"reportText":"LINSTOR simulator: no space report"}""", "application/json")),
        Get("/v1/key-value-store", _ => ApiReply.Json(controller.KeyValueStores())),
        Get("/v1/key-value-store/{instance}", request => ApiReply.Json<List<KeyValueStore>>([controller.KeyValues(request["instance"])])),
        new Route("PUT", "/v1/key-value-store/{instance}", (request, _) => Task.FromResult(ApiReply.From(controller.ChangeKeyValues(request["instance"], request.Read<PropertiesModify>())))),
        new Route("DELETE", "/v1/key-value-store/{instance}", (request, _) => Task.FromResult(ApiReply.From(controller.DeleteKeyValues(request["instance"])))),
    ];

    private IEnumerable<Route> NodeRoutes() =>
    [
        Get("/v1/nodes", request => ApiReply.Json(Page(request, controller.Nodes(request.Many("nodes"), request.Many("props"))))),
        Post("/v1/nodes", request => ApiReply.From(controller.CreateNode(request.Read<Node>())), deferred: true),
        Get("/v1/nodes/{node}", request => One(controller.Nodes([request["node"]]), ReturnCodes.Node, ReturnCodes.NodeNotFound, $"Node '{request["node"]}' not found.")),
        Put("/v1/nodes/{node}", (request, _) => Task.FromResult(controller.ModifyNode(request["node"], request.Read<NodeModify>()))),
        Delete("/v1/nodes/{node}", (request, _) => Task.FromResult(controller.DeleteNode(request["node"]))),
        Delete("/v1/nodes/{node}/lost", (request, _) => Task.FromResult(controller.DeleteNode(request["node"]))),
        Get("/v1/nodes/{node}/net-interfaces", request => controller.Nodes([request["node"]]) is [var node]
            ? ApiReply.Json(node.NetInterfaces ?? [])
            : NotFound(ReturnCodes.Node, ReturnCodes.NodeNotFound, $"Node '{request["node"]}' not found.")),
        Get("/v1/nodes/{node}/net-interfaces/{name}", request => controller.Nodes([request["node"]]) is [var node]
            ? One(
                [.. (node.NetInterfaces ?? []).Where(net => Names.Same(net.Name, request["name"]))],
                ReturnCodes.NetInterface,
                ReturnCodes.NetInterfaceNotFound,
                $"Network interface '{request["name"]}' of node '{request["node"]}' not found.")
            : NotFound(ReturnCodes.Node, ReturnCodes.NodeNotFound, $"Node '{request["node"]}' not found.")),
        Post("/v1/nodes/{node}/net-interfaces", request => ApiReply.From(controller.CreateNetInterface(request["node"], request.Read<NetInterface>())), deferred: true),
        Put("/v1/nodes/{node}/net-interfaces/{name}", (request, _) => Task.FromResult(controller.ModifyNetInterface(request["node"], request["name"], request.Read<NetInterface>()))),
        Delete("/v1/nodes/{node}/net-interfaces/{name}", (request, _) => Task.FromResult(controller.DeleteNetInterface(request["node"], request["name"]))),
        new Route("GET", "/v1/nodes/{node}/storage-pools", async (request, token) => controller.Nodes([request["node"]]) is not [_]
            ? NotFound(ReturnCodes.Node, ReturnCodes.NodeNotFound, $"Node '{request["node"]}' not found.")
            : ApiReply.Json(await controller.StoragePoolsAsync([request["node"]], [], false, token))),
        new Route("POST", "/v1/nodes/{node}/storage-pools", (request, _) => Task.FromResult(ApiReply.From(controller.CreateStoragePool(request["node"], request.Read<StoragePool>()))), Deferred: true),
        new Route("GET", "/v1/nodes/{node}/storage-pools/{pool}", async (request, token) => One(
            await controller.StoragePoolsAsync([request["node"]], [request["pool"]], false, token),
            ReturnCodes.StoragePool,
            ReturnCodes.StoragePoolNotFound,
            $"Storage pool '{request["pool"]}' on node '{request["node"]}' not found.")),
        Put("/v1/nodes/{node}/storage-pools/{pool}", (request, _) => Task.FromResult(controller.ModifyStoragePool(request["node"], request["pool"], request.Read<PropertiesModify>()))),
        Delete("/v1/nodes/{node}/storage-pools/{pool}", (request, _) => Task.FromResult(controller.DeleteStoragePool(request["node"], request["pool"]))),
        Get("/v1/storage-pool-definitions", _ => ApiReply.Json(controller.StoragePoolDefinitions())),
        new Route("GET", "/v1/view/storage-pools", async (request, token) => ApiReply.Json(Page(
            request, await controller.StoragePoolsAsync(request.Many("nodes"), request.Many("storage_pools"), request.Flag("cached"), token)))),
    ];

    private IEnumerable<Route> GroupRoutes() =>
    [
        Get("/v1/resource-groups", request => ApiReply.Json(Page(request, controller.Groups(request.Many("resource_groups"))))),
        Post("/v1/resource-groups", request => ApiReply.From(controller.CreateGroup(request.Read<ResourceGroup>())), deferred: true),
        Get("/v1/resource-groups/{group}", request => One(
            controller.Groups([request["group"]]), ReturnCodes.ResourceGroup, ReturnCodes.ResourceGroupNotFound, $"Resource group '{request["group"]}' not found.")),
        Put("/v1/resource-groups/{group}", (request, _) => Task.FromResult(controller.ModifyGroup(request["group"], request.Read<ResourceGroupModify>()))),
        Delete("/v1/resource-groups/{group}", (request, _) => Task.FromResult(controller.DeleteGroup(request["group"]))),
        Get("/v1/resource-groups/{group}/volume-groups", request => controller.VolumeGroups(request["group"]) is { } groups
            ? ApiReply.Json(groups)
            : NotFound(ReturnCodes.VolumeGroup, ReturnCodes.ResourceGroupNotFound, $"Resource group '{request["group"]}' not found.")),
        Post("/v1/resource-groups/{group}/volume-groups", request => ApiReply.From(controller.CreateVolumeGroup(request["group"], request.Read<VolumeGroup>()))),
        Get("/v1/resource-groups/{group}/volume-groups/{number}", request => One(
            [.. (controller.VolumeGroups(request["group"]) ?? []).Where(volume => volume.VolumeNumber == request.Number("number"))],
            ReturnCodes.VolumeGroup,
            ReturnCodes.VolumeGroupNotFound,
            $"Volume group {request["number"]} of resource group '{request["group"]}' not found.")),
        Delete("/v1/resource-groups/{group}/volume-groups/{number}", (request, _) => Task.FromResult(controller.DeleteVolumeGroup(request["group"], request.Number("number")))),
        new Route("POST", "/v1/resource-groups/{group}/spawn", async (request, token) => ApiReply.From(await controller.SpawnAsync(request["group"], request.Read<ResourceGroupSpawn>(), token)), Deferred: true),
        new Route("POST", "/v1/resource-groups/{group}/query-size-info", async (request, token) =>
        {
            var query = request.Read<QuerySizeInfoRequest>();
            return await controller.SizeInfoAsync(request["group"], query.SelectFilter, query.IgnoreCacheOlderThanSec is 0, token) is { } info
                ? ApiReply.Json(info)
                : ApiReply.Json(new QuerySizeInfoResponse { Reports = [new ApiCallRc { RetCode = ReturnCodes.Error | ReturnCodes.ResourceGroup | ReturnCodes.ResourceGroupNotFound, Message = $"Resource group '{request["group"]}' not found." }] });
        }, Deferred: true),
        new Route("POST", "/v1/queries/resource-groups/query-all-size-info", async (request, token) =>
        {
            var query = request.Read<QuerySizeInfoRequest>();
            return ApiReply.Json(await controller.AllSizeInfoAsync(query.SelectFilter, query.IgnoreCacheOlderThanSec is 0, token));
        }, Deferred: true),
        new Route("GET", "/v1/resource-groups/{group}/query-max-volume-size", async (request, token) => controller.Groups([request["group"]]) is [_]
            ? ApiReply.Json(await controller.MaxVolumeSizesAsync(request["group"], null, token))
            : NotFound(ReturnCodes.ResourceGroup, ReturnCodes.ResourceGroupNotFound, $"Resource group '{request["group"]}' not found.")),
        new Route("OPTIONS", "/v1/query-max-volume-size", async (request, token) => ApiReply.Json(await controller.MaxVolumeSizesAsync(null, request.Read<AutoSelectFilter>(), token))),
    ];

    private IEnumerable<Route> DefinitionRoutes() =>
    [
        Get("/v1/resource-definitions", request => ApiReply.Json(Page(
            request, controller.Definitions(request.Many("resource_definitions"), request.Many("props"), request.Flag("with_volume_definitions"))))),
        Post("/v1/resource-definitions", request => ApiReply.From(controller.CreateDefinition(request.Read<ResourceDefinitionCreate>()))),
        Get(Definition, request => One(controller.Definitions([request["resource"]], [], false), ReturnCodes.ResourceDefinition, ReturnCodes.DefinitionNotFound, NoDefinition(request))),
        Put(Definition, (request, token) => controller.ModifyDefinitionAsync(request["resource"], request.Read<ResourceDefinitionModify>(), token)),
        Delete(Definition, (request, token) => controller.DeleteDefinitionAsync(request["resource"], token)),
        Get(Definition + "/volume-definitions", request => controller.VolumeDefinitions(request["resource"]) is { } volumes
            ? ApiReply.Json(Page(request, volumes))
            : NotFound(ReturnCodes.VolumeDefinition, ReturnCodes.DefinitionNotFound, NoDefinition(request))),
        Create(Definition + "/volume-definitions", (request, token) => controller.CreateVolumeDefinitionAsync(request["resource"], request.Read<VolumeDefinitionCreate>(), token)),
        Get(Definition + "/volume-definitions/{number}", request => controller.VolumeDefinitions(request["resource"]) is not { } volumes
            ? NotFound(ReturnCodes.VolumeDefinition, ReturnCodes.DefinitionNotFound, NoDefinition(request))
            : One(
                [.. volumes.Where(volume => volume.VolumeNumber == request.Number("number"))],
                ReturnCodes.VolumeDefinition,
                ReturnCodes.VolumeDefinitionNotFound,
                $"Volume definition {request["number"]} of resource definition '{request["resource"]}' not found.")),
        Put(Definition + "/volume-definitions/{number}", (request, token) =>
            controller.ModifyVolumeDefinitionAsync(request["resource"], request.Number("number"), request.Read<VolumeDefinitionModify>(), token)),
        Delete(Definition + "/volume-definitions/{number}", (request, token) => controller.DeleteVolumeDefinitionAsync(request["resource"], request.Number("number"), token)),
        Get(Definition + "/sync-status", request => controller.SyncState(request["resource"]) is { } status
            ? ApiReply.Json(status)
            : NotFound(ReturnCodes.ResourceDefinition, ReturnCodes.DefinitionNotFound, NoDefinition(request))),
        new Route("POST", Definition + "/clone", async (request, token) =>
        {
            var (started, problem) = await controller.CloneAsync(request["resource"], request.Read<CloneRequest>(), token);
            return started is null
                ? ApiReply.From(problem)
                : ApiReply.Json(started with { Messages = [.. ApiReply.About(started.Messages, [("RscDfn", started.CloneName)])] }, problem.Status);
        }, Deferred: true),
        Get(Definition + "/clone/{clone}", request => controller.CloneState(request["clone"]) is { } status
            ? ApiReply.Json(status)
            : NotFound(ReturnCodes.ResourceDefinition, ReturnCodes.DefinitionNotFound, $"Resource definition '{request["clone"]}' not found.")),
    ];

    private IEnumerable<Route> ResourceRoutes() =>
    [
        Get(Definition + "/resources", request => controller.Resources(request["resource"]) is { } resources
            ? ApiReply.Json(Page(request, resources))
            : NotFound(ReturnCodes.Resource, ReturnCodes.DefinitionNotFound, NoDefinition(request))),
        Create(Definition + "/resources", (request, token) => controller.CreateResourcesAsync(request["resource"], request.Read<List<ResourceCreate>>(), token)),
        Get(Definition + "/resources/{node}", request => controller.Resources(request["resource"]) is { } resources
            ? One([.. resources.Where(resource => Names.Same(resource.NodeName, request["node"]))], ReturnCodes.Resource, ReturnCodes.ResourceNotFound, NoResource(request))
            : NotFound(ReturnCodes.Resource, ReturnCodes.DefinitionNotFound, NoDefinition(request))),
        Create(Definition + "/resources/{node}", (request, token) =>
        {
            var wanted = request.Read<ResourceCreate>();
            return controller.CreateResourcesAsync(request["resource"], [wanted with { Resource = (wanted.Resource ?? new Resource()) with { NodeName = request["node"] } }], token);
        }),
        Put(Definition + "/resources/{node}", (request, _) => Task.FromResult(controller.ModifyResource(request["resource"], request["node"], request.Read<PropertiesModify>()))),
        Delete(Definition + "/resources/{node}", (request, token) => controller.DeleteResourceAsync(request["resource"], request["node"], request.Flag("keep_tiebreaker"), token)),
        Create(Definition + "/resources/{node}/make-available", (request, token) =>
            controller.MakeAvailableAsync(request["resource"], request["node"], request.Read<ResourceMakeAvailable>(), token)),
        Put(Definition + "/resources/{node}/toggle-disk/diskless", (request, token) => controller.ToggleDiskAsync(request["resource"], request["node"], false, null, token)),
        Put(Definition + "/resources/{node}/toggle-disk/diskless/{pool}", (request, token) => controller.ToggleDiskAsync(request["resource"], request["node"], false, null, token)),
        Put(Definition + "/resources/{node}/toggle-disk/diskful", (request, token) => controller.ToggleDiskAsync(request["resource"], request["node"], true, null, token)),
        Put(Definition + "/resources/{node}/toggle-disk/diskful/{pool}", (request, token) => controller.ToggleDiskAsync(request["resource"], request["node"], true, request["pool"], token)),
        new Route("GET", Definition + "/resources/{node}/volumes", async (request, token) => await controller.VolumesAsync(request["resource"], request["node"], token) is { } volumes
            ? ApiReply.Json(volumes)
            : NotFound(ReturnCodes.Volume, ReturnCodes.ResourceNotFound, NoResource(request))),
        new Route("GET", Definition + "/resources/{node}/volumes/{number}", async (request, token) => await controller.VolumesAsync(request["resource"], request["node"], token) is not { } volumes
            ? NotFound(ReturnCodes.Volume, ReturnCodes.ResourceNotFound, NoResource(request))
            : One([.. volumes.Where(volume => volume.VolumeNumber == request.Number("number"))], ReturnCodes.Volume, ReturnCodes.VolumeNotFound, $"Volume {request["number"]} not found.")),
        Create(Definition + "/autoplace", (request, token) => controller.AutoplaceAsync(request["resource"], request.Read<AutoPlaceRequest>(), token)),
        Get(Definition + "/resource-connections", request => ApiReply.Json(Page(request, controller.Connections(request["resource"])))),
        Get(Definition + "/resource-connections/{a}/{b}", request => controller.Connection(request["resource"], request["a"], request["b"]) is ({ } found, _)
            ? ApiReply.Json(found)
            : ApiReply.From(controller.Connection(request["resource"], request["a"], request["b"]).Problem)),
        Put(Definition + "/resource-connections/{a}/{b}", (request, token) =>
            controller.ModifyConnectionAsync(request["resource"], request["a"], request["b"], request.Read<PropertiesModify>(), token)),
        new Route("GET", "/v1/view/resources", async (request, token) =>
        {
            var (found, unknown) = await controller.ViewResourcesAsync(request.Many("nodes"), request.Many("resources"), request.Many("storage_pools"), request.Many("props"), token);
            return found is null ? NotFound(ReturnCodes.Resource, ReturnCodes.NodeNotFound, $"Node '{unknown}' not found.") : ApiReply.Json(Page(request, found));
        }),
    ];

    private IEnumerable<Route> SnapshotRoutes() =>
    [
        Get("/v1/view/snapshots", request => ApiReply.Json(Page(request, controller.SnapshotViews(request.Many("nodes"), request.Many("resources"))))),
        Get(Definition + "/snapshots", request => controller.SnapshotsOf(request["resource"]) is { } snapshots
            ? ApiReply.Json(Page(request, snapshots))
            : NotFound(ReturnCodes.Snapshot, ReturnCodes.DefinitionNotFound, NoDefinition(request))),
        Create(Definition + "/snapshots", async (request, token) =>
        {
            var wanted = request.Read<Snapshot>();
            return (await controller.CreateSnapshotsAsync([(request["resource"], wanted)], token)).About("Snapshot", wanted.Name ?? "");
        }),
        Get(Definition + "/snapshots/{snapshot}", request => One(
            [.. (controller.SnapshotsOf(request["resource"]) ?? []).Where(snapshot => Names.Same(snapshot.Name, request["snapshot"]))],
            ReturnCodes.Snapshot,
            ReturnCodes.SnapshotDefinitionNotFound,
            $"Snapshot '{request["snapshot"]}' of resource '{request["resource"]}' not found.")),
        Delete(Definition + "/snapshots/{snapshot}", (request, token) => controller.DeleteSnapshotAsync(request["resource"], request["snapshot"], token)),
        Create("/v1/actions/snapshot/multi", (request, token) => controller.CreateSnapshotsAsync(
            [.. (request.Read<CreateMultiSnapshotRequest>().Snapshots ?? []).Select(static snapshot => (snapshot.ResourceName ?? "", snapshot))], token)),
        new Route("POST", Definition + "/snapshot-rollback/{snapshot}", async (request, token) =>
        {
            _ = request.Read<SnapshotRollback>();
            return ApiReply.From(await controller.RollbackAsync(request["resource"], request["snapshot"], token));
        }, Deferred: true),
        Post(Definition + "/snapshot-restore-volume-definition/{snapshot}", request =>
            ApiReply.From(controller.RestoreVolumeDefinitions(request["resource"], request["snapshot"], request.Read<SnapshotRestore>()))),
        Create(Definition + "/snapshot-restore-resource/{snapshot}", (request, token) =>
            controller.RestoreResourcesAsync(request["resource"], request["snapshot"], request.Read<SnapshotRestore>(), token)),
    ];

    private ApiReply One<T>(List<T> found, long subject, int code, string message) => found is [var only, ..] ? ApiReply.Json(only) : NotFound(subject, code, message);

    private ApiReply NotFound(long subject, int code, string message) => ApiReply.From(new Answer(0, subject, time).Fail(code, message));

    private static List<T> Page<T>(ApiRequest request, List<T> all) => request.Integer("limit", 0) is > 0 and var limit ? [.. all.Skip(request.Integer("offset", 0)).Take(limit)] : all;

    private static string NoDefinition(ApiRequest request) => $"Resource definition '{request["resource"]}' not found.";

    private static string NoResource(ApiRequest request) => $"Resource '{request["resource"]}' on node '{request["node"]}' not found.";

    private static Route Get(string template, Func<ApiRequest, ApiReply> handle) => new("GET", template, (request, _) => Task.FromResult(handle(request)));

    private static Route Post(string template, Func<ApiRequest, ApiReply> handle, bool deferred = false) => new("POST", template, (request, _) => Task.FromResult(handle(request)), deferred);

    private static Route Put(string template, Func<ApiRequest, CancellationToken, Task<Answer>> handle) =>
        new("PUT", template, async (request, token) => ApiReply.From(await handle(request, token)), Deferred: true);

    private static Route Delete(string template, Func<ApiRequest, CancellationToken, Task<Answer>> handle) =>
        new("DELETE", template, async (request, token) => ApiReply.From(await handle(request, token)));

    private static Route Create(string template, Func<ApiRequest, CancellationToken, Task<Answer>> handle) =>
        new("POST", template, async (request, token) => ApiReply.From(await handle(request, token)), Deferred: true);
}
