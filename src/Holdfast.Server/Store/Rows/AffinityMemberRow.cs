using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A VM in an affinity group. Gone with either.</summary>
[Table("affinity_members")]
internal sealed record AffinityMemberRow
{
    [PrimaryKey(0), Column("group_id")]
    public required AffinityGroupId GroupId { get; init; }

    [PrimaryKey(1), Column("vm_id")]
    public required VmId VmId { get; init; }
}
