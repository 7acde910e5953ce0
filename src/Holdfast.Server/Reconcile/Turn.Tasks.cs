using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reconcile;

/// <summary>Tasks: storage work given to hosts, and templates on pools.</summary>
internal sealed partial class Turn
{
    // Of the pools that could take a template first.
    private const int MostSeeds = 50;

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
        var id = new TaskId(NewId());
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
        await PutItemAsync(
            incarnation,
            ItemKind.Task,
            id.Value,
            Generation.First,
            Desired.Done,
            JsonSerializer.Serialize(spec, HostJson.Default.TaskSpec),
            deadline,
            cancellationToken);
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
            await PutItemAsync(item.IncarnationId, ItemKind.Task, id.Value, item.Generation.Next, Desired.Absent, null, null, cancellationToken);
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

    // Concurrent deploys share one import: the partial unique index allows one live copy of a template on a pool.
    private async Task WantTemplateAsync(VolumeId volumeId, IncarnationId incarnation, CancellationToken cancellationToken)
    {
        var volume = await Db.Volumes.SingleAsync(v => v.Id == volumeId, cancellationToken);
        var templateId = volume.TemplateId!.Value;
        var poolId = volume.PoolId!.Value;
        var copy = await FindCopyAsync(templateId, poolId, cancellationToken) 
            ?? await ImportAsync(templateId, poolId, await ChooseWorkerAsync(poolId, incarnation, cancellationToken) ?? incarnation, cancellationToken);
        await Db.Volumes.Where(v => v.Id == volumeId).Set(v => v.TemplateCopyId, copy).UpdateAsync(cancellationToken);
    }

    private Task<VolumeId?> FindCopyAsync(TemplateId template, PoolId pool, CancellationToken cancellationToken) =>
        Db.TemplateCopies
            .Where(c => c.TemplateId == template && c.PoolId == pool && c.Removed == null && (c.State == TemplateCopyState.Importing || c.State == TemplateCopyState.Ready))
            .Select(c => (VolumeId?)c.Id)
            .FirstOrDefaultAsync(cancellationToken);

    /// <summary>Has a template brought on a pool.</summary>
    /// <returns>The sealed volume to be.</returns>
    public async Task<VolumeId> ImportAsync(TemplateId templateId, PoolId poolId, IncarnationId incarnation, CancellationToken cancellationToken)
    {
        var template = await Db.Templates.SingleAsync(t => t.Id == templateId, cancellationToken);
        var pool = await Db.StoragePools.SingleAsync(p => p.Id == poolId, cancellationToken);
        var id = new VolumeId(NewId());
        var task = await AddTaskAsync(
            incarnation,
            WorkKind.ImportTemplate,
            id,
            new TaskSpec.ImportTemplate
            {
                PoolId = poolId,
                PoolName = pool.Name,
                TemplateId = templateId,
                TemplateName = template.Name,
                VolumeId = id,
                VolumeGeneration = Generation.First,
                Url = template.Url,
                Format = template.Format,
                Checksum = template.Checksum,
            },
            Now + Timings.ImportDeadline,
            cancellationToken);
        await Db.InsertAsync(
            new TemplateCopyRow
            {
                Id = id,
                TemplateId = templateId,
                PoolId = poolId,
                State = TemplateCopyState.Importing,
                Generation = Generation.First,
                SizeBytes = template.SizeBytes,
                TaskId = task,
                Created = Now,
            },
            token: cancellationToken);
        return id;
    }

