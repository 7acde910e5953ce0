using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Templates;

/// <summary>What the ends of tasks and of obligations mean for templates on storage pools.</summary>
internal sealed class TemplateFollower : TurnPart, ITurnPart<TemplateFollower>, ITaskFollower, IObligationFollower
{
    private TemplateFollower(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static TemplateFollower Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public async Task TaskChangedAsync(TaskRow task, WorkState state, string? error, TaskStatus? status, CancellationToken cancellationToken)
    {
        switch (task.Kind)
        {
            case WorkKind.ImportTemplate:
                await CopyChangedAsync(task, state, error, status, cancellationToken);
                break;
            case WorkKind.EnsureVolume when state == WorkState.Failed && status?.LostSource is { } why:
                await SourceLostAsync(task, why, cancellationToken);
                break;
            case WorkKind.DeleteVolume:
                await CopyDeletedAsync(task, state, cancellationToken);
                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    public async Task DeletionChangedAsync(ObligationRow obligation, CancellationToken cancellationToken)
    {
        if (obligation.State is not (ObligationState.Forgotten or ObligationState.Orphaned))
        {
            return;
        }

        var copy = await Db.TemplateCopies.FirstOrDefaultAsync(
            c => c.Id == obligation.VolumeId && c.PoolId == obligation.PoolId && c.State == TemplateCopyState.Deleting && c.Removed == null, cancellationToken);
        if (copy is not null && !await Turn.Part<TaskDesk>().IsAnothersAsync(copy.TaskId, obligation.IncarnationId, cancellationToken))
        {
            await Db.UpdateAsync(copy with { State = TemplateCopyState.Gone, Removed = Now, TaskId = null }, token: cancellationToken);
        }
    }

    private async Task CopyChangedAsync(TaskRow task, WorkState state, string? error, TaskStatus? status, CancellationToken cancellationToken)
    {
        var copy = await Db.TemplateCopies.FirstOrDefaultAsync(c => c.Id == task.VolumeId && c.State == TemplateCopyState.Importing, cancellationToken);
        if (copy is null)
        {
            return;
        }

        if (state is WorkState.Pending or WorkState.Owed)
        {
            if (status?.Percent is { } percent)
            {
                await Db.Templates.Where(t => t.Id == copy.TemplateId && t.State == TemplateState.Pending && t.Removed == null)
                    .Set(t => t.Status, TemplateStatus.Of(percent))
                    .UpdateAsync(cancellationToken);
            }

            return;
        }

        var isReady = state == WorkState.Done;
        await Db.UpdateAsync(
            copy with
            {
                State = isReady ? TemplateCopyState.Ready : TemplateCopyState.Failed,
                Error = isReady ? null : error ?? "no reason given",
                SizeBytes = status?.SizeBytes ?? copy.SizeBytes,
                BackendName = status?.BackendName ?? copy.BackendName,
                TaskId = null,
            },
            token: cancellationToken);
        if (!isReady && state == WorkState.Withdrawn)
        {
            // Whether it was made is not known; its deletion asks the backend.
            await Turn.Part<TemplateCopies>().DeleteCopyAsync(copy, cancellationToken);
        }

        var template = await Db.Templates.SingleAsync(t => t.Id == copy.TemplateId, cancellationToken);
        if (template.State != TemplateState.Ready && template.Removed is null)
        {
            await Db.UpdateAsync(
                template with
                {
                    State = isReady ? TemplateState.Ready : TemplateState.Failed,
                    Status = isReady ? TemplateStatus.Complete : error ?? "no reason given",
                    SizeBytes = status?.SizeBytes ?? template.SizeBytes,
                },
                token: cancellationToken);
            var pool = await Db.StoragePools.SingleAsync(p => p.Id == copy.PoolId, cancellationToken);
            await Turn.TellSystemAsync(
                isReady ? EventTypes.TemplateReady : EventTypes.TemplateFailed,
                isReady ? EventLevel.Info : EventLevel.Error,
                isReady
                    ? $"Template {template.Name} ({template.Id}) is on storage pool {pool.Name} ({pool.Id})"
                    : $"Template {template.Name} ({template.Id}) could not be brought on storage pool {pool.Name} ({pool.Id}): {error}",
                ResourceTypes.Template,
                template.Id.Value,
                template.Name,
                cancellationToken);
        }

        if (template.Removed is not null && isReady)
        {
            await Turn.Part<TemplateCopies>().DeleteCopyAsync(copy with { State = TemplateCopyState.Ready, TaskId = null }, cancellationToken);
        }

        var waiting = await Db.Volumes
            .Where(v => v.TemplateCopyId == copy.Id && v.State == VolumeState.Allocated && v.VmId != null && v.Removed == null)
            .Select(v => v.VmId)
            .Distinct()
            .ToListAsync(cancellationToken);
        foreach (var vm in waiting)
        {
            Turn.Mark(vm!.Value);
        }
    }

    private async Task CopyDeletedAsync(TaskRow task, WorkState state, CancellationToken cancellationToken)
    {
        if (state == WorkState.Done)
        {
            await Db.TemplateCopies.Where(c => c.Id == task.VolumeId && c.State == TemplateCopyState.Deleting)
                .Set(c => c.State, TemplateCopyState.Gone)
                .Set(c => c.Removed, Now)
                .Set(c => c.TaskId, (TaskId?)null)
                .UpdateAsync(cancellationToken);
            await Turn.Part<ObligationDesk>().SupersedeOfRetiredAsync(task.VolumeId!.Value, cancellationToken);
        }
    }

    // A host could not clone a volume's template: the copy is at fault when the backend said so of the copy itself.
    private async Task SourceLostAsync(TaskRow task, string why, CancellationToken cancellationToken)
    {
        var copy = await (from v in Db.Volumes
                          join c in Db.TemplateCopies on v.TemplateCopyId equals c.Id
                          where v.Id == task.VolumeId && v.TaskId == task.Id && c.State == TemplateCopyState.Ready && c.Removed == null
                          select c).FirstOrDefaultAsync(cancellationToken);
        if (copy is not null)
        {
            await Turn.Part<TemplateCopies>().GiveUpCopyAsync(copy, why, cancellationToken);
        }
    }
}
