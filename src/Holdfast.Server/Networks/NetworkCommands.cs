using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store.Rows;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Networks;

/// <summary>Commands about networks. Networks are bridges that hosts have: addresses, rules and routing are not ours.</summary>
internal static class NetworkCommands
{
    private static readonly ValueParameter<NetworkId> FilterId = Id<NetworkId>("id", "the id of the network");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the network, whatever its case");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone");
    private static readonly TextParameter FilterType = Text("type", "the type: Shared, Isolated or L2");
    private static readonly TextParameter FilterTraffic = Text("traffictype", "the traffic type: Guest");
    private static readonly ValueParameter<bool> FilterSystem = Bool("issystem", "whether to list system networks; there are none");
    private static readonly TextParameter FilterAcl = Text("acltype", "who may use the network: Domain or Account; all may use all");
    private static readonly ListParameter<string> FilterServices = Texts("supportedservices", "services that the network offers; there are none");
    private static readonly ValueParameter<bool> FilterVpc = Bool("forvpc", "whether to list networks of a VPC; there are none");
    private static readonly TextParameter FilterNetwork = Text("networkfilter", "whose networks", noEffect: "all may use all networks");
    private static readonly ValueParameter<bool> CanUseForDeploy = Bool("canusefordeploy", "whether VMs can be put on the network; they can be on all");

    private static readonly View<NetworkEntry> View = Api.Commands.View<NetworkEntry>.Build(v => v
        .Id("id", "the id of the network", n => n.Network.Id)
        .Text("name", "the name of the network", n => n.Network.Name)
        .Text("displaytext", "the display text of the network", n => n.Network.DisplayText)
        .Id("zoneid", "the id of its zone", n => n.Zone.Id)
        .Text("zonename", "the name of its zone", n => n.Zone.Name)
        .Text("state", "the state of the network", _ => "Setup")
        .Text("type", "the type of the network", n => n.Network.Type)
        .Text("traffictype", "the traffic type of the network", n => n.Network.TrafficType)
        .Text("broadcastdomaintype", "how it is kept apart: by the hosts' own bridge", _ => "Native")
        .Text("acltype", "who may use the network", _ => "Domain")
        .Only(Roles.RootAdmin, admin => admin
            .Text("bridge", "the bridge or libvirt network that hosts use; each host's own choice when missing", n => n.Network.Bridge))
        .Bool("issystem", "always false", _ => false)
        .Bool("isdefault", "true for the network of VMs that name none", n => n.Network.IsDefault)
        .Bool("canusefordeploy", "always true", _ => true)
        .Bool("specifyipranges", "always false: addresses are the network's own", _ => false)
        .Bool("restartrequired", "always false", _ => false)
        .Bool("ispersistent", "always true", _ => true)
        .Map("details", "its details, when it has some", n => StoredJson.Some(n.Network.Details))
        .EmptyList("service", "always empty: the network offers no services")
        .EmptyList("tags", "always empty: there are no tags"));

    private static readonly View<string> Nothing = Api.Commands.View<string>.Build(v => v.Text("id", "never sent", id => id));

    private static readonly IconedList<NetworkEntry> Listed = new("network", View, n => [n.Network.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listNetworks",
            Description = "Lists networks",
            Roles = Roles.Authenticated,
            Parameters =
            [
                FilterId, FilterName, FilterZone, FilterType, FilterTraffic, FilterSystem, FilterAcl, FilterServices, FilterVpc, FilterNetwork, CanUseForDeploy, IconedList.Show,
                .. CommonParameters.OwnedList,
            ],
            Response = Listed.Response,
            Handler = ListAsync,
        },
        Empty("listPublicIpAddresses", "publicipaddress", "Lists public addresses; there are none"),
        Empty("listPortForwardingRules", "portforwardingrule", "Lists port forwarding rules; there are none"),
        Empty("listIpForwardingRules", "ipforwardingrule", "Lists static NAT rules; there are none"),
    ];

    /// <summary>A list that is truly empty, for clients that will not go on without it.</summary>
    internal static ApiCommand Empty(string name, string key, string description) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.Authenticated,
        Parameters = CommonParameters.OwnedList,
        Response = ResponseShape.Of(key, Nothing),
        Handler = (_, _) => Task.FromResult(ApiResult.EmptyList()),
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(FilterSystem) == true
            || call.Get(FilterVpc) == true
            || call.Get(FilterServices) is { Count: > 0 }
            || call.Get(CanUseForDeploy) == false
            || (call.Get(FilterAcl) is { } acl && !acl.Equals("Domain", StringComparison.OrdinalIgnoreCase))
            || call.Get(CommonParameters.Tags) is not null)
        {
            return ApiResult.EmptyList();
        }

        var id = call.Get(FilterId);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var zoneId = call.Get(FilterZone);
        var type = call.Get(FilterType)?.ToLowerInvariant();
        var traffic = call.Get(FilterTraffic)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from network in db.Networks
                join zone in db.Zones on network.ZoneId equals zone.Id
                where network.Removed == null
                    && (id == null || network.Id == id)
                    && (name == null || network.Name.ToLower() == name)
                    && (keyword == null || network.Name.ToLower().Contains(keyword) || network.DisplayText.ToLower().Contains(keyword))
                    && (zoneId == null || network.ZoneId == zoneId)
                    && (type == null || network.Type.ToLower() == type)
                    && (traffic == null || network.TrafficType.ToLower() == traffic)
                orderby network.Created, network.Id
                select new NetworkEntry { Network = network, Zone = zone },
                call.Page,
                ct),
            cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    private sealed record NetworkEntry
    {
        public required NetworkRow Network { get; init; }

        public required ZoneRow Zone { get; init; }
    }
}
