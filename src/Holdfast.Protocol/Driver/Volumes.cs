using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Driver;

/// <summary>Whether a call changed something.</summary>
[JsonConverter(typeof(WireEnum<DriverOutcome>))]
public enum DriverOutcome
{
    /// <summary>Done by this call, and confirmed by the backend.</summary>
    Done,

    /// <summary>It was already so.</summary>
    AlreadySo,
}

/// <summary>Where a new volume's content comes from. A closed hierarchy.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Empty), "empty")]
[JsonDerivedType(typeof(FromVolume), "volume")]
[JsonDerivedType(typeof(FromSnapshot), "snapshot")]
public abstract record VolumeSource
{
    private protected VolumeSource()
    {
    }

    /// <summary>Zeroes.</summary>
    public sealed record Empty : VolumeSource;

    /// <summary>A sealed volume of the same pool.</summary>
    /// <param name="VolumeId">The sealed volume.</param>
    public sealed record FromVolume(VolumeId VolumeId) : VolumeSource;

    /// <summary>A snapshot of a volume of the same pool.</summary>
    /// <param name="VolumeId">The volume.</param>
    /// <param name="SnapshotId">Its snapshot.</param>
    public sealed record FromSnapshot(VolumeId VolumeId, SnapshotId SnapshotId) : VolumeSource;
}

/// <summary>Makes a volume exist.</summary>
public sealed record EnsureVolumeRequest
{
    /// <summary>Generation of the volume, recorded at the backend.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Size in bytes; rounded up to what the backend can do.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Content.</summary>
    public required VolumeSource Source { get; init; }

    /// <summary>A label for people who look at the backend; not an identity.</summary>
    public string? Label { get; init; }

    /// <summary>
    /// A hint: this host is about to write or read all of it, so that its data had better be here where the backend can choose. Never a reason to fail, no part of what
    /// the volume is, and of no effect on a volume that is there.
    /// </summary>
    public bool Local { get; init; }
}

/// <summary>Grows a volume to an absolute size. Shrinking is refused with <see cref="DriverErrorCode.Invalid"/>.</summary>
/// <param name="Generation">Generation of the volume.</param>
/// <param name="SizeBytes">New size.</param>
public sealed record ResizeVolumeRequest(Generation Generation, long SizeBytes);

/// <summary>Seals a volume.</summary>
/// <param name="Generation">Generation of the volume.</param>
public sealed record SealVolumeRequest(Generation Generation);

/// <summary>Makes a snapshot exist.</summary>
/// <param name="Generation">Generation of the volume.</param>
public sealed record EnsureSnapshotRequest(Generation Generation);

/// <summary>Puts a volume back to a snapshot; the volume must be attached nowhere.</summary>
/// <param name="Generation">Generation of the volume.</param>
public sealed record RevertRequest(Generation Generation);

/// <summary>A volume at the backend.</summary>
public sealed record VolumeInfo
{
    /// <summary>The volume.</summary>
    public required VolumeId VolumeId { get; init; }

    /// <summary>Its generation as recorded at the backend.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Size in bytes that a guest sees.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Name of the object at the backend (<c>hf-VOLUMEID</c> where the backend allows).</summary>
    public required string BackendName { get; init; }

    /// <summary>Whether it is sealed.</summary>
    public bool Sealed { get; init; }

    /// <summary>Bytes really used, where known.</summary>
    public long? AllocatedBytes { get; init; }
}

/// <summary>Answer of the volume calls.</summary>
/// <param name="Outcome">Whether the call changed something.</param>
/// <param name="Volume">The volume as it is now.</param>
/// <param name="GuestMustGrow">
/// Only after a resize, and only for images that their user has open: the new size is recorded and in <paramref name="Volume"/>, and takes effect when the
/// hypervisor resizes the running guest's disk (which grows the image), or at the next attach, whichever is first. The caller has the guest's disk resized in
/// any case; this flag says that nothing else will make it grow.
/// </param>
public sealed record VolumeReply(DriverOutcome Outcome, VolumeInfo Volume, bool GuestMustGrow = false);

/// <summary>What the backend has that is ours, or looks so. Complete, or the call fails: what is not named is taken for not there.</summary>
/// <param name="Volumes">The volumes that are proven to be this pool's.</param>
public sealed record VolumeList(IReadOnlyList<VolumeInfo> Volumes)
{
    /// <summary>Things with names or marks of ours that are not proven to be this pool's volumes. For people: no call touches them.</summary>
    public IReadOnlyList<StrayVolume> Strays { get => field ?? []; init; }
}

/// <summary>Something at the backend that looks like ours and is not proven to be.</summary>
/// <param name="Name">Its name at the backend.</param>
/// <param name="Why">Why it is not proven ours, in a sentence without a full stop.</param>
public sealed record StrayVolume(string Name, string Why);

/// <summary>Answer of calls without a value.</summary>
/// <param name="Outcome">Whether the call changed something.</param>
public sealed record DriverAck(DriverOutcome Outcome);
