namespace Holdfast.Agent.Hypervisor;

/// <summary>What the host can do.</summary>
internal abstract record DescribeOutcome
{
    private DescribeOutcome()
    {
    }

    /// <summary>The host answered.</summary>
    internal sealed record Described(HostDescription Host) : DescribeOutcome;

    /// <summary>Nothing is known.</summary>
    internal sealed record Failed(HypervisorFault Fault) : DescribeOutcome;
}
