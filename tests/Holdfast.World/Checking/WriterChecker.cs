using Holdfast.Core.Ids;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I3: at any instant at most one guest has a volume open for writing.</summary>
internal sealed class WriterChecker : Checker
{
    private readonly Dictionary<(string Host, VmId Vm), IReadOnlyList<GuestDisk>> _guests = [];

    public override string Invariant => "I3";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.GuestStarted started:
                return Take((started.Host, started.Vm), started.Disks);
            case HistoryEntry.GuestDisksChanged changed:
                return Take((changed.Host, changed.Vm), changed.Disks);
            case HistoryEntry.GuestEnded ended:
                _guests.Remove((ended.Host, ended.Vm));
                return null;
            default:
                return null;
        }
    }

    private string? Take((string Host, VmId Vm) guest, IReadOnlyList<GuestDisk> disks)
    {
        Judged++;
        _guests[guest] = disks;
        foreach (var disk in disks.Where(static disk => !disk.ReadOnly))
        {
            foreach (var (other, theirs) in _guests)
            {
                if (other != guest && theirs.Any(one => one.Volume == disk.Volume && !one.ReadOnly))
                {
                    return $"volume {HistoryText.Short(disk.Volume.Value)} is open for writing by {HistoryText.Short(guest.Vm.Value)} on {guest.Host} and by {HistoryText.Short(other.Vm.Value)} on {other.Host}";
                }
            }
        }

        return null;
    }
}
