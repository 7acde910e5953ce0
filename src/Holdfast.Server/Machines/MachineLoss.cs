using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>Guests that went with the installation of their host.</summary>
internal sealed class MachineLoss : TurnPart, ITurnPart<MachineLoss>
{
    private MachineLoss(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static MachineLoss Of(Turn turn) => new(turn);

    /// <summary>A guest is gone with the installation that had it: the VM is stopping without a place, its writer leases end.</summary>
    public async Task GuestLostAsync(VmId id, HostRow host, string why, CancellationToken cancellationToken)
    {
        var vm = await Db.Vms.SingleAsync(v => v.Id == id, cancellationToken);
        await Db.Leases.Where(l => l.VmId == id).DeleteAsync(cancellationToken);
        var hasPlace = vm with { HostId = null, IncarnationId = null, LastHostId = host.Id };
        if (vm.State is VmState.Running or VmState.Starting)
        {
            // The planner's own way: a VM without a place that is stopping is stopped, and its jobs end.
            hasPlace = hasPlace with { State = VmState.Stopping, StateSince = Now, EverRan = true, Stuck = null, Paused = null, Condition = $"the installation of its host {host.Name} was retired" };
        }

        await Db.UpdateAsync(hasPlace, token: cancellationToken);
        await Turn.TellAsync("VM.STOP", EventLevel.Error, EventState.Completed, $"VM {vm.Name} ({vm.Id}) is gone with the installation of host {host.Name}: {why}", vm.AccountId, vm.UserId, ResourceTypes.VirtualMachine, id.Value, vm.Name, null, cancellationToken);
        Turn.Mark(id);
    }
}
