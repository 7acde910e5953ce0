using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Pools;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.Zones;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Hosts;

/// <summary>Commands about hosts.</summary>
internal static class HostCommands
{
    private static readonly ValueParameter<HostId> FilterId = Id<HostId>("id", "the id of the host");
    private static readonly TextParameter Name = Text("name", "the exact name of the host, whatever its case");
    private static readonly TextParameter Type = Text("type", "the type of the host; all are Routing");
    private static readonly TextParameter State = Text("state", "the state of the host");
    private static readonly TextParameter ResourceStateName = Text("resourcestate", "the resource state of the host");
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone");
    private static readonly ValueParameter<PodId> Pod = Id<PodId>("podid", "the pod");
    private static readonly ValueParameter<ClusterId> Cluster = Id<ClusterId>("clusterid", "the cluster");
    private static readonly TextParameter Hypervisor = Text("hypervisor", "the hypervisor");
    private static readonly ListParameter<string> Details = Texts("details", "groups of fields", noEffect: "all are answered");

    private static readonly ValueParameter<ClusterId> TokenCluster = Id<ClusterId>("clusterid", "the cluster that the host will be in; the only one when not sent");
    private static readonly ValueParameter<HostId> TokenHost = Id<HostId>("hostid", "a known host that was installed anew: its earlier installations are retired");
    private static readonly ValueParameter<int> Lifetime = Int("lifetime", "seconds until the token ends; one hour when not sent, at most seven days");

    /// <summary>The host object's key.</summary>
    internal const string HostKey = "host";

    /// <summary>The host object.</summary>
    internal static readonly View<HostEntry> HostView = View<HostEntry>.Build(v => v
        .Id("id", "the id of the host", e => e.Host.Id)
        .Text("name", "the name of the host", e => e.Host.Name)
        .Text("state", "whether the host is heard of: Connecting (it is to join, or has not reported yet), Up, Disconnected or Alert; never depends on its storage", e => e.Host.State.ToString())
        .Date("disconnected", "since when it is not Up", e => e.Host.Disconnected)
        .Text("type", "the type of the host", _ => "Routing")
        .Text("ipaddress", "the address that its agent reports from; its name while it has told none: clients need one", e => e.Host.Address ?? e.Host.Name)
        .Id("zoneid", "the id of its zone", e => e.Zone.Id)
        .Text("zonename", "the name of its zone", e => e.Zone.Name)
        .Id("podid", "the id of its pod", e => e.Pod.Id)
        .Text("podname", "the name of its pod", e => e.Pod.Name)
        .Id("clusterid", "the id of its cluster", e => e.Cluster.Id)
        .Text("clustername", "the name of its cluster", e => e.Cluster.Name)
        .Text("clustertype", "the type of its cluster", _ => "CloudManaged")
        .Text("hypervisor", "the hypervisor", e => e.Cluster.Hypervisor)
        .Text("hypervisorversion", "the version of QEMU", e => e.Host.HypervisorVersion)
        .Text("resourcestate", "whether the host takes VMs: Enabled, Disabled, PrepareForMaintenance (guests on it are not gone yet) or Maintenance", e => e.Host.ResourceState.ToString())
        .Text("version", "the version of its agent", e => e.HasJoined ? e.Host.AgentVersion : null)
        .Text("accelerator", "kvm, or tcg when the processor is emulated", e => e.HasJoined ? e.Host.Accelerator : null)
        .Text("capabilities", "what the host can do, comma-separated", e => !e.HasJoined ? null : e.Host.Accelerator == "kvm" ? "hvm,kvm" : "hvm,tcg")
        .Int("cpunumber", "its number of CPUs", e => e.Host.Cpus)
        .Long("cpuspeed", "the speed of a CPU in MHz", e => e.Host.CpuMhz)
        .Text("cpuallocated", "the part of its CPU promised to VMs", e => MetricText.Percent(e.CpuAllocatedMhz, e.CpuTotalMhz) + "%")
        .Text("cpuallocatedpercentage", "the part of its CPU promised to VMs", e => MetricText.Percent(e.CpuAllocatedMhz, e.CpuTotalMhz) + "%")
        .Long("cpuallocatedvalue", "its CPU promised to VMs in MHz", e => e.CpuAllocatedMhz)
        .Text("cpuwithoverprovisioning", "its CPU in MHz", e => e.CpuTotalMhz.ToString(CultureInfo.InvariantCulture))
        .Bool("ueficapability", "true if guests can boot by UEFI there", e => FirmwareNames.Read(e.Host.Firmware).Contains(MachineFirmware.Uefi))
        .Long("memorytotal", "its memory in bytes", e => e.Host.MemoryBytes)
        .Text("memorywithoverprovisioning", "its memory in bytes", e => e.Host.MemoryBytes.ToString(CultureInfo.InvariantCulture))
        .Long("memoryallocated", "its memory promised to VMs in bytes", e => e.MemoryAllocatedBytes)
        .Long("memoryallocatedbytes", "its memory promised to VMs in bytes", e => e.MemoryAllocatedBytes)
        .Text("memoryallocatedpercentage", "the part of its memory promised to VMs", e => MetricText.Percent(e.MemoryAllocatedBytes, e.Host.MemoryBytes) + "%")
        .Text("hosttags", "its tags, comma-separated", e => e.Host.HostTags.Length == 0 ? null : e.Host.HostTags)
        .Text("explicithosttags", "its tags, comma-separated: operators give them all", e => e.Host.HostTags.Length == 0 ? null : e.Host.HostTags)
        .Bool("istagarule", "always false: tags are tags", _ => false)
        .Date("lastpinged", "when it last reported", e => e.Host.LastReport)
        .Date("created", "when it was added, or joined", e => e.Host.Created)
        .Date("removed", "when it was taken out of service", e => e.Host.Removed)
        .Bool("hahost", "always false: no host is kept for others", _ => false)
        .Json("sickpools", "storage pools that it should serve and that do not serve there: id, name and what is wrong; VMs that use none of them are not concerned", e => e.SickPools)
        .Json("setaside", "what it said and could not be taken, because it met a bug, could not be read or was not the host's to say: subject, id, since when, how often it was tried, when it is tried next and why it is not taken; what was known before still counts", e => e.SetAside)
        .Json("stuckdrivers", "drivers on it whose process cannot be killed: id and name of the storage pool, also of one that was deleted, process id, and what the host says", e => e.StuckDrivers)
        .Json("stuckvms", "VMs on it that are to end and whose QEMU cannot be killed: id, name, since when and what it waits for; none of their volumes is used elsewhere meanwhile", e => e.StuckVms)
        .Bool("islocalstorageactive", "true if a storage pool of this host alone is in use", e => e.HasLocalPool)
        .Map("details", "further facts, once it has joined: accelerator, libvirt version, node name, drivers", DetailsOf));

