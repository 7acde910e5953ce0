namespace Holdfast.Agent.Hypervisor;

/// <summary>What is known about one machine.</summary>
internal abstract record FindOutcome
{
    private FindOutcome()
    {
    }

    /// <summary>The domain is there.</summary>
    internal sealed record Found(OwnDomain Domain) : FindOutcome;

    /// <summary>The hypervisor answered that there is no domain with this UUID.</summary>
    internal sealed record Absent : FindOutcome;

    /// <summary>A domain with this UUID exists that Holdfast did not make.</summary>
    internal sealed record Foreign(string Name) : FindOutcome;

    /// <summary>Nothing is known.</summary>
    internal sealed record Failed(HypervisorFault Fault) : FindOutcome;
}
