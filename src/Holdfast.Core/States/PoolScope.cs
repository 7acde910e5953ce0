namespace Holdfast.Core.States;

/// <summary>Which hosts serve a pool.</summary>
public enum PoolScope
{
    /// <summary>All hosts of the zone.</summary>
    Zone,

    /// <summary>All hosts of the cluster.</summary>
    Cluster,

    /// <summary>One host.</summary>
    Host,
}
