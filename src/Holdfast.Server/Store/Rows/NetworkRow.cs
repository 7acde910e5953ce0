using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A network.</summary>
[Table("networks")]
internal sealed record NetworkRow
{
    [PrimaryKey, Column("id")]
    public required NetworkId Id { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("display_text"), NotNull]
    public required string DisplayText { get; init; }

    /// <summary>Shared.</summary>
    [Column("type"), NotNull]
    public required string Type { get; init; }

    [Column("traffic_type"), NotNull]
    public required string TrafficType { get; init; }

    /// <summary>Null: the host chooses.</summary>
    [Column("bridge")]
    public string? Bridge { get; init; }

    [Column("is_default")]
    public required bool IsDefault { get; init; }

    /// <summary>Notes about it, which addResourceDetail makes.</summary>
    [Column("details"), NotNull]
    public string Details { get; init; } = "{}";

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }

    /// <summary>The network of VMs that name none: the hosts' own. Every zone has it.</summary>
    /// <param name="zone">The zone.</param>
    /// <param name="id">Its id.</param>
    /// <param name="now">When it is made.</param>
    public static NetworkRow DefaultOf(ZoneId zone, NetworkId id, DateTimeOffset now) => new()
    {
        Id = id,
        ZoneId = zone,
        Name = "default",
        DisplayText = "The hosts' own network",
        Type = "Shared",
        TrafficType = "Guest",
        IsDefault = true,
        Created = now,
    };
}
