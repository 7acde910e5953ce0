using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A CloudStack domain.</summary>
[Table("domains")]
internal sealed record DomainRow
{
    [PrimaryKey, Column("id")]
    public required DomainId Id { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("parent_id")]
    public DomainId? ParentId { get; init; }

    /// <summary>ROOT/a/b.</summary>
    [Column("path"), NotNull]
    public required string Path { get; init; }

    [Column("level")]
    public required int Level { get; init; }

    /// <summary>The domain name of its networks, as it was asked for.</summary>
    [Column("network_domain")]
    public string? NetworkDomain { get; init; }

    /// <summary>When its deletion was asked for. It is removed when all accounts and domains in it are.</summary>
    [Column("deleted")]
    public DateTimeOffset? Deleted { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
