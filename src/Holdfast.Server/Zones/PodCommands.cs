using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Zones;

/// <summary>Commands about pods.</summary>
internal static class PodCommands
{
    private const string Key = "pod";
    private const string NotUsed = "kept and shown; there are no system VMs that would use the addresses";

    private static readonly ValueParameter<PodId> FilterId = Id<PodId>("id", "the id of the pod");
    private static readonly TextParameter FilterName = Text("name", "the exact name, whatever its case");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone");
    private static readonly TextParameter FilterState = Text("allocationstate", "the allocation state: Enabled or Disabled");
    private static readonly ValueParameter<bool> ShowCapacities = Bool("showcapacities", "whether capacities are answered", noEffect: "listCapacity tells them");

    private static readonly ValueParameter<PodId> Pod = Id<PodId>("id", "the id of the pod", required: true);
    private static readonly TextParameter NewName = Text("name", "the name of the pod; no other pod of the zone has it", required: true);
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "its zone", required: true);
    private static readonly TextParameter Name = Text("name", "another name");
    private static readonly TextParameter Gateway = Text("gateway", "the gateway of its network; goes with netmask and startip", noEffect: NotUsed);
    private static readonly TextParameter Netmask = Text("netmask", "the mask of its network", noEffect: NotUsed);
    private static readonly TextParameter StartIp = Text("startip", "its first address", noEffect: NotUsed);
    private static readonly TextParameter EndIp = Text("endip", "its last address; the last of the network when it is not sent", noEffect: NotUsed);
    private static readonly TextParameter State = Text("allocationstate", "Enabled, or Disabled: only what belongs to root administrators can be placed in it, what runs goes on");

    private static readonly View<PodEntry> Range = View<PodEntry>.Build(v => v
        .Text("cidr", "the network", p => p.Addresses.Cidr())
        .Text("startip", "the first address", p => p.Pod.StartIp)
        .Text("endip", "the last address", p => p.Pod.EndIp)
        .Text("gateway", "the gateway", p => p.Pod.Gateway)
        .Text("forsystemvms", "always 0: there are no system VMs", _ => "0")
        .Text("vlanid", "always empty: the network is the hosts' own", _ => string.Empty));

    private static readonly View<PodEntry> View = View<PodEntry>.Build(v => v
        .Id("id", "the id of the pod", p => p.Pod.Id)
        .Text("name", "the name of the pod", p => p.Pod.Name)
        .Id("zoneid", "the id of its zone", p => p.Zone.Id)
        .Text("zonename", "the name of its zone", p => p.Zone.Name)
        .Text("allocationstate", "whether the pod takes new resources", p => p.Pod.AllocationState)
        .Text("gateway", "the gateway of its network, as it was told", p => p.Pod.Gateway)
        .Text("netmask", "the mask of its network, as it was told", p => p.Pod.Netmask)

        // Clients read the first of each without looking whether there is one.
        .Texts("startip", "its first address; an empty text when none was told", p => [p.Pod.StartIp ?? string.Empty])
        .Texts("endip", "its last address; an empty text when none was told", p => [p.Pod.EndIp ?? string.Empty])
        .Texts("forsystemvms", "always 0: there are no system VMs", _ => ["0"])
        .Texts("vlanid", "always an empty text: the network is the hosts' own", _ => [string.Empty])
        .List("ipranges", "its addresses, as they were told", Range, p => p.Pod.StartIp is null ? [] : [p]));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listPods",
            Description = "Lists pods",
            Roles = Roles.RootAdmin,
            Parameters = [FilterId, FilterName, FilterZone, FilterState, ShowCapacities, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "createPod",
            Description = "Makes a pod in a zone",
            Roles = Roles.RootAdmin,
            Parameters = [NewName, Zone, Gateway, Netmask, StartIp, EndIp, State],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IPodOperations>().CreateAsync(call.Caller.ForOperations, call.Require(Zone), ChangeOf(call, NewName), ct))
                .ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "updatePod",
            Description = "Changes a pod",
            Roles = Roles.RootAdmin,
            Parameters = [Pod, Name, Gateway, Netmask, StartIp, EndIp, State],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IPodOperations>().UpdateAsync(call.Caller.ForOperations, call.Require(Pod), ChangeOf(call, Name), ct))
                .ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "deletePod",
            Description = "Deletes a pod that nothing is in",
            Roles = Roles.RootAdmin,
            Parameters = [Pod],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IPodOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Pod), ct)).ToResult(),
        },
    ];

    private static PodChange ChangeOf(CommandCall call, TextParameter name) => new()
    {
        Name = call.Get(name),
        AllocationState = call.Get(State),
        Addresses = new PodAddresses(call.Get(Gateway), call.Get(Netmask), call.Get(StartIp), call.Get(EndIp)),
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterId);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var zoneId = call.Get(FilterZone);
        var state = call.Get(FilterState)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                Entries(db, db.Pods.Where(pod => pod.Removed == null
                        && (id == null || pod.Id == id)
                        && (zoneId == null || pod.ZoneId == zoneId)
                        && (name == null || pod.Name.ToLower() == name)
                        && (keyword == null || pod.Name.ToLower().Contains(keyword))
                        && (state == null || pod.AllocationState.ToLower() == state)))
                    .OrderBy(e => e.Pod.Created)
                    .ThenBy(e => e.Pod.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static IQueryable<PodEntry> Entries(StoreConnection db, IQueryable<PodRow> pods) =>
        from pod in pods
        join zone in db.Zones on pod.ZoneId equals zone.Id
        select new PodEntry { Pod = pod, Zone = zone };

    private static async Task<ApiResult> ShowAsync(CommandCall call, PodId id, CancellationToken cancellationToken) =>
        ApiResult.Object(Key, View, await call.Services.Database.ReadAsync((db, ct) => Entries(db, db.Pods.Where(p => p.Id == id)).SingleAsync(ct), cancellationToken));

    private sealed record PodEntry
    {
        public required PodRow Pod { get; init; }

        public required ZoneRow Zone { get; init; }

        public PodAddresses Addresses => new(Pod.Gateway, Pod.Netmask, Pod.StartIp, Pod.EndIp);
    }
}
