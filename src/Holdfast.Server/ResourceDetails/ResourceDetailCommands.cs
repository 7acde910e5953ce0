using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.ResourceDetails;

/// <summary>Commands about details: of what belongs to accounts by whoever may change it, of all else by root administrators.</summary>
internal static class ResourceDetailCommands
{
    private const string Key = "resourcedetail";

    private static readonly TextParameter ResourceType = Text("resourcetype", "the kind of the resource: UserVm, Volume, Template, Network, ServiceOffering, DiskOffering, Zone, Storage, User or GuestOs", required: true);
    private static readonly TextParameter Resource = Text("resourceid", "the id of the resource", required: true);
    private static readonly MapParameter Details = Map("details", "the details: details[0].key=KEY and details[0].value=VALUE, or details[0].KEY=VALUE; one that is there under the name is replaced", required: true);
    private static readonly ValueParameter<bool> ForDisplay = Bool("fordisplay", "false: only root administrators see them, and only they may ask for that; beside those that are shown, under the same names, too");
    private static readonly TextParameter OldKey = Text("key", "the name of the detail; all when it is not sent");
    private static readonly TextParameter FilterResource = Text("resourceid", "the id of the resource; this or key is needed");
    private static readonly TextParameter FilterKey = Text("key", "the name of the detail");
    private static readonly TextParameter FilterValue = Text("value", "the value; goes with key", length: 4096);
    private static readonly ValueParameter<bool> FilterDisplay = Bool("fordisplay", "true lists those that are shown, false those that root administrators alone see; they are listed both when it is not sent, everybody else lists those that are shown");

