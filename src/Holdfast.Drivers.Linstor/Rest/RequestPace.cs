namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>
/// At most so many requests a second, with a burst of one second's worth. LINSTOR has no limit of its own and serialises most changes, so a client that
/// asks too fast takes the whole cluster hostage. Safe for concurrent use; first come, first served.
/// </summary>
internal sealed class RequestPace
{
    // Not the framework's TokenBucketRateLimiter: that has a timer that never rests, and a clock that cannot be given.
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _gap;
    private readonly long _burst;
    private long _nextFree;

    /// <summary>Makes a pace.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="perSecond">Requests a second.</param>
    public RequestPace(TimeProvider time, int perSecond)
    {
        _time = time;
        _gap = time.TimestampFrequency / perSecond;
        _burst = _gap * perSecond;
        _nextFree = time.GetTimestamp() - _burst;
    }

    /// <summary>Waits for this request's turn.</summary>
    /// <param name="cancellationToken">Gives up; the turn is lost.</param>
    /// <returns>When it may go.</returns>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        long wait;
        // Guards the time at which the next request may go.
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            var turn = Math.Max(_nextFree, now - _burst);
            _nextFree = turn + _gap;
            wait = turn - now;
        }

        if (wait > 0)
        {
            await Task.Delay(TimeSpan.FromSeconds((double)wait / _time.TimestampFrequency), _time, cancellationToken);
        }
    }
}
