using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reconcile;

/// <summary>Hosts and their installations.</summary>
internal sealed partial class Turn
{
    /// <summary>
    /// Ends every installation of a host, because a named person said that it was replaced: nothing of it can run any more. Its bindings are absolved, its guests
    /// gone, its work withdrawn; what it owed stays listed and can only be forgotten.
    /// </summary>
    /// <param name="host">The host.</param>
    /// <param name="by">The name of the person.</param>
    /// <param name="why">What that person said.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RetireIncarnationsAsync(HostRow host, string by, string why, CancellationToken cancellationToken)
    {
        var old = await Db.Incarnations.Where(i => i.HostId == host.Id && i.State == IncarnationState.Active).ToListAsync(cancellationToken);
        foreach (var incarnation in old)
        {
            await Db.UpdateAsync(incarnation with { State = IncarnationState.Retired, Retired = Now, RetiredWhy = why }, token: cancellationToken);
            var bindings = await Db.Bindings.Where(b => b.IncarnationId == incarnation.Id && b.Absent == null).ToListAsync(cancellationToken);
            foreach (var binding in bindings)
            {
                await Db.UpdateAsync(binding with { Absent = Now, Absolved = why, AbsolvedBy = by, Since = Now }, token: cancellationToken);
                await TellSystemAsync(EventTypes.BindingAbsolved, EventLevel.Warn, $"{by} absolved host {host.Name} ({host.Id}) of storage pool {binding.PoolId}: {why}", ResourceTypes.StoragePool, binding.PoolId.Value, null, cancellationToken);
                Mark(binding.PoolId);
            }

            var tasks = await Db.Tasks
                .Where(t => t.IncarnationId == incarnation.Id && (t.State == WorkState.Pending || t.State == WorkState.Owed))
                .ToListAsync(cancellationToken);
            await Db.HostItems.Where(i => i.IncarnationId == incarnation.Id).DeleteAsync(cancellationToken);
            await Db.SetAside.Where(s => s.IncarnationId == incarnation.Id).DeleteAsync(cancellationToken);
            await Db.Hosts.Where(h => h.Id == host.Id && h.SetAside > 0).Set(h => h.SetAside, 0).UpdateAsync(cancellationToken);
            foreach (var task in tasks)
            {
                await TaskEndedAsync(task, WorkState.Withdrawn, $"the installation of host {host.Name} that had it was retired", null, cancellationToken);
            }

            var gone = await (from o in Db.Obligations
                              join p in Db.StoragePools on o.PoolId equals p.Id
                              where o.IncarnationId == incarnation.Id && o.State == ObligationState.Owed && p.Removed != null
                              select p.Id).Distinct().ToListAsync(cancellationToken);
            foreach (var pool in gone)
            {
                await OrphanOfRetiredAsync(pool, cancellationToken);
            }

            var vms = await Db.Vms.Where(v => v.IncarnationId == incarnation.Id && v.Removed == null).Select(v => v.Id).ToListAsync(cancellationToken);
            foreach (var vm in vms)
            {
                await GuestLostAsync(vm, host, why, cancellationToken);
            }

            await TellSystemAsync(EventTypes.HostRetired, EventLevel.Warn, $"Installation {incarnation.Id} of host {host.Name} ({host.Id}) was retired: {why}", ResourceTypes.Host, host.Id.Value, host.Name, cancellationToken);
            await SignalAsync(incarnation.Id.Value, cancellationToken);
        }
    }

    /// <summary>Lets the maintenance of a host begin once no guest is on it. A host that is in no such state stays as it is.</summary>
    public async Task SettleMaintenanceAsync(HostId id, CancellationToken cancellationToken)
    {
        var host = await Db.Hosts.FirstOrDefaultAsync(h => h.Id == id && h.Removed == null && h.ResourceState == ResourceState.PrepareForMaintenance, cancellationToken);
        if (host is null)
        {
            return;
        }

        var active = await Db.Vms.CountAsync(v => v.HostId == id && v.Removed == null, cancellationToken);
        var state = HostPlanner.Plan(host.ResourceState, active);
        if (state != host.ResourceState)
        {
            await Db.Hosts.Where(h => h.Id == id).Set(h => h.ResourceState, state).UpdateAsync(cancellationToken);
            await TellSystemAsync(EventTypes.HostMaintenance, EventLevel.Info, $"Host {host.Name} ({host.Id}) is in maintenance: no guest is on it", ResourceTypes.Host, id.Value, host.Name, cancellationToken);
        }
    }

