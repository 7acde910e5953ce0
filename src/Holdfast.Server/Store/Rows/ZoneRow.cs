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

    /// <summary>One of <see cref="AllocationStates"/>.</summary>
    [Column("allocation_state"), NotNull]
    public required string AllocationState { get; init; }

    [Column("dns1")]
    public string? Dns1 { get; init; }

    [Column("dns2")]
    public string? Dns2 { get; init; }

    [Column("ip6_dns1")]
    public string? Ip6Dns1 { get; init; }

    [Column("ip6_dns2")]
    public string? Ip6Dns2 { get; init; }

    [Column("internal_dns1")]
    public string? InternalDns1 { get; init; }

    [Column("internal_dns2")]
    public string? InternalDns2 { get; init; }

    [Column("guest_cidr")]
    public string? GuestCidr { get; init; }

    /// <summary>The domain name of its networks, as it was asked for.</summary>
    [Column("network_domain")]
    public string? NetworkDomain { get; init; }

    /// <summary>Whether storage pools of one host alone may be in it.</summary>
    [Column("local_storage")]
    public bool LocalStorage { get; init; } = true;

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
}
