namespace Holdfast.Agent.Hypervisor;

/// <summary>How telling a guest about a grown disk went.</summary>
internal abstract record ResizeOutcome
{
    private ResizeOutcome()
    {
    }

    /// <summary>The guest sees the new size.</summary>
    internal sealed record Resized : ResizeOutcome;

    /// <summary>The volume is not attached to the machine.</summary>
    internal sealed record NotAttached : ResizeOutcome;

    /// <summary>The machine does not run; it will see the size at its next start.</summary>
    internal sealed record NotRunning : ResizeOutcome;

    /// <summary>The guest was not told.</summary>
    internal sealed record Failed(HypervisorFault Fault) : ResizeOutcome;
}
