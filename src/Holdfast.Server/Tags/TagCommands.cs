using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Tags;

/// <summary>Commands about tags.</summary>
internal static class TagCommands
{
    // One statement of a list, and one turn, stay small.
    private const int MaxTags = 500;

    private static readonly TextParameter ResourceType = Text("resourcetype", "the kind of the resources: UserVm, Volume, Template", required: true);
    private static readonly ListParameter<string> Resources = Texts("resourceids", "the ids of the resources, comma-separated", required: true);
    private static readonly MapParameter NewTags = Map("tags", "the tags: tags[0].key=KEY and tags[0].value=VALUE", required: true);
    private static readonly MapParameter OldTags = Map("tags", "the tags: tags[0].key=KEY, and tags[0].value=VALUE for one with just that value; all when none is sent", rows: true);
    private static readonly TextParameter Customer = Text("customer", "kept with the tags and shown");
    private static readonly TextParameter FilterType = Text("resourcetype", "the kind of the resource");
    private static readonly ValueParameter<Guid> FilterResource = AnyId("resourceid", "the id of the resource");
    private static readonly TextParameter FilterKey = Text("key", "the key");
    private static readonly TextParameter FilterValue = Text("value", "the value");
    private static readonly TextParameter FilterCustomer = Text("customer", "as it was sent");

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "createTags",
            Description = "Gives tags to resources: to all of them, or to none",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Resources, ResourceType, NewTags, Customer],
            Response = ResponseShape.Success,
            Handler = CreateAsync,
        },
        new()
        {
            Name = "deleteTags",
            Description = "Takes tags from resources",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Resources, ResourceType, OldTags],
            Response = ResponseShape.Success,
            Handler = DeleteAsync,
        },
        new()
        {
            Name = "listTags",
            Description = "Lists tags",
            Roles = Roles.Authenticated,
            Parameters = [FilterType, FilterResource, FilterKey, FilterValue, FilterCustomer, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(TagView.Key, TagView.View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (kind, ids, error) = await ResourcesAsync(call, cancellationToken);
        if (kind is null || ids is null)
        {
            return error!;
        }

        var tags = call.Require(NewTags).Entries;
        if (tags.Keys.FirstOrDefault(string.IsNullOrWhiteSpace) is not null)
        {
            return ApiError.InvalidParameter("A tag needs a key");
        }

        return tags.FirstOrDefault(t => t.Value.Length == 0) is { Key: { } empty }
            ? ApiError.InvalidParameter($"Tag {empty} needs a value")
            : ids.Count * tags.Count > MaxTags
                ? ApiError.InvalidParameter($"{ids.Count} resources and {tags.Count} tags are {ids.Count * tags.Count} tags; {MaxTags} can be given at once")
                : (await call.Services.Of<ITagOperations>().CreateAsync(call.Caller.ForOperations, kind, ids, tags, call.Get(Customer), cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (kind, ids, error) = await ResourcesAsync(call, cancellationToken);
        return kind is null || ids is null
            ? error!
            : (await call.Services.Of<ITagOperations>().DeleteAsync(call.Caller.ForOperations, kind, ids, call.Get(OldTags) is { } tags ? [.. tags.Rows.SelectMany(OldTagsOf)] : null, cancellationToken)).ToResult();
    }

    // As for new tags both shapes are taken, and a key may come alone.
    private static IEnumerable<OldTag> OldTagsOf(IReadOnlyDictionary<string, string> row) =>
        row.TryGetValue("key", out var key) && row.Keys.All(k => k.Equals("key", StringComparison.OrdinalIgnoreCase) || k.Equals("value", StringComparison.OrdinalIgnoreCase))
            ? [new OldTag(key, row.TryGetValue("value", out var value) && value.Length > 0 ? value : null)]
            : row.Select(pair => new OldTag(pair.Key, pair.Value.Length > 0 ? pair.Value : null));

    // The kind is a parameter too, so the binder cannot look the ids up; the rule is the same.
    private static async Task<(EntityKind? Kind, IReadOnlyList<Guid>? Ids, ApiError? Error)> ResourcesAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var wanted = call.Require(ResourceType);
        var kinds = call.Services.Of<EntityKinds>().All.Where(k => k.TagType is not null).ToList();
        if (kinds.Find(k => k.TagType!.Equals(wanted, StringComparison.OrdinalIgnoreCase)) is not { } kind)
        {
            return (null, null, ApiError.InvalidParameter($"Invalid parameter resourcetype value={wanted}: resources with tags are {string.Join(", ", kinds.Select(k => k.TagType))}"));
        }

        var texts = call.Require(Resources);
        if (texts.Count is 0 or > MaxTags)
        {
            return (null, null, ApiError.InvalidParameter($"Parameter resourceids must have 1 to {MaxTags} ids"));
        }

        var ids = new List<Guid>();
        foreach (var text in texts)
        {
            if (!Guid.TryParseExact(text, "D", out var id))
            {
                return (null, null, call.UnknownEntity(Resources, text));
            }

            ids.Add(id);
        }

        ids = [.. ids.Distinct()];
        var found = await call.Services.Entities.FindAsync(new EntityReference(kind.IdType, IsToChange: true), ids, call.Caller, cancellationToken);
        return ids.Where(id => !found.Contains(id)).Select(id => (Guid?)id).FirstOrDefault() is { } missing
            ? (null, null, call.UnknownEntity(Resources, missing))
            : (kind, ids, null);
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var type = call.Get(FilterType)?.ToLowerInvariant();
        var (resource, key, value, customer) = (call.Get(FilterResource), call.Get(FilterKey), call.Get(FilterValue), call.Get(FilterCustomer));
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from tag in db.Tags
                join account in Ownership.AskedFor(db, call, resource is not null) on tag.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                where (type == null || tag.ResourceType.ToLower() == type)
                    && (resource == null || tag.ResourceId == resource)
                    && (key == null || tag.Key == key)
                    && (value == null || tag.Value == value)
                    && (customer == null || tag.Customer == customer)
                    && (keyword == null || tag.Key.ToLower().Contains(keyword) || tag.Value.ToLower().Contains(keyword))
                orderby tag.Created, tag.ResourceId, tag.Key
                select new TagEntry { Tag = tag, Account = account, Domain = domain },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(TagView.Key, TagView.View, listing.Rows, listing.Total);
    }
}
