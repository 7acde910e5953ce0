using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A piece of storage work given to a host.</summary>
[Table("tasks")]
internal sealed record TaskRow
{
    [PrimaryKey, Column("id")]
    public required TaskId Id { get; init; }

    [Column("incarnation_id")]
    public required IncarnationId IncarnationId { get; init; }

    [Column("pool_id")]
    public required PoolId PoolId { get; init; }

    [Column("kind")]
    public required WorkKind Kind { get; init; }

    /// <summary>The volume or sealed template volume it is about.</summary>
    [Column("volume_id")]
    public VolumeId? VolumeId { get; init; }

    [Column("obligation_id")]
    public ObligationId? ObligationId { get; init; }

    /// <summary>The job that asked first; more may wait for it.</summary>
    [Column("job_id")]
    public JobId? JobId { get; init; }

    [Column("state")]
    public required WorkState State { get; init; }

    [Column("error")]
    public string? Error { get; init; }

    /// <summary>DriverErrorCode in kebab case, where a driver gave one.</summary>
    [Column("error_code")]
    public string? ErrorCode { get; init; }

    [Column("percent")]
    public int? Percent { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("deadline")]
    public DateTimeOffset? Deadline { get; init; }

    [Column("completed")]
    public DateTimeOffset? Completed { get; init; }
}
