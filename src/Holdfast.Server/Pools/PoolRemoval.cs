using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>The end of a storage pool.</summary>
internal sealed class PoolRemoval : TurnPart, ITurnPart<PoolRemoval>
{
    private PoolRemoval(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static PoolRemoval Of(Turn turn) => new(turn);

    /// <summary>
    /// Ends a pool: tombstones for every binding, deletions of its volumes given up to the orphans. Needs nothing from the backend and no host online.
    /// </summary>
    public async Task RemovePoolAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(pool with { State = PoolState.Removed, StateSince = Now, Removed = Now, AddDeadline = null }, token: cancellationToken);
        await Turn.Part<PoolIdentities>().ForgetAsync(pool, cancellationToken);
        await OrphanOfPoolAsync(pool, cancellationToken);
        await Turn.Part<PoolBindings>().TellBindingsAsync(pool.Id, Desired.Absent, cancellationToken);
        await Db.TemplateCopies.Where(c => c.PoolId == pool.Id && c.Removed == null)
            .Set(c => c.State, TemplateCopyState.Gone)
            .Set(c => c.Removed, Now)
            .Set(c => c.TaskId, (TaskId?)null)
            .UpdateAsync(cancellationToken);
        await ExpungeWithPoolAsync(pool, cancellationToken);
        var tasks = await Db.Tasks
            .Where(t => t.PoolId == pool.Id && (t.State == WorkState.Pending || t.State == WorkState.Owed))
            .Select(t => t.Id)
            .ToListAsync(cancellationToken);
        foreach (var task in tasks)
        {
            await Turn.Part<TaskDesk>().WithdrawTaskAsync(task, $"storage pool {pool.Name} ({pool.Id}) was removed", cancellationToken);
        }

        await Db.Vms.Where(v => v.RestartOnCancel == pool.Id).Set(v => v.RestartOnCancel, (PoolId?)null).UpdateAsync(cancellationToken);
        Turn.Mark(pool.Id);
    }

    // What goes with a pool and no host's ledger speaks of is written here, so that it can be found at the backend by hand.
    // A deleted volume's and a template copy's object alike. The backend is not asked: a pool is deleted from maintenance, where no driver runs, or before it ever was Up.
    private async Task OrphanOfPoolAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        await Turn.Part<ObligationDesk>().OrphanOfRetiredAsync(pool.Id, cancellationToken);
        var owner = await Db.Bindings.Where(b => b.PoolId == pool.Id).OrderByDescending(b => b.Created).ThenBy(b => b.IncarnationId).FirstOrDefaultAsync(cancellationToken);
        if (owner is null)
        {
            return; // No host ever had it: there is nothing at the backend.
        }

        var volumes = await Db.Volumes
            .Where(v => v.PoolId == pool.Id && v.Removed == null && v.State != VolumeState.Allocated)
            .OrderBy(v => v.Id)
            .ToListAsync(cancellationToken);
        var copies = await Db.TemplateCopies.Where(c => c.PoolId == pool.Id && c.Removed == null).OrderBy(c => c.Id).ToListAsync(cancellationToken);
        var rows = new List<ObligationRow>();
        var leftovers = volumes.Select(v => (v.Id, v.BackendName, v.Generation, What: $"volume {v.Name}"))
            .Concat(copies.Select(c => (c.Id, c.BackendName, c.Generation, What: $"the copy of template {c.TemplateId}")));
        var known = (await Db.Obligations
            .Where(o => o.PoolId == pool.Id && o.Kind == ObligationKind.DeleteVolume && (o.State == ObligationState.Owed || o.State == ObligationState.Orphaned))
            .Select(o => o.VolumeId)
            .ToListAsync(cancellationToken)).ToHashSet();
        foreach (var (id, backendName, generation, what) in leftovers.Where(l => !known.Contains(l.Id)))
        {
            rows.Add(new ObligationRow
            {
                Id = new ObligationId(Turn.NewId()),
                IncarnationId = owner.IncarnationId,
                HostId = owner.HostId,
                Kind = ObligationKind.DeleteVolume,
                State = ObligationState.Orphaned,
                PoolId = pool.Id,
                PoolName = pool.Name,
                VolumeId = id,
                BackendName = backendName,
                Generation = generation,
                Cause = $"storage pool {pool.Name} ({pool.Id}) was removed while {what} was on it; its backend was not asked",
                Tries = 0,
                HostCreated = Now,
                Created = Now,
                Updated = Now,
                Settled = Now,
            });
        }

        await Db.InsertAllAsync(rows, cancellationToken);
        await Turn.TellSystemAsync(
            [
                .. rows.Select(row => new SystemEvent(
                    EventTypes.ObligationOrphaned,
                    EventLevel.Warn,
                    ObligationDesk.DescribeObligation(row, $"was given up with its storage pool; what is left at the backend is {row.BackendName ?? "not known"}"),
                    ResourceTypes.Obligation,
                    row.Id.Value,
                    null)),
            ],
            cancellationToken);
    }

    // The volumes that nothing holds go with their pool, all at once; a VM that waits for that is looked at.
    private async Task ExpungeWithPoolAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        var going = Db.Volumes.Where(v => v.PoolId == pool.Id && v.Removed == null);
        var volumes = await going.ToListAsync(cancellationToken);
        if (volumes.Count == 0)
        {
            return;
        }

        var waiting = await going.Where(v => v.VmId != null && Db.Vms.Any(vm => vm.Id == v.VmId && vm.State == VmState.Expunging)).Select(v => v.VmId).Distinct().ToListAsync(cancellationToken);
        await Db.Tags.Where(t => going.Any(v => StoreSql.Plain(v.Id) == t.ResourceId)).DeleteAsync(cancellationToken);
        await going
            .Set(v => v.State, VolumeState.Expunged)
            .Set(v => v.StateSince, Now)
            .Set(v => v.Removed, Now)
            .Set(v => v.TaskId, (TaskId?)null)
            .Set(v => v.VmId, (VmId?)null)
            .Set(v => v.DeviceId, (int?)null)
            .Set(v => v.Condition, (string?)null)
            .UpdateAsync(cancellationToken);
        foreach (var vm in waiting)
        {
            Turn.Mark(vm!.Value);
        }

        var why = $"its storage pool {pool.Name} ({pool.Id}) was removed; what is left at the backend is nobody's any more";
        foreach (var volume in volumes)
        {
            Turn.Part<VolumeChanges>().LogExpunged(volume, why);
        }

        await Turn.Part<VolumeEvents>().TellDeletedAsync([.. volumes.Where(v => v is { State: VolumeState.Expunging, VmId: null })], why, cancellationToken);
    }
}
