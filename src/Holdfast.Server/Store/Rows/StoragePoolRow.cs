using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A storage pool.</summary>
[Table("storage_pools")]
internal sealed record StoragePoolRow
{
    [PrimaryKey, Column("id")]
    public required PoolId Id { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    [Column("pod_id")]
    public PodId? PodId { get; init; }

    [Column("cluster_id")]
    public ClusterId? ClusterId { get; init; }

    [Column("host_id")]
    public HostId? HostId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("scope")]
    public required PoolScope Scope { get; init; }

    /// <summary>CloudStack's provider name (Linstor, DefaultPrimary).</summary>
    [Column("provider"), NotNull]
    public required string Provider { get; init; }

    /// <summary>Short name of the driver executable.</summary>
    [Column("driver"), NotNull]
    public required string Driver { get; init; }

    /// <summary>CloudStack's pool type (Linstor, Filesystem).</summary>
    [Column("type"), NotNull]
    public required string Type { get; init; }

    /// <summary>As given, without secrets.</summary>
    [Column("url"), NotNull]
    public required string Url { get; init; }

    /// <summary>CloudStack's ipaddress.</summary>
    [Column("address"), NotNull]
    public required string Address { get; init; }

    /// <summary>CloudStack's path (for Linstor the resource group).</summary>
    [Column("path"), NotNull]
    public required string Path { get; init; }

    /// <summary>JSON object: what the driver is told.</summary>
    [Column("config"), NotNull]
    public required string Config { get; init; }

    /// <summary>JSON object sealed by SecretBox.</summary>
    [Column("secrets")]
    public string? Secrets { get; init; }

    /// <summary>JSON object: what listStoragePools shows.</summary>
    [Column("details"), NotNull]
    public required string Details { get; init; }

    /// <summary>Comma-separated.</summary>
    [Column("tags"), NotNull]
    public required string Tags { get; init; }

    [Column("state")]
    public required PoolState State { get; init; }

    [Column("state_since")]
    public required DateTimeOffset StateSince { get; init; }

    /// <summary>While it is being added: until when a host must serve it.</summary>
    [Column("add_deadline")]
    public DateTimeOffset? AddDeadline { get; init; }

    /// <summary>Total, as a host last reported it.</summary>
    [Column("capacity_bytes")]
    public long? CapacityBytes { get; init; }

    [Column("used_bytes")]
    public long? UsedBytes { get; init; }

    [Column("capacity_as_of")]
    public DateTimeOffset? CapacityAsOf { get; init; }

    /// <summary>What it is at its backend, as a host last learnt; null: no host has told.</summary>
    [Column("identity")]
    public string? Identity { get; init; }

    /// <summary>Since when that is known. Of two pools that are the same, the one of which it was known first is the first.</summary>
    [Column("identity_since")]
    public DateTimeOffset? IdentitySince { get; init; }

    /// <summary>The pool that is the same storage and was first: this one takes no new volumes. Null: none.</summary>
    [Column("same_as")]
    public PoolId? SameAs { get; init; }

    /// <summary>Why it could not be added. What is wrong with one that was is said by its bindings.</summary>
    [Column("last_error")]
    public string? LastError { get; init; }

    /// <summary>Since when its health changes so often that single changes are no events; null: it does not.</summary>
    [Column("flapping")]
    public DateTimeOffset? Flapping { get; init; }

    /// <summary>While its maintenance is prepared: the last VM, in the order of their ids, up to which those that use it were told to stop; null: none was.</summary>
    [Column("stopped_to")]
    public VmId? StoppedTo { get; init; }

    /// <summary>While its maintenance is prepared and all were told: the VM whose guest was last found not to be gone. A hint where to look first, never the truth.</summary>
    [Column("waits_for")]
    public VmId? WaitsFor { get; init; }

    /// <summary>While its maintenance is prepared: since when no guest that uses it is left. None can begin to, as it is not Up.</summary>
    [Column("guests_gone")]
    public DateTimeOffset? GuestsGone { get; init; }

    /// <summary>Since when VMs that its maintenance stopped are started again; null: none is left.</summary>
    [Column("restarts")]
    public DateTimeOffset? Restarts { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    /// <summary>When it was deleted for users.</summary>
    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }

    /// <summary>When the last host had confirmed.</summary>
    [Column("absent")]
    public DateTimeOffset? Absent { get; init; }
}
