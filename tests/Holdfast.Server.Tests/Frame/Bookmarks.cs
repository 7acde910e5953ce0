using System.Text.Json.Serialization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using LinqToDB.Mapping;
using Microsoft.Extensions.DependencyInjection;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Tests.Frame;

// A kind of entity that only these tests know, made with what the frame gives and nothing else: if something here needs a change of the server, the frame has a hole.

/// <summary>A bookmark.</summary>
[JsonConverter(typeof(TypedIdJsonConverter<BookmarkId>))]
internal readonly record struct BookmarkId(Guid Value) : ITypedId<BookmarkId>
{
    public static BookmarkId From(Guid value) => new(value);

    public override string ToString() => Value.ToString("D");
}

[Table("test_bookmarks")]
internal sealed record BookmarkRow
{
    [PrimaryKey]
    [Column("id")]
    public required Guid Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("name")]
    public required string Name { get; init; }

    [Column("is_kept")]
    public required bool IsKept { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}

internal sealed class BookmarkKind() : EntityKind<BookmarkId>("Bookmark", "listBookmarks", EntityReach.Owner)
{
    public static View<BookmarkRow> View { get; } = Server.Api.Commands.View<BookmarkRow>.Build(v => v
        .Uuid("id", "the id of the bookmark", r => r.Id)
        .Text("name", "the name of the bookmark", r => r.Name)
        .Bool("iskept", "true once it is kept", r => r.IsKept));

    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await db.GetTable<BookmarkRow>().FirstOrDefaultAsync(r => r.Id == id, cancellationToken) is { } row ? View.ToJson("bookmark", row, viewer) : null;

    protected override IQueryable<BookmarkId> Find(StoreConnection db, BookmarkId[] ids, EntityViewer viewer)
    {
        var (wanted, owners) = (ids.Select(id => id.Value).ToList(), viewer.Owners);
        return db.GetTable<BookmarkRow>().Where(r => wanted.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => new BookmarkId(r.Id));
    }
}

/// <summary>A bookmark is kept when somebody looks at it; then the jobs that wait for that are done.</summary>
internal sealed class BookmarkSettler : TurnPart, ITurnPart<BookmarkSettler>, ISettler<BookmarkId>
{
    private BookmarkSettler(Turn turn)
        : base(turn)
    {
    }

    public string ResourceType => "Bookmark";

    public static BookmarkSettler Of(Turn turn) => new(turn);

    public void Mark(Guid id) => Turn.Mark(new BookmarkId(id));

    public async Task SettleAsync(BookmarkId id, CancellationToken cancellationToken)
    {
        await Db.GetTable<BookmarkRow>().Where(r => r.Id == id.Value).Set(r => r.IsKept, true).UpdateAsync(cancellationToken);
        foreach (var job in await Db.Jobs.Where(j => j.InstanceId == id.Value && j.State == JobState.Pending).ToListAsync(cancellationToken))
        {
            await Turn.CompleteJobAsync(job.Id, cancellationToken);
        }
    }
}

/// <summary>What was made without anybody looking at it.</summary>
internal sealed class BookmarkSweep : ISweep
{
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var ids = await moment.Db.GetTable<BookmarkRow>().Where(r => !r.IsKept).OrderBy(r => r.Created).Take(SweepMoment.Batch).Select(r => r.Id).ToListAsync(cancellationToken);
        return [.. ids.Select(id => SweepFind.Settle($"bookmark {id}", turn => turn.Mark(new BookmarkId(id))))];
    }
}

internal sealed class BookmarkOperations(TurnFactory turns)
{
    public static readonly JobKind Create = new("CreateBookmark");

    public Task<JobOutcome> CreateAsync(Caller caller, string name, bool isLeft, CancellationToken cancellationToken) => turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var row = new BookmarkRow { Id = turn.NewId(), AccountId = caller.AccountId, Name = name, IsKept = false, Created = turn.Now };
            await turn.Db.InsertAsync(row, token: ct);
            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, Create, "Bookmark", row.Id, $"creating bookmark {name}", TimeSpan.FromMinutes(1), ct);
            if (!isLeft)
            {
                turn.Mark(new BookmarkId(row.Id));
            }

            return new JobOutcome.Accepted(job.Id, row.Id);
        },
        cancellationToken);

    public Task<Outcome<Success>> DeleteAsync(Caller caller, BookmarkId id, CancellationToken cancellationToken) => turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            await turn.Db.GetTable<BookmarkRow>().Where(r => r.Id == id.Value).DeleteAsync(ct);
            await turn.TellAsync("BOOKMARK.DELETE", EventLevel.Info, EventState.Completed, $"Bookmark {id} is deleted", caller.AccountId, caller.UserId, "Bookmark", id.Value, null, null, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);
}

internal static class BookmarkCommands
{
    private static readonly TextParameter Name = Text("name", "the name of the bookmark", required: true);
    private static readonly ValueParameter<bool> IsLeft = Bool("isleft", "whether it is left for the sweep to find");
    private static readonly ValueParameter<BookmarkId> Id = Id<BookmarkId>("id", "the id of the bookmark", required: true);
    private static readonly ValueParameter<BookmarkId> FilterId = Id<BookmarkId>("id", "the id of the bookmark");

    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "createBookmark",
            Description = "Makes a bookmark",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Name, IsLeft],
            Response = ResponseShape.Of("bookmark", BookmarkKind.View),
            Handler = async (call, ct) =>
                (await call.Services.Of<BookmarkOperations>().CreateAsync(call.Caller.ForOperations, call.Require(Name), call.Get(IsLeft) == true, ct)).ToResult(creates: true),
        },
        new()
        {
            Name = "deleteBookmark",
            Description = "Deletes a bookmark",
            Roles = Roles.Authenticated,
            Parameters = [Id],
            Response = ResponseShape.Of("bookmark", BookmarkKind.View),
            Handler = async (call, ct) => (await call.Services.Of<BookmarkOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Id), ct)).ToResult(),
        },
        new()
        {
            Name = "listBookmarks",
            Description = "Lists bookmarks",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of("bookmark", BookmarkKind.View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterId)?.Value;
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from row in db.GetTable<BookmarkRow>()
                join account in Ownership.AskedFor(db, call, id is not null) on row.AccountId equals account.Id
                where (id == null || row.Id == id) && (keyword == null || row.Name.ToLower().Contains(keyword))
                orderby row.Created, row.Id
                select row,
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("bookmark", BookmarkKind.View, listing.Rows, listing.Total);
    }
}

/// <summary>The registration of the kind: everything that a folder of the server has.</summary>
internal static class BookmarkServices
{
    public static void Register(IServiceCollection services)
    {
        services.AddSingleton<EntityKind>(new BookmarkKind());
        services.AddSingleton(new JobType(BookmarkOperations.Create, "BOOKMARK.CREATE", "org.example.CreateBookmarkCmd"));
        services.AddSingleton(TurnPartType.For<BookmarkSettler>());
        services.AddSingleton<ISweep, BookmarkSweep>();
        services.AddSingleton<BookmarkOperations>();
        services.AddSingleton(new ApiCommandGroup(BookmarkCommands.All));
    }
}
