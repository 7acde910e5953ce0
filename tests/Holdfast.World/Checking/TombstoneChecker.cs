using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I7: a guest is ended by an agent, and a volume destroyed, only after an item of the server said so, whatever lists were empty, short or stale.</summary>
internal sealed class TombstoneChecker : Checker
{
    private readonly Dictionary<(string Host, Guid Id), HostItem> _items = [];
    private readonly HostLedger _ledgers = new();
    private readonly HashSet<VolumeId> _doomed = [];
    private readonly HashSet<VolumeId> _used = [];
    private readonly HashSet<(string Host, VmId Vm)> _runs = [];

    public override string Invariant => "I7";

    public override string? Look(HistoryEntry entry)
    {
        _ledgers.Follow(entry);
        switch (entry)
        {
            case HistoryEntry.ItemDelivered { Item: var item } delivered:
                if (!_items.TryGetValue((delivered.Host, item.Id), out var known) || known.Generation < item.Generation)
                {
                    _items[(delivered.Host, item.Id)] = item;
                }

                if (item.Task is TaskSpec.DeleteVolume delete)
                {
                    _doomed.Add(delete.VolumeId);
                }

                foreach (var disk in item.Machine?.Disks ?? [])
                {
                    _used.Add(disk.VolumeId);
                }

                return null;
            case HistoryEntry.GuestStarted started:
                _runs.Add((started.Host, started.Vm));
                return null;
            case HistoryEntry.GuestEnded ended:
                _runs.Remove((ended.Host, ended.Vm));
                return null;
            case HistoryEntry.DestroyAsked asked when _runs.Contains((asked.Host, asked.Vm)):
                Judged++;
                return _items.GetValueOrDefault((asked.Host, asked.Vm.Value)) switch
                {
                    null => $"{asked.Host} ends guest {HistoryText.Short(asked.Vm.Value)}, which no item of the server speaks of",
                    { Desired: Desired.Running } when _ledgers.Of(asked.Host).Machines.GetValueOrDefault(asked.Vm) is { State: MachineState.Running } => $"{asked.Host} ends guest {HistoryText.Short(asked.Vm.Value)}, which the server wants to run",
                    _ => null,
                };
            case HistoryEntry.VolumeDestroyed destroyed:
                Judged++;

                // Half-made ones that no machine was ever given are undone by whoever made them.
                return _doomed.Contains(destroyed.Volume) || !_used.Contains(destroyed.Volume) ? null : $"volume {HistoryText.Short(destroyed.Volume.Value)} was destroyed by {destroyed.By}, and no item asked for that";
            default:
                return null;
        }
    }
}
