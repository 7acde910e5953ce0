namespace Holdfast.Libvirt;

/// <summary>Why a domain is paused.</summary>
public enum LibvirtPausedReason
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>On request.</summary>
    User = 1,

    /// <summary>For a migration without downtime limit.</summary>
    Migration = 2,

    /// <summary>While it is saved to a file.</summary>
    Save = 3,

    /// <summary>While its memory is dumped.</summary>
    Dump = 4,

    /// <summary>A disk failed, or has no room.</summary>
    IoError = 5,

    /// <summary>Its watchdog.</summary>
    Watchdog = 6,

    /// <summary>It was restored from a paused snapshot.</summary>
    FromSnapshot = 7,

    /// <summary>On the way down.</summary>
    ShuttingDown = 8,

    /// <summary>While a snapshot is made.</summary>
    Snapshot = 9,

    /// <summary>The guest crashed.</summary>
    Crashed = 10,

    /// <summary>On the way up.</summary>
    StartingUp = 11,
}
