using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I22: a guest that somebody suspended by hand is let go on by its host only to be restarted or stopped, as somebody asked.</summary>
internal sealed class PauseChecker : Checker
{
    private static readonly TimeSpan ResetIsFresh = TimeSpan.FromSeconds(30);
    private readonly HashSet<(string Host, VmId Vm)> _byHand = [];
    private readonly Dictionary<(string Host, VmId Vm), Desired> _wish = [];
    private readonly Dictionary<(string Host, VmId Vm), TimeSpan> _restarted = [];

    public override string Invariant => "I22";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.ItemDelivered { Item: { Kind: ItemKind.Machine } item } delivered:
                _wish[(delivered.Host, new VmId(item.Id))] = item.Desired;
                break;
            case HistoryEntry.GuestRestarted restarted:
                _restarted[(restarted.Host, restarted.Vm)] = entry.At;
                break;
            case HistoryEntry.GuestPaused paused when paused.Reason == nameof(PauseReason.ByHand):
                _byHand.Add((paused.Host, paused.Vm));
                break;
            case HistoryEntry.GuestPaused paused:
                _byHand.Remove((paused.Host, paused.Vm));
                break;
            case HistoryEntry.GuestEnded ended:
                _byHand.Remove((ended.Host, ended.Vm));
                break;
            case HistoryEntry.GuestResumed resumed when _byHand.Remove((resumed.Host, resumed.Vm)):
                Judged++;
                var key = (resumed.Host, resumed.Vm);
                return resumed.ByItsHost && _wish.GetValueOrDefault(key) == Desired.Running && !(_restarted.TryGetValue(key, out var at) && entry.At - at < ResetIsFresh)
                    ? $"guest {HistoryText.Short(resumed.Vm.Value)} was suspended by hand, and {resumed.Host} let it go on though nobody asked for that"
                    : null;
        }

        return null;
    }
}
