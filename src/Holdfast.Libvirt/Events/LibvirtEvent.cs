namespace Holdfast.Libvirt.Events;

/// <summary>What libvirt told by a callback, copied. A closed hierarchy.</summary>
public abstract record LibvirtEvent
{
    private LibvirtEvent()
    {
    }

    /// <summary>A domain changed its life.</summary>
    /// <param name="Domain">The UUID of the domain.</param>
    /// <param name="Change">What happened.</param>
    /// <param name="Detail">The number of the reason; its meaning depends on the change.</param>
    public sealed record Lifecycle(Guid Domain, LibvirtLifecycle Change, int Detail) : LibvirtEvent;

    /// <summary>The guest restarted.</summary>
    /// <param name="Domain">The UUID of the domain.</param>
    public sealed record Rebooted(Guid Domain) : LibvirtEvent;

    /// <summary>A disk failed a request.</summary>
    /// <param name="Domain">The UUID of the domain.</param>
    /// <param name="Source">The path of the source.</param>
    /// <param name="Alias">The alias of the disk.</param>
    /// <param name="Reason">Such as enospc; may be empty.</param>
    public sealed record DiskError(Guid Domain, string Source, string Alias, string Reason) : LibvirtEvent;

    /// <summary>A device left the guest.</summary>
    /// <param name="Domain">The UUID of the domain.</param>
    /// <param name="Alias">The alias of the device.</param>
    public sealed record DeviceRemoved(Guid Domain, string Alias) : LibvirtEvent;

    /// <summary>The guest keeps a device it was asked to let go of.</summary>
    /// <param name="Domain">The UUID of the domain.</param>
    /// <param name="Alias">The alias of the device.</param>
    public sealed record DeviceRemovalFailed(Guid Domain, string Alias) : LibvirtEvent;

    /// <summary>The connection that the events came over is closed; no more events follow.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record Closed(LibvirtCloseReason Reason) : LibvirtEvent;
}
