using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Events;

/// <summary>Commands about events.</summary>
internal static class EventCommands
{
    private static readonly ValueParameter<EventId> FilterId = Id<EventId>("id", "the id of the event");
    private static readonly TextParameter Type = Text("type", "the type, such as VM.STOP");
    private static readonly TextParameter Level = Text("level", "INFO, WARN or ERROR");
    private static readonly TextParameter State = Text("state", "Scheduled, Started or Completed");
    private static readonly ValueParameter<DateTimeOffset> StartDate = Date("startdate", "events at this time or later");
    private static readonly ValueParameter<DateTimeOffset> EndDate = Date("enddate", "events up to this time");
    private static readonly ValueParameter<EventId> StartId = Id<EventId>("startid", "the event that this one belongs to");
    private static readonly ValueParameter<Guid> ResourceId = AnyId("resourceid", "the id of the object that the event is about");
    private static readonly TextParameter ResourceType = Text("resourcetype", "the type of the object that the event is about");
    private static readonly ValueParameter<bool> Archived = Bool("archived", "true lists the archived events instead of the others");

    private static readonly ListParameter<EventId> Chosen = Ids<EventId>("ids", "the ids of events");
    private static readonly TextParameter OfType = Text("type", "events of this type, whatever its case");
    private static readonly ValueParameter<DateTimeOffset> From = Date("startdate", "events at this time or later; needs enddate");
    private static readonly ValueParameter<DateTimeOffset> To = Date("enddate", "events up to this time");

    private static readonly View<EventEntry> View = Api.Commands.View<EventEntry>.Build(v => v
        .Id("id", "the id of the event", e => e.Event.Id)
        .Text("username", "the name of the user who caused it", e => e.User?.Username)
        .Text("type", "the type", e => e.Event.Type)
        .Text("level", "INFO, WARN or ERROR", e => e.Event.Level.ToString().ToUpperInvariant())
        .Text("description", "what happened", e => e.Event.Description)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of that account's domain", e => e.Domain.Id)
        .Text("domain", "that account's domain", e => e.Domain.Name)
        .Text("domainpath", "the path of that domain", e => e.Domain.Path)
        .Date("created", "when it happened", e => e.Event.Created)
        .Text("state", "Scheduled, Started or Completed", e => e.Event.State.ToString())
        .OptionalId("parentid", "the event that it belongs to", e => e.Event.StartId)
        .Uuid("resourceid", "the id of the object it is about", e => e.Event.ResourceId)
        .Text("resourcetype", "the type of the object it is about", e => e.Event.ResourceType)
        .Text("resourcename", "the name of the object it is about", e => e.Event.ResourceName)
        .Bool("archived", "true if it was put away", e => e.Event.Archived));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listEvents",
            Description = "Lists events, the newest first",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, Type, Level, State, StartDate, EndDate, StartId, ResourceId, ResourceType, Archived, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of("event", View),
            Handler = ListAsync,
        },
        Change("archiveEvents", "Puts events away: they are listed only when archived ones are asked for", (call, operations, ct) => operations.ArchiveEventsAsync(call.Caller.ForOperations, SelectionOf(call), ct)),
        Change("deleteEvents", "Deletes events; one more says who did", (call, operations, ct) => operations.DeleteEventsAsync(call.Caller.ForOperations, SelectionOf(call), ct)),
    ];

    private static ApiCommand Change(string name, string description, Func<CommandCall, IEventOperations, CancellationToken, Task<Outcome<Success>>> change) => new()
    {
        Name = name,
        Description = $"{description}. Those that all parameters hold for; ids, type or enddate is needed",
        Roles = Roles.Authenticated,
        Parameters = [Chosen, OfType, From, To],
        Response = ResponseShape.Success,
        Handler = async (call, ct) => (await change(call, call.Services.Of<IEventOperations>(), ct)).ToResult(),
    };

    private static EventSelection SelectionOf(CommandCall call) =>
        new() { Ids = call.Get(Chosen)?.Select(id => id.Value).ToList(), Type = call.Get(OfType), From = call.Get(From), To = call.Get(To) };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        EventLevel? level = null;
        if (call.Get(Level) is { } levelText)
        {
            if (!Enum.TryParse<EventLevel>(levelText, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return ApiResult.EmptyList();
            }

            level = parsed;
        }

        EventState? state = null;
        if (call.Get(State) is { } stateText)
        {
            if (!Enum.TryParse<EventState>(stateText, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return ApiResult.EmptyList();
            }

            state = parsed;
        }

        var archived = call.Get(Archived) ?? false;
        var id = call.Get(FilterId);
        var type = call.Get(Type)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var earliest = call.Get(StartDate);
        var latest = call.Get(EndDate);
        var startId = call.Get(StartId);
        var resource = call.Get(ResourceId);
        var resourceType = call.Get(ResourceType)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from item in OfLevelAndState(db.Events, level, state)
                join account in Ownership.AskedFor(db, call, id is not null) on item.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                from user in db.Users.LeftJoin(u => u.Id == item.UserId)
                where item.Archived == archived
                    && (id == null || item.Id == id)
                    && (type == null || item.Type.ToLower() == type)
                    && (keyword == null || item.Type.ToLower().Contains(keyword) || item.Description.ToLower().Contains(keyword))
                    && (earliest == null || item.Created >= earliest)
                    && (latest == null || item.Created <= latest)
                    && (startId == null || item.StartId == startId || item.Id == startId)
                    && (resource == null || item.ResourceId == resource)
                    && (resourceType == null || item.ResourceType!.ToLower() == resourceType)
                orderby item.Created descending, item.Id descending
                select new EventEntry { Event = item, Account = account, Domain = domain, User = user },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("event", View, listing.Rows, listing.Total);
    }

    private static IQueryable<EventRow> OfLevelAndState(IQueryable<EventRow> events, EventLevel? level, EventState? state)
    {
        if (level is { } wantedLevel)
        {
            events = events.Where(e => e.Level == wantedLevel);
        }

        if (state is { } wantedState)
        {
            events = events.Where(e => e.State == wantedState);
        }

        return events;
    }

    private sealed record EventEntry
    {
        public required EventRow Event { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }

        public UserRow? User { get; init; }
    }
}
