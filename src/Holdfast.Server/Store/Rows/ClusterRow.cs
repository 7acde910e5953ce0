using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A cluster of hosts.</summary>
[Table("clusters")]
internal sealed record ClusterRow
{
    [PrimaryKey, Column("id")]
    public required ClusterId Id { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    [Column("pod_id")]
    public required PodId PodId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("hypervisor"), NotNull]
    public required string Hypervisor { get; init; }

    /// <summary>One of <see cref="AllocationStates"/>.</summary>
    [Column("allocation_state"), NotNull]
    public required string AllocationState { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
