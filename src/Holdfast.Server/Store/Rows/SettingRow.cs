using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A setting of the installation.</summary>
[Table("settings")]
internal sealed record SettingRow
{
    [PrimaryKey, Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("value"), NotNull]
    public required string Value { get; init; }
}