    /// <summary>
    /// Has a template that no pool holds yet imported to one that is up: the proof that its image can be used. Nothing happens when no pool can take it now; a
    /// sweep looks again.
    /// </summary>
    public async Task SeedTemplateAsync(TemplateRow template, CancellationToken cancellationToken)
    {
        if (await Db.TemplateCopies.AnyAsync(c => c.TemplateId == template.Id && c.Removed == null && c.State == TemplateCopyState.Importing, cancellationToken))
        {
            return;
        }

        var candidates = await (from b in Db.Bindings
                             join p in Db.StoragePools on b.PoolId equals p.Id
                             join h in Db.Hosts on b.HostId equals h.Id
                             where p.State == PoolState.Up && p.Removed == null && b.Absent == null && b.Desired == Desired.Attached
                                 && b.Observed == BindingState.Attached && b.ControlPlane == PlaneHealth.Up
                                 && h.State == HostState.Up && h.IncarnationId == b.IncarnationId
                                 && (template.ZoneId == null || p.ZoneId == template.ZoneId)
                                 && (b.NotShared == null || p.Scope == PoolScope.Host)
                             orderby p.Created, p.Id, b.HoldsData == false ? 1 : 0, b.IncarnationId
                             select new { Pool = p, b.IncarnationId }).Take(MostSeeds).ToListAsync(cancellationToken);
        if (candidates.Count == 0)
        {
            return;
        }

        // The first that has room; how much is needed is not known before the image was looked at, so that only a pool that takes nothing more is passed over.
        var ids = candidates.Select(c => c.Pool.Id).Distinct().ToList();
        var promised = await StoragePromise.All(Db)
            .Where(p => ids.Contains(p.PoolId))
            .GroupBy(p => p.PoolId)
            .Select(g => new { g.Key, Bytes = g.Sum(p => p.Bytes) })
            .ToDictionaryAsync(p => p.Key, p => p.Bytes, cancellationToken);
        var rule = (await SettingValues.ReadAsync(Db, Timings, cancellationToken)).Storage;
        var serving = candidates.FirstOrDefault(c =>
            c.Pool.CapacityBytes is null || rule.Objection(FactsOf(c.Pool, promised.GetValueOrDefault(c.Pool.Id), hasTemplate: false), template.SizeBytes ?? 1) is null);
        if (serving is null)
        {
            return;
        }

        await ImportAsync(template.Id, serving.Pool.Id, serving.IncarnationId, cancellationToken);
        await Db.Templates.Where(t => t.Id == template.Id)
            .Set(t => t.State, TemplateState.Pending)
            .Set(t => t.Status, $"Importing to storage pool {serving.Pool.Name}")
            .UpdateAsync(cancellationToken);
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

        switch (task.Kind)
        {
            case WorkKind.ImportTemplate:
                await CopyChangedAsync(task, state, error, status, cancellationToken);
                break;
            case WorkKind.EnsureVolume when state == WorkState.Done:
                await Db.Volumes.Where(v => v.Id == task.VolumeId && v.TaskId == task.Id)
                    .Set(v => v.SizeBytes, v => status!.SizeBytes ?? v.SizeBytes)
                    .Set(v => v.BackendName, status!.BackendName)
                    .UpdateAsync(cancellationToken);
                break;
            case WorkKind.EnsureVolume when state == WorkState.Failed && status?.LostSource is { } why:
                await SourceLostAsync(task, why, cancellationToken);
                break;
            case WorkKind.ListVolumes:
                await InventoryEndedAsync(task, state, error, status?.Listing, cancellationToken);
                break;
            case WorkKind.ResizeVolume when state == WorkState.Done && status?.SizeBytes is { } size:
                await Db.Volumes.Where(v => v.Id == task.VolumeId && v.TaskId == task.Id).Set(v => v.WantedSizeBytes, size).UpdateAsync(cancellationToken);
                break;
            case WorkKind.DeleteVolume:
                await CopyDeletedAsync(task, state, cancellationToken);
                await UnclaimedDeletedAsync(task, state, error, cancellationToken);
                break;
            default:
                break;
        }

        if (task.VolumeId is { } volume)
        {
            Mark(volume);
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
            await DeleteCopyAsync(copy, cancellationToken);
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
            await TellSystemAsync(
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
            await DeleteCopyAsync(copy with { State = TemplateCopyState.Ready, TaskId = null }, cancellationToken);
        }

        var waiting = await Db.Volumes
            .Where(v => v.TemplateCopyId == copy.Id && v.State == VolumeState.Allocated && v.VmId != null && v.Removed == null)
            .Select(v => v.VmId)
            .Distinct()
            .ToListAsync(cancellationToken);
        foreach (var vm in waiting)
        {
            Mark(vm!.Value);
        }
    }

    /// <summary>
    /// Has a template's copy deleted through a ledger. Never blocks anything: with a dead backend it stays owed, with a removed pool it is an orphan, and while no
    /// host could do it, or when the one that had it was retired, a sweep asks again.
    /// </summary>
    public async Task DeleteCopyAsync(TemplateCopyRow copy, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.SingleAsync(p => p.Id == copy.PoolId, cancellationToken);
        if (copy.TaskId is { } running)
        {
            await WithdrawTaskAsync(running, "the template is being deleted", cancellationToken);
        }

        if (pool.Removed is not null)
        {
            await Db.UpdateAsync(copy with { State = TemplateCopyState.Gone, Removed = Now, TaskId = null }, token: cancellationToken);
            return;
        }

        var worker = await ChooseWorkerAsync(pool.Id, null, cancellationToken);
        if (worker is null)
        {
            await Db.UpdateAsync(copy with { State = TemplateCopyState.Deleting, TaskId = null }, token: cancellationToken);
            return;
        }

        var template = await Db.Templates.Where(t => t.Id == copy.TemplateId).Select(t => t.Name).SingleAsync(cancellationToken);
        var task = await AddTaskAsync(
            worker.Value,
            WorkKind.DeleteVolume,
            copy.Id,
            new TaskSpec.DeleteVolume
            {
                PoolId = pool.Id,
                PoolName = pool.Name,
                VolumeId = copy.Id,
                VolumeGeneration = copy.Generation,
                Label = $"template {template}",
            },
            null,
            cancellationToken);
        await Db.UpdateAsync(copy with { State = TemplateCopyState.Deleting, TaskId = task }, token: cancellationToken);
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
            await SupersedeOfRetiredAsync(task.VolumeId!.Value, cancellationToken);
        }
    }
}
