using Holdfast.Core.Ids;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>
/// That this driver has asked LINSTOR for something for which LINSTOR suspends a volume's I/O, or is about to: written before, gone only when every sign says that
/// I/O goes on. A controller that dies in the middle leaves the I/O of all replicas suspended for good, and nobody but the one who asked knows.
/// </summary>
/// <param name="Volume">The volume.</param>
/// <param name="Snapshot">The snapshot that is taken or rolled back to.</param>
/// <param name="IsRollback">Whether it is a rollback.</param>
/// <param name="AskedAt">When, by the host's clock; for people.</param>
/// <param name="ResumedApart">
/// Whether I/O was resumed on this host alone while LINSTOR did not answer. Replicas may then have been written between their parts of the snapshot, so that it is
/// deleted even when LINSTOR calls it complete.
/// </param>
internal sealed record HoldRecord(VolumeId Volume, SnapshotId Snapshot, bool IsRollback, DateTimeOffset AskedAt, bool ResumedApart = false)
{
    /// <summary>What was asked for, for people.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string What => Describe(Snapshot, IsRollback);

    /// <summary>What is asked for, for people.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="isRollback">Whether it is a rollback to it.</param>
    /// <returns>The text.</returns>
    public static string Describe(SnapshotId snapshot, bool isRollback) => isRollback ? $"a rollback to snapshot {snapshot}" : $"snapshot {snapshot}";
}
