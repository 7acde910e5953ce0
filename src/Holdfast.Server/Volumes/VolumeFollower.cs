using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>What the ends of tasks and of obligations mean for volumes.</summary>
internal sealed class VolumeFollower : TurnPart, ITurnPart<VolumeFollower>, ITaskFollower, IObligationFollower
{
    private VolumeFollower(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static VolumeFollower Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public async Task DeletionChangedAsync(ObligationRow obligation, CancellationToken cancellationToken)
    {
        // A deletion that a person wrote off, or that went with its pool, will not be confirmed by anybody. One that another host has, or will get, may be.
        if (obligation.State is ObligationState.Forgotten or ObligationState.Orphaned)
        {
            var volume = await Db.Volumes.FirstOrDefaultAsync(
                v => v.Id == obligation.VolumeId && v.PoolId == obligation.PoolId && v.State == VolumeState.Expunging && v.Removed == null, cancellationToken);
            if (volume is not null && !await Turn.Part<TaskDesk>().IsAnothersAsync(volume.TaskId, obligation.IncarnationId, cancellationToken))
            {
                if (volume.TaskId is { } task)
                {
                    await Turn.Part<TaskDesk>().WithdrawTaskAsync(task, $"obligation {obligation.Id} is {obligation.State}", cancellationToken);
                }

                await Turn.Part<VolumeChanges>().ExpungedAsync(volume, $"its deletion is {obligation.State}; see obligation {obligation.Id} for what is left at the backend", cancellationToken);
            }
        }

        Turn.Mark(obligation.VolumeId);
    }

    /// <inheritdoc/>
    public async Task TaskChangedAsync(TaskRow task, WorkState state, string? error, TaskStatus? status, CancellationToken cancellationToken)
    {
        switch (task.Kind)
        {
            case WorkKind.EnsureVolume when state == WorkState.Done:
                await Db.Volumes.Where(v => v.Id == task.VolumeId && v.TaskId == task.Id)
                    .Set(v => v.SizeBytes, v => status!.SizeBytes ?? v.SizeBytes)
                    .Set(v => v.BackendName, status!.BackendName)
                    .UpdateAsync(cancellationToken);
                break;
            case WorkKind.ResizeVolume when state == WorkState.Done && status?.SizeBytes is { } size:
                await Db.Volumes.Where(v => v.Id == task.VolumeId && v.TaskId == task.Id).Set(v => v.WantedSizeBytes, size).UpdateAsync(cancellationToken);
                break;
            default:
                break;
        }
    }
}
