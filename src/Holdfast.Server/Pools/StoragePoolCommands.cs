using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Transactions;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Pools;

/// <summary>Commands about primary storage.</summary>
internal static class StoragePoolCommands
{
    private static readonly ValueParameter<PoolId> Pool = Id<PoolId>("id", "the id of the storage pool", required: true);

    private static readonly ValueParameter<PoolId> FilterId = Id<PoolId>("id", "the id of the storage pool");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the storage pool, whatever its case");
    private static readonly TextParameter FilterAddress = Text("ipaddress", "the address of the backend", length: 1024);
    private static readonly TextParameter FilterPath = Text("path", "the path");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone");
    private static readonly ValueParameter<PodId> FilterPod = Id<PodId>("podid", "the pod");
    private static readonly ValueParameter<ClusterId> FilterCluster = Id<ClusterId>("clusterid", "the cluster; pools of its whole zone are listed too");
    private static readonly ValueParameter<HostId> FilterHost = Id<HostId>("hostid", "a host that has the storage pool");
    private static readonly TextParameter FilterScope = Text("scope", "ZONE, CLUSTER or HOST");
    private static readonly TextParameter FilterStatus = Text("status", "the state");
    private static readonly TextParameter FilterState = Text("state", "the state; the same as status");

    private static readonly TextParameter Name = Text("name", "the name", required: true);
    private static readonly TextParameter Url = Text("url", "where it is: for Linstor http(s)://CONTROLLER[:PORT][/RESOURCE-GROUP], several separated by commas; for a directory file:///PATH or SharedMountPoint://localhost/PATH", required: true, length: 2048);
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone", required: true);
    private static readonly ValueParameter<PodId> Pod = Id<PodId>("podid", "the pod");
    private static readonly ValueParameter<ClusterId> Cluster = Id<ClusterId>("clusterid", "the cluster, for scope CLUSTER");
    private static readonly ValueParameter<HostId> Host = Id<HostId>("hostid", "the host, for scope HOST");
    private static readonly TextParameter Scope = Text("scope", "ZONE, CLUSTER or HOST; CLUSTER when not sent. Storage whose volumes only one host can use (a directory that is not shared, a Linstor resource group without DRBD) is taken with HOST only");
    private static readonly TextParameter Provider = Text("provider", "Linstor or DefaultPrimary; told by the URL when not sent");
    private static readonly TextParameter Hypervisor = Text("hypervisor", "the hypervisor, for scope ZONE: KVM");
    private static readonly ListParameter<string> Tags = Texts("tags", "tags, comma-separated");
    private static readonly MapParameter Details = Map("details", "details: details[0].resourceGroup=NAME; details[0].lin.auth.apitoken=TOKEN is kept sealed and never shown");
    private static readonly ValueParameter<bool> Managed = Bool("managed", "only false");
    private static readonly ValueParameter<long> CapacityBytes = Long("capacitybytes", "refused: the backend tells its size");

    // What a pool cannot be without is read when it is empty, too, so that it is refused instead of passed over.
    private static readonly TextParameter NewName = Text("name", "a new name", clearable: true);
    private static readonly TextParameter NewUrl = Text("url", "a new URL, where its backend is reached now; a storage pool that is a folder keeps its folder", length: 2048, clearable: true);
    private static readonly ListParameter<string> NewTags = Texts("tags", "the new tags, comma-separated, instead of those it has; empty: none", clearable: true);
    private static readonly MapParameter NewDetails = Map("details", "the new details, instead of those it has; an empty one is not set. A token stays until it is named: details[0].lin.auth.apitoken= clears it");
    private static readonly ValueParameter<bool> Enabled = Bool("enabled", "false: takes no new volumes; true: takes them again");
    private static readonly ValueParameter<bool> Forced = Bool("forced", "whether destroyed volumes that were not deleted yet are given up, and a maintenance that has not come to an end is not waited for");
    private static readonly TextParameter ProviderType = Text("type", "primary or image", required: true);

