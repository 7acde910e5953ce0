using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.AffinityGroups;

/// <summary>Commands about affinity groups.</summary>
internal static class AffinityGroupCommands
{
    private const string TypeKey = "affinityGroupType";

    private static readonly TextParameter NewName = Text("name", "the name of the group; no other group of the account has it", required: true);
    private static readonly TextParameter NewType = Text("type", $"what its VMs want of each other: {string.Join(", ", AffinityTypes.Names)}", required: true);
    private static readonly TextParameter Description = Text("description", "the description of the group");
    private static readonly ValueParameter<AffinityGroupId> Group = Id<AffinityGroupId>("id", "the id of the group; not together with name");
    private static readonly TextParameter Name = Text("name", "the name of the group, whatever its case; not together with id");
    private static readonly ValueParameter<AffinityGroupId> FilterId = Id<AffinityGroupId>("id", "the id of the group");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the group, whatever its case");
    private static readonly TextParameter FilterType = Text("type", "the type of the group");
    private static readonly ValueParameter<VmId> FilterVm = Id<VmId>("virtualmachineid", "a VM that is in the group");

    private static readonly View<string> TypeView = View<string>.Build(v => v.Text("type", "the type", name => name));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "createAffinityGroup",
            Description = "Makes an affinity group: its VMs are placed on one host, or on different ones",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [NewName, NewType, Description, .. OwnerParameters.All],
            Response = ResponseShape.Of(AffinityGroupView.Key, AffinityGroupView.View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "deleteAffinityGroup",
            Description = "Deletes an affinity group; its VMs stay where they are, and are in it no more",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Group, Name, .. OwnerParameters.All],
            Response = ResponseShape.Success,
            Handler = DeleteAsync,
        },
        new()
        {
            Name = "listAffinityGroups",
            Description = "Lists affinity groups",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterName, FilterType, FilterVm, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(AffinityGroupView.Key, AffinityGroupView.View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "listAffinityGroupTypes",
            Description = "Lists the types of affinity groups",
            Roles = Roles.Authenticated,
            Parameters = CommonParameters.List,
            Response = ResponseShape.Of(TypeKey, TypeView),
            Handler = (call, _) => Task.FromResult(ListTypes(call)),
        },
    ];

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var text = call.Require(NewType);
        if (AffinityTypes.Find(text) is not { } type)
        {
            return ApiError.InvalidParameter($"Unable to create affinity group, invalid affinity group type: {text}. Valid values are {string.Join(", ", AffinityTypes.Names)}");
        }

        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        return maker is null
            ? notOwner!
            : (await call.Services.Of<IAffinityGroupOperations>().CreateAsync(maker, call.Require(NewName), type, call.Get(Description), cancellationToken)).ToResult(creates: true);
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var operations = call.Services.Of<IAffinityGroupOperations>();
        switch (call.Get(Group), call.Get(Name))
        {
            case (null, null):
                return ApiError.InvalidParameter("Either the affinity group Id or group name must be specified to delete the group");
            case ({ }, { }):
                return ApiError.InvalidParameter("Either the affinity group Id or group name must be specified to delete the group, and not both");
            case ({ } id, _):
                return (await operations.DeleteAsync(call.Caller.ForOperations, id, cancellationToken)).ToResult();
            default:
                var (owner, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
                return owner is null ? notOwner! : (await operations.DeleteAsync(owner, call.Get(Name)!, cancellationToken)).ToResult();
        }
    }

    private static ApiResult ListTypes(CommandCall call)
    {
        var keyword = call.Get(CommonParameters.Keyword);
        var found = AffinityTypes.Names.Where(n => keyword is null || n.Contains(keyword, StringComparison.OrdinalIgnoreCase)).ToList();
        return ApiResult.List(TypeKey, TypeView, [.. found.Skip(call.Page.Offset).Take(call.Page.Limit ?? int.MaxValue)], found.Count);
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (id, vm, name) = (call.Get(FilterId), call.Get(FilterVm), call.Get(FilterName)?.ToLowerInvariant());
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var typeText = call.Get(FilterType);
        var type = typeText is null ? null : AffinityTypes.Find(typeText);
        if (typeText is not null && type is null)
        {
            return ApiResult.EmptyList();
        }

        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var groups = AffinityGroupView.Entries(db, Ownership.AskedFor(db, call, id is not null || vm is not null));
                if (vm is not null)
                {
                    groups = groups.Where(e => db.AffinityMembers.Any(m => m.GroupId == e.Group.Id && m.VmId == vm));
                }

                var found = await Listing.ReadAsync(
                    from entry in groups
                    where (id == null || entry.Group.Id == id)
                        && (name == null || entry.Group.Name.ToLower() == name)
                        && (type == null || entry.Group.Type == type)
                        && (keyword == null || entry.Group.Name.ToLower().Contains(keyword))
                    orderby entry.Group.Created, entry.Group.Id
                    select entry,
                    call.Page,
                    ct);
                return found with { Rows = await AffinityGroupView.WithVmsAsync(db, found.Rows, ct) };
            },
            cancellationToken);
        return ApiResult.List(AffinityGroupView.Key, AffinityGroupView.View, listing.Rows, listing.Total);
    }
}
