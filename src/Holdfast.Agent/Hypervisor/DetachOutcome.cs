namespace Holdfast.Agent.Hypervisor;

/// <summary>How unplugging a disk went.</summary>
internal abstract record DetachOutcome
{
    private DetachOutcome()
    {
    }

    /// <summary>The disk left the live definition of the domain: QEMU has closed it.</summary>
    internal sealed record Detached : DetachOutcome;

    /// <summary>The volume was not attached.</summary>
    internal sealed record NotAttached : DetachOutcome;

    /// <summary>The machine does not run, so nothing holds the volume.</summary>
    internal sealed record NotRunning : DetachOutcome;

    /// <summary>The guest was asked and has not let go within the deadline: the volume is still in use. Asking again is safe.</summary>
    internal sealed record GuestHolds(string Target) : DetachOutcome;

    /// <summary>It is not known to be unplugged.</summary>
    internal sealed record Failed(HypervisorFault Fault) : DetachOutcome;
}
