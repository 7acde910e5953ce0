using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Events;

/// <inheritdoc/>
internal sealed class EventOperations : IEventOperations
{
    // One transaction with all that an installation ever told would hold up everybody.
    private const int Step = 2000;

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public EventOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<Success>> ArchiveEventsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken) => InStepsAsync(
        selection,
        async (turn, ct) =>
        {
            var some = await Events(turn.Db, caller, selection).Where(e => !e.Archived).OrderBy(e => e.Created).Take(Step).Select(e => e.Id).ToListAsync(ct);
            return await turn.Db.Events.Where(e => some.Contains(e.Id)).Set(e => e.Archived, true).UpdateAsync(ct);
        },
        null,
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteEventsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken) => InStepsAsync(
        selection,
        async (turn, ct) =>
        {
            var some = await Events(turn.Db, caller, selection).OrderBy(e => e.Created).Take(Step).Select(e => e.Id).ToListAsync(ct);
            return await turn.Db.Events.Where(e => some.Contains(e.Id)).DeleteAsync(ct);
        },
        (turn, count, ct) => TellAsync(turn, caller, EventTypes.EventDelete, $"{caller.UserName} deleted {count} events", ct),
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> ArchiveAlertsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken) => InStepsAsync(
        selection,
        async (turn, ct) =>
        {
            var some = await Alerts(turn.Db, selection).Where(a => !a.Archived).OrderBy(a => a.Created).Take(Step).Select(a => a.Id).ToListAsync(ct);
            return await turn.Db.Alerts.Where(a => some.Contains(a.Id)).Set(a => a.Archived, true).UpdateAsync(ct);
        },
        null,
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAlertsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken) => InStepsAsync(
        selection,
        async (turn, ct) =>
        {
            var some = await Alerts(turn.Db, selection).OrderBy(a => a.Created).Take(Step).Select(a => a.Id).ToListAsync(ct);
            return await turn.Db.Alerts.Where(a => some.Contains(a.Id)).DeleteAsync(ct);
        },
        (turn, count, ct) => TellAsync(turn, caller, EventTypes.AlertDelete, $"{caller.UserName} deleted {count} alerts", ct),
        cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, null, null, null, null, cancellationToken);

    private static IQueryable<EventRow> Events(StoreConnection db, Caller caller, EventSelection selection)
    {
        IQueryable<EventRow> events = db.Events;
        if (!caller.IsRootAdmin)
        {
            var owners = caller.Accounts(db);
            events = events.Where(e => owners.Any(a => a.Id == e.AccountId));
        }

        if (selection.Ids is { } ids)
        {
            var wanted = ids.Select(id => new EventId(id)).ToList();
            events = events.Where(e => wanted.Contains(e.Id));
        }

        if (selection.Type?.ToLowerInvariant() is { } type)
        {
            events = events.Where(e => e.Type.ToLower() == type);
        }

        if (selection.From is { } from)
        {
            events = events.Where(e => e.Created >= from);
        }

        return selection.To is { } to ? events.Where(e => e.Created <= to) : events;
    }

    private static IQueryable<AlertRow> Alerts(StoreConnection db, EventSelection selection)
    {
        IQueryable<AlertRow> alerts = db.Alerts;
        if (selection.Ids is { } ids)
        {
            var wanted = ids.Select(id => new AlertId(id)).ToList();
            alerts = alerts.Where(a => wanted.Contains(a.Id));
        }

        if (selection.Type is { } type)
        {
            // A kind that is no number is one that no alert is of.
            var number = int.TryParse(type, NumberStyles.None, CultureInfo.InvariantCulture, out var known) ? known : -1;
            alerts = alerts.Where(a => a.Type == number);
        }

        if (selection.From is { } from)
        {
            alerts = alerts.Where(a => a.Created >= from);
        }

        return selection.To is { } to ? alerts.Where(a => a.Created <= to) : alerts;
    }

    private async Task<Outcome<Success>> InStepsAsync(
        EventSelection selection, Func<Turn, CancellationToken, Task<int>> step, Func<Turn, int, CancellationToken, Task>? tell, CancellationToken cancellationToken)
    {
        if (selection is { Ids: null, Type: null, To: null } || selection is { From: not null, To: null })
        {
            return new Outcome<Success>.Refused(Faults.Invalid("Parameters ids, type or enddate say which; startdate needs enddate"));
        }

        while (true)
        {
            var count = await _turns.RunAsync(
                async (turn, ct) =>
                {
                    var some = await step(turn, ct);
                    if (some > 0 && tell is not null)
                    {
                        await tell(turn, some, ct);
                    }

                    return some;
                },
                cancellationToken);
            if (count < Step)
            {
                return new Outcome<Success>.Done(Success.Value);
            }
        }
    }
}
