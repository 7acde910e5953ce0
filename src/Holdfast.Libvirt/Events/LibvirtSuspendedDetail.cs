namespace Holdfast.Libvirt.Events;

/// <summary>Why a domain paused, as far as decisions are made on it.</summary>
public enum LibvirtSuspendedDetail
{
    /// <summary>On request.</summary>
    Paused = 0,

    /// <summary>A disk failed.</summary>
    IoError = 2,
}
