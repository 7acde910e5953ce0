namespace Holdfast.Agent.Hypervisor;

/// <summary>How a start went.</summary>
internal abstract record StartOutcome
{
    private StartOutcome()
    {
    }

    /// <summary>The domain runs.</summary>
    internal sealed record Started(OwnDomain Domain) : StartOutcome;

    /// <summary>The machine was there before the call and was left alone. Compare <see cref="OwnDomain.Generation"/> to know which one it is.</summary>
    internal sealed record AlreadyPresent(OwnDomain Domain) : StartOutcome;

    /// <summary>A domain that Holdfast did not make holds this UUID or this name; it was not touched.</summary>
    internal sealed record Foreign(string Name) : StartOutcome;

    /// <summary>It did not start. Nothing is left of it unless the fault says that the effect is unknown.</summary>
    internal sealed record Failed(HypervisorFault Fault) : StartOutcome;
}
