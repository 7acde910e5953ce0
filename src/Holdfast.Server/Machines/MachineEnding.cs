using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Machines;

/// <summary>Has VMs stopped and removed, whoever wants it: a request, or an account that ends.</summary>
internal sealed class MachineEnding : TurnPart, ITurnPart<MachineEnding>
{
    private MachineEnding(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static MachineEnding Of(Turn turn) => new(turn);

    /// <summary>Has a VM stopped whose guest may run. Asked again, it stays as it is, or becomes forced.</summary>
    /// <param name="vm">The VM, in state Starting, Running or Stopping, with what else changes of its row.</param>
    /// <param name="forced">Whether the guest is not asked.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task StopAsync(VmRow vm, bool forced, CancellationToken cancellationToken)
    {
        await Turn.Part<MachineRows>().SaveAsync(
            vm with
            {
                State = VmState.Stopping,
                StateSince = vm.State == VmState.Stopping ? vm.StateSince : Now,
                ForcedStop = vm.ForcedStop || forced,
                StartsAgain = false,
                Condition = vm.State == VmState.Stopping ? vm.Condition : null,
            },
            cancellationToken);
        Turn.Mark(vm.Id);
    }

    /// <summary>Has a VM removed: its guest ends first.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="expunge">Whether it goes at once, and cannot be recovered.</param>
    /// <param name="forced">Whether the guest is not asked.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RemoveAsync(VmRow vm, bool expunge, bool forced, CancellationToken cancellationToken)
    {
        var removal = expunge || vm.State is VmState.Error or VmState.Expunging || vm.Removal == VmRemoval.Expunge ? VmRemoval.Expunge : VmRemoval.Destroy;
        var going = vm with { Removal = removal, RestartOnCancel = null };
        if (vm.State is VmState.Running or VmState.Stopping or VmState.Starting)
        {
            await StopAsync(going, forced || vm.State == VmState.Starting, cancellationToken);
            return;
        }

        await Turn.Part<MachineRows>().SaveAsync(going, cancellationToken);
        Turn.Mark(vm.Id);
    }
}
