using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Zones;

/// <summary>Commands about zones.</summary>
internal static class ZoneCommands
{
    private const string Key = "zone";
    private const string NotUsed = "kept and shown; guests have the addresses and names that their host's network gives";

    private static readonly ValueParameter<ZoneId> FilterId = Id<ZoneId>("id", "the id of the zone");
    private static readonly ListParameter<ZoneId> FilterIds = Ids<ZoneId>("ids", "the ids of the zones");
    private static readonly TextParameter FilterName = Text("name", "the exact name, whatever its case");
    private static readonly ValueParameter<bool> Available = Bool("available", "whether only zones that can be used are listed", noEffect: "users see enabled zones only, root administrators all");
    private static readonly TextParameter FilterNetworkType = Text("networktype", "the network type of the zone");
    private static readonly ValueParameter<bool> ShowCapacities = Bool("showcapacities", "whether capacities are answered", noEffect: "listCapacity tells them");

    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("id", "the id of the zone", required: true);
    private static readonly TextParameter NewName = Text("name", "the name of the zone; no other zone has it", required: true);
    private static readonly TextParameter NetworkType = Text("networktype", "only Advanced", required: true);
    private static readonly TextParameter NewDns1 = Text("dns1", "the first name server of its guests", required: true, noEffect: NotUsed);
    private static readonly TextParameter Name = Text("name", "another name");
    private static readonly TextParameter Dns1 = Text("dns1", "the first name server of its guests", noEffect: NotUsed);
    private static readonly TextParameter Dns2 = Text("dns2", "the second name server of its guests", noEffect: NotUsed);
    private static readonly TextParameter Ip6Dns1 = Text("ip6dns1", "the first name server of its guests, by IPv6", noEffect: NotUsed);
    private static readonly TextParameter Ip6Dns2 = Text("ip6dns2", "the second name server of its guests, by IPv6", noEffect: NotUsed);
    private static readonly TextParameter InternalDns1 = Text("internaldns1", "the first name server of its hosts", noEffect: NotUsed);
    private static readonly TextParameter InternalDns2 = Text("internaldns2", "the second name server of its hosts", noEffect: NotUsed);
    private static readonly TextParameter GuestCidr = Text("guestcidraddress", "the network that its guests have addresses of", noEffect: NotUsed);
    private static readonly TextParameter NewDomain = Text("domain", "the domain name of its networks", noEffect: NotUsed);
    private static readonly TextParameter Domain = Text("domain", "another domain name of its networks; empty for none", clearable: true, noEffect: NotUsed);
    private static readonly TextParameter NewState = Text("allocationstate", "Enabled or Disabled; Disabled when it is not sent: then only what belongs to root administrators can be placed in it");
    private static readonly TextParameter State = Text("allocationstate", "Enabled, or Disabled: only what belongs to root administrators can be placed in it, what runs goes on");
    private static readonly ValueParameter<bool> LocalStorage = Bool("localstorageenabled", "whether storage pools of one host alone may be in it; false when it is not sent");
    private static readonly ValueParameter<bool> OtherLocalStorage = Bool("localstorageenabled", "whether storage pools of one host alone may be in it; false is refused while there are some");

    private static readonly View<ZoneRow> View = Api.Commands.View<ZoneRow>.Build(v => v
        .Id("id", "the id of the zone", z => z.Id)
        .Text("name", "the name of the zone", z => z.Name)
        .Text("networktype", "the network type of the zone", z => z.NetworkType)
        .Bool("securitygroupsenabled", "always false: there are no security groups", _ => false)
        .Text("allocationstate", "whether the zone takes new resources", z => z.AllocationState)
        .Bool("localstorageenabled", "true if storage that one host reaches can be used", z => z.LocalStorage)
        .Text("type", "the type of the zone", _ => "Core")
        .Text("domain", "the domain name of its networks, as it was asked for", z => z.NetworkDomain)
        .Only(Roles.RootAdmin, admin => admin
            .Text("dns1", "the first name server of its guests, as it was asked for", z => z.Dns1)
            .Text("dns2", "the second name server of its guests, as it was asked for", z => z.Dns2)
            .Text("ip6dns1", "the first name server of its guests by IPv6, as it was asked for", z => z.Ip6Dns1)
            .Text("ip6dns2", "the second name server of its guests by IPv6, as it was asked for", z => z.Ip6Dns2)
            .Text("internaldns1", "the first name server of its hosts, as it was asked for", z => z.InternalDns1)
            .Text("internaldns2", "the second name server of its hosts, as it was asked for", z => z.InternalDns2)
            .Text("guestcidraddress", "the network that its guests have addresses of, as it was asked for", z => z.GuestCidr))
        .Map("resourcedetails", "its details, when it has some", z => StoredJson.Some(z.Details))
        .EmptyList("tags", "always empty: there are no tags"));

    private static readonly View<ZoneMetrics> MetricsView = View<ZoneMetrics>.Build(v => v
        .Include(View, z => z.Zone)
        .Text("state", "the same as allocationstate", z => z.Zone.AllocationState)
        .Text("clusters", "its clusters that are enabled, of all", z => MetricText.Of(z.Enabled, z.Clusters))
        .Include(PlaceMetrics.View, z => z.Metrics));

