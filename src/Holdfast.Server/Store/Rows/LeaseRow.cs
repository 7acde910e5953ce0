using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>Who may write a volume. At most one row a volume; ends when the guest is confirmed gone on that host.</summary>
[Table("leases")]
internal sealed record LeaseRow
{
    [PrimaryKey, Column("volume_id")]
    public required VolumeId VolumeId { get; init; }

    [Column("incarnation_id")]
    public required IncarnationId IncarnationId { get; init; }

    [Column("vm_id")]
    public required VmId VmId { get; init; }

    [Column("generation")]
    public required Generation Generation { get; init; }

    [Column("granted")]
    public required DateTimeOffset Granted { get; init; }
}
