namespace Holdfast.Agent.Hypervisor;

/// <summary>How letting a guest go on went.</summary>
internal abstract record ResumeOutcome
{
    private ResumeOutcome()
    {
    }

    /// <summary>It was let go on. Whether it stands still again in the next moment is seen by a look.</summary>
    internal sealed record Resumed : ResumeOutcome;

    /// <summary>It does not stand still.</summary>
    internal sealed record AlreadyRuns : ResumeOutcome;

    /// <summary>The machine does not run.</summary>
    internal sealed record NotRunning : ResumeOutcome;

    /// <summary>It was not let go on.</summary>
    internal sealed record Failed(HypervisorFault Fault) : ResumeOutcome;
}
