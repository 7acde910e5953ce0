using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>How far the look at what a pool's backend has is, and when the next is due. One row a pool; the look under way is the task with the pool's id.</summary>
[Table("inventories")]
internal sealed record InventoryRow
{
    [PrimaryKey, Column("pool_id")]
    public required PoolId PoolId { get; init; }

    /// <summary>The generation of the newest tombstone of its task: every look is newer.</summary>
    [Column("generation")]
    public required Generation Generation { get; init; }

    /// <summary>When the next look begins.</summary>
    [Column("due")]
    public required DateTimeOffset Due { get; init; }

    /// <summary>The last volume that the look under way has spoken about; null before its first part.</summary>
    [Column("after_id")]
    public VolumeId? AfterId { get; init; }

    /// <summary>The list is complete: what it lacked is asked about one by one.</summary>
    [Column("second_look")]
    public required bool SecondLook { get; init; }

    /// <summary>JSON array of ids: what the list lacked and is still to be asked about.</summary>
    [Column("suspects"), NotNull]
    public required string Suspects { get; init; }

    /// <summary>How many of the pool's volumes the list had.</summary>
    [Column("found")]
    public required long Found { get; init; }

    /// <summary>How many it had not.</summary>
    [Column("lacking")]
    public required long Lacking { get; init; }

    /// <summary>When the last look was complete.</summary>
    [Column("completed")]
    public DateTimeOffset? Completed { get; init; }

    /// <summary>When missing volumes were last told; what is missing since then is not told yet.</summary>
    [Column("told")]
    public DateTimeOffset? Told { get; init; }

    /// <summary>Why the last look was not completed.</summary>
    [Column("error")]
    public string? Error { get; init; }
}
