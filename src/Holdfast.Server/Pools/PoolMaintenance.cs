using System.Linq.Expressions;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>
/// VMs and the maintenance of the storage pools that they use: some are stopped, or started again, in a transaction, and the next ones in another. A step begins where the last
/// one ended and reads none of the VMs before; what does it is found by <see cref="PoolSweep"/>, after a crash as well.
/// </summary>
internal sealed class PoolMaintenance : TurnPart, ITurnPart<PoolMaintenance>
{
    private PoolMaintenance(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static PoolMaintenance Of(Turn turn) => new(turn);

    /// <summary>Tells the next VMs that use the pool to stop, the oldest first.</summary>
    /// <param name="id">The pool; nothing happens unless its maintenance is being prepared.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether more may be left.</returns>
    public async Task<bool> StopNextAsync(PoolId id, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == id && p.State == PoolState.PrepareForMaintenance, cancellationToken);
        if (pool is null || !await Turn.TryTakeAsync(id, cancellationToken))
        {
            return false;
        }

        var next = await Untold(Db, id, pool.StoppedTo)
            .Select(d => d.VmId)
            .Distinct()
            .OrderBy(vm => vm)
            .Take(Turn.Timings.StopsAtOnce)
            .ToListAsync(cancellationToken);
        if (next.Count == 0)
        {
            Turn.Mark(id);
            return false;
        }

        var vms = await Db.Vms
            .Where(v => next.Contains(v.Id) && v.Removed == null && (v.State == VmState.Running || v.State == VmState.Starting))
            .OrderBy(v => v.Id)
            .ToListAsync(cancellationToken);

        // First of all, so that whoever meets another node at the same step, or a report of one of the hosts, meets it before it has done any of it.
        await Db.StoragePools.Where(p => p.Id == id).Set(p => p.StoppedTo, next[^1]).UpdateAsync(cancellationToken);
        var hosts = vms.Select(v => v.IncarnationId).OfType<IncarnationId>().Distinct().ToList();
        if (hosts.Count > 0)
        {
            await Db.Incarnations.Where(i => hosts.Contains(i.Id)).Set(i => i.Revision, i => i.Revision + 1).UpdateAsync(cancellationToken);
        }

        if (vms.Count > 0)
        {
            await AddJobsAsync(vms, JobKind.StopVm, "stopping", "for", pool, cancellationToken);
            var ids = vms.ConvertAll(v => v.Id);
            await Db.Vms.Where(v => ids.Contains(v.Id))
                .Set(v => v.State, VmState.Stopping)
                .Set(v => v.StateSince, Now)
                .Set(v => v.RestartOnCancel, id)
                .UpdateAsync(cancellationToken);
            ids.ForEach(Turn.Mark);
        }

        Turn.Mark(id);
        return next.Count == Turn.Timings.StopsAtOnce;
    }

    /// <summary>Starts the next VMs that the maintenance of the pool has stopped, the oldest first. One that is still being stopped is started once it is stopped.</summary>
    /// <param name="id">The pool; nothing happens unless it serves its volumes again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether more may be left.</returns>
    public async Task<bool> RestartNextAsync(PoolId id, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == id && p.Restarts != null && (p.State == PoolState.Up || p.State == PoolState.Disabled), cancellationToken);
        if (pool is null || !await Turn.TryTakeAsync(id, cancellationToken))
        {
            return false;
        }

        Turn.Mark(id);
        var next = await Stopped(Db, id).OrderBy(v => v.Id).Take(Turn.Timings.StartsAtOnce).ToListAsync(cancellationToken);
        if (next.Count == 0)
        {
            if (!await Stopping(Db, id).AnyAsync(cancellationToken))
            {
                // Whatever else became of one of them: it is nothing to the next maintenance.
                await Db.Vms.Where(v => v.RestartOnCancel == id).Set(v => v.RestartOnCancel, (PoolId?)null).UpdateAsync(cancellationToken);
                await Db.StoragePools.Where(p => p.Id == id).Set(p => p.Restarts, (DateTimeOffset?)null).UpdateAsync(cancellationToken);
            }

            return false;
        }

        var ids = next.ConvertAll(v => v.Id);
        await Db.Vms.Where(v => ids.Contains(v.Id)).Set(v => v.RestartOnCancel, (PoolId?)null).UpdateAsync(cancellationToken);

        // Of an account that was disabled meanwhile nothing runs.
        var owners = next.ConvertAll(v => v.AccountId).Distinct().ToList();
        var disabled = await Db.Accounts.Where(a => owners.Contains(a.Id) && a.State == AccountStates.Disabled).Select(a => a.Id).ToListAsync(cancellationToken);
        var wanted = next.FindAll(v => v.Removal == VmRemoval.None && !disabled.Contains(v.AccountId));
        if (wanted.Count > 0)
        {
            await AddJobsAsync(wanted, JobKind.StartVm, "starting", "after", pool, cancellationToken);
            var starting = wanted.ConvertAll(v => v.Id);
            await Db.Vms.Where(v => starting.Contains(v.Id)).Set(v => v.State, VmState.Starting).Set(v => v.StateSince, Now).UpdateAsync(cancellationToken);
            starting.ForEach(Turn.Mark);
        }

