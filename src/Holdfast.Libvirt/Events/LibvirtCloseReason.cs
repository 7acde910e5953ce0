namespace Holdfast.Libvirt.Events;

/// <summary>Why a connection was closed.</summary>
public enum LibvirtCloseReason
{
    /// <summary>An error.</summary>
    Error = 0,

    /// <summary>The daemon went away.</summary>
    EndOfFile = 1,

    /// <summary>The daemon did not answer keep-alives.</summary>
    KeepAlive = 2,

    /// <summary>This side closed it.</summary>
    Client = 3,
}
