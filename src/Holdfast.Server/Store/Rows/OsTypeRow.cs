using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A guest operating system type.</summary>
[Table("os_types")]
internal sealed record OsTypeRow
{
    /// <summary>The description of the type of a template for which none is named.</summary>
    public const string Unknown = "Other (64-bit)";

    [PrimaryKey, Column("id")]
    public required OsTypeId Id { get; init; }

    [Column("category"), NotNull]
    public required string Category { get; init; }

    [Column("description"), NotNull]
    public required string Description { get; init; }
}
