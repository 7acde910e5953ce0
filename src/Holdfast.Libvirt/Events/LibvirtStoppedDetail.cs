namespace Holdfast.Libvirt.Events;

/// <summary>Why a domain stopped.</summary>
public enum LibvirtStoppedDetail
{
    /// <summary>The guest powered off.</summary>
    Shutdown = 0,

    /// <summary>It was destroyed.</summary>
    Destroyed = 1,

    /// <summary>The guest crashed.</summary>
    Crashed = 2,

    /// <summary>It went to another host.</summary>
    Migrated = 3,

    /// <summary>It was saved to a file.</summary>
    Saved = 4,

    /// <summary>The hypervisor failed, or its monitor was lost.</summary>
    Failed = 5,

    /// <summary>A snapshot of a stopped domain was loaded.</summary>
    FromSnapshot = 6,
}
