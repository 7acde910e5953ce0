namespace Holdfast.Agent.Hypervisor;

/// <summary>How plugging in a disk went.</summary>
internal abstract record AttachOutcome
{
    private AttachOutcome()
    {
    }

    /// <summary>The disk is in the live definition of the domain: it was re-read after the call.</summary>
    internal sealed record Attached : AttachOutcome;

    /// <summary>The same volume was already there.</summary>
    /// <param name="Target">The target it holds, which may be another one than asked for.</param>
    internal sealed record AlreadyAttached(string Target) : AttachOutcome;

    /// <summary>Another disk holds the target.</summary>
    internal sealed record TargetTaken(string Target) : AttachOutcome;

    /// <summary>The machine does not run.</summary>
    internal sealed record NotRunning : AttachOutcome;

    /// <summary>The disk was not plugged in, unless the fault says that the effect is unknown.</summary>
    internal sealed record Failed(HypervisorFault Fault) : AttachOutcome;
}