    private static readonly View<Entry> View = Api.Commands.View<Entry>.Build(v => v
        .Text("key", "the name of the detail", e => e.Key)
        .Text("value", "the value of the detail", e => e.Value)
        .Text("resourcetype", "the kind of the resource", e => e.Type)
        .Uuid("resourceid", "the id of the resource", e => e.Of.Entity.Id)
        .Bool("fordisplay", "false: only root administrators see it", e => !e.IsHidden)
        .Text("account", "the account that owns the resource; not there for what a project has, or nobody", e => e.Of.Account is { IsProject: false } account ? account.Name : null)
        .OptionalId("projectid", "the id of the project that owns the resource", e => e.Of.Account?.ProjectId)
        .Text("project", "the project that owns the resource", e => e.Of.Account is { IsProject: true } project ? project.Name : null)
        .OptionalId("domainid", "the id of the owner's domain", e => e.Of.Domain?.Id)
        .Text("domain", "the owner's domain", e => e.Of.Domain?.Path));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "addResourceDetail",
            Description = "Gives details to a resource: all of them, or none. Details that are no notes are changed by the command that they belong to",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Resource, ResourceType, Details, ForDisplay],
            Response = ResponseShape.Success,
            Handler = AddAsync,
        },
        new()
        {
            Name = "removeResourceDetail",
            Description = "Takes details from a resource; hidden ones for root administrators alone",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Resource, ResourceType, OldKey],
            Response = ResponseShape.Success,
            Handler = RemoveAsync,
        },
        new()
        {
            Name = "listResourceDetails",
            Description = "Lists details of a resource, or resources of a kind by a detail; secrets are none of them",
            Roles = Roles.Authenticated,
            Parameters = [ResourceType, FilterResource, FilterKey, FilterValue, FilterDisplay, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> AddAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (kind, id, error) = await ResourceAsync(call, cancellationToken);
        if (kind is null)
        {
            return error!;
        }

        var hidden = call.Get(ForDisplay) == false;
        if (hidden && !call.Caller.IsRootAdmin)
        {
            return new ApiError(531, ApiErrorCodes.PermissionDenied, "Only root administrators make details that only they see (fordisplay=false)");
        }

        var details = call.Require(Details).Entries;
        if (details.Keys.Any(string.IsNullOrWhiteSpace))
        {
            return ApiError.InvalidParameter("A detail needs a name");
        }

        return details.FirstOrDefault(d => d.Value.Length == 0) is { Key: { } empty }
            ? ApiError.InvalidParameter($"Value for the key {empty} is either null or empty")
            : (await call.Services.Of<IResourceDetailOperations>().AddAsync(call.Caller.ForOperations, kind, id, details, hidden, cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> RemoveAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (kind, id, error) = await ResourceAsync(call, cancellationToken);
        return kind is null
            ? error!
            : (await call.Services.Of<IResourceDetailOperations>().RemoveAsync(call.Caller.ForOperations, kind, id, call.Get(OldKey), cancellationToken)).ToResult();
    }

    // The kind is a parameter too, so the binder cannot look the id up; the rule is the same.
    private static async Task<(DetailedKind? Kind, Guid Id, ApiError? Error)> ResourceAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (KindOf(call) is not { } kind)
        {
            return (null, default, NoSuchKind(call));
        }

        var text = call.Require(Resource);
        var reference = new EntityReference(kind.IdType, IsToChange: true);
        if (!Guid.TryParseExact(text, "D", out var id) || !(await call.Services.Entities.FindAsync(reference, [id], call.Caller, cancellationToken)).Contains(id))
        {
            return (null, default, call.UnknownEntity(Resource, text));
        }

        return NoteRule.WhyNot(call.Caller, call.Services.Of<EntityKinds>().Of(reference), [id], "details") is { } whyNot ? (null, default, whyNot) : (kind, id, null);
    }

    private static DetailedKind? KindOf(CommandCall call) =>
        call.Services.Of<IEnumerable<DetailedKind>>().FirstOrDefault(k => k.Type.Equals(call.Require(ResourceType), StringComparison.OrdinalIgnoreCase));

    private static ApiError NoSuchKind(CommandCall call) => ApiError.InvalidParameter(
        $"Invalid parameter resourcetype value={call.Require(ResourceType)}: resources with details are {string.Join(", ", call.Services.Of<IEnumerable<DetailedKind>>().Select(k => k.Type))}");

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (KindOf(call) is not { } kind)
        {
            return NoSuchKind(call);
        }

        var (key, value, sent) = (call.Get(FilterKey), call.Get(FilterValue), call.Get(FilterResource));
        if (sent is null && key is null)
        {
            return ApiError.InvalidParameter("Either resourceid or key is needed");
        }

        if (value is not null && key is null)
        {
            return ApiError.InvalidParameter("Parameter value goes with key");
        }

        Guid? resource = null;
        if (sent is not null)
        {
            resource = Guid.TryParseExact(sent, "D", out var parsed) ? parsed : Guid.Empty;
            if (!(await call.Services.Entities.FindAsync(new EntityReference(kind.IdType, IsToChange: false), [resource.Value], call.Caller, cancellationToken)).Contains(resource.Value))
            {
                return call.UnknownEntity(FilterResource, sent);
            }
        }

        // Others' public templates are seen by id, as in their own list; by a detail one finds what one has.
        var reach = call.Services.Of<EntityKinds>().Of(new EntityReference(kind.IdType, IsToChange: false)).Reach;
        if (reach == EntityReach.Infrastructure && !call.Caller.IsRootAdmin)
        {
            return ApiResult.EmptyList();
        }

        var isOwned = reach == EntityReach.Owner && resource is null;
        var needle = key is null ? null : JsonEncodedText.Encode(key).ToString();
        var found = await call.Services.Database.ReadAsync(
            (db, ct) =>
            {
                var entities = kind.Entities(db).Where(e => needle == null || e.Shown.Contains(needle) || e.Hidden.Contains(needle));
                if (resource is { } id)
                {
                    entities = entities.Where(e => e.Id == id);
                }

                if (isOwned)
                {
                    var owners = Ownership.AskedFor(db, call, namesIds: false).Select(a => (AccountId?)a.Id);
                    entities = entities.Where(e => owners.Contains(e.Owner));
                }

                return (from entity in entities
                        from account in db.Accounts.LeftJoin(a => a.Id == entity.Owner)
                        from domain in db.Domains.LeftJoin(d => d.Id == account.DomainId)
                        orderby entity.Id
                        select new Owned { Entity = entity, Account = account, Domain = domain }).ToListAsync(ct);
            },
            cancellationToken);

        var keyword = call.Get(CommonParameters.Keyword);
        var display = call.Caller.IsRootAdmin ? call.Get(FilterDisplay) : true;
        var all = found
            .SelectMany(of => Entries(kind, of, isHidden: false).Concat(Entries(kind, of, isHidden: true)))
            .Where(e => (display is null || e.IsHidden != display)
                && (key is null || e.Key == key)
                && (value is null || e.Value == value)
                && (keyword is null || e.Key.Contains(keyword, StringComparison.OrdinalIgnoreCase) || e.Value.Contains(keyword, StringComparison.OrdinalIgnoreCase)))
            .ToList();
        var page = all.Skip(call.Page.Offset);
        return ApiResult.List(Key, View, [.. call.Page.Limit is { } limit ? page.Take(limit) : page], all.Count);
    }

    private static IEnumerable<Entry> Entries(DetailedKind kind, Owned of, bool isHidden) =>
        StoredJson.Map(isHidden ? of.Entity.Hidden : of.Entity.Shown).Select(pair => new Entry(kind.Type, of, pair.Key, pair.Value, isHidden));

    private sealed record Owned
    {
        public required DetailedEntity Entity { get; init; }

        public AccountRow? Account { get; init; }

        public DomainRow? Domain { get; init; }
    }

    private sealed record Entry(string Type, Owned Of, string Key, string Value, bool IsHidden);
}
