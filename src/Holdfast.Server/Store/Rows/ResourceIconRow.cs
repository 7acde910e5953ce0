using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>The icon of a resource. Gone with the resource.</summary>
[Table("resource_icons")]
internal sealed record ResourceIconRow
{
    /// <summary>The resource.</summary>
    [PrimaryKey, Column("resource_id")]
    public required Guid ResourceId { get; init; }

    /// <summary>What icons call the kind of the resource.</summary>
    [Column("resource_type"), NotNull]
    public required string ResourceType { get; init; }

    /// <summary>The image in Base64, which was checked.</summary>
    [Column("image"), NotNull]
    public required string Image { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
