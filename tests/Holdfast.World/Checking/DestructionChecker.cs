using Holdfast.Core.Ids;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I13: no volume is destroyed that a guest has open or that is attached anywhere.</summary>
internal sealed class DestructionChecker : Checker
{
    private readonly Dictionary<(string Host, VmId Vm), IReadOnlyList<GuestDisk>> _guests = [];

    public override string Invariant => "I13";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.GuestStarted started:
                _guests[(started.Host, started.Vm)] = started.Disks;
                return null;
            case HistoryEntry.GuestDisksChanged changed:
                _guests[(changed.Host, changed.Vm)] = changed.Disks;
                return null;
            case HistoryEntry.GuestEnded ended:
                _guests.Remove((ended.Host, ended.Vm));
                return null;
            case HistoryEntry.VolumeDestroyed destroyed:
                Judged++;
                return destroyed.WasAttached || _guests.Values.Any(disks => disks.Any(disk => disk.Volume == destroyed.Volume))
                    ? $"volume {HistoryText.Short(destroyed.Volume.Value)} was destroyed while in use"
                    : null;
            default:
                return null;
        }
    }
}
