using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>An account.</summary>
[Table("accounts")]
internal sealed record AccountRow
{
    [PrimaryKey, Column("id")]
    public required AccountId Id { get; init; }

    /// <summary>Stands in instance names (i-NUMBER-...), as CloudStack's internal id does.</summary>
    [Column("number")]
    public required long Number { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("domain_id")]
    public required DomainId DomainId { get; init; }

    /// <summary>0 user, 1 root administrator, 2 domain administrator.</summary>
    [Column("type")]
    public required int Type { get; init; }

    [Column("state"), NotNull]
    public required string State { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
