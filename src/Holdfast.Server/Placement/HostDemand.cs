using Holdfast.Core.Planning;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Placement;

/// <summary>What a host is searched for.</summary>
internal sealed record HostDemand
{
    /// <summary>The VM; what it takes where it is does not count against it.</summary>
    public required VmRow Vm { get; init; }

    /// <summary>What a place takes; hosts, pools and bindings are not looked at.</summary>
    public required PlacementFacts Wanted { get; init; }

    /// <summary>Volumes that must be usable there.</summary>
    public required IReadOnlyList<VolumeFacts> Volumes { get; init; }
}
