namespace Holdfast.Agent.Hypervisor;

/// <summary>What a domain does.</summary>
internal enum DomainStatus
{
    /// <summary>A state this version does not know; treat it as holding its volumes.</summary>
    Unknown,

    /// <summary>It runs.</summary>
    Running,

    /// <summary>It stands still and holds its volumes; <see cref="OwnDomain.Pause"/> says why.</summary>
    Paused,

    /// <summary>It is on its way down and still holds its volumes.</summary>
    ShuttingDown,

    /// <summary>The guest crashed and the domain is kept; it holds its volumes.</summary>
    Crashed,

    /// <summary>It is only defined: no process, no volumes held.</summary>
    Stopped,
}
