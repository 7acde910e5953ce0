using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>What a host needs to run the driver of a storage pool.</summary>
public sealed record BindingSpec
{
    /// <summary>The pool.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public required string PoolName { get; init; }

    /// <summary>The driver's short name: the executable is <c>holdfast-driver-NAME</c>.</summary>
    public required string Driver { get; init; }

    /// <summary>Driver configuration (for linstor: <c>controllers</c>, <c>resourceGroup</c>, ...; for directory: <c>path</c>).</summary>
    public required IReadOnlyDictionary<string, string> Config { get; init; }

    /// <summary>Secret configuration (for linstor: <c>token</c>). Reaches the driver on its standard input only.</summary>
    public IReadOnlyDictionary<string, Secret> Secrets { get => field ?? new Dictionary<string, Secret>(); init; }
}