    private static readonly View<HostEntry> MetricsView = View<HostEntry>.Build(v => v
        .Include(HostView, e => e)
        .Text("instances", "its VMs that run, of all that are on it", e => MetricText.Of(e.Running, e.Vms))
        .Text("systeminstances", "always 0 / 0: there are no system VMs", _ => MetricText.Of(0, 0))
        .Text("cputotalghz", "its CPU", e => MetricText.Ghz(e.CpuTotalMhz))
        .Text("cpuallocatedghz", "its CPU promised to VMs", e => MetricText.Ghz(e.CpuAllocatedMhz))
        .Text("memorytotalgb", "its memory", e => MetricText.Gb(e.Host.MemoryBytes))
        .Text("memoryallocatedgb", "its memory promised to VMs", e => MetricText.Gb(e.MemoryAllocatedBytes)));

    private static readonly View<string> HypervisorView = View<string>.Build(v => v.Text("name", "the name of the hypervisor", n => n));

    private static readonly View<OsTypeRow> OsTypeView = View<OsTypeRow>.Build(v => v
        .Id("id", "the id of the operating system type", o => o.Id)
        .Uuid("oscategoryid", "the id of its category", o => OsCategory.Of(o.Category).Id)
        .Text("oscategoryname", "the name of its category", o => o.Category)
        .Text("name", "its name", o => o.Description)
        .Text("description", "its name", o => o.Description)
        .Bool("isuserdefined", "always false", _ => false));

    private static readonly View<JoinTokenIssued> TokenView = View<JoinTokenIssued>.Build(v => v
        .Id("id", "the id of the token", t => t.Id)
        .Text("token", "the token; shown this once", t => t.Token)
        .Date("expires", "when it ends", t => t.Expires));

