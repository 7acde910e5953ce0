namespace Holdfast.Core.States;

/// <summary>Kind of a volume.</summary>
public enum VolumeType
{
    /// <summary>The disk that a VM boots from.</summary>
    Root,

    /// <summary>Any other disk.</summary>
    DataDisk,
}
