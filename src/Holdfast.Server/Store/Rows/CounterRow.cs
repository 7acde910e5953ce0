using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A counter that numbers things; incremented only by UPDATE ... RETURNING.</summary>
[Table("counters")]
internal sealed record CounterRow
{
    [PrimaryKey, Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("value")]
    public required long Value { get; init; }
}
