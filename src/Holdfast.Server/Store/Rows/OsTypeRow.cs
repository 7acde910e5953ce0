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

    /// <summary>Notes about it, which addResourceDetail makes.</summary>
    [Column("details"), NotNull]
    public string Details { get; init; } = "{}";

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";
}
