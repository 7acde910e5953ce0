using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>Something an operator should look at, told once.</summary>
[Table("alerts")]
internal sealed record AlertRow
{
    [PrimaryKey, Column("id")]
    public required AlertId Id { get; init; }

    /// <summary>CloudStack's number of the kind of alert.</summary>
    [Column("type")]
    public required int Type { get; init; }

    /// <summary>CloudStack's name of the kind of alert.</summary>
    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("description"), NotNull]
    public required string Description { get; init; }

    [Column("resource_id")]
    public Guid? ResourceId { get; init; }

    /// <summary>Whether it was put away.</summary>
    [Column("archived")]
    public bool Archived { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
