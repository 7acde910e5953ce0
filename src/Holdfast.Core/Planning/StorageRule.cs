namespace Holdfast.Core.Planning;

/// <summary>
/// What a storage pool may promise: the one rule for all that grows there (a new volume, a resize, a template's copy). What was promised counts from the moment
/// it was promised, not from when a backend has it. Pure.
/// </summary>
/// <param name="Overprovisioning">Volumes are thin: the sizes promised may exceed the pool's own by this factor.</param>
/// <param name="FullShare">A pool of which more than this share is really used takes nothing more.</param>
public sealed record StorageRule(decimal Overprovisioning, decimal FullShare)
{
    /// <summary>While nobody has set anything else.</summary>
    public static StorageRule Default { get; } = new(2.0m, 0.85m);

    /// <summary>What more may be promised; null while the pool's size is not known.</summary>
    /// <param name="pool">The pool.</param>
    /// <returns>Bytes; negative when more is promised than the present factor allows.</returns>
    public long? RoomOf(PoolFacts pool) =>
        pool.CapacityBytes is { } total ? (long)Math.Min(total * Overprovisioning, long.MaxValue) - pool.AllocatedBytes : null;

    /// <summary>Why the pool cannot promise more.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="bytes">How much more.</param>
    /// <returns>The reason, to follow the pool's name; null when it can.</returns>
    public string? Objection(PoolFacts pool, long bytes)
    {
        if (RoomOf(pool) is not { } room)
        {
            return "has not told its size yet";
        }

        if (pool is { CapacityBytes: > 0 and var total, UsedBytes: { } used } && used > total * FullShare)
        {
            return FormattableString.Invariant($"is more than {FullShare * 100:0.##} % full ({used} of {total} bytes are used)");
        }

        return room < bytes
            ? FormattableString.Invariant($"has no room for {bytes} bytes more: it has {pool.CapacityBytes} bytes, of which {Overprovisioning:0.##} times as many may be promised, and {pool.AllocatedBytes} are")
            : null;
    }
}
