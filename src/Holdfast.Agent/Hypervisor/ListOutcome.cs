namespace Holdfast.Agent.Hypervisor;

/// <summary>The own domains of the host.</summary>
internal abstract record ListOutcome
{
    private ListOutcome()
    {
    }

    /// <summary>All own domains. A machine that is missing here does not run on this host.</summary>
    internal sealed record Listed(IReadOnlyList<OwnDomain> Domains) : ListOutcome;

    /// <summary>Nothing is known; an empty list must not be concluded.</summary>
    internal sealed record Failed(HypervisorFault Fault) : ListOutcome;
}
