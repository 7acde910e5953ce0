using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reports;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Tasks;

/// <summary>What hosts say of tasks.</summary>
internal sealed class TaskObserver : TurnPart, ITurnPart<TaskObserver>, IItemObserver
{
    private TaskObserver(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static TaskObserver Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public async Task ObserveAsync(ObservedItem seen, CancellationToken cancellationToken)
    {
        if (seen is not { Item: var item, Report: { Kind: ItemKind.Task, Task: { } status } report })
        {
            return;
        }

        var id = new TaskId(report.Id);
        var task = await Db.Tasks.FirstOrDefaultAsync(t => t.Id == id && t.IncarnationId == item.IncarnationId, cancellationToken);
        if (task is not { State: WorkState.Pending or WorkState.Owed } || item.Desired == Desired.Absent || report.Generation < item.Generation)
        {
            return;
        }

        var state = status.State switch
        {
            TaskState.Done => WorkState.Done,
            TaskState.Failed => WorkState.Failed,
            TaskState.Owed => WorkState.Owed,
            TaskState.Absent => WorkState.Withdrawn,
            _ => WorkState.Pending,
        };
        var error = ConditionTexts.TextOf(report.Conditions, ConditionType.Failed, ConditionType.Conflict, ConditionType.LedgerUnwritable, ConditionType.BackendUnhealthy, ConditionType.DriverMissing)
            ?? (report.Conditions.Any(c => c.Type == ConditionType.Expired) ? "its time to begin had passed" : (report.Conditions is [var first, ..] ? first.Text : null));
        var code = report.Conditions.FirstOrDefault(c => c.Code is not null)?.Code;
        await Turn.Part<TaskDesk>().TaskEndedAsync(
            task with { ErrorCode = code is { } known ? JsonNamingPolicy.KebabCaseLower.ConvertName(known.ToString()) : task.ErrorCode },
            state,
            state is WorkState.Failed or WorkState.Withdrawn ? error ?? "no reason given" : error,
            status,
            cancellationToken);
    }
}
