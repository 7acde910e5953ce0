namespace Holdfast.DriverKit;

/// <summary>One call as its driver sees it. Safe to use from any thread.</summary>
public sealed class DriverCall
{
    private readonly TimeProvider _time;
    private readonly long _deadline;

    /// <summary>Describes a call.</summary>
    /// <param name="id">The caller's id of the call, for logs.</param>
    /// <param name="budget">Time from now until the call's token is cancelled.</param>
    /// <param name="time">The clock.</param>
    public DriverCall(string id, TimeSpan budget, TimeProvider time)
    {
        Id = id;
        _time = time;
        _deadline = time.GetTimestamp() + (long)(budget.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>The caller's id of the call, for logs; made up by the kit where the caller gave none.</summary>
    public string Id { get; }

    /// <summary>
    /// Time left until the call's token is cancelled; never negative. The token is cancelled shortly before the caller's deadline, so that a driver that knows
    /// whether it had an effect can still say so.
    /// </summary>
    public TimeSpan Remaining
    {
        get
        {
            var left = _deadline - _time.GetTimestamp();
            return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / _time.TimestampFrequency);
        }
    }
}
