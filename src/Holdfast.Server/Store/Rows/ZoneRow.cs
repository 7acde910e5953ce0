using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A zone.</summary>
[Table("zones")]
internal sealed record ZoneRow
{
    [PrimaryKey, Column("id")]
    public required ZoneId Id { get; init; }

    /// <summary>CloudStack's internal id; some clients still send zoneid=1.</summary>
    [Column("number")]
    public required long Number { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("network_type"), NotNull]
    public required string NetworkType { get; init; }

    [Column("allocation_state"), NotNull]
    public required string AllocationState { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
