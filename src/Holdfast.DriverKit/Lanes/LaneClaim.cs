using Holdfast.Core.Ids;

namespace Holdfast.DriverKit.Lanes;

/// <summary>What a call needs for itself while it runs.</summary>
/// <param name="Exclusive">The volume it changes; nobody else may use it meanwhile.</param>
/// <param name="Shared">The volume it only reads; others may read it too.</param>
internal readonly record struct LaneClaim(VolumeId? Exclusive, VolumeId? Shared)
{
    /// <summary>Needs nothing but a worker.</summary>
    public static LaneClaim None => default;

    /// <summary>Changes a volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The claim.</returns>
    public static LaneClaim Change(VolumeId volume) => new(volume, null);

    /// <summary>Reads a volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The claim.</returns>
    public static LaneClaim Read(VolumeId volume) => new(null, volume);

    /// <summary>Whether both may run at the same time.</summary>
    /// <param name="other">The other claim.</param>
    /// <returns>True when they get in each other's way.</returns>
    public bool Conflicts(LaneClaim other) =>
        (Exclusive is { } mine && (mine == other.Exclusive || mine == other.Shared)) || (other.Exclusive is { } theirs && theirs == Shared);
}
