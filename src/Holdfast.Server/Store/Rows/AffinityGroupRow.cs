using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>An affinity group of an account.</summary>
[Table("affinity_groups")]
internal sealed record AffinityGroupRow
{
    [PrimaryKey, Column("id")]
    public required AffinityGroupId Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("type")]
    public required AffinityType Type { get; init; }

    [Column("description")]
    public string? Description { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
