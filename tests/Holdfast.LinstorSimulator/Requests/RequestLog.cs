namespace Holdfast.LinstorSimulation;

/// <summary>Everything that reached the simulator over the network, in order. Safe from any thread; survives stop and restart of the controller.</summary>
public sealed class RequestLog
{
    private readonly TimeProvider _time;

    // Guards the six below.
    private readonly Lock _lock = new();
    private readonly HashSet<int> _own = [];
    private readonly List<RequestEntry> _entries = [];
    private TaskCompletionSource _changed = NewSignal();
    private long _number;
    private long _accepted;
    private long _attempts;

    internal RequestLog(TimeProvider time) => _time = time;

    /// <summary>TCP connections accepted since the log was last cleared.</summary>
    public long ConnectionsAccepted
    {
        get
        {
            lock (_lock)
            {
                return _accepted;
            }
        }
    }

    /// <summary>
    /// TCP connects tried since the log was last cleared, seen as SYN packets, so refused and black-holed ones count too (a repeated SYN does not). Null where they
    /// cannot be seen, for lack of privilege.
    /// </summary>
    public long? ConnectionAttempts
    {
        get
        {
            lock (_lock)
            {
                return CountsAttempts ? _attempts : null;
            }
        }
    }

    /// <summary>The requests since the log was last cleared.</summary>
    public IReadOnlyList<RequestEntry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    internal bool CountsAttempts { get; set; }

    /// <summary>How many requests match a method and a path pattern (<c>*</c> stands for anything); null matches all.</summary>
    public int Count(string? method = null, string? path = null)
    {
        var rule = new FaultRule { Kind = FaultKind.Hang, Method = method, Path = path };
        lock (_lock)
        {
            return _entries.Count(entry => rule.Matches(entry.Method, entry.Path));
        }
    }

    /// <summary>Empties the log and its counters.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _entries.Clear();
            _accepted = 0;
            _attempts = 0;
        }
    }

    /// <summary>Waits until a request that fulfils the condition is in the log.</summary>
    public async Task<RequestEntry> WaitForAsync(Func<RequestEntry, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_entries.Find(entry => condition(entry)) is { } found)
                {
                    return found;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    internal void Accepted()
    {
        lock (_lock)
        {
            _accepted++;
        }
    }

    internal void Attempted(int sourcePort)
    {
        lock (_lock)
        {
            _attempts += _own.Contains(sourcePort) ? 0 : 1;
        }
    }

    /// <summary>Connects from this port are the simulator's own; nobody else has the port as long as that holds.</summary>
    internal void MarkOwn(int sourcePort, bool own)
    {
        lock (_lock)
        {
            _ = own ? _own.Add(sourcePort) : _own.Remove(sourcePort);
        }
    }

    internal Running Begin(string connection, string method, string path, string query, string? route, string? body)
    {
        RequestEntry entry;
        lock (_lock)
        {
            entry = new RequestEntry
            {
                Number = ++_number, At = _time.GetUtcNow(), Connection = connection, Method = method, Path = path, Query = query, Route = route,
                Body = body is { Length: > 4000 } ? body[..4000] : body,
            };
            _entries.Add(entry);
        }

        Signal();
        return new Running(this, entry, _time.GetTimestamp());
    }

    private void Replace(RequestEntry entry)
    {
        lock (_lock)
        {
            var index = _entries.FindLastIndex(other => other.Number == entry.Number);
            if (index >= 0)
            {
                _entries[index] = entry;
            }
        }

        Signal();
    }

    private void Signal()
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>One request under way.</summary>
    internal sealed class Running(RequestLog log, RequestEntry entry, long began)
    {
        private RequestEntry _entry = entry;

        public void Hit(FaultKind fault)
        {
            _entry = _entry with { Fault = fault };
            log.Replace(_entry);
        }

        public void End(int? status)
        {
            _entry = _entry with { Status = status, Milliseconds = log._time.GetElapsedTime(began).TotalMilliseconds };
            log.Replace(_entry);
        }
    }
}
