namespace Holdfast.Agent.Hypervisor;

/// <summary>How a request for an orderly shutdown went.</summary>
internal abstract record ShutdownOutcome
{
    private ShutdownOutcome()
    {
    }

    /// <summary>The button was pressed; whether the guest obeys is its own affair.</summary>
    internal sealed record Requested : ShutdownOutcome;

    /// <summary>The machine does not run.</summary>
    internal sealed record NotRunning : ShutdownOutcome;

    /// <summary>The button could not be pressed.</summary>
    internal sealed record Failed(HypervisorFault Fault) : ShutdownOutcome;
}
