using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>Something owed to a backend, mirrored from a host's ledger.</summary>
[Table("obligations")]
internal sealed record ObligationRow
{
    [PrimaryKey, Column("id")]
    public required ObligationId Id { get; init; }

    [Column("incarnation_id")]
    public required IncarnationId IncarnationId { get; init; }

    [Column("host_id")]
    public required HostId HostId { get; init; }

    [Column("kind")]
    public required ObligationKind Kind { get; init; }

    [Column("state")]
    public required ObligationState State { get; init; }

    [Column("pool_id")]
    public required PoolId PoolId { get; init; }

    [Column("pool_name"), NotNull]
    public required string PoolName { get; init; }

    [Column("volume_id")]
    public required VolumeId VolumeId { get; init; }

    [Column("vm_id")]
    public VmId? VmId { get; init; }

    [Column("backend_name")]
    public string? BackendName { get; init; }

    [Column("generation")]
    public required Generation Generation { get; init; }

    [Column("cause"), NotNull]
    public required string Cause { get; init; }

    [Column("last_error")]
    public string? LastError { get; init; }

    [Column("tries")]
    public required int Tries { get; init; }

    /// <summary>By the host's clock.</summary>
    [Column("host_created")]
    public required DateTimeOffset HostCreated { get; init; }

    /// <summary>By the host's clock.</summary>
    [Column("next_try")]
    public DateTimeOffset? NextTry { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("updated")]
    public required DateTimeOffset Updated { get; init; }

    /// <summary>When it left the state Owed.</summary>
    [Column("settled")]
    public DateTimeOffset? Settled { get; init; }

    [Column("forgotten_by")]
    public string? ForgottenBy { get; init; }

    [Column("reason")]
    public string? Reason { get; init; }

    /// <summary>When its age was told as an alert; null: not yet.</summary>
    [Column("alerted")]
    public DateTimeOffset? Alerted { get; init; }
}
