namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>When a call of the driver must have ended, on the monotonic clock. Every wait below it is bounded by what is left.</summary>
internal sealed class CallDeadline
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TimeSpan _allowed;

    /// <summary>Starts counting.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="allowed">How long the call may take.</param>
    /// <param name="cancelled">The caller has gone.</param>
    public CallDeadline(TimeProvider time, TimeSpan allowed, CancellationToken cancelled)
    {
        _time = time;
        _start = time.GetTimestamp();
        _allowed = allowed;
        Cancelled = cancelled;
    }

    /// <summary>The caller has gone.</summary>
    public CancellationToken Cancelled { get; }

    /// <summary>What is left; never negative.</summary>
    public TimeSpan Left
    {
        get
        {
            var left = _allowed - _time.GetElapsedTime(_start);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Whether nothing is left.</summary>
    public bool Passed => Left == TimeSpan.Zero;

    /// <summary>How much one step may take.</summary>
    /// <param name="atMost">Its own bound.</param>
    /// <returns>The smaller of that and what is left.</returns>
    public TimeSpan Share(TimeSpan atMost) => Left < atMost ? Left : atMost;

    /// <summary>A deadline inside this one that leaves time for reading back what became of it.</summary>
    /// <param name="reserve">What to keep; at most a quarter of what is left is kept.</param>
    /// <returns>The shorter deadline.</returns>
    public CallDeadline KeepingBack(TimeSpan reserve)
    {
        var left = Left;
        var kept = reserve < left / 4 ? reserve : left / 4;
        return new CallDeadline(_time, left - kept, Cancelled);
    }

    /// <summary>A source that is cancelled with the caller or when the time is over.</summary>
    /// <param name="atMost">Bound of this step.</param>
    /// <returns>The source; dispose it. Its own token alone says nothing about the reason: look at <see cref="Cancelled"/>.</returns>
    public TimedToken Limit(TimeSpan atMost) => new(_time, Share(atMost), Cancelled);

    /// <summary>Waits, but not beyond the deadline.</summary>
    /// <param name="pause">How long.</param>
    /// <returns>Whether there is time left after it.</returns>
    public async Task<bool> PauseAsync(TimeSpan pause)
    {
        if (Left <= pause)
        {
            return false;
        }

        await Task.Delay(pause, _time, Cancelled);
        return true;
    }
}
