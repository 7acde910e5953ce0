using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reconcile;

/// <summary>Storage pools and their bindings: facts for the planner, and its answers carried out.</summary>
internal sealed partial class Turn
{
    /// <summary>Makes the binding of a pool on an installation of a host.</summary>
    public async Task AddBindingAsync(StoragePoolRow pool, HostId host, IncarnationId incarnation, CancellationToken cancellationToken)
    {
        var desired = pool.State is PoolState.Maintenance or PoolState.PrepareForMaintenance ? Desired.Quiesced : Desired.Attached;
        await Db.InsertAsync(
            new BindingRow
            {
                IncarnationId = incarnation,
                PoolId = pool.Id,
                HostId = host,
                Generation = Generation.First,
                Desired = desired,
                ControlPlane = PlaneHealth.Unknown,
                DataPlane = PlaneHealth.Unknown,
                CanAttachLocally = false,
                Conditions = "[]",
                Since = Now,
                Created = Now,
            },
            token: cancellationToken);
        await PutItemAsync(incarnation, ItemKind.Binding, pool.Id.Value, Generation.First, desired, null, null, cancellationToken);
    }

    /// <summary>Tells every installation that has the pool what should be, as a new generation of its binding. Hosts that are away are told when they come back.</summary>
    public async Task TellBindingsAsync(PoolId pool, Desired desired, CancellationToken cancellationToken)
    {
        // Statements for the pool, not for each of its hosts: the same few for one host and for a thousand.
        var told = Db.Bindings.Where(b => b.PoolId == pool && b.Absent == null);
        var incarnations = await told.Select(b => b.IncarnationId).ToListAsync(cancellationToken);
        if (incarnations.Count > 0)
        {
            await told
                .Set(b => b.Generation, b => StoreSql.Next(b.Generation))
                .Set(b => b.Desired, desired)
                .Set(b => b.Since, Now)
                .UpdateAsync(cancellationToken);

            // As in PutItemAsync: the lock of its incarnation makes the revisions of a document visible in their order.
            await Db.Incarnations
                .Where(i => told.Any(b => b.IncarnationId == i.Id))
                .Set(i => i.Revision, i => i.Revision + 1)
                .UpdateAsync(cancellationToken);
            var items = await Db.HostItems
                .Where(i => i.Kind == ItemKind.Binding && i.Id == pool.Value && told.Any(b => b.IncarnationId == i.IncarnationId))
                .Set(i => i.Revision, i => Db.Incarnations.Where(n => n.Id == i.IncarnationId).Select(n => n.Revision).First())
                .Set(i => i.Generation, i => told.Where(b => b.IncarnationId == i.IncarnationId).Select(b => b.Generation).First())
                .Set(i => i.Desired, desired)
                .Set(i => i.Spec, (string?)null)
                .Set(i => i.Expires, (DateTimeOffset?)null)
                .UpdateAsync(cancellationToken);
            if (items < incarnations.Count)
            {
                // A binding whose item is missing must be told all the same, or it could never be confirmed.
                var missing = await told
                    .Where(b => !Db.HostItems.Any(i => i.Kind == ItemKind.Binding && i.Id == pool.Value && i.IncarnationId == b.IncarnationId))
                    .Select(b => new { b.IncarnationId, b.Generation })
                    .ToListAsync(cancellationToken);
                foreach (var binding in missing)
                {
                    await PutItemAsync(binding.IncarnationId, ItemKind.Binding, pool.Value, binding.Generation, desired, null, null, cancellationToken);
                }
            }
        }

        await SignalAsync([.. incarnations.Select(i => i.Value), pool.Value], cancellationToken);
    }

