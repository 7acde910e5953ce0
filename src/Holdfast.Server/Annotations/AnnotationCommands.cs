using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Annotations;

/// <summary>Commands about comments: on what belongs to accounts by whoever may change it, on infrastructure and offerings by root administrators.</summary>
internal static class AnnotationCommands
{
    private const string Key = "annotation";

    private static readonly TextParameter EntityType = Text("entitytype", "the kind of the thing: VM, VOLUME, TEMPLATE, ZONE, POD, CLUSTER, HOST, PRIMARY_STORAGE, SERVICE_OFFERING, DISK_OFFERING, NETWORK or DOMAIN", required: true);
    private static readonly TextParameter Entity = Text("entityid", "the id of the thing", required: true);
    private static readonly TextParameter Comment = Text("annotation", "the comment", required: true, length: 4096, multiLine: true);
    private static readonly ValueParameter<bool> AdminsOnly = Bool("adminsonly", "whether only root administrators see it; only they may ask for that");

    private static readonly TextParameter FilterType = Text("entitytype", "the kind of the thing; goes with entityid");
    private static readonly TextParameter FilterEntity = Text("entityid", "the id of the thing; without it one's own comments are listed, all for root administrators");
    private static readonly ValueParameter<AnnotationId> FilterId = Id<AnnotationId>("id", "the id of the comment");
    private static readonly ValueParameter<UserId> FilterUser = Id<UserId>("userid", "who made it");
    private static readonly TextParameter Filter = Text("annotationfilter", "self lists one's own, all those of others too; all when not sent");

    private static readonly ValueParameter<AnnotationId> Own = Id<AnnotationId>("id", "the id of the comment", required: true);
    private static readonly ValueParameter<bool> Visibility = Bool("adminsonly", "whether only root administrators see it; false when not sent");

