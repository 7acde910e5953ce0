namespace Holdfast.Agent.Hypervisor;

/// <summary>How the end of a domain went.</summary>
internal abstract record DestroyOutcome
{
    private DestroyOutcome()
    {
    }

    /// <summary>No process and no definition of the machine exists on this host (any more).</summary>
    /// <param name="WasPresent">False when there was none to begin with.</param>
    internal sealed record Gone(bool WasPresent) : DestroyOutcome;

    /// <summary>
    /// The process has survived SIGKILL for a while: it sleeps in the kernel and cannot be ended as it is. It may still write. Its volumes must not be opened elsewhere without fencing.
    /// </summary>
    /// <param name="ProcessId">The QEMU process, when it could be identified.</param>
    /// <param name="Detail">What is known about where it sleeps.</param>
    internal sealed record Uninterruptible(int? ProcessId, string Detail) : DestroyOutcome;

    /// <summary>A domain with this UUID exists that Holdfast did not make; it was not touched.</summary>
    internal sealed record Foreign(string Name) : DestroyOutcome;

    /// <summary>It is not known to be gone.</summary>
    internal sealed record Failed(HypervisorFault Fault) : DestroyOutcome;
}
