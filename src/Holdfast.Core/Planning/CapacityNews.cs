namespace Holdfast.Core.Planning;

/// <summary>
/// When what a host tells of a storage pool's room is written to the pool's row. All hosts of the pool share that row, and each of them tells again and again, a little
/// different each time: what changes nothing for anybody is kept with the host's binding only. Pure.
/// </summary>
public static class CapacityNews
{
    /// <summary>A change of this share of the pool is news at once: the pool's size over this.</summary>
    public const int Share = 100;

    /// <summary>A smaller change is news when what is known is as old as this.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    /// <summary>Whether it is written.</summary>
    /// <param name="knownTotal">The pool's size as known, in bytes; null: not known yet.</param>
    /// <param name="knownUsed">What is used of it as known, in bytes; null: not known yet.</param>
    /// <param name="asOf">Since when that is known.</param>
    /// <param name="total">The size that the host tells, in bytes.</param>
    /// <param name="used">What is used, as the host tells, in bytes.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether it is; false also when it is the same.</returns>
    public static bool IsNews(long? knownTotal, long? knownUsed, DateTimeOffset? asOf, long total, long used, DateTimeOffset now) =>
        total != knownTotal
        || knownUsed is not { } before
        || (used != before && (Math.Abs(used - before) >= total / Share || asOf is not { } since || now - since >= Fresh));
}
