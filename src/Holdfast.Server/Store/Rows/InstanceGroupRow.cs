using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A group of VMs of an account: a name to find them by.</summary>
[Table("instance_groups")]
internal sealed record InstanceGroupRow
{
    [PrimaryKey, Column("id")]
    public required InstanceGroupId Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
