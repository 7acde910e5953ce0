using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>An asynchronous job: names an entity and waits for its state.</summary>
[Table("jobs")]
internal sealed record JobRow
{
    [PrimaryKey, Column("id")]
    public required JobId Id { get; init; }

    [Column("kind")]
    public required JobKind Kind { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("user_id")]
    public required UserId UserId { get; init; }

    /// <summary>CloudStack's resource type: VirtualMachine, Volume, StoragePool, Template.</summary>
    [Column("instance_type"), NotNull]
    public required string InstanceType { get; init; }

    [Column("instance_id")]
    public required Guid InstanceId { get; init; }

    /// <summary>The machine generation it waits for.</summary>
    [Column("generation")]
    public Generation? Generation { get; init; }

    [Column("state")]
    public required JobState State { get; init; }

    [Column("result_code")]
    public required int ResultCode { get; init; }

    /// <summary>JSON of jobresult.</summary>
    [Column("result")]
    public string? Result { get; init; }

    /// <summary>What was asked, in a sentence.</summary>
    [Column("description"), NotNull]
    public required string Description { get; init; }

    [Column("start_event_id")]
    public EventId? StartEventId { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("deadline")]
    public required DateTimeOffset Deadline { get; init; }

    [Column("completed")]
    public DateTimeOffset? Completed { get; init; }
}
