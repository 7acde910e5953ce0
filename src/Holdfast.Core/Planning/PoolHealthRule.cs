namespace Holdfast.Core.Planning;

/// <summary>Sums up what hosts say of a storage pool. Pure.</summary>
public static class PoolHealthRule
{
    /// <summary>Sums up.</summary>
    /// <param name="hosts">Hosts that have the pool, those that quiesce it included.</param>
    /// <param name="quiesced">Of these: that are not to touch its backend.</param>
    /// <param name="serving">Of these: that serve it. A host that is not heard of serves nothing.</param>
    /// <param name="sick">Of these: that are heard of, and say that they cannot.</param>
    /// <param name="isTwin">Whether it is the same storage as another pool, and so takes no new volumes however well it is served.</param>
    /// <returns>The sum.</returns>
    public static PoolHealth Of(int hosts, int quiesced, int serving, int sick, bool isTwin = false)
    {
        var asked = hosts - quiesced;
        return (hosts, asked) switch
        {
            (0, _) => PoolHealth.Unknown,
            (_, 0) => PoolHealth.Quiesced,
            _ when serving >= asked => isTwin ? PoolHealth.Degraded : PoolHealth.Up,
            _ when serving > 0 => PoolHealth.Degraded,
            _ => sick > 0 ? PoolHealth.Down : PoolHealth.Unknown,
        };
    }
}
