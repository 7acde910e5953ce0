using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A storage pool on an incarnation: exists until the host confirms it absent. The desired side travels as a host item.</summary>
[Table("bindings")]
internal sealed record BindingRow
{
    [PrimaryKey(0), Column("incarnation_id")]
    public required IncarnationId IncarnationId { get; init; }

    [PrimaryKey(1), Column("pool_id")]
    public required PoolId PoolId { get; init; }

    [Column("host_id")]
    public required HostId HostId { get; init; }

    [Column("generation")]
    public required Generation Generation { get; init; }

    [Column("desired")]
    public required Desired Desired { get; init; }

    [Column("observed_generation")]
    public Generation? ObservedGeneration { get; init; }

    /// <summary>Null: never reported.</summary>
    [Column("observed")]
    public BindingState? Observed { get; init; }

    [Column("control_plane")]
    public required PlaneHealth ControlPlane { get; init; }

    [Column("data_plane")]
    public required PlaneHealth DataPlane { get; init; }

    [Column("can_attach_locally")]
    public required bool CanAttachLocally { get; init; }

    /// <summary>Why only one host can use each volume; null: several can, or it was not told.</summary>
    [Column("not_shared")]
    public string? NotShared { get; init; }

    /// <summary>What the pool is at its backend, as the driver on this host was last told; null: it never was.</summary>
    [Column("identity")]
    public string? Identity { get; init; }

    /// <summary>Whether the host can hold data of the pool itself; null: not told.</summary>
    [Column("holds_data")]
    public bool? HoldsData { get; init; }

    /// <summary>Whether the backend clones by itself; null: not told.</summary>
    [Column("can_clone")]
    public bool? CanClone { get; init; }

    /// <summary>The backend's own words.</summary>
    [Column("error")]
    public string? Error { get; init; }

    /// <summary>JSON array of Condition.</summary>
    [Column("conditions"), NotNull]
    public required string Conditions { get; init; }

    [Column("driver_pid")]
    public int? DriverPid { get; init; }

    [Column("driver_version")]
    public string? DriverVersion { get; init; }

    [Column("capacity_bytes")]
    public long? CapacityBytes { get; init; }

    [Column("used_bytes")]
    public long? UsedBytes { get; init; }

    /// <summary>How the driver was ended.</summary>
    [Column("unload")]
    public string? Unload { get; init; }

    /// <summary>By the host's clock; for people.</summary>
    [Column("host_since")]
    public DateTimeOffset? HostSince { get; init; }

    /// <summary>When desired or observed last changed, by the server's clock.</summary>
    [Column("since")]
    public required DateTimeOffset Since { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    /// <summary>Confirmed by the host, or absolved.</summary>
    [Column("absent")]
    public DateTimeOffset? Absent { get; init; }

    /// <summary>Why it was absolved: the incarnation was retired. Null when the host confirmed.</summary>
    [Column("absolved")]
    public string? Absolved { get; init; }

    /// <summary>The name of the user who absolved it.</summary>
    [Column("absolved_by")]
    public string? AbsolvedBy { get; init; }
}
