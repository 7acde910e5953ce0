using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.InstanceGroups;

/// <summary>Commands about groups of VMs.</summary>
internal static class InstanceGroupCommands
{
    private const string Key = "instancegroup";

    private static readonly TextParameter NewName = Text("name", "the name of the group; no other group of the account has it", required: true);
    private static readonly ValueParameter<InstanceGroupId> Group = Id<InstanceGroupId>("id", "the id of the group", required: true);
    private static readonly TextParameter OtherName = Text("name", "another name");
    private static readonly ValueParameter<InstanceGroupId> FilterId = Id<InstanceGroupId>("id", "the id of the group");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the group, whatever its case");

    private static readonly View<Entry> View = Api.Commands.View<Entry>.Build(v => v
        .Id("id", "the id of the group", e => e.Group.Id)
        .Text("name", "the name of the group", e => e.Group.Name)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Name)
        .Text("domainpath", "the path of the owner's domain", e => e.Domain.Path)
        .Date("created", "when it was made", e => e.Group.Created));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "createInstanceGroup",
            Description = "Makes a group for VMs",
            Roles = Roles.Authenticated,
            Parameters = [NewName, .. OwnerParameters.All],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateInstanceGroup",
            Description = "Renames a group of VMs",
            Roles = Roles.Authenticated,
            Parameters = [Group, OtherName],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IInstanceGroupOperations>().UpdateAsync(call.Caller.ForOperations, call.Require(Group), call.Get(OtherName), ct))
                .ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "deleteInstanceGroup",
            Description = "Deletes a group of VMs; they stay, in no group",
            Roles = Roles.Authenticated,
            Parameters = [Group],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IInstanceGroupOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Group), ct)).ToResult(),
        },
        new()
        {
            Name = "listInstanceGroups",
            Description = "Lists groups of VMs",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterName, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        return maker is null
            ? notOwner!
            : await (await call.Services.Of<IInstanceGroupOperations>().CreateAsync(maker, call.Require(NewName), cancellationToken)).ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (id, name) = (call.Get(FilterId), call.Get(FilterName)?.ToLowerInvariant());
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from entry in Entries(db, Ownership.AskedFor(db, call, id is not null))
                where (id == null || entry.Group.Id == id)
                    && (name == null || entry.Group.Name.ToLower() == name)
                    && (keyword == null || entry.Group.Name.ToLower().Contains(keyword))
                orderby entry.Group.Created, entry.Group.Id
                select entry,
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> ShowAsync(CommandCall call, InstanceGroupId id, CancellationToken cancellationToken) =>
        ApiResult.Object(Key, View, await call.Services.Database.ReadAsync((db, ct) => Entries(db, db.Accounts).SingleAsync(e => e.Group.Id == id, ct), cancellationToken));

    private static IQueryable<Entry> Entries(StoreConnection db, IQueryable<AccountRow> accounts) =>
        from g in db.InstanceGroups
        join account in accounts on g.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        select new Entry { Group = g, Account = account, Domain = domain };

    private sealed record Entry
    {
        public required InstanceGroupRow Group { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }
    }
}
