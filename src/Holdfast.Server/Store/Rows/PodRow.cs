using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A pod.</summary>
[Table("pods")]
internal sealed record PodRow
{
    [PrimaryKey, Column("id")]
    public required PodId Id { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    /// <summary>One of <see cref="AllocationStates"/>.</summary>
    [Column("allocation_state"), NotNull]
    public required string AllocationState { get; init; }

    [Column("gateway")]
    public string? Gateway { get; init; }

    [Column("netmask")]
    public string? Netmask { get; init; }

    /// <summary>Its first address; null: none of its addresses were told.</summary>
    [Column("start_ip")]
    public string? StartIp { get; init; }

    [Column("end_ip")]
    public string? EndIp { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