    /// <summary>
    /// Ends a pool: tombstones for every binding, deletions of its volumes given up to the orphans. Needs nothing from the backend and no host online.
    /// </summary>
    public async Task RemovePoolAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(pool with { State = PoolState.Removed, StateSince = Now, Removed = Now, AddDeadline = null }, token: cancellationToken);
        await OrphanAsync(pool, cancellationToken);
        await TellBindingsAsync(pool.Id, Desired.Absent, cancellationToken);
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
            await WithdrawTaskAsync(task, $"storage pool {pool.Name} ({pool.Id}) was removed", cancellationToken);
        }

        await Db.Vms.Where(v => v.RestartOnCancel == pool.Id).Set(v => v.RestartOnCancel, (PoolId?)null).UpdateAsync(cancellationToken);
        Mark(pool.Id);
    }

    /// <summary>
    /// Takes one host out of the reckoning of a removal, because a named person says so. The host goes on trying, and tells when it is done; what it owed will be
    /// done by nobody.
    /// </summary>
    public async Task AbsolveAsync(StoragePoolRow pool, HostRow host, BindingRow binding, string by, string why, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(binding with { Absent = Now, Absolved = why, AbsolvedBy = by, Since = Now }, token: cancellationToken);
        await TellSystemAsync(
            EventTypes.BindingAbsolved,
            EventLevel.Warn,
            $"{by} absolved host {host.Name} ({host.Id}) of storage pool {pool.Name} ({pool.Id}): {why}{(binding.DriverPid is { } pid ? $". Process {pid} of its driver may still be there" : string.Empty)}",
            ResourceTypes.StoragePool,
            pool.Id.Value,
            pool.Name,
            cancellationToken);
        var owed = await Db.Obligations.Where(o => o.PoolId == pool.Id && o.IncarnationId == binding.IncarnationId && o.State == ObligationState.Owed).ToListAsync(cancellationToken);
        await OrphanAsync(owed, $"will be done by nobody: its storage pool was removed, and {by} absolved the host that owed it", cancellationToken);
        Mark(pool.Id);
    }

    /// <summary>
    /// What an installation that is no more owes to a removed pool will be done by nobody: it becomes an orphan, listed by its name at the backend.
    /// </summary>
    private async Task OrphanOfRetiredAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var rows = await (from o in Db.Obligations
                          join i in Db.Incarnations on o.IncarnationId equals i.Id
                          where o.PoolId == pool && o.State == ObligationState.Owed && i.State == IncarnationState.Retired
                          select o).ToListAsync(cancellationToken);
        await OrphanAsync(rows, "will be done by nobody: its storage pool was removed and the installation that owed it was retired", cancellationToken);
    }

    private async Task OrphanAsync(IReadOnlyList<ObligationRow> rows, string why, CancellationToken cancellationToken)
    {
        foreach (var row in rows)
        {
            var orphan = row with { State = ObligationState.Orphaned, Settled = Now, Updated = Now, NextTry = null };
            await Db.UpdateAsync(orphan, token: cancellationToken);
            await TellObligationAsync(EventTypes.ObligationOrphaned, EventLevel.Warn, orphan, $"{why}; what is left at the backend is {row.BackendName ?? "not known"}", cancellationToken);
        }
    }

    // What goes with a pool and no host's ledger speaks of is written here, so that it can be found at the backend by hand.
    // A deleted volume's and a template copy's object alike. The backend is not asked: a pool is deleted from maintenance, where no driver runs, or before it ever was Up.
    private async Task OrphanAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        await OrphanOfRetiredAsync(pool.Id, cancellationToken);
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
                Id = new ObligationId(NewId()),
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
        await TellSystemAsync(
            [
                .. rows.Select(row => new SystemEvent(
                    EventTypes.ObligationOrphaned,
                    EventLevel.Warn,
                    DescribeObligation(row, $"was given up with its storage pool; what is left at the backend is {row.BackendName ?? "not known"}"),
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
            Mark(vm!.Value);
        }

        var why = $"its storage pool {pool.Name} ({pool.Id}) was removed; what is left at the backend is nobody's any more";
        foreach (var volume in volumes)
        {
            Db.AfterCommit(() => LogVolumeExpunged(volume.Name, volume.Id, why));
        }

        await TellDeletedAsync([.. volumes.Where(v => v is { State: VolumeState.Expunging, VmId: null })], why, cancellationToken);
    }

    /// <summary>VMs with a volume on the pool whose guest is not gone.</summary>
    public async Task<IReadOnlyList<PoolVmFacts>> ActiveVmsAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var vms = await (from v in Db.Vms
                         join d in Db.Volumes on v.Id equals d.VmId
                         where d.PoolId == pool && d.Removed == null && v.Removed == null
                             && (v.State == VmState.Running || v.State == VmState.Starting || v.State == VmState.Stopping)
                         select new { v.Id, v.Name, v.State }).Distinct().ToListAsync(cancellationToken);
        return [.. vms.OrderBy(v => v.Id.Value).Select(v => new PoolVmFacts(v.Id, v.Name, v.State))];
    }

    /// <summary>Until when createStoragePool waits for the hosts before it answers with the pool as it is.</summary>
    public async Task<DateTimeOffset> AnswerByAsync(StoragePoolRow pool, CancellationToken cancellationToken) =>
        pool.Created + (await SettingValues.ReadAsync(Db, Timings, cancellationToken))[Setting.PoolAddWait];

    private async Task SettlePoolAsync(PoolId id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var row = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == id, cancellationToken);
            if (row is null)
            {
                return;
            }

            var actions = PoolPlanner.Plan(await FactsOfAsync(row, cancellationToken));
            if (actions.Count == 0)
            {
                return;
            }

            foreach (var action in actions)
            {
                await ApplyAsync(row, action, cancellationToken);
            }

            await SignalAsync(id.Value, cancellationToken);
            if (actions.All(a => a is PoolAction.StopVm))
            {
                return; // The VMs' own turns come next, and mark the pool again.
            }
        }

        throw new InvalidOperationException($"Storage pool {id} does not settle.");
    }

    private async Task<PoolStateFacts> FactsOfAsync(StoragePoolRow row, CancellationToken cancellationToken)
    {
        var bindings = await (from b in Db.Bindings
                              join h in Db.Hosts on b.HostId equals h.Id
                              where b.PoolId == row.Id
                              orderby h.Name
                              select new { Binding = b, Host = h }).ToListAsync(cancellationToken);
        var jobs = await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == row.Id.Value).ToListAsync(cancellationToken);
        return new PoolStateFacts
        {
            Id = row.Id,
            Name = row.Name,
            State = row.State,
            Scope = row.Scope,
            AnswerBy = row.State == PoolState.Initialized ? await AnswerByAsync(row, cancellationToken) : null,
            AddDeadline = row.AddDeadline,
            IsGone = row.Absent is not null,
            Bindings = [.. bindings.Select(b => BindingRowFacts.Of(b.Binding, b.Host))],
            ActiveVms = row.State == PoolState.PrepareForMaintenance ? await ActiveVmsAsync(row.Id, cancellationToken) : [],
            Jobs = [.. jobs.Select(FactsOf)],
            Now = Now,
        };
    }

    private async Task ApplyAsync(StoragePoolRow row, PoolAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case PoolAction.MoveTo move:
                await MoveToAsync(row, move.State, cancellationToken);
                break;
            case PoolAction.Added added:
                await MoveToAsync(row, PoolState.Up, cancellationToken);
                await TellSystemAsync(EventTypes.PoolCreate, EventLevel.Info, $"Storage pool {row.Name} ({row.Id}) was added: host {added.HostName} serves it", ResourceTypes.StoragePool, row.Id.Value, row.Name, cancellationToken);
                break;
            case PoolAction.Undo undo:
                Db.AfterCommit(() => LogPoolUndone(row.Name, row.Id, undo.Why));
                var current = await Db.StoragePools.SingleAsync(p => p.Id == row.Id, cancellationToken);
                await RemovePoolAsync(current with { LastError = undo.Why }, cancellationToken);
                await TellSystemAsync(EventTypes.PoolCreate, EventLevel.Error, $"Storage pool {row.Name} ({row.Id}) could not be added: {undo.Why}", ResourceTypes.StoragePool, row.Id.Value, row.Name, cancellationToken);
                break;
            case PoolAction.Tell tell:
                await TellBindingsAsync(row.Id, tell.Wish == BindingWish.Quiesced ? Desired.Quiesced : Desired.Attached, cancellationToken);
                break;
            case PoolAction.StopVm stop:
                await StopForMaintenanceAsync(row, stop.Vm, cancellationToken);
                break;
            case PoolAction.RestartVms:
                await RestartAfterMaintenanceAsync(row, cancellationToken);
                break;
            case PoolAction.Gone gone:
                await Db.StoragePools.Where(p => p.Id == row.Id).Set(p => p.Absent, Now).UpdateAsync(cancellationToken);
                Db.AfterCommit(() => LogPoolGone(row.Name, row.Id));
                await TellSystemAsync(EventTypes.PoolGone, EventLevel.Info, $"Storage pool {row.Name} ({row.Id}) is gone from every host: {gone.Confirmed} confirmed{(gone.Absolved.Length == 0 ? string.Empty : $", absolved were {gone.Absolved}")}", ResourceTypes.StoragePool, row.Id.Value, row.Name, cancellationToken);
                break;
            case PoolAction.CompleteJob complete:
                await CompleteJobAsync(complete.Job, cancellationToken);
                break;
            case PoolAction.FailJob fail:
                await FailJobAsync(fail.Job, fail.Fault, cancellationToken);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "Unknown action.");
        }
    }

    private async Task MoveToAsync(StoragePoolRow row, PoolState state, CancellationToken cancellationToken)
    {
        Db.AfterCommit(() => LogPoolMoved(row.Name, row.Id, row.State, state));
        await Db.StoragePools.Where(p => p.Id == row.Id)
            .Set(p => p.State, state)
            .Set(p => p.StateSince, Now)
            .Set(p => p.AddDeadline, (DateTimeOffset?)null)
            .UpdateAsync(cancellationToken);
    }

    private async Task StopForMaintenanceAsync(StoragePoolRow pool, VmId id, CancellationToken cancellationToken)
    {
        var vm = await Db.Vms.SingleAsync(v => v.Id == id, cancellationToken);
        await AddJobAsync(
            vm.AccountId,
            vm.UserId,
            JobKind.StopVm,
            ResourceTypes.VirtualMachine,
            vm.Id.Value,
            $"stopping VM {vm.Name} ({vm.Id}) for the maintenance of storage pool {pool.Name} ({pool.Id})",
            Timings.Of(JobKind.StopVm, vm.GraceSeconds),
            cancellationToken);
        await Db.UpdateAsync(vm with { State = VmState.Stopping, StateSince = Now, RestartOnCancel = pool.Id }, token: cancellationToken);
        Mark(id);
    }

    private async Task RestartAfterMaintenanceAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        var vms = await Db.Vms.Where(v => v.RestartOnCancel == pool.Id && v.Removed == null).ToListAsync(cancellationToken);
        foreach (var vm in vms)
        {
            if (vm.State != VmState.Stopped || vm.Removal != VmRemoval.None)
            {
                await Db.UpdateAsync(vm with { RestartOnCancel = null }, token: cancellationToken);
                continue;
            }

            await AddJobAsync(
                vm.AccountId,
                vm.UserId,
                JobKind.StartVm,
                ResourceTypes.VirtualMachine,
                vm.Id.Value,
                $"starting VM {vm.Name} ({vm.Id}) after the maintenance of storage pool {pool.Name} ({pool.Id})",
                Timings.Of(JobKind.StartVm),
                cancellationToken);
            await Db.UpdateAsync(vm with { State = VmState.Starting, StateSince = Now, RestartOnCancel = null }, token: cancellationToken);
            Mark(vm.Id);
        }
    }
}
