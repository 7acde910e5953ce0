namespace Holdfast.Testing;

/// <summary>
/// A clock that stands still until it is told to move. Timers fire on the thread that moves it, in the order of their due times, each at its own instant.
/// </summary>
public sealed class FakeTimeProvider : TimeProvider
{
    private readonly Lock _guard = new(); // Guards the timers and the clock; never held while a callback runs.
    private readonly SortedSet<FakeTimer> _timers = new(FakeTimer.ByDueTime);
    private readonly DateTimeOffset _start;
    private TimeSpan _elapsed;
    private TimeSpan _wallClockOffset;
    private long _order;

    public FakeTimeProvider(DateTimeOffset? start = null) => _start = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far the clock was moved.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            lock (_guard)
            {
                return _elapsed;
            }
        }
    }

    /// <summary>When the next timer is due, counted from now; null when none is.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_guard)
            {
                return _timers.Min is { } next ? (next.Due > _elapsed ? next.Due - _elapsed : TimeSpan.Zero) : null;
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => _start + Elapsed + _wallClockOffset;

    public override long GetTimestamp() => Elapsed.Ticks;

    /// <summary>Somebody sets the wall clock; monotonic time and timers do not notice.</summary>
    public void JumpWallClock(TimeSpan by) => _wallClockOffset += by;

    /// <summary>Moves the clock and fires what becomes due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan target;
        lock (_guard)
        {
            target = _elapsed + by;
        }

        while (TakeDue(target) is { } timer)
        {
            timer.Fire();
        }

        lock (_guard)
        {
            _elapsed = target;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new FakeTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private FakeTimer? TakeDue(TimeSpan target)
    {
        lock (_guard)
        {
            if (_timers.Min is not { } timer || timer.Due > target)
            {
                return null;
            }

            _timers.Remove(timer);
            _elapsed = timer.Due > _elapsed ? timer.Due : _elapsed;
            if (timer.Period > TimeSpan.Zero)
            {
                timer.Due = _elapsed + timer.Period;
                _timers.Add(timer);
            }

            return timer;
        }
    }

    private sealed class FakeTimer(FakeTimeProvider owner, TimerCallback callback, object? state) : ITimer
    {
        public static readonly IComparer<FakeTimer> ByDueTime = Comparer<FakeTimer>.Create(
            (left, right) => left.Due != right.Due ? left.Due.CompareTo(right.Due) : left.Order.CompareTo(right.Order));

        public TimeSpan Due { get; set; }

        public TimeSpan Period { get; private set; }

        private long Order { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._guard)
            {
                owner._timers.Remove(this);
                Period = period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : period;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    Due = owner._elapsed + dueTime;
                    Order = ++owner._order;
                    owner._timers.Add(this);
                }
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
