namespace Holdfast.Agent.Hypervisor;

/// <summary>How a reboot or reset went.</summary>
internal abstract record RebootOutcome
{
    private RebootOutcome()
    {
    }

    /// <summary>The guest was told.</summary>
    internal sealed record Requested : RebootOutcome;

    /// <summary>The machine does not run.</summary>
    internal sealed record NotRunning : RebootOutcome;

    /// <summary>The guest could not be told.</summary>
    internal sealed record Failed(HypervisorFault Fault) : RebootOutcome;
}
