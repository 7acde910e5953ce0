using Holdfast.Core.Ids;

namespace Holdfast.Core.Planning;

/// <summary>A volume that a backend told of.</summary>
/// <param name="Id">The volume.</param>
/// <param name="Generation">Its generation there.</param>
/// <param name="IsSealed">Whether it is sealed there.</param>
public sealed record SeenVolume(VolumeId Id, Generation Generation, bool IsSealed);

/// <summary>Something that is on record as existing on a pool: a volume, or a template's copy.</summary>
public sealed record KnownVolume
{
    /// <summary>The volume.</summary>
    public required VolumeId Id { get; init; }

    /// <summary>Its generation.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Since when it is as it is; a look that was asked for earlier says nothing about it.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>A template's copy: sealed, and made from its image as often as needed.</summary>
    public bool IsCopy { get; init; }

    /// <summary>A task is under way for it, or its deletion is owed.</summary>
    public bool IsBusy { get; init; }

    /// <summary>Nobody ever had it for writing, and it is ready: as good as one that was not made yet.</summary>
    public bool IsUnused { get; init; }

    /// <summary>It was found missing earlier.</summary>
    public bool IsMissing { get; init; }
}

/// <summary>What a look at a backend told, and what is on record about the same volumes.</summary>
public sealed record InventoryFacts
{
    /// <summary>When the look was asked for, by the clock of <see cref="KnownVolume.Since"/>.</summary>
    public required DateTimeOffset Asked { get; init; }

    /// <summary>Whether each of <see cref="Known"/> was asked about by itself: the second look, which decides. Otherwise the backend told its list, which is a hint.</summary>
    public required bool IsSecondLook { get; init; }

    /// <summary>
    /// Of this pool's volumes the backend's list had none, and they are not few: rather another backend than one that lost them. What is missing is said; nothing
    /// is given up or made again because of it.
    /// </summary>
    public bool IsWholesale { get; init; }

    /// <summary>What is on record, of those that the look speaks about.</summary>
    public required IReadOnlyList<KnownVolume> Known { get; init; }

    /// <summary>What the backend has of them.</summary>
    public required IReadOnlyList<SeenVolume> Seen { get; init; }

    /// <summary>About these it said neither.</summary>
    public IReadOnlyList<VolumeId> Unclear { get; init; } = [];
}

/// <summary>What follows from a look at a backend for one volume. A closed hierarchy.</summary>
public abstract record InventoryFinding
{
    private InventoryFinding(VolumeId volume) => Volume = volume;

    /// <summary>The volume.</summary>
    public VolumeId Volume { get; }

    /// <summary>It is to be looked at once more, by itself, before anything is said.</summary>
    public sealed record Suspect(VolumeId Volume) : InventoryFinding(Volume);

    /// <summary>The backend does not know it.</summary>
    public sealed record Missing(VolumeId Volume) : InventoryFinding(Volume);

    /// <summary>The backend does not know it, and nobody ever wrote to it: it is made again when it is next needed.</summary>
    public sealed record MakeAgain(VolumeId Volume) : InventoryFinding(Volume);

    /// <summary>A template's copy that cannot be cloned any more: it is made again from the image when it is next needed.</summary>
    /// <param name="Volume">The copy.</param>
    /// <param name="Why">What is wrong with it, to follow its name.</param>
    public sealed record GiveUpCopy(VolumeId Volume, string Why) : InventoryFinding(Volume);

    /// <summary>It was missing, and is there.</summary>
    public sealed record Back(VolumeId Volume) : InventoryFinding(Volume);
}
