using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>The user data of a VM. Not in its row, which is read and written at every step. Gone with the VM.</summary>
[Table("vm_user_data")]
internal sealed record VmUserDataRow
{
    [PrimaryKey, Column("vm_id")]
    public required VmId VmId { get; init; }

    /// <summary>What its guest is told: Base64, up to a mebibyte.</summary>
    [Column("content"), NotNull]
    public required string Content { get; init; }

    /// <summary>Whether its template's is in that, or all of it.</summary>
    [Column("of_template")]
    public bool OfTemplate { get; init; }

    /// <summary>What it was given itself, where that is not all that is told; null: nothing.</summary>
    [Column("own")]
    public string? Own { get; init; }
}
