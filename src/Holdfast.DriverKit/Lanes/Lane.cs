namespace Holdfast.DriverKit.Lanes;

/// <summary>
/// Bounded concurrency: a number of workers, a bounded queue, and no two calls at once that claim the same volume. First come, first served, except that a call may
/// overtake one that waits for a volume it does not need itself. A call that does not come back keeps its worker, so that a hung backend can
/// occupy no more than this lane. Safe to use from any thread.
/// </summary>
internal sealed class Lane
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _waiting = [];
    private readonly List<Entry> _running = [];
    private readonly int _workers;
    private readonly int _queue;
    private readonly TimeProvider _time;
    private readonly CancellationToken _ending;
    private int _stuck;

    internal Lane(int workers, int queue, TimeProvider time, CancellationToken ending)
    {
        _workers = workers;
        _queue = queue;
        _time = time;
        _ending = ending;
    }

    /// <summary>Calls that are past their deadline and have not come back.</summary>
    internal int Stuck => Volatile.Read(ref _stuck);

    /// <summary>Workers of this lane.</summary>
    internal int Workers => _workers;

    /// <summary>Runs a call when it is its turn.</summary>
    /// <typeparam name="T">The value of the call.</typeparam>
    /// <param name="claim">What it needs for itself.</param>
    /// <param name="budget">Time until the caller needs an answer.</param>
    /// <param name="work">The call, given the time left until its token is cancelled, and the token; must not throw.</param>
    /// <param name="late">Called when an abandoned call comes back after all.</param>
    /// <returns>What became of it.</returns>
    internal async Task<LaneOutcome<T>> RunAsync<T>(
        LaneClaim claim,
        TimeSpan budget,
        Func<TimeSpan, CancellationToken, Task<T>> work,
        Action<T> late)
    {
        var arrived = _time.GetTimestamp();
        var entry = new Entry(claim);
        lock (_gate)
        {
            if (MayStart(entry, _waiting.Last))
            {
                Start(entry);
            }
            else if (_waiting.Count >= _queue)
            {
                return new LaneOutcome<T>.Full();
            }
            else
            {
                _waiting.AddLast(entry);
            }
        }

        try
        {
            await entry.Turn.Task.WaitAsync(budget, _time);
        }
        catch (TimeoutException)
        {
            Withdraw(entry);
            return new LaneOutcome<T>.NeverRan();
        }

        var left = budget - _time.GetElapsedTime(arrived);
        if (left <= TimeSpan.Zero)
        {
            Withdraw(entry);
            return new LaneOutcome<T>.NeverRan();
        }

        var running = WorkAsync(entry, SoftDeadline(left), work, late);
        try
        {
            return new LaneOutcome<T>.Finished(await running.WaitAsync(left, _time));
        }
        catch (TimeoutException)
        {
            lock (_gate)
            {
                if (_running.Contains(entry))
                {
                    entry.Abandoned = true;
                    _stuck++;
                    return new LaneOutcome<T>.Abandoned();
                }
            }

            return new LaneOutcome<T>.Finished(await running);
        }
    }

    /// <summary>A driver hears of the deadline a little earlier than the caller, so that its own words can still reach the caller.</summary>
    private static TimeSpan SoftDeadline(TimeSpan left)
    {
        var margin = left / 10;
        return left - (margin < TimeSpan.FromMilliseconds(250) ? margin : TimeSpan.FromMilliseconds(250));
    }

    private async Task<T> WorkAsync<T>(Entry entry, TimeSpan soft, Func<TimeSpan, CancellationToken, Task<T>> work, Action<T> late)
    {
        // A driver may block before its first await; that must not hold up whoever put the call in.
        await Task.Yield();
        using var deadline = new CancellationTokenSource(soft, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _ending);
        var value = await work(soft, either.Token);
        if (Finish(entry))
        {
            late(value);
        }

        return value;
    }

    private void Withdraw(Entry entry)
    {
        lock (_gate)
        {
            if (!_waiting.Remove(entry))
            {
                _running.Remove(entry);
            }

            Admit();
        }
    }

    private bool Finish(Entry entry)
    {
        lock (_gate)
        {
            _running.Remove(entry);
            if (entry.Abandoned)
            {
                _stuck--;
            }

            Admit();
            return entry.Abandoned;
        }
    }

    private void Admit()
    {
        for (var node = _waiting.First; node is not null && _running.Count < _workers;)
        {
            var next = node.Next;
            if (MayStart(node.Value, node.Previous))
            {
                _waiting.Remove(node);
                Start(node.Value);
            }

            node = next;
        }
    }

    private bool MayStart(Entry entry, LinkedListNode<Entry>? before)
    {
        if (_running.Count >= _workers)
        {
            return false;
        }

        foreach (var running in _running)
        {
            if (running.Claim.Conflicts(entry.Claim))
            {
                return false;
            }
        }

        for (var node = before; node is not null; node = node.Previous)
        {
            if (node.Value.Claim.Conflicts(entry.Claim))
            {
                return false;
            }
        }

        return true;
    }

    private void Start(Entry entry)
    {
        _running.Add(entry);
        entry.Turn.SetResult();
    }

    private sealed class Entry
    {
        internal Entry(LaneClaim claim) => Claim = claim;

        internal LaneClaim Claim { get; }

        internal TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal bool Abandoned { get; set; }
    }
}
