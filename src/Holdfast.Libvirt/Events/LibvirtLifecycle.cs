namespace Holdfast.Libvirt.Events;

/// <summary>libvirt's lifecycle events.</summary>
public enum LibvirtLifecycle
{
    /// <summary>Defined.</summary>
    Defined = 0,

    /// <summary>Undefined.</summary>
    Undefined = 1,

    /// <summary>Started.</summary>
    Started = 2,

    /// <summary>Paused; see <see cref="LibvirtSuspendedDetail"/>.</summary>
    Suspended = 3,

    /// <summary>Running again.</summary>
    Resumed = 4,

    /// <summary>Ended; see <see cref="LibvirtStoppedDetail"/>.</summary>
    Stopped = 5,

    /// <summary>The guest has powered off and the process is about to end.</summary>
    Shutdown = 6,

    /// <summary>Suspended by the guest's power management.</summary>
    PmSuspended = 7,

    /// <summary>The guest crashed.</summary>
    Crashed = 8,
}
