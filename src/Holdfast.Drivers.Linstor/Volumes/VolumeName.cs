using Holdfast.Core.Ids;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>Names of our objects at LINSTOR: <c>hf-</c> and the id. Found by the whole name and our marks, never by a part of it.</summary>
internal static class VolumeName
{
    private const string Prefix = "hf-";

    /// <summary>The resource of a volume.</summary>
    public static string Of(VolumeId volume) => Prefix + volume;

    /// <summary>A snapshot of a volume.</summary>
    public static string Of(SnapshotId snapshot) => Prefix + snapshot;

    /// <summary>
    /// Whether a snapshot is LINSTOR's own: what a rollback takes before it deletes anything, and deletes at its end. Nobody else's has such a name.
    /// </summary>
    public static bool IsSafetySnapshot(string? snapshot) => snapshot?.StartsWith("safety-snap-", StringComparison.OrdinalIgnoreCase) ?? false;

    /// <summary>The volume of a resource name.</summary>
    /// <param name="name">The name; LINSTOR's names ignore case.</param>
    /// <param name="volume">The volume.</param>
    /// <returns>Whether the name has our form.</returns>
    public static bool TryParse(string? name, out VolumeId volume)
    {
        volume = default;
        if (name is null || !name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || !Guid.TryParseExact(name[Prefix.Length..], "D", out var id))
        {
            return false;
        }

        volume = new VolumeId(id);
        return true;
    }
}
