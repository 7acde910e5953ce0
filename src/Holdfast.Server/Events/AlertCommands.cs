using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Events;

/// <summary>Commands about alerts: what an operator should look at, told once.</summary>
internal static class AlertCommands
{
    private static readonly ValueParameter<Guid> FilterId = AnyId("id", "the id of the alert");
    private static readonly TextParameter Type = Text("type", "CloudStack's number of the kind of alert; 12 is ALERT.STORAGE.MISC");
    private static readonly TextParameter Name = Text("name", "CloudStack's name of the kind of alert");

    private static readonly ListParameter<AlertId> Chosen = Ids<AlertId>("ids", "the ids of alerts");
    private static readonly TextParameter OfType = Text("type", "alerts of this kind: CloudStack's number of it");
    private static readonly ValueParameter<DateTimeOffset> From = Date("startdate", "alerts at this time or later; needs enddate");
    private static readonly ValueParameter<DateTimeOffset> To = Date("enddate", "alerts up to this time");

    private static readonly View<AlertRow> View = Api.Commands.View<AlertRow>.Build(v => v
        .Id("id", "the id of the alert", a => a.Id)
        .Int("type", "CloudStack's number of the kind of alert", a => a.Type)
        .Text("name", "CloudStack's name of the kind of alert", a => a.Name)
        .Text("description", "what an operator should look at", a => a.Description)
        .Uuid("resourceid", "the id of the object it is about", a => a.ResourceId)
        .Date("sent", "when it was told", a => a.Created));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listAlerts",
            Description = "Lists alerts that were not put away, the newest first",
            Roles = Roles.RootAdmin,
            Parameters = [FilterId, Type, Name, .. CommonParameters.List],
            Response = ResponseShape.Of("alert", View),
            Handler = ListAsync,
        },
        Change("archiveAlerts", "Puts alerts away: they are not listed any more", (call, operations, ct) => operations.ArchiveAlertsAsync(call.Caller.ForOperations, SelectionOf(call), ct)),
        Change("deleteAlerts", "Deletes alerts; an event says who did", (call, operations, ct) => operations.DeleteAlertsAsync(call.Caller.ForOperations, SelectionOf(call), ct)),
    ];

    private static ApiCommand Change(string name, string description, Func<CommandCall, IEventOperations, CancellationToken, Task<Outcome<Success>>> change) => new()
    {
        Name = name,
        Description = $"{description}. Those that all parameters hold for; ids, type or enddate is needed",
        Roles = Roles.RootAdmin,
        Parameters = [Chosen, OfType, From, To],
        Response = ResponseShape.Success,
        Handler = async (call, ct) => (await change(call, call.Services.Of<IEventOperations>(), ct)).ToResult(),
    };

    private static EventSelection SelectionOf(CommandCall call) =>
        new() { Ids = call.Get(Chosen)?.Select(id => id.Value).ToList(), Type = call.Get(OfType), From = call.Get(From), To = call.Get(To) };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        int? type = null;
        if (call.Get(Type) is { } text)
        {
            if (!int.TryParse(text, out var number))
            {
                return ApiResult.EmptyList(); // A kind that is no number is one that no alert is of.
            }

            type = number;
        }

        AlertId? id = call.Get(FilterId) is { } wanted ? new AlertId(wanted) : null;
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                db.Alerts
                    .Where(a => !a.Archived
                        && (id == null || a.Id == id)
                        && (type == null || a.Type == type)
                        && (name == null || a.Name.ToLower() == name)
                        && (keyword == null || a.Description.ToLower().Contains(keyword)))
                    .OrderByDescending(a => a.Created)
                    .ThenByDescending(a => a.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("alert", View, listing.Rows, listing.Total);
    }
}