        return next.Count == Turn.Timings.StartsAtOnce;
    }

    /// <summary>Whether VMs wait to be started, now that the maintenance is over.</summary>
    public async Task<bool> HasStoppedAsync(StoragePoolRow pool, CancellationToken cancellationToken) =>
        pool.Restarts is not null && await Stopped(Db, pool.Id).AnyAsync(cancellationToken);

    /// <summary>Whether every VM that uses the pool was told to stop.</summary>
    public async Task<bool> AreAllToldAsync(StoragePoolRow pool, CancellationToken cancellationToken) =>
        !await Untold(Db, pool.Id, pool.StoppedTo).AnyAsync(cancellationToken);

    /// <summary>
    /// A VM that uses the pool and whose guest is not gone; null: there is none, and from then on nobody looks again. The one that was found before is looked at first, then those
    /// after it, and only when none is left all of them.
    /// </summary>
    public async Task<PoolVmFacts?> HolderAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        if (pool.GuestsGone is not null)
        {
            return null;
        }

        PoolVmFacts? found = null;
        if (pool.WaitsFor is { } known)
        {
            found = await FirstAsync(d => d.VmId == known);
            if (found is not null)
            {
                return found;
            }

            found = await FirstAsync(d => StoreSql.IsAfter(d.VmId, known));
        }

        found ??= await FirstAsync(_ => true);
        await Db.StoragePools.Where(p => p.Id == pool.Id)
            .Set(p => p.WaitsFor, found?.Id)
            .Set(p => p.GuestsGone, found is null ? Now : (DateTimeOffset?)null)
            .UpdateAsync(cancellationToken);
        return found;

        async Task<PoolVmFacts?> FirstAsync(Expression<Func<VolumeRow, bool>> which)
        {
            var vm = await Holders(Db, pool.Id, which).OrderBy(v => v.Id).FirstOrDefaultAsync(cancellationToken);
            return vm is null ? null : FactsOf(vm);
        }
    }

    /// <summary>VMs that use the pool and whose guests are not gone, the oldest first.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<IReadOnlyList<PoolVmFacts>> HoldersAsync(PoolId pool, int most, CancellationToken cancellationToken)
    {
        var vms = await Holders(Db, pool, _ => true).Select(v => new { v.Id, v.Name, v.State }).Distinct().OrderBy(v => v.Id).Take(most).ToListAsync(cancellationToken);
        return [.. vms.Select(v => new PoolVmFacts(v.Id, v.Name, v.State))];
    }

    /// <summary>Volumes of VMs that use a pool and were not looked at yet to be told to stop.</summary>
    public static IQueryable<VolumeRow> Untold(StoreConnection db, PoolId pool, VmId? stoppedTo) =>
        db.Volumes.Where(d => d.PoolId == pool && d.Removed == null && StoreSql.IsAfter(d.VmId, stoppedTo));

    private static IQueryable<VmRow> Stopped(StoreConnection db, PoolId pool) =>
        db.Vms.Where(v => v.RestartOnCancel == pool && v.State == VmState.Stopped && v.Removed == null);

    private static IQueryable<VmRow> Stopping(StoreConnection db, PoolId pool) =>
        db.Vms.Where(v => v.RestartOnCancel == pool && v.State == VmState.Stopping && v.Removed == null);

    private static IQueryable<VmRow> Holders(StoreConnection db, PoolId pool, Expression<Func<VolumeRow, bool>> which) =>
        from d in db.Volumes.Where(d => d.PoolId == pool && d.Removed == null).Where(which)
        join v in db.Vms on d.VmId equals v.Id
        where v.Removed == null && (v.State == VmState.Running || v.State == VmState.Starting || v.State == VmState.Stopping)
        select v;

    private static PoolVmFacts FactsOf(VmRow vm) => new(vm.Id, vm.Name, vm.State);

    private Task AddJobsAsync(IReadOnlyList<VmRow> vms, JobKind kind, string verb, string when, StoragePoolRow pool, CancellationToken cancellationToken) => Turn.AddJobsAsync(
        vms.Select(vm => new JobToAdd(
            vm.AccountId,
            vm.UserId,
            kind,
            ResourceTypes.VirtualMachine,
            vm.Id.Value,
            $"{verb} VM {vm.Name} ({vm.Id}) {when} the maintenance of storage pool {pool.Name} ({pool.Id})",
            Turn.Timings.Of(kind, vm.GraceSeconds))),
        cancellationToken);
}
