using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A network interface of a VM.</summary>
[Table("nics")]
internal sealed record NicRow
{
    [PrimaryKey, Column("id")]
    public required NicId Id { get; init; }

    [Column("vm_id")]
    public required VmId VmId { get; init; }

    [Column("network_id")]
    public required NetworkId NetworkId { get; init; }

    [Column("mac"), NotNull]
    public required string Mac { get; init; }

    [Column("device_id")]
    public required int DeviceId { get; init; }

    [Column("is_default")]
    public required bool IsDefault { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
