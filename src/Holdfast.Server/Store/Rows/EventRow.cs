using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>An event.</summary>
[Table("events")]
internal sealed record EventRow
{
    [PrimaryKey, Column("id")]
    public required EventId Id { get; init; }

    [Column("type"), NotNull]
    public required string Type { get; init; }

    [Column("level")]
    public required EventLevel Level { get; init; }

    [Column("state")]
    public required EventState State { get; init; }

    [Column("description"), NotNull]
    public required string Description { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("user_id")]
    public required UserId UserId { get; init; }

    [Column("resource_type")]
    public string? ResourceType { get; init; }

    [Column("resource_id")]
    public Guid? ResourceId { get; init; }

    [Column("resource_name")]
    public string? ResourceName { get; init; }

    [Column("start_id")]
    public EventId? StartId { get; init; }

    /// <summary>Whether it was put away.</summary>
    [Column("archived")]
    public bool Archived { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
