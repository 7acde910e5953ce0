using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>Why a guest stands still. A closed set: what is done about it depends on it.</summary>
internal enum PauseReason
{
    /// <summary>Somebody suspended it.</summary>
    ByHand,

    /// <summary>A disk has no room for what it writes. It goes on as soon as there is some: QEMU tries the request again.</summary>
    NoSpace,

    /// <summary>A disk failed a request. It goes on as soon as the disk works again: QEMU tries the request again.</summary>
    IoError,

    /// <summary>The hypervisor holds it for something that ends by itself: a start, a snapshot, a dump.</summary>
    Passing,

    /// <summary>Anything else; see <see cref="GuestPause.Detail"/>.</summary>
    Other,
}

/// <summary>A disk that keeps its guest from running.</summary>
/// <param name="Target">The target, such as vda.</param>
/// <param name="Volume">The volume it holds; null for a disk that Holdfast did not attach.</param>
/// <param name="HasNoSpace">Whether it has no room, rather than failed.</param>
internal sealed record FailedDisk(string Target, VolumeId? Volume, bool HasNoSpace);

/// <summary>That a guest stands still, and why.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Detail">In words, to follow "it stands still: ".</param>
internal sealed record GuestPause(PauseReason Reason, string Detail)
{
    /// <summary>The disks that keep it from running, by target; empty when it is not for a disk, or the hypervisor did not say which.</summary>
    public IReadOnlyList<FailedDisk> Disks { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(GuestPause? other) => other is not null && Reason == other.Reason && Detail == other.Detail && Disks.SequenceEqual(other.Disks);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Reason, Detail, Disks.Count);
}
