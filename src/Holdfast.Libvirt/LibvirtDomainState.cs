namespace Holdfast.Libvirt;

/// <summary>libvirt's states of a domain.</summary>
public enum LibvirtDomainState
{
    /// <summary>No state.</summary>
    NoState = 0,

    /// <summary>Running.</summary>
    Running = 1,

    /// <summary>Blocked on a resource.</summary>
    Blocked = 2,

    /// <summary>Paused.</summary>
    Paused = 3,

    /// <summary>Shutting down.</summary>
    Shutdown = 4,

    /// <summary>Not running.</summary>
    ShutOff = 5,

    /// <summary>Crashed and kept.</summary>
    Crashed = 6,

    /// <summary>Suspended by the guest's power management.</summary>
    PmSuspended = 7,
}