    private static readonly View<(string Name, string Type)> ProviderView = View<(string Name, string Type)>.Build(v => v
        .Text("name", "the name of the provider", p => p.Name)
        .Text("type", "the type of the provider", p => p.Type));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        List("listStoragePools", "Lists storage pools; deleted ones that hosts still have to confirm are shown by listStoragePoolBindings", StoragePoolView.View),
        List("listStoragePoolsMetrics", "Lists storage pools, with their sizes in words", StoragePoolView.Metrics),
        new()
        {
            Name = "createStoragePool",
            Description = "Adds a storage pool; answers when a host serves it, or after the setting storage.pool.add.wait with the state Initialized: it is Up by itself once a host serves it, or is removed again, with an event, when every host refuses for good or after storage.pool.add.timeout",
            Roles = Roles.RootAdmin,
            Parameters = [Name, Url, Zone, Pod, Cluster, Host, Scope, Provider, Hypervisor, Tags, Details, Managed, CapacityBytes],
            Response = StoragePoolView.Shape,
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateStoragePool",
            Description = "Changes a storage pool",
            Roles = Roles.RootAdmin,
            Parameters = [Pool, NewName, NewTags, Enabled, NewUrl, NewDetails],
            Response = StoragePoolView.Shape,
            Handler = UpdateAsync,
        },
        Maintenance("enableStorageMaintenance", "Puts a storage pool into maintenance: VMs that use it are stopped, hosts that reach its backend settle what they owe it for as long as the setting storage.maintenance.settle.timeout says, and then no host calls the backend any more", (call, ct) =>
            call.Services.Of<IStoragePoolOperations>().EnableMaintenanceAsync(call.Caller.ForOperations, call.Require(Pool), ct)),
        Maintenance("cancelStorageMaintenance", "Ends the maintenance of a storage pool; VMs that it stopped are started", (call, ct) =>
            call.Services.Of<IStoragePoolOperations>().CancelMaintenanceAsync(call.Caller.ForOperations, call.Require(Pool), ct)),
        new()
        {
            Name = "deleteStoragePool",
            Description = "Removes a storage pool that is in maintenance, or that is still being added; answers at once, and what hosts still have to confirm is shown by listStoragePoolBindings",
            Roles = Roles.RootAdmin,
            Parameters = [Pool, Forced],
            Response = ResponseShape.Success,
            Handler = async (call, ct) =>
                (await call.Services.Of<IStoragePoolOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Pool), call.Get(Forced) ?? false, ct)).ToResult(),
        },
        new()
        {
            Name = "listStorageProviders",
            Description = "Lists the kinds of storage",
            Roles = Roles.RootAdmin,
            Parameters = [ProviderType],
            Response = ResponseShape.Of("dataStoreProvider", ProviderView),
            Handler = (call, _) =>
            {
                var type = call.Require(ProviderType);
                IReadOnlyList<(string, string)>? providers = type.ToLowerInvariant() switch
                {
                    "primary" => [("DefaultPrimary", "primary"), ("Linstor", "primary")],
                    "image" => [],
                    _ => null,
                };
                return Task.FromResult(providers is null
                    ? ApiError.InvalidParameter($"Invalid parameter type value={type}: it must be primary or image")
                    : ApiResult.List("dataStoreProvider", ProviderView, providers, providers.Count));
            },
        },
        PlacementTags.List("listStorageTags", "storagetag", "storage pools", db => db.StoragePools.Where(p => p.Removed == null).Select(p => p.Tags)),
    ];

    private static ApiCommand List(string name, string description, View<StoragePoolEntry> view) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.RootAdmin,
        Parameters =
        [
            FilterId, FilterName, FilterAddress, FilterPath, FilterZone, FilterPod, FilterCluster, FilterHost, FilterScope, FilterStatus, FilterState,
            .. CommonParameters.List,
        ],
        Response = ResponseShape.Of(StoragePoolView.Key, view),
        Handler = (call, ct) => ListAsync(call, view, ct),
    };

    private static ApiCommand Maintenance(string name, string description, Func<CommandCall, CancellationToken, Task<JobOutcome>> handle) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.RootAdmin,
        IsAsync = true,
        Parameters = [Pool],
        Response = StoragePoolView.Shape,
        Handler = async (call, ct) => (await handle(call, ct)).ToResult(),
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, View<StoragePoolEntry> view, CancellationToken cancellationToken)
    {
        PoolScope? scope = null;
        if (call.Get(FilterScope) is { } text)
        {
            if (!Enum.TryParse<PoolScope>(text, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed) || char.IsAsciiDigit(text[0]))
            {
                return ApiError.InvalidParameter($"Invalid parameter scope value={text}: it must be ZONE, CLUSTER or HOST");
            }

            scope = parsed;
        }

        var filter = new StoragePoolFilter
        {
            Id = call.Get(FilterId),
            Name = call.Get(FilterName),
            Keyword = call.Get(CommonParameters.Keyword),
            Address = call.Get(FilterAddress),
            Path = call.Get(FilterPath),
            ZoneId = call.Get(FilterZone),
            PodId = call.Get(FilterPod),
            ClusterId = call.Get(FilterCluster),
            HostId = call.Get(FilterHost),
            Scope = scope,
            State = call.Get(FilterStatus) ?? call.Get(FilterState),
        };
        var listing = await call.Services.Database.ReadAsync((db, ct) => StoragePoolReader.ReadAsync(db, filter, call.Page, ct), cancellationToken);
        return ApiResult.List(StoragePoolView.Key, view, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(Managed) == true)
        {
            return ApiError.InvalidParameter("Managed storage is not supported: managed must be false");
        }

        if (call.Get(CapacityBytes) is not null)
        {
            return ApiError.InvalidParameter("Parameter capacitybytes of createStoragePool is not supported: the backend tells its size. Nothing was done");
        }

        var outcome = await call.Services.Of<IStoragePoolOperations>().CreateAsync(
            call.Caller.ForOperations,
            new CreateStoragePool
            {
                Name = call.Require(Name),
                Url = call.Require(Url),
                ZoneId = call.Require(Zone),
                PodId = call.Get(Pod),
                ClusterId = call.Get(Cluster),
                HostId = call.Get(Host),
                Scope = call.Get(Scope),
                Provider = call.Get(Provider),
                Hypervisor = call.Get(Hypervisor),
                Tags = call.Get(Tags) ?? [],
                Details = call.Get(Details)?.Entries ?? new Dictionary<string, string>(),
            },
            cancellationToken);
        return await outcome.ToResultAsync(row => AnswerAsync(call, row.Id, cancellationToken));
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var outcome = await call.Services.Of<IStoragePoolOperations>().UpdateAsync(
            call.Caller.ForOperations,
            new UpdateStoragePool
            {
                PoolId = call.Require(Pool),
                Name = call.Get(NewName),
                Tags = call.Get(NewTags),
                Enabled = call.Get(Enabled),
                Url = call.Get(NewUrl),
                Details = call.Get(NewDetails)?.Entries,
            },
            cancellationToken);
        return await outcome.ToResultAsync(row => AnswerAsync(call, row.Id, cancellationToken));
    }

    private static async Task<ApiResult> AnswerAsync(CommandCall call, PoolId id, CancellationToken cancellationToken)
    {
        var entry = await call.Services.Database.ReadAsync((db, ct) => StoragePoolReader.FindAsync(db, id, ct), cancellationToken);
        return entry is null ? call.UnknownEntity(Pool, id) : ApiResult.Object(StoragePoolView.Key, StoragePoolView.View, entry);
    }
}
