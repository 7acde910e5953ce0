using Holdfast.Core.Ids;
using Holdfast.Core.Planning;

namespace Holdfast.Server.Pools;

/// <summary>What the hosts that have a storage pool say of it, in numbers.</summary>
internal sealed record BindingCounts
{
    /// <summary>The pool.</summary>
    public PoolId PoolId { get; init; }

    /// <summary>Hosts that have not confirmed what they were told last.</summary>
    public int Pending { get; init; }

    /// <summary>Hosts that should have it.</summary>
    public int Hosts { get; init; }

    /// <summary>Hosts that are not to touch its backend.</summary>
    public int Quiesced { get; init; }

    /// <summary>Hosts that serve it.</summary>
    public int Serving { get; init; }

    /// <summary>Hosts that should serve it, are heard of, and say that they cannot.</summary>
    public int Sick { get; init; }

    /// <summary>Whether the pool is the same storage as another one.</summary>
    public bool IsTwin { get; init; }

    /// <summary>What one of the sick ones says, in the backend's own words.</summary>
    public string? Error { get; init; }

    /// <summary>The sum of it.</summary>
    public PoolHealth Health => PoolHealthRule.Of(Hosts, Quiesced, Serving, Sick, IsTwin);
}