    /// <summary>Gives a host the state that its reports make, and has looked at what depends on it.</summary>
    public async Task<HostRow> SetHostStateAsync(HostRow host, CancellationToken cancellationToken)
    {
        var (changed, dependents) = await MoveHostAsync(host, cancellationToken);
        dependents.ForEach(mark => mark(this));
        return changed;
    }

    /// <summary>Gives a host the state that its reports make.</summary>
    /// <returns>The host, and what is to be looked at because of it, each of which can be marked in any turn.</returns>
    public async Task<(HostRow Host, List<Action<Turn>> Dependents)> MoveHostAsync(HostRow host, CancellationToken cancellationToken)
    {
        var state = HostPlanner.Plan(host.State, host.LastReport, Now);
        if (state == host.State)
        {
            return (host, []);
        }

        var changed = host with { State = state, Disconnected = state == HostState.Up ? null : host.Disconnected ?? Now };
        await Db.UpdateAsync(changed, token: cancellationToken);
        Db.AfterCommit(() => LogHostMoved(host.Name, host.Id, host.State, state));
        await TellSystemAsync(
            state == HostState.Up ? EventTypes.HostUp : EventTypes.HostLost,
            state == HostState.Up ? EventLevel.Info : EventLevel.Warn,
            state == HostState.Up ? $"Host {host.Name} ({host.Id}) is up" : $"Host {host.Name} ({host.Id}) has not reported since {host.LastReport:O}; it is {state}",
            ResourceTypes.Host,
            host.Id.Value,
            host.Name,
            cancellationToken);

        // Pools that wait for hosts count only those that are up; guests keep their state until their host says otherwise.
        var waiting = await Db.StoragePools
            .Where(p => p.Removed == null && (p.State == PoolState.Initialized || p.State == PoolState.PrepareForMaintenance || p.State == PoolState.CancelMaintenance))
            .Select(p => p.Id)
            .ToListAsync(cancellationToken);
        var stopping = await Db.Vms.Where(v => v.HostId == host.Id && v.State == VmState.Stopping && v.Removed == null).Select(v => v.Id).ToListAsync(cancellationToken);
        return (changed, [.. waiting.Select(pool => (Action<Turn>)(turn => turn.Mark(pool))), .. stopping.Select(vm => (Action<Turn>)(turn => turn.Mark(vm)))]);
    }

    private async Task GuestLostAsync(VmId id, HostRow host, string why, CancellationToken cancellationToken)
    {
        var vm = await Db.Vms.SingleAsync(v => v.Id == id, cancellationToken);
        await Db.Leases.Where(l => l.VmId == id).DeleteAsync(cancellationToken);
        var hasPlace = vm with { HostId = null, IncarnationId = null, LastHostId = host.Id };
        if (vm.State is VmState.Running or VmState.Starting)
        {
            // The planner's own way: a VM without a place that is stopping is stopped, and its jobs end.
            hasPlace = hasPlace with { State = VmState.Stopping, StateSince = Now, EverRan = true, Stuck = null, Condition = $"the installation of its host {host.Name} was retired" };
        }

        await Db.UpdateAsync(hasPlace, token: cancellationToken);
        await TellAsync("VM.STOP", EventLevel.Error, EventState.Completed, $"VM {vm.Name} ({vm.Id}) is gone with the installation of host {host.Name}: {why}", vm.AccountId, vm.UserId, ResourceTypes.VirtualMachine, id.Value, vm.Name, null, cancellationToken);
        Mark(id);
    }
}
