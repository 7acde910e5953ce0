using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Tasks;

/// <summary>Tasks: storage work given to hosts.</summary>
internal sealed class TaskDesk : TurnPart, ITurnPart<TaskDesk>
{
    private TaskDesk(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static TaskDesk Of(Turn turn) => new(turn);

    /// <summary>Gives a host a task.</summary>
    public async Task<TaskId> AddTaskAsync(
        IncarnationId incarnation,
        WorkKind kind,
        VolumeId? volume,
        TaskSpec spec,
        DateTimeOffset? deadline,
        CancellationToken cancellationToken,
        ObligationId? obligation = null)
    {
        var id = new TaskId(Turn.NewId());
        await Db.InsertAsync(
            new TaskRow
            {
                Id = id,
                IncarnationId = incarnation,
                PoolId = spec.PoolId,
                Kind = kind,
                VolumeId = volume,
                ObligationId = obligation,
                State = WorkState.Pending,
                Created = Now,
                Deadline = deadline,
            },
            token: cancellationToken);
        await Turn.PutItemAsync(
            incarnation,
            ItemKind.Task,
            id.Value,
            Generation.First,
            Desired.Done,
            JsonSerializer.Serialize(spec, HostJson.Default.TaskSpec),
            deadline,
            cancellationToken,
            isNew: true);
        return id;
    }

    /// <summary>Tells a host that nobody waits for a task any more. What it did or does comes to light by the volume's own deletion or next use.</summary>
    public async Task WithdrawTaskAsync(TaskId id, string why, CancellationToken cancellationToken)
    {
        var withdrawn = await Db.Tasks
            .Where(t => t.Id == id && (t.State == WorkState.Pending || t.State == WorkState.Owed))
            .Set(t => t.State, WorkState.Withdrawn)
            .Set(t => t.Error, why)
            .Set(t => t.Completed, Now)
            .UpdateAsync(cancellationToken);
        if (withdrawn > 0)
        {
            await ForgetTaskItemAsync(id, cancellationToken);
        }
    }

    /// <summary>Tombstones a task's item.</summary>
    public async Task ForgetTaskItemAsync(TaskId id, CancellationToken cancellationToken)
    {
        var item = await Db.HostItems.FirstOrDefaultAsync(i => i.Kind == ItemKind.Task && i.Id == id.Value && i.Desired != Desired.Absent, cancellationToken);
        if (item is not null)
        {
            await Turn.PutItemAsync(item.IncarnationId, ItemKind.Task, id.Value, item.Generation.Next, Desired.Absent, null, null, cancellationToken);
        }
    }

    /// <summary>The host that does work of a pool which need not be done on a certain one.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="forWhom">The host that needs the result; null: nobody in particular.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The host's installation; null: no host has the pool.</returns>
    public async Task<IncarnationId?> ChooseWorkerAsync(PoolId pool, IncarnationId? forWhom, CancellationToken cancellationToken)
    {
        var bindings = await (from b in Db.Bindings
                              join h in Db.Hosts on b.HostId equals h.Id
                              where b.PoolId == pool && b.Absent == null && b.Desired != Desired.Absent && h.IncarnationId == b.IncarnationId && h.Removed == null
                              select new { b.IncarnationId, b.Observed, b.ControlPlane, b.HoldsData, h.State }).ToListAsync(cancellationToken);
        return WorkerRule.Choose(
            bindings.Select(b => new WorkerFacts(
                b.IncarnationId, b.State == HostState.Up, b is { Observed: BindingState.Attached, ControlPlane: PlaneHealth.Up }, b.HoldsData)),
            forWhom);
    }

    /// <summary>What a host said of a task, or what a missed deadline says for it, becomes a fact.</summary>
    public async Task TaskEndedAsync(TaskRow task, WorkState state, string? error, TaskStatus? status, CancellationToken cancellationToken)
    {
        var ended = task with
        {
            State = state,
            Error = error,
            Percent = status?.Percent,
            Completed = state is WorkState.Pending or WorkState.Owed ? null : Now,
        };
        if (ended == task)
        {
            return;
        }

        await Db.UpdateAsync(ended, token: cancellationToken);
        if (state is WorkState.Done or WorkState.Failed or WorkState.Withdrawn)
        {
            await ForgetTaskItemAsync(task.Id, cancellationToken);
        }

        foreach (var follower in Turn.Parts<ITaskFollower>())
        {
            await follower.TaskChangedAsync(task, state, error, status, cancellationToken);
        }

        if (task.VolumeId is { } volume)
        {
            Turn.Mark(volume);
        }
    }

    /// <summary>Whether a task is still another installation's to do.</summary>
    /// <param name="id">The task; null: there is none.</param>
    /// <param name="incarnation">The installation that is not meant.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<bool> IsAnothersAsync(TaskId? id, IncarnationId incarnation, CancellationToken cancellationToken) => id is { } task && await Db.Tasks.AnyAsync(
        t => t.Id == task && t.IncarnationId != incarnation && (t.State == WorkState.Pending || t.State == WorkState.Owed), cancellationToken);
}