    private static readonly View<Entry> View = Api.Commands.View<Entry>.Build(v => v
        .Id("id", "the id of the comment", e => e.Row.Id)
        .Text("annotation", "the comment", e => e.Row.Text)
        .Text("entitytype", "the kind of the thing", e => e.Row.EntityType)
        .Uuid("entityid", "the id of the thing", e => e.Row.EntityId)
        .Id("userid", "the id of the user who made it", e => e.Row.UserId)
        .Text("username", "the name of the user who made it", e => e.User?.Username)
        .Bool("adminsonly", "true if only root administrators see it", e => e.Row.AdminsOnly)
        .Date("created", "when it was made", e => e.Row.Created));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listAnnotations",
            Description = "Lists comments, the newest first",
            Roles = Roles.Authenticated,
            Parameters = [FilterType, FilterEntity, FilterId, FilterUser, Filter, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "addAnnotation",
            Description = "Makes a comment on something",
            Roles = Roles.Authenticated,
            Parameters = [EntityType, Entity, Comment, AdminsOnly],
            Response = ResponseShape.Of(Key, View),
            Handler = AddAsync,
        },
        new()
        {
            Name = "removeAnnotation",
            Description = "Removes a comment: one's own, and any for root administrators",
            Roles = Roles.Authenticated,
            Parameters = [Own],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await ShowAsync(call, await call.Services.Of<IAnnotationOperations>().RemoveAsync(call.Caller.ForOperations, call.Require(Own), ct), ct),
        },
        new()
        {
            Name = "updateAnnotationVisibility",
            Description = "Says who sees a comment",
            Roles = Roles.RootAdmin,
            Parameters = [Own, Visibility],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await ShowAsync(
                call, await call.Services.Of<IAnnotationOperations>().ShowAsync(call.Caller.ForOperations, call.Require(Own), call.Get(Visibility) ?? false, ct), ct),
        },
    ];

    private static async Task<ApiResult> AddAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var wanted = call.Require(EntityType);
        if (KindOf(call, wanted) is not { } kind)
        {
            return ApiError.InvalidParameter(
                $"Invalid parameter entitytype value={wanted}: there are comments on {string.Join(", ", call.Services.Of<EntityKinds>().All.Where(k => k.AnnotationType is not null && MayAnnotate(call, k)).Select(k => k.AnnotationType))}");
        }

        if (call.Get(AdminsOnly) == true && !call.Caller.IsRootAdmin)
        {
            return new ApiError(531, ApiErrorCodes.PermissionDenied, "Only root administrators make comments that only they see (adminsonly)");
        }

        if (string.IsNullOrWhiteSpace(call.Require(Comment)))
        {
            return ApiError.InvalidParameter("Parameter annotation is blank");
        }

        return await FindAsync(call, kind, call.Require(Entity), isToChange: true, cancellationToken) is { } entity
            ? await ShowAsync(
                call,
                await call.Services.Of<IAnnotationOperations>().AddAsync(call.Caller.ForOperations, kind, entity, call.Require(Comment), call.Get(AdminsOnly) ?? false, cancellationToken),
                cancellationToken)
            : call.UnknownEntity(Entity, call.Require(Entity));
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        Guid? entity = null;
        string? type = null;
        if (call.Get(FilterType) is not null != call.Get(FilterEntity) is not null)
        {
            return ApiError.InvalidParameter("Parameters entitytype and entityid go together");
        }

        if (call.Get(FilterType) is { } wanted)
        {
            // Clients ask about everything that they show, of whatever kind, and go on only after an answer.
            if (KindOf(call, wanted) is not { } kind)
            {
                return ApiResult.EmptyList();
            }

            entity = await FindAsync(call, kind, call.Get(FilterEntity)!, isToChange: false, cancellationToken);
            type = kind.AnnotationType;
            if (entity is null)
            {
                return call.UnknownEntity(FilterEntity, call.Get(FilterEntity)!);
            }
        }

        if (call.Get(Filter) is { } filter && !filter.Equals("all", StringComparison.OrdinalIgnoreCase) && !filter.Equals("self", StringComparison.OrdinalIgnoreCase))
        {
            return ApiError.InvalidParameter($"Invalid parameter annotationfilter value={filter}: it must be self or all");
        }

        var seesAll = call.Caller.IsRootAdmin;
        var user = call.Caller.UserId;
        var onlyOwn = (!seesAll && entity is null) || "self".Equals(call.Get(Filter), StringComparison.OrdinalIgnoreCase);
        var (id, madeBy) = (call.Get(FilterId), call.Get(FilterUser));
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from row in db.Annotations
                from author in db.Users.LeftJoin(u => u.Id == row.UserId)
                where (seesAll || !row.AdminsOnly)
                    && (!onlyOwn || row.UserId == user)
                    && (entity == null || (row.EntityId == entity && row.EntityType == type))
                    && (id == null || row.Id == id)
                    && (madeBy == null || row.UserId == madeBy)
                    && (keyword == null || row.Text.ToLower().Contains(keyword))
                orderby row.Created descending, row.Id descending
                select new Entry { Row = row, User = author },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static EntityKind? KindOf(CommandCall call, string type) =>
        call.Services.Of<EntityKinds>().All.FirstOrDefault(k => type.Equals(k.AnnotationType, StringComparison.OrdinalIgnoreCase) && MayAnnotate(call, k));

    private static bool MayAnnotate(CommandCall call, EntityKind kind) => kind.Reach == EntityReach.Owner || call.Caller.IsRootAdmin;

    // The kind is a parameter too, so the binder cannot look the id up; the rule is the same.
    private static async Task<Guid?> FindAsync(CommandCall call, EntityKind kind, string text, bool isToChange, CancellationToken cancellationToken) =>
        Guid.TryParseExact(text, "D", out var id) && (await call.Services.Entities.FindAsync(new EntityReference(kind.IdType, isToChange), [id], call.Caller, cancellationToken)).Contains(id) ? id : null;

    private static Task<ApiResult> ShowAsync(CommandCall call, Outcome<AnnotationRow> outcome, CancellationToken cancellationToken) => outcome.ToResultAsync(async row =>
        ApiResult.Object(Key, View, new Entry { Row = row, User = await call.Services.Database.ReadAsync((db, ct) => db.Users.FirstOrDefaultAsync(u => u.Id == row.UserId, ct), cancellationToken) }));

    private sealed record Entry
    {
        public required AnnotationRow Row { get; init; }

        public UserRow? User { get; init; }
    }
}
