using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>The user data of a VM. Not in its row, which is read and written at every step. Gone with the VM.</summary>
[Table("vm_user_data")]
internal sealed record VmUserDataRow
{
    [PrimaryKey, Column("vm_id")]
    public required VmId VmId { get; init; }

    /// <summary>Base64, up to a mebibyte.</summary>
    [Column("content"), NotNull]
    public required string Content { get; init; }
}
