using Holdfast.Core.Ids;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I21: a volume that a guest had for writing is never made anew under its id: an empty disk in the place of data.</summary>
internal sealed class MadeAnewChecker : Checker
{
    private readonly HashSet<VolumeId> _written = [];

    public override string Invariant => "I21";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.GuestStarted started:
                Take(started.Disks);
                return null;
            case HistoryEntry.GuestDisksChanged changed:
                Take(changed.Disks);
                return null;
            case HistoryEntry.VolumeMade made:
                Judged++;
                return _written.Contains(made.Volume) ? $"volume {HistoryText.Short(made.Volume.Value)}, which a guest had written to, was made anew by {made.By}" : null;
            default:
                return null;
        }
    }

    private void Take(IReadOnlyList<GuestDisk> disks) => _written.UnionWith(disks.Where(static disk => !disk.ReadOnly).Select(static disk => disk.Volume));
}
