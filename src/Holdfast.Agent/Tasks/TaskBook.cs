using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Tasks;

/// <summary>The tasks of this host: follows the task items.</summary>
internal sealed class TaskBook(TaskContext context, ILoggerFactory logs)
{
    private static readonly TimeSpan RememberTombstones = TimeSpan.FromDays(7);
    private readonly Dictionary<TaskId, TaskRunner> _runners = [];

    /// <summary>Goes on with what the ledger says, and forgets what was withdrawn long ago.</summary>
    public void Start()
    {
        var now = context.Loop.Time.GetUtcNow();
        foreach (var row in context.Ledger.Tables.Items.Values.Where(row => row.Item.Kind == ItemKind.Task).ToArray())
        {
            if (row.Item.Desired == Desired.Absent && now - row.AcceptedAt > RememberTombstones)
            {
                context.Ledger.Note(new LedgerChange.DropItem(ItemKind.Task, row.Item.Id), new LedgerChange.DropTask(new TaskId(row.Item.Id)));
            }
            else
            {
                Follow(row.Item);
            }
        }
    }

    /// <summary>Follows an item that was accepted.</summary>
    public void Follow(HostItem item)
    {
        var task = new TaskId(item.Id);
        if (!_runners.TryGetValue(task, out var runner))
        {
            runner = new TaskRunner(context, task, logs.CreateLogger<TaskRunner>());
            _runners[task] = runner;
        }

        runner.Follow();
    }

    /// <summary>The state of a task, as it is reported.</summary>
    public ItemReport? Report(TaskId task)
    {
        if (context.Ledger.Tables.Item(ItemKind.Task, task.Value) is not { Item: var item, AcceptedAt: var accepted })
        {
            return null;
        }

        var row = context.Ledger.Tables.Tasks.GetValueOrDefault(task);
        return new ItemReport
        {
            Kind = ItemKind.Task,
            Id = task.Value,
            Generation = row?.Generation ?? item.Generation,
            Since = row?.Since ?? accepted,
            Conditions = row?.Conditions ?? [],
            Task = new Protocol.Host.TaskStatus
            {
                State = row?.State ?? TaskState.Pending,
                SizeBytes = row?.SizeBytes,
                BackendName = row?.BackendName,
                ObligationId = row?.Obligation,
                LostSource = row?.LostSource,
                Listing = row?.Listing,
                Percent = row is { State: TaskState.Running } ? _runners.GetValueOrDefault(task)?.Percent : null,
            },
        };
    }
}
