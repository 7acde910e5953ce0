namespace Holdfast.Core.States;

/// <summary>State of a volume, named as CloudStack does.</summary>
public enum VolumeState
{
    /// <summary>Exists only as a row: no backend holds anything of it.</summary>
    Allocated,

    /// <summary>Its pool is chosen and a host was told to make it.</summary>
    Creating,

    /// <summary>The backend confirmed it.</summary>
    Ready,

    /// <summary>A host was told to grow it.</summary>
    Resizing,

    /// <summary>Given up by its owner; the data may still be there.</summary>
    Destroy,

    /// <summary>A deletion is on its way or owed to a backend.</summary>
    Expunging,

    /// <summary>The backend confirmed the deletion, or nobody will try again (see the obligations).</summary>
    Expunged,
}
