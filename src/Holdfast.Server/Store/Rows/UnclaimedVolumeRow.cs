using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>Something at a pool's backend that no row names: it belongs to nobody. Never removed by itself.</summary>
[Table("unclaimed_volumes")]
internal sealed record UnclaimedVolumeRow
{
    [PrimaryKey(0), Column("pool_id")]
    public required PoolId PoolId { get; init; }

    /// <summary>Its name at the backend.</summary>
    [PrimaryKey(1), Column("name"), NotNull]
    public required string Name { get; init; }

    /// <summary>The volume that it is marked as; null when it is not proven to be this pool's.</summary>
    [Column("volume_id")]
    public VolumeId? VolumeId { get; init; }

    [Column("generation")]
    public Generation? Generation { get; init; }

    [Column("size_bytes")]
    public long? SizeBytes { get; init; }

    /// <summary>Why it is not proven to be this pool's.</summary>
    [Column("why")]
    public string? Why { get; init; }

    /// <summary>When it was first seen.</summary>
    [Column("since")]
    public required DateTimeOffset Since { get; init; }

    /// <summary>The task that deletes it.</summary>
    [Column("task_id")]
    public TaskId? TaskId { get; init; }

    /// <summary>The name of the user who had it deleted.</summary>
    [Column("removed_by")]
    public string? RemovedBy { get; init; }

    /// <summary>Why, in that user's words.</summary>
    [Column("reason")]
    public string? Reason { get; init; }

    /// <summary>Why it was not deleted when that was tried.</summary>
    [Column("error")]
    public string? Error { get; init; }
}
