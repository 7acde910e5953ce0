namespace Holdfast.Libvirt;

/// <summary>What is wrong with a disk.</summary>
public enum LibvirtDiskError
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A request failed for a reason that is not told.</summary>
    Unspec = 1,

    /// <summary>There is no room left for what the guest writes.</summary>
    NoSpace = 2,
}
