namespace Holdfast.Core.States;

/// <summary>What the VMs of an affinity group want of each other.</summary>
public enum AffinityType
{
    /// <summary>All on one host, or not at all.</summary>
    HostAffinity,

    /// <summary>Each on a host of its own, or not at all.</summary>
    HostAntiAffinity,

    /// <summary>On one host where that can be.</summary>
    NonStrictHostAffinity,

    /// <summary>On different hosts where that can be.</summary>
    NonStrictHostAntiAffinity,
}
