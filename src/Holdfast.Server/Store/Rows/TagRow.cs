using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A tag of a resource: a note of its users, which lists can be asked by. Gone with the resource.</summary>
[Table("resource_tags")]
internal sealed record TagRow
{
    /// <summary>The resource.</summary>
    [PrimaryKey(1), Column("resource_id")]
    public required Guid ResourceId { get; init; }

    /// <summary>Once on a resource, in exactly this writing.</summary>
    [PrimaryKey(2), Column("tag_key"), NotNull]
    public required string Key { get; init; }

    [Column("tag_value"), NotNull]
    public required string Value { get; init; }

    /// <summary>What tags call the kind of the resource.</summary>
    [Column("resource_type"), NotNull]
    public required string ResourceType { get; init; }

    /// <summary>The resource's owner.</summary>
    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    /// <summary>As it was sent.</summary>
    [Column("customer")]
    public string? Customer { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
