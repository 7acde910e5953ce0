namespace Holdfast.Core.Planning;

/// <summary>
/// Decides which changes of a storage pool's health become events, so that a pool that goes up and down all day can be seen to do so without drowning all else.
/// Pure.
/// </summary>
public static class FlapRule
{
    /// <summary>So many changes of a pool, on all hosts together, are told one by one within <see cref="Window"/>.</summary>
    public const int ToldOneByOne = 6;

    /// <summary>The time in which they are counted.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    /// <summary>A pool that has not changed on any host for this long is steady again.</summary>
    public static readonly TimeSpan Steady = TimeSpan.FromMinutes(10);

    /// <summary>Decides about one change.</summary>
    /// <param name="flappingSince">Since when the pool counts as flapping; null: it does not.</param>
    /// <param name="toldInWindow">Changes that were told one by one within the window.</param>
    /// <returns>What to tell.</returns>
    public static FlapVerdict Change(DateTimeOffset? flappingSince, int toldInWindow) =>
        flappingSince is not null ? FlapVerdict.Silence
        : toldInWindow >= ToldOneByOne ? FlapVerdict.TellFlapping
        : FlapVerdict.TellChange;

    /// <summary>Whether a flapping pool is steady again.</summary>
    /// <param name="flappingSince">Since when it counts as flapping.</param>
    /// <param name="lastChange">The latest change on any host; null: none is known.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsSteady(DateTimeOffset flappingSince, DateTimeOffset? lastChange, DateTimeOffset now) =>
        now - (lastChange is { } last && last > flappingSince ? last : flappingSince) >= Steady;
}
