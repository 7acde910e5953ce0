using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A comment that a user made on something.</summary>
[Table("annotations")]
internal sealed record AnnotationRow
{
    [PrimaryKey, Column("id")]
    public required AnnotationId Id { get; init; }

    /// <summary>What comments call the kind of the thing, in CloudStack's words.</summary>
    [Column("entity_type"), NotNull]
    public required string EntityType { get; init; }

    [Column("entity_id")]
    public required Guid EntityId { get; init; }

    [Column("text"), NotNull]
    public required string Text { get; init; }

    [Column("user_id")]
    public required UserId UserId { get; init; }

    /// <summary>Whether only root administrators see it.</summary>
    [Column("admins_only")]
    public required bool AdminsOnly { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
