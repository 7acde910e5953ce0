using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Transactions;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Settings;

/// <summary>Commands about settings. Only settings that change what this server does are there; all hold for the whole installation.</summary>
internal static class ConfigurationCommands
{
    private const string Key = "configuration";
    private const string GroupKey = "configurationgroup";

    // Clients look for settings below a group and a subgroup. CloudStack calls the subgroup of what has none so.
    private const string Others = "Others";

    private static readonly TextParameter FilterName = Text("name", "the exact name of the setting, whatever its case");
    private static readonly TextParameter Category = Text("category", "the category of the setting");
    private static readonly TextParameter Group = Text("group", "the group of the setting: its category");
    private static readonly TextParameter Subgroup = Text("subgroup", "the subgroup of the setting: Others");
    private static readonly TextParameter FilterGroup = Text("group", "the name of the group, whatever its case");
    private static readonly TextParameter Parent = Text("parent", "the setting that it belongs to; there are none");
    private static readonly TextParameter Name = Text("name", "the name of the setting", required: true);
    private static readonly TextParameter Value = Text("value", "the new value; when it is not sent, the present one is answered", length: 4095, clearable: true);

    // Clients may ask for a setting of one zone, pool or account; none differs between them.
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "no setting is of a zone");
    private static readonly ValueParameter<ClusterId> Cluster = Id<ClusterId>("clusterid", "no setting is of a cluster");
    private static readonly ValueParameter<PoolId> Pool = Id<PoolId>("storageid", "no setting is of a storage pool");
    private static readonly ValueParameter<AccountId> Account = Id<AccountId>("accountid", "no setting is of an account");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("domainid", "no setting is of a domain");
    private static readonly ValueParameter<Guid> ImageStore = AnyId("imagestoreuuid", "no setting is of an image store");

    private static readonly View<SettingState> View = Api.Commands.View<SettingState>.Build(v => v
        .Text("category", "the category of the setting", s => s.Setting.Category)
        .Text("group", "the group of the setting: its category", s => s.Setting.Category)
        .Text("subgroup", "the subgroup of the setting", _ => Others)
        .Text("name", "the name of the setting", s => s.Setting.Name)
        .Text("value", "what it is", s => s.Value)
        .Text("defaultvalue", "what it is while nobody has set it", s => s.Default)
        .Text("description", "what it does, with its unit", s => s.Setting.Description)
        .Text("displaytext", "what it does, with its unit", s => s.Setting.Description)
        .Text("scope", "what it holds for; always Global", _ => "Global")
        .Text("type", "the type of its value: Number, Boolean or String", s => s.Setting.TypeName)
        .Bool("isdynamic", "always true: a change holds at once, without a restart", _ => true));

    private static readonly View<string> SubgroupView = Api.Commands.View<string>.Build(v => v
        .Text("name", "the name of the subgroup", name => name)
        .Long("precedence", "its place in its group", _ => 1));

    private static readonly View<SettingGroup> GroupView = Api.Commands.View<SettingGroup>.Build(v => v
        .Text("name", "the name of the group", g => g.Name)
        .Text("description", "what is in it", g => $"Settings of the category {g.Name}")
        .Long("precedence", "its place among the groups", g => g.Place)
        .List("subgroup", "its subgroups", SubgroupView, _ => [Others]));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listConfigurations",
            Description = "Lists settings that operators may change while the server runs",
            Roles = Roles.RootAdmin,
            Parameters = [FilterName, Category, Group, Subgroup, Parent, Zone, Cluster, Pool, Account, Domain, ImageStore, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "listConfigurationGroups",
            Description = "Lists groups of settings: their categories",
            Roles = Roles.RootAdmin,
            Parameters = [FilterGroup, .. CommonParameters.List],
            Response = ResponseShape.Of(GroupKey, GroupView),
            Handler = (call, _) => Task.FromResult(ListGroups(call)),
        },
        new()
        {
            Name = "updateConfiguration",
            Description = "Changes a setting; holds at once, on every server",
            Roles = Roles.RootAdmin,
            Parameters = [Name, Value, Zone, Cluster, Pool, Account, Domain, ImageStore],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => ChangeAsync(call, (name, operations) => operations.UpdateAsync(call.Caller.ForOperations, name, call.Get(Value), ct)),
        },
        new()
        {
            Name = "resetConfiguration",
            Description = "Gives a setting its default again",
            Roles = Roles.RootAdmin,
            Parameters = [Name, Zone, Cluster, Pool, Account, Domain, ImageStore],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => ChangeAsync(call, (name, operations) => operations.ResetAsync(call.Caller.ForOperations, name, ct)),
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (IsScoped(call) || call.Get(Parent) is not null || (call.Get(Subgroup) is { } subgroup && !subgroup.Equals(Others, StringComparison.OrdinalIgnoreCase)))
        {
            return ApiResult.EmptyList();
        }

        var name = call.Get(FilterName);
        var category = call.Get(Category);
        var group = call.Get(Group);
        var keyword = call.Get(CommonParameters.Keyword);
        var found = Setting.All
            .Where(s => (name is null || s.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                && (category is null || s.Category.Equals(category, StringComparison.OrdinalIgnoreCase))
                && (group is null || s.Category.Equals(group, StringComparison.OrdinalIgnoreCase))
                && (keyword is null || s.Name.Contains(keyword, StringComparison.OrdinalIgnoreCase)))
            .ToList();
        var timings = call.Services.Timings;
        var values = await call.Services.Database.ReadAsync((db, ct) => SettingValues.ReadAsync(db, timings, ct), cancellationToken);
        var rows = found.Skip(call.Page.Offset).Take(call.Page.Limit ?? found.Count).Select(s => new SettingState(s, values.TextOf(s), s.DefaultText(timings))).ToList();
        return ApiResult.List(Key, View, rows, found.Count);
    }

    private static ApiResult ListGroups(CommandCall call)
    {
        var (wanted, keyword) = (call.Get(FilterGroup), call.Get(CommonParameters.Keyword));
        var found = Setting.All.Select(s => s.Category).Distinct().Order(StringComparer.Ordinal).Select((name, place) => new SettingGroup(name, place + 1))
            .Where(g => (wanted is null || g.Name.Equals(wanted, StringComparison.OrdinalIgnoreCase)) && (keyword is null || g.Name.Contains(keyword, StringComparison.OrdinalIgnoreCase)))
            .ToList();
        return ApiResult.List(GroupKey, GroupView, [.. found.Skip(call.Page.Offset).Take(call.Page.Limit ?? found.Count)], found.Count);
    }

    private static async Task<ApiResult> ChangeAsync(CommandCall call, Func<string, IConfigurationOperations, Task<Outcome<SettingState>>> change)
    {
        var name = call.Require(Name);
        return IsScoped(call)
            ? ApiError.InvalidParameter($"Invalid scope id provided for the parameter {name}: its scope is Global")
            : (await change(name, call.Services.Of<IConfigurationOperations>())).ToResult(state => ApiResult.Object(Key, View, state));
    }

    private static bool IsScoped(CommandCall call) =>
        call.Get(Zone) is not null || call.Get(Cluster) is not null || call.Get(Pool) is not null || call.Get(Account) is not null || call.Get(Domain) is not null
        || call.Get(ImageStore) is not null;

    private sealed record SettingGroup(string Name, long Place);
}