    private static readonly ValueParameter<HostId> Host = Id<HostId>("id", "the id of the host", required: true);
    private static readonly ValueParameter<bool> Forced = Bool("forced", "true: also a host that has joined and is not in maintenance. Says that nothing of it runs any more: its guests count as gone, and it is absolved of every storage pool");
    private static readonly ValueParameter<bool> ForceDestroyLocalStorage = Bool("forcedestroylocalstorage", "whether storage of the host alone goes with it", noEffect: "its storage pools must be deleted first, or it is refused");

    private static readonly ValueParameter<OsTypeId> OsType = Id<OsTypeId>("id", "the id of the operating system type");
    private static readonly ValueParameter<Guid> OsCategoryId = AnyId("oscategoryid", "the id of a category, as listOsCategories has it");
    private static readonly TextParameter OsDescription = Text("description", "the exact name of the operating system type, whatever its case");

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        List("listHosts", "Lists hosts", HostView),
        List("listHostsMetrics", "Lists hosts, with what they have and have promised", MetricsView),
        Maintenance("prepareHostForMaintenance", "Keeps VMs from being started on a host; it is in maintenance once no guest is on it. Storage pools are removed from it as from any other", (call, ct) =>
            call.Services.Of<IHostOperations>().PrepareForMaintenanceAsync(call.Caller.ForOperations, call.Require(Host), ct)),
        Maintenance("cancelHostMaintenance", "Lets VMs be started on a host again", (call, ct) =>
            call.Services.Of<IHostOperations>().CancelMaintenanceAsync(call.Caller.ForOperations, call.Require(Host), ct)),
        new()
        {
            Name = "deleteHost",
            Description = "Retires a host for good, in the caller's name: it may not speak any more, and is absolved of what it still had to confirm",
            Roles = Roles.RootAdmin,
            Parameters = [Host, Forced, ForceDestroyLocalStorage],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IHostOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Host), call.Get(Forced) ?? false, ct)).ToResult(),
        },
        new()
        {
            Name = "createHostJoinToken",
            Description = "Makes a one-time token with which an agent joins",
            Roles = Roles.RootAdmin,
            Parameters = [TokenCluster, TokenHost, Lifetime],
            Response = ResponseShape.Of("hostjointoken", TokenView),
            Handler = CreateTokenAsync,
        },
        new()
        {
            Name = "listHypervisors",
            Description = "Lists hypervisors",
            Roles = Roles.Authenticated,
            Parameters = [Zone],
            Response = ResponseShape.Of("hypervisor", HypervisorView),
            Handler = (_, _) => Task.FromResult(ApiResult.List("hypervisor", HypervisorView, ["KVM"], 1)),
        },
        new()
        {
            Name = "listOsTypes",
            Description = "Lists guest operating system types",
            Roles = Roles.Authenticated,
            Parameters = [OsType, OsCategoryId, OsDescription, .. CommonParameters.List],
            Response = ResponseShape.Of("ostype", OsTypeView),
            Handler = ListOsTypesAsync,
        },
    ];

    /// <summary>Reads one host.</summary>
    internal static async Task<HostEntry?> FindAsync(StoreConnection db, HostId id, CancellationToken cancellationToken)
    {
        var listing = await Listing.ReadAsync(Entries(db, db.Hosts.Where(h => h.Id == id)).OrderBy(e => e.Host.Id), Page.Default, cancellationToken);
        return (await CompleteAsync(db, listing, cancellationToken)).Rows.SingleOrDefault();
    }

    private static ApiCommand List(string name, string description, View<HostEntry> view) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.RootAdmin,
        Parameters = [FilterId, Name, Type, State, ResourceStateName, Zone, Pod, Cluster, Hypervisor, Details, .. CommonParameters.List],
        Response = ResponseShape.Of(HostKey, view),
        Handler = (call, ct) => ListAsync(call, view, ct),
    };

    private static ApiCommand Maintenance(string name, string description, Func<CommandCall, CancellationToken, Task<JobOutcome>> handle) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.RootAdmin,
        IsAsync = true,
        Parameters = [Host],
        Response = ResponseShape.Of(HostKey, HostView),
        Handler = async (call, ct) => (await handle(call, ct)).ToResult(),
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, View<HostEntry> view, CancellationToken cancellationToken)
    {
        if ((call.Get(Type) is { } type && !type.Equals("Routing", StringComparison.OrdinalIgnoreCase))
            || !TryEnum<HostState>(call.Get(State), out var state)
            || !TryEnum<ResourceState>(call.Get(ResourceStateName), out var resourceState))
        {
            return ApiResult.EmptyList();
        }

        var listing = await call.Services.Database.ReadAsync((db, ct) => ReadAsync(db, call, state, resourceState, ct), cancellationToken);
        return ApiResult.List(HostKey, view, listing.Rows, listing.Total);
    }

    // A state that does not exist is one that no host is in.
    private static bool TryEnum<T>(string? text, out T? value)
        where T : struct, Enum
    {
        value = Enum.TryParse<T>(text, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed) ? parsed : null;
        return text is null || value is not null;
    }

    private static async Task<Listing<HostEntry>> ReadAsync(
        StoreConnection db,
        CommandCall call,
        HostState? state,
        ResourceState? resourceState,
        CancellationToken cancellationToken)
    {
        IQueryable<HostRow> hosts = db.Hosts;
        if (state is { } wantedState)
        {
            hosts = hosts.Where(h => h.State == wantedState);
        }

        if (resourceState is { } wantedResourceState)
        {
            hosts = hosts.Where(h => h.ResourceState == wantedResourceState);
        }

        hosts = hosts.Where(h => h.Removed == null);
        if (call.Get(FilterId) is { } id)
        {
            hosts = hosts.Where(h => h.Id == id);
        }

        if (call.Get(Name)?.ToLowerInvariant() is { } name)
        {
            hosts = hosts.Where(h => h.Name.ToLower() == name);
        }

        if (call.Get(CommonParameters.Keyword)?.ToLowerInvariant() is { } keyword)
        {
            hosts = hosts.Where(h => h.Name.ToLower().Contains(keyword) || h.AgentVersion.ToLower().Contains(keyword));
        }

        if (call.Get(Zone) is { } zoneId)
        {
            hosts = hosts.Where(h => h.ZoneId == zoneId);
        }

        if (call.Get(Pod) is { } podId)
        {
            hosts = hosts.Where(h => h.PodId == podId);
        }

        if (call.Get(Cluster) is { } clusterId)
        {
            hosts = hosts.Where(h => h.ClusterId == clusterId);
        }

        if (call.Get(Hypervisor)?.ToLowerInvariant() is { } hypervisor)
        {
            hosts = hosts.Where(h => db.Clusters.Any(c => c.Id == h.ClusterId && c.Hypervisor.ToLower() == hypervisor));
        }

        var listing = await Listing.ReadAsync(
            hosts.OrderBy(h => h.Created).ThenBy(h => h.Id).Select(h => h.Id),
            wanted => Entries(db, from id in wanted join host in db.Hosts on id equals host.Id select host).OrderBy(e => e.Host.Created).ThenBy(e => e.Host.Id),
            call.Page,
            cancellationToken);
        return await CompleteAsync(db, listing, cancellationToken);
    }

    private static IQueryable<HostEntry> Entries(StoreConnection db, IQueryable<HostRow> hosts) =>
        from host in hosts
        join zone in db.Zones on host.ZoneId equals zone.Id
        join pod in db.Pods on host.PodId equals pod.Id
        join cluster in db.Clusters on host.ClusterId equals cluster.Id
        select new HostEntry { Host = host, Zone = zone, Pod = pod, Cluster = cluster };

    // Statements for the page, not for each of its rows.
    private static async Task<Listing<HostEntry>> CompleteAsync(StoreConnection db, Listing<HostEntry> listing, CancellationToken cancellationToken)
    {
        var ids = listing.Rows.Select(e => e.Host.Id).ToList();
        var allocated = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from vm in db.Vms
                where chunk.Contains(vm.HostId!.Value) && vm.Removed == null
                group vm by vm.HostId into g
                select new
                {
                    HostId = g.Key,
                    Mhz = g.Sum(v => (long)v.Cpus * v.CpuMhz),
                    MemoryMib = g.Sum(v => (long)v.MemoryMib),
                    Vms = g.Count(),
                    Running = g.Sum(v => v.State == VmState.Running ? 1 : 0),
                },
            cancellationToken);
        var local = await Listing.ChildrenAsync(
            ids,
            chunk => db.StoragePools.Where(p => chunk.Contains(p.HostId!.Value) && p.Removed == null).Select(p => p.HostId).Distinct(),
            cancellationToken);
        var sick = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from binding in db.Bindings
                join pool in db.StoragePools on binding.PoolId equals pool.Id
                where chunk.Contains(binding.HostId) && pool.Removed == null && BindingVerdict.IsSick(binding)
                orderby pool.Name, pool.Id
                select new SickPool(binding.HostId, pool.Id, pool.Name, binding.Error),
            cancellationToken);
        var stuck = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from vm in db.Vms
                where chunk.Contains(vm.HostId!.Value) && vm.Removed == null && vm.Stuck != null
                orderby vm.Name, vm.Id
                select new StuckVm(vm.HostId!.Value, vm.Id, vm.Name, vm.Stuck!.Value, vm.Condition),
            cancellationToken);
        var aside = await Listing.ChildrenAsync(
            listing.Rows.Where(e => e.Host is { SetAside: > 0, IncarnationId: not null }).Select(e => e.Host.IncarnationId!.Value),
            chunk => db.SetAside.Where(s => chunk.Contains(s.IncarnationId)).OrderBy(s => s.Since).ThenBy(s => s.Id),
            cancellationToken);
        var word = JsonNamingPolicy.KebabCaseLower.ConvertName(nameof(ConditionType.DriverStuck));
        var drivers = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from binding in db.Bindings
                join pool in db.StoragePools on binding.PoolId equals pool.Id
                join host in db.Hosts on binding.HostId equals host.Id
                where chunk.Contains(binding.HostId) && host.IncarnationId == binding.IncarnationId && binding.Conditions.Contains(word)
                orderby pool.Name, pool.Id
                select new StuckDriver(binding.HostId, pool.Id, pool.Name, binding.DriverPid, binding.Conditions),
            cancellationToken);
        var driversOf = drivers.ToLookup(d => d.HostId);
        var asideOf = aside.ToLookup(s => s.IncarnationId);
        var stuckOf = stuck.ToLookup(s => s.HostId);
        var sickOf = sick.ToLookup(s => s.HostId);
        var allocatedOf = allocated.ToDictionary(a => a.HostId!.Value);
        var withLocal = local.Select(h => h!.Value).ToHashSet();
        return listing with
        {
            Rows =
            [
                .. listing.Rows.Select(e => allocatedOf.TryGetValue(e.Host.Id, out var used)
                    ? e with { CpuAllocatedMhz = used.Mhz, MemoryAllocatedBytes = used.MemoryMib << 20, Vms = used.Vms, Running = used.Running, HasLocalPool = withLocal.Contains(e.Host.Id) }
                    : e with { HasLocalPool = withLocal.Contains(e.Host.Id) })
                    .Select(e => e with { SickPools = TextOf(sickOf[e.Host.Id]), StuckVms = TextOf(stuckOf[e.Host.Id]), StuckDrivers = TextOf(driversOf[e.Host.Id]), SetAside = e.Host.IncarnationId is { } here ? TextOf(asideOf[here]) : null }),
            ],
        };
    }

    private static async Task<ApiResult> CreateTokenAsync(CommandCall call, CancellationToken cancellationToken)
    {
        TimeSpan? lifetime = call.Get(Lifetime) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        if (lifetime is { } given && (given < TimeSpan.FromSeconds(1) || given > TimeSpan.FromDays(7)))
        {
            return ApiError.InvalidParameter("Invalid parameter lifetime: it must be from 1 to 604800 seconds");
        }

        var outcome = await call.Services.Of<IHostOperations>().CreateJoinTokenAsync(
            call.Caller.ForOperations,
            call.Get(TokenCluster),
            call.Get(TokenHost),
            lifetime,
            cancellationToken);
        return outcome.ToResult(token => ApiResult.Object("hostjointoken", TokenView, token));
    }

    private static async Task<ApiResult> ListOsTypesAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(OsType);
        var description = call.Get(OsDescription)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                string? category = null;
                if (call.Get(OsCategoryId) is { } categoryId)
                {
                    category = (await OsCategoryCommands.ReadAsync(db, ct)).FirstOrDefault(c => c.Id == categoryId)?.Name;
                    if (category is null)
                    {
                        return new Listing<OsTypeRow>([], 0);
                    }
                }

                return await Listing.ReadAsync(
                    db.OsTypes
                        .Where(o => (id == null || o.Id == id)
                            && (category == null || o.Category == category)
                            && (description == null || o.Description.ToLower() == description)
                            && (keyword == null || o.Description.ToLower().Contains(keyword)))
                        .OrderBy(o => o.Description)
                        .ThenBy(o => o.Id),
                    call.Page,
                    ct);
            },
            cancellationToken);
        return ApiResult.List("ostype", OsTypeView, listing.Rows, listing.Total);
    }

    private static Dictionary<string, string> DetailsOf(HostEntry entry)
    {
        if (!entry.HasJoined)
        {
            return [];
        }

        var details = new Dictionary<string, string>
        {
            ["accelerator"] = entry.Host.Accelerator,
            ["nodeName"] = entry.Host.NodeName,
            ["host.uefi.enable"] = FirmwareNames.Read(entry.Host.Firmware).Contains(MachineFirmware.Uefi) ? "true" : "false",
            ["host.secureboot.enable"] = FirmwareNames.Read(entry.Host.Firmware).Contains(MachineFirmware.SecureBoot) ? "true" : "false",
        };
        if (entry.Host.LibvirtVersion is { } libvirt)
        {
            details["libvirtVersion"] = libvirt;
        }

        foreach (var (driver, version) in StoredJson.Map(entry.Host.Drivers))
        {
            details["driver." + driver] = version;
        }

        return details;
    }

    private static string? TextOf(IEnumerable<SickPool> pools)
    {
        var list = new JsonArray();
        foreach (var pool in pools)
        {
            list.Add((JsonNode)new JsonObject { ["id"] = pool.PoolId.ToString(), ["name"] = pool.Name, ["error"] = pool.Error });
        }

        return list.Count == 0 ? null : list.ToJsonString();
    }

    private static string? TextOf(IEnumerable<StuckVm> vms)
    {
        var list = new JsonArray();
        foreach (var vm in vms)
        {
            list.Add((JsonNode)new JsonObject { ["id"] = vm.VmId.ToString(), ["name"] = vm.Name, ["since"] = ApiDate.Format(vm.Since), ["waitsfor"] = vm.WaitsFor });
        }

        return list.Count == 0 ? null : list.ToJsonString();
    }

    private static string? TextOf(IEnumerable<SetAsideRow> rows)
    {
        var list = new JsonArray();
        foreach (var row in rows)
        {
            list.Add((JsonNode)new JsonObject
            {
                ["subject"] = row.Subject.ToString(),
                ["id"] = row.Id.ToString(),
                ["since"] = ApiDate.Format(row.Since),
                ["tries"] = row.Tries,
                ["nexttry"] = ApiDate.Format(row.NextTry),
                ["error"] = row.Error,
            });
        }

        return list.Count == 0 ? null : list.ToJsonString();
    }

    private static string? TextOf(IEnumerable<StuckDriver> drivers)
    {
        var list = new JsonArray();
        foreach (var driver in drivers)
        {
            if (JsonSerializer.Deserialize(driver.Conditions, HostJson.Default.IReadOnlyListCondition)?.FirstOrDefault(c => c.Type == ConditionType.DriverStuck) is { } stuck)
            {
                list.Add((JsonNode)new JsonObject { ["id"] = driver.PoolId.ToString(), ["name"] = driver.Name, ["pid"] = driver.Pid, ["text"] = stuck.Text });
            }
        }

        return list.Count == 0 ? null : list.ToJsonString();
    }

    private sealed record StuckDriver(HostId HostId, PoolId PoolId, string Name, int? Pid, string Conditions);

    private sealed record StuckVm(HostId HostId, VmId VmId, string Name, DateTimeOffset Since, string? WaitsFor);

    private sealed record SickPool(HostId HostId, PoolId PoolId, string Name, string? Error);

    /// <summary>A host with the rows its response object is made from.</summary>
    internal sealed record HostEntry
    {
        public required HostRow Host { get; init; }

        public required ZoneRow Zone { get; init; }

        public required PodRow Pod { get; init; }

        public required ClusterRow Cluster { get; init; }

        public long CpuAllocatedMhz { get; init; }

        public long MemoryAllocatedBytes { get; init; }

        /// <summary>VMs that are on it.</summary>
        public int Vms { get; init; }

        /// <summary>Those of them that run.</summary>
        public int Running { get; init; }

        public bool HasLocalPool { get; init; }

        public string? SickPools { get; init; }

        /// <summary>JSON array.</summary>
        public string? StuckVms { get; init; }

        /// <summary>JSON array.</summary>
        public string? StuckDrivers { get; init; }

        /// <summary>JSON array.</summary>
        public string? SetAside { get; init; }

        /// <summary>Whether an agent ever told what the host is.</summary>
        public bool HasJoined => Host.NodeName.Length > 0;

        public long CpuTotalMhz => (long)Host.Cpus * Host.CpuMhz;
    }
}
