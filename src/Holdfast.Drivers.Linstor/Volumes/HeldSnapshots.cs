using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Rest.Model;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>
/// What LINSTOR's snapshots of a volume say about I/O that a request holds back. Pure. A controller that takes a snapshot and one that died over it leave the same:
/// a snapshot without SUCCESSFUL. Age tells them apart, counted since this driver first saw it, by its own monotonic clock:
/// <list type="bullet">
/// <item>LINSTOR itself gives taking a snapshot up after 2 minutes. What is older than <see cref="OthersAge"/> is nobody's work any more.</item>
/// <item>What this very driver asked for, and no longer waits for, counts as left behind after <see cref="OwnAge"/>: it is deleted before I/O is resumed, so that it
/// can never be called complete with replicas that were written in between, and nobody was told that it exists.</item>
/// </list>
/// That the controller was restarted would tell sooner, but a lost connection looks the same, and LINSTOR does not tell since when it runs.
/// </summary>
/// <param name="UnderWay">The name of what is being taken; null when nothing is.</param>
/// <param name="Left">Snapshots of ours that never will be usable, by their whole names.</param>
internal sealed record HeldSnapshots(string? UnderWay, IReadOnlyList<string> Left)
{
    /// <summary>From when on an unfinished snapshot that this driver asked for counts as left behind.</summary>
    public static readonly TimeSpan OwnAge = TimeSpan.FromSeconds(60);

    /// <summary>From when on any other unfinished snapshot does.</summary>
    public static readonly TimeSpan OthersAge = TimeSpan.FromSeconds(130);

    // A rollback begins with one and ends with its deletion.
    private const string SafetyPrefix = "safety-snap-";

    /// <summary>Whether a snapshot is work that is not finished, or was left so.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsUnfinished(Snapshot snapshot) =>
        !snapshot.Has("DELETE") && !snapshot.IsFailed
        && (!snapshot.IsSuccessful || (snapshot.Name?.StartsWith(SafetyPrefix, StringComparison.OrdinalIgnoreCase) ?? false));

    /// <summary>Judges.</summary>
    /// <param name="snapshots">The volume's snapshots.</param>
    /// <param name="hold">What this driver asked for and has not settled; null when nothing.</param>
    /// <param name="ageOf">How long an unfinished one is known.</param>
    /// <returns>The judgement.</returns>
    public static HeldSnapshots Judge(IEnumerable<Snapshot> snapshots, HoldRecord? hold, Func<string, TimeSpan> ageOf)
    {
        string? underWay = null;
        List<string> left = [];
        foreach (var snapshot in snapshots)
        {
            if (snapshot.Name is not { } name || snapshot.Has("DELETE"))
            {
                continue;
            }

            var isNoted = hold is { IsRollback: false } && string.Equals(name, VolumeName.Of(hold.Snapshot), StringComparison.OrdinalIgnoreCase);
            if (IsUnfinished(snapshot))
            {
                if (ageOf(name) < (isNoted || hold is { IsRollback: true } ? OwnAge : OthersAge))
                {
                    underWay ??= name;
                    continue;
                }
            }
            else if (!snapshot.IsFailed && !(isNoted && hold!.ResumedApart))
            {
                continue;
            }

            // Our names look like those of volumes; what has another is somebody else's, however it got there.
            if (VolumeName.TryParse(name, out _))
            {
                left.Add(name);
            }
        }

        return new HeldSnapshots(underWay, left);
    }
}
