using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>
/// A hint from the hypervisor. Hints may be lost, late or doubled, and may name a UUID that is no machine of ours: the reader looks the machine up
/// before it concludes anything, and lists all of them when told to.
/// </summary>
internal abstract record HypervisorEvent
{
    private HypervisorEvent()
    {
    }

    /// <summary>The domain started to run, or resumed.</summary>
    internal sealed record Started(VmId Machine) : HypervisorEvent;

    /// <summary>The domain ended.</summary>
    internal sealed record Stopped(VmId Machine, StopReason Reason) : HypervisorEvent;

    /// <summary>The guest's kernel reported a panic. The domain is ended by the hypervisor next.</summary>
    internal sealed record GuestPanicked(VmId Machine) : HypervisorEvent;

    /// <summary>The guest restarted itself in place.</summary>
    internal sealed record Rebooted(VmId Machine) : HypervisorEvent;

    /// <summary>The domain stands still.</summary>
    /// <param name="Machine">The machine.</param>
    /// <param name="IoError">Whether it stands because a disk failed.</param>
    internal sealed record Paused(VmId Machine, bool IoError) : HypervisorEvent;

    /// <summary>A disk of the guest failed a request.</summary>
    /// <param name="Machine">The machine.</param>
    /// <param name="Source">The source of the disk as the hypervisor names it.</param>
    /// <param name="Reason">Such as enospc or eother; may be empty.</param>
    internal sealed record DiskError(VmId Machine, string Source, string Reason) : HypervisorEvent;

    /// <summary>A device was unplugged after the guest let go of it.</summary>
    internal sealed record DeviceRemoved(VmId Machine, string Alias) : HypervisorEvent;

    /// <summary>The guest refused to let go of a device.</summary>
    internal sealed record DeviceRemovalFailed(VmId Machine, string Alias) : HypervisorEvent;

    /// <summary>The connection to the daemon is gone; guests are not touched by that. It is re-made in the background.</summary>
    internal sealed record Disconnected(string Reason) : HypervisorEvent;

    /// <summary>Events may have been lost: list all machines now. Sent after every (re)connection, the first one included, and after an overflow.</summary>
    internal sealed record ResyncNeeded(string Reason) : HypervisorEvent;
}
