namespace Holdfast.Libvirt;

/// <summary>Why a domain is paused, as far as decisions are made on it.</summary>
public enum LibvirtPausedReason
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>On request.</summary>
    User = 1,

    /// <summary>A disk failed.</summary>
    IoError = 5,

    /// <summary>On the way down.</summary>
    ShuttingDown = 8,

    /// <summary>The guest crashed.</summary>
    Crashed = 10,

    /// <summary>On the way up.</summary>
    StartingUp = 11,
}