    private static readonly IconedList<ZoneRow> Listed = new(Key, View, z => [z.Id.Value]);
    private static readonly IconedList<ZoneMetrics> ListedMetrics = new(Key, MetricsView, z => [z.Zone.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listZones",
            Description = "Lists zones; those that are disabled to root administrators only",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterIds, FilterName, Available, FilterNetworkType, ShowCapacities, IconedList.Show, .. CommonParameters.List],
            Response = Listed.Response,
            Handler = ListAsync,
        },
        new()
        {
            Name = "listZonesMetrics",
            Description = "Lists zones, with what their hosts have and have promised",
            Roles = Roles.RootAdmin,
            Parameters = [FilterId, FilterIds, FilterName, Available, FilterNetworkType, ShowCapacities, IconedList.Show, .. CommonParameters.List],
            Response = ListedMetrics.Response,
            Handler = ListMetricsAsync,
        },
        new()
        {
            Name = "createZone",
            Description = "Makes a zone, with the network of VMs that name none",
            Roles = Roles.RootAdmin,
            Parameters = [NewName, NetworkType, NewDns1, Dns2, Ip6Dns1, Ip6Dns2, InternalDns1, InternalDns2, GuestCidr, NewDomain, NewState, LocalStorage],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IZoneOperations>().CreateAsync(
                call.Caller.ForOperations, call.Require(NetworkType), ChangeOf(call, NewName, NewDns1, NewDomain, NewState, LocalStorage), ct)).ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "updateZone",
            Description = "Changes a zone",
            Roles = Roles.RootAdmin,
            Parameters = [Zone, Name, Dns1, Dns2, Ip6Dns1, Ip6Dns2, InternalDns1, InternalDns2, GuestCidr, Domain, State, OtherLocalStorage],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IZoneOperations>().UpdateAsync(
                call.Caller.ForOperations, call.Require(Zone), ChangeOf(call, Name, Dns1, Domain, State, OtherLocalStorage), ct)).ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "deleteZone",
            Description = "Deletes a zone that nothing is in",
            Roles = Roles.RootAdmin,
            Parameters = [Zone],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IZoneOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Zone), ct)).ToResult(),
        },
    ];

    private static ZoneChange ChangeOf(CommandCall call, TextParameter name, TextParameter dns1, TextParameter domain, TextParameter state, ValueParameter<bool> localStorage) => new()
    {
        Name = call.Get(name),
        AllocationState = call.Get(state),
        Dns1 = call.Get(dns1),
        Dns2 = call.Get(Dns2),
        Ip6Dns1 = call.Get(Ip6Dns1),
        Ip6Dns2 = call.Get(Ip6Dns2),
        InternalDns1 = call.Get(InternalDns1),
        InternalDns2 = call.Get(InternalDns2),
        GuestCidr = call.Get(GuestCidr),
        NetworkDomain = call.Get(domain),
        LocalStorage = call.Get(localStorage),
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var listing = await call.Services.Database.ReadAsync((db, ct) => ReadAsync(db, call, ct), cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    private static async Task<ApiResult> ListMetricsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var zones = await ReadAsync(db, call, ct);
                var ids = zones.Rows.Select(z => z.Id).ToArray();
                var clusters = await db.Clusters.Where(c => ids.Contains(c.ZoneId) && c.Removed == null).Select(c => new { c.ZoneId, c.AllocationState }).ToListAsync(ct);
                var metrics = (await PlaceMetrics.ReadAsync(db, db.Hosts.Where(h => ids.Contains(h.ZoneId)), ct)).ToLookup(m => m.ZoneId);
                var clustersOf = clusters.ToLookup(c => c.ZoneId, c => c.AllocationState);
                return new Listing<ZoneMetrics>(
                    [.. zones.Rows.Select(z => new ZoneMetrics(z, clustersOf[z.Id].Count(s => s == AllocationStates.Enabled), clustersOf[z.Id].Count(), PlaceMetrics.Sum(metrics[z.Id])))], zones.Total);
            },
            cancellationToken);
        return await ListedMetrics.AnswerAsync(call, listing, cancellationToken);
    }

    private static Task<Listing<ZoneRow>> ReadAsync(StoreConnection db, CommandCall call, CancellationToken cancellationToken)
    {
        var seesDisabled = call.Caller.IsRootAdmin;
        var id = call.Get(FilterId);
        var ids = call.Get(FilterIds);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var networkType = call.Get(FilterNetworkType)?.ToLowerInvariant();
        return Listing.ReadAsync(
            (ids is null ? db.Zones : db.Zones.Where(z => ids.Contains(z.Id)))
                .Where(z => z.Removed == null
                    && (seesDisabled || z.AllocationState == AllocationStates.Enabled)
                    && (id == null || z.Id == id)
                    && (name == null || z.Name.ToLower() == name)
                    && (keyword == null || z.Name.ToLower().Contains(keyword))
                    && (networkType == null || z.NetworkType.ToLower() == networkType))
                .OrderBy(z => z.Created)
                .ThenBy(z => z.Id),
            call.Page,
            cancellationToken);
    }

    private static async Task<ApiResult> ShowAsync(CommandCall call, ZoneId id, CancellationToken cancellationToken) =>
        ApiResult.Object(Key, View, await call.Services.Database.ReadAsync((db, ct) => db.Zones.SingleAsync(z => z.Id == id, ct), cancellationToken));

    private sealed record ZoneMetrics(ZoneRow Zone, int Enabled, int Clusters, PlaceMetrics Metrics);
}
