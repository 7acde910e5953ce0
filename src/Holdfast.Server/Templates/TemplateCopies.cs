using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Placement;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Templates;

/// <summary>Templates on storage pools.</summary>
internal sealed class TemplateCopies : TurnPart, ITurnPart<TemplateCopies>
{
    // Of the pools that could take a template first.
    private const int MostSeeds = 50;

    private TemplateCopies(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static TemplateCopies Of(Turn turn) => new(turn);

    /// <summary>Removes a template and has its copies deleted. VMs that were made from it stay.</summary>
    public async Task DeleteTemplateAsync(TemplateRow template, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(template with { Removed = Now, Status = "Deleted" }, token: cancellationToken);
        await Turn.Part<TagRows>().DropAsync(template.Id.Value, cancellationToken);
        await Turn.Part<IconRows>().DropAsync(template.Id.Value, cancellationToken);
        var copies = await Db.TemplateCopies.Where(c => c.TemplateId == template.Id && c.Removed == null && c.State != TemplateCopyState.Deleting).ToListAsync(cancellationToken);
        foreach (var copy in copies)
        {
            await DeleteCopyAsync(copy, cancellationToken);
        }
    }

    /// <summary>The copy of a template on a pool that is there or is being made; null: none.</summary>
    public Task<VolumeId?> FindCopyAsync(TemplateId template, PoolId pool, CancellationToken cancellationToken) =>
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
        var id = new VolumeId(Turn.NewId());
        var task = await Turn.Part<TaskDesk>().AddTaskAsync(
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
            Now + Turn.Timings.ImportDeadline,
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
                             where p.State == PoolState.Up && p.Removed == null && p.SameAs == null && b.Absent == null && b.Desired == Desired.Attached
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
        var rule = (await SettingValues.ReadAsync(Turn, cancellationToken)).Storage;
        var serving = candidates.FirstOrDefault(c =>
            c.Pool.CapacityBytes is null || rule.Objection(PlacementReader.PoolFactsOf(c.Pool, promised.GetValueOrDefault(c.Pool.Id), hasTemplate: false), template.SizeBytes ?? 1) is null);
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

    /// <summary>Looks whether templates that wait for a pool can be imported now.</summary>
    public async Task SeedTemplatesAsync(CancellationToken cancellationToken)
    {
        var waiting = await Db.Templates.Where(t => t.State == TemplateState.Pending && t.Removed == null).ToListAsync(cancellationToken);
        foreach (var template in waiting)
        {
            await SeedTemplateAsync(template, cancellationToken);
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
            await Turn.Part<TaskDesk>().WithdrawTaskAsync(running, "the template is being deleted", cancellationToken);
        }

        if (pool.Removed is not null)
        {
            await Db.UpdateAsync(copy with { State = TemplateCopyState.Gone, Removed = Now, TaskId = null }, token: cancellationToken);
            return;
        }

        var worker = await Turn.Part<TaskDesk>().ChooseWorkerAsync(pool.Id, null, cancellationToken);
        if (worker is null)
        {
            await Db.UpdateAsync(copy with { State = TemplateCopyState.Deleting, TaskId = null }, token: cancellationToken);
            return;
        }

        var template = await Db.Templates.Where(t => t.Id == copy.TemplateId).Select(t => t.Name).SingleAsync(cancellationToken);
        var task = await Turn.Part<TaskDesk>().AddTaskAsync(
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

    /// <summary>A template's copy cannot be cloned any more. What is left of it at the backend belongs to nobody then, and is removed by a person, if at all.</summary>
    public async Task GiveUpCopyAsync(TemplateCopyRow copy, string why, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(copy with { State = TemplateCopyState.Gone, Removed = Now, TaskId = null, Error = why }, token: cancellationToken);
        var template = await Db.Templates.Where(t => t.Id == copy.TemplateId).Select(t => t.Name).SingleAsync(cancellationToken);
        var pool = await Db.StoragePools.Where(p => p.Id == copy.PoolId).Select(p => p.Name).SingleAsync(cancellationToken);
        await Turn.TellSystemAsync(
            EventTypes.TemplateCopyLost,
            EventLevel.Warn,
            $"The copy {copy.BackendName ?? copy.Id.ToString()} of template {template} ({copy.TemplateId}) on storage pool {pool} ({copy.PoolId}) {why}; it is made again from the template's image when it is next needed",
            ResourceTypes.Template,
            copy.TemplateId.Value,
            template,
            cancellationToken);
    }
}
