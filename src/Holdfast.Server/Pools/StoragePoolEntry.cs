using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Pools;

/// <summary>A storage pool with the rows its response object is made from.</summary>
internal sealed record StoragePoolEntry
{
    /// <summary>The pool.</summary>
    public required StoragePoolRow Pool { get; init; }

    /// <summary>Its zone.</summary>
    public required ZoneRow Zone { get; init; }

    /// <summary>Its pod; null for a pool of the whole zone.</summary>
    public PodRow? Pod { get; init; }

    /// <summary>Its cluster; null for a pool of the whole zone.</summary>
    public ClusterRow? Cluster { get; init; }

    /// <summary>Its host; null unless only one host has it.</summary>
    public HostRow? Host { get; init; }

    /// <summary>The pool that is the same storage and was first; null: none.</summary>
    public StoragePoolRow? First { get; init; }

    /// <summary>How far the look at its backend is; null before the first.</summary>
    public InventoryRow? Inventory { get; init; }

    /// <summary>How many things its backend has that belong to nobody.</summary>
    public int Unclaimed { get; init; }

    /// <summary>How many of its volumes its backend does not know.</summary>
    public int Missing { get; init; }

    /// <summary>Bytes promised to volumes and templates.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>The factor that was set; null while nobody has set one.</summary>
    public string? StoredOverprovisioning { get; init; }

    /// <summary>What the hosts that have it say.</summary>
    public BindingCounts Bindings { get; init; } = new();

    /// <summary>While it is being added: what each host says; null afterwards.</summary>
    public string? WaitingFor { get; init; }
}

/// <summary>Which pools a list asks for; null means "any".</summary>
internal sealed record StoragePoolFilter
{
    /// <summary>Only this one.</summary>
    public PoolId? Id { get; init; }

    /// <summary>Exact name, whatever its case.</summary>
    public string? Name { get; init; }

    /// <summary>Part of name, type or address.</summary>
    public string? Keyword { get; init; }

    /// <summary>Address.</summary>
    public string? Address { get; init; }

    /// <summary>Path.</summary>
    public string? Path { get; init; }

    /// <summary>Zone.</summary>
    public ZoneId? ZoneId { get; init; }

    /// <summary>Pod.</summary>
    public PodId? PodId { get; init; }

    /// <summary>Cluster: pools of the cluster and of its whole zone.</summary>
    public ClusterId? ClusterId { get; init; }

    /// <summary>Host that is told to have it.</summary>
    public HostId? HostId { get; init; }

    /// <summary>Scope.</summary>
    public PoolScope? Scope { get; init; }

    /// <summary>State by name.</summary>
    public string? State { get; init; }

    /// <summary>Whether deleted pools are found too.</summary>
    public bool IncludeRemoved { get; init; }
}
