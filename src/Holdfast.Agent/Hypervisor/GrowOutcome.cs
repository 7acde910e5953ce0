namespace Holdfast.Agent.Hypervisor;

/// <summary>How giving a running guest more went.</summary>
internal abstract record GrowOutcome
{
    private GrowOutcome()
    {
    }

    /// <summary>It has at least what it was to have.</summary>
    internal sealed record Done : GrowOutcome;

    /// <summary>The machine does not run.</summary>
    internal sealed record NotRunning : GrowOutcome;

    /// <summary>It was not given more, or that is not known.</summary>
    internal sealed record Failed(HypervisorFault Fault) : GrowOutcome;
}
