using Holdfast.Agent.Ledger;

namespace Holdfast.Agent.Loop;

/// <summary>The monotonic clock of this boot of the host, in a form that another process of the same boot can compare.</summary>
/// <param name="bootId">The kernel's id of this boot.</param>
/// <param name="time">The clock.</param>
internal sealed class HostBoot(string bootId, TimeProvider time)
{
    /// <summary>A moment so many milliseconds from now.</summary>
    public StartBy In(long milliseconds) => new(bootId, Uptime() + milliseconds);

    /// <summary>What is left until the moment; zero when it has passed, or belongs to another boot. Null for no limit.</summary>
    public TimeSpan? Left(StartBy? moment) => moment switch
    {
        null => null,
        _ when moment.BootId != bootId => TimeSpan.Zero,
        _ => TimeSpan.FromMilliseconds(Math.Max(0, moment.UptimeMs - Uptime())),
    };

    /// <summary>Whether the moment has passed.</summary>
    public bool HasPassed(StartBy? moment) => Left(moment) == TimeSpan.Zero;

    private long Uptime() => (long)(time.GetTimestamp() / (double)time.TimestampFrequency * 1000);
}
