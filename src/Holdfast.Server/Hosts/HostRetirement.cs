using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Machines;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>The end of installations of hosts.</summary>
internal sealed class HostRetirement : TurnPart, ITurnPart<HostRetirement>
{
    private HostRetirement(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static HostRetirement Of(Turn turn) => new(turn);

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
                await Turn.TellSystemAsync(EventTypes.BindingAbsolved, EventLevel.Warn, $"{by} absolved host {host.Name} ({host.Id}) of storage pool {binding.PoolId}: {why}", ResourceTypes.StoragePool, binding.PoolId.Value, null, cancellationToken);
                Turn.Mark(binding.PoolId);
            }

            var tasks = await Db.Tasks
                .Where(t => t.IncarnationId == incarnation.Id && (t.State == WorkState.Pending || t.State == WorkState.Owed))
                .ToListAsync(cancellationToken);
            await Db.HostItems.Where(i => i.IncarnationId == incarnation.Id).DeleteAsync(cancellationToken);
            await Db.SetAside.Where(s => s.IncarnationId == incarnation.Id).DeleteAsync(cancellationToken);
            await Db.Hosts.Where(h => h.Id == host.Id && h.SetAside > 0).Set(h => h.SetAside, 0).UpdateAsync(cancellationToken);
            foreach (var task in tasks)
            {
                await Turn.Part<TaskDesk>().TaskEndedAsync(task, WorkState.Withdrawn, $"the installation of host {host.Name} that had it was retired", null, cancellationToken);
            }

            var gone = await (from o in Db.Obligations
                              join p in Db.StoragePools on o.PoolId equals p.Id
                              where o.IncarnationId == incarnation.Id && o.State == ObligationState.Owed && p.Removed != null
                              select p.Id).Distinct().ToListAsync(cancellationToken);
            foreach (var pool in gone)
            {
                await Turn.Part<ObligationDesk>().OrphanOfRetiredAsync(pool, cancellationToken);
            }

            var vms = await Db.Vms.Where(v => v.IncarnationId == incarnation.Id && v.Removed == null).Select(v => v.Id).ToListAsync(cancellationToken);
            foreach (var vm in vms)
            {
                await Turn.Part<MachineLoss>().GuestLostAsync(vm, host, why, cancellationToken);
            }

            await Turn.TellSystemAsync(EventTypes.HostRetired, EventLevel.Warn, $"Installation {incarnation.Id} of host {host.Name} ({host.Id}) was retired: {why}", ResourceTypes.Host, host.Id.Value, host.Name, cancellationToken);
            await Turn.SignalAsync(incarnation.Id.Value, cancellationToken);
        }
    }
}
