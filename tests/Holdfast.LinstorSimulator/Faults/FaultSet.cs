namespace Holdfast.LinstorSimulation;

/// <summary>
/// The faults in force. Changes act at once, from any thread. What concerns connections (<see cref="FaultKind.Refuse"/>, <see cref="FaultKind.Blackhole"/>) has taken
/// effect when the awaited call returns.
/// </summary>
public sealed class FaultSet
{
    // Guards _active, _hits and _changed.
    private readonly Lock _lock = new();
    private List<Active> _active = [];
    private TaskCompletionSource _changed = NewSignal();
    private Func<ConnectionFault, Task> _apply = static _ => Task.CompletedTask;

    internal FaultSet()
    {
    }

    internal enum ConnectionFault
    {
        None,
        Refuse,
        Blackhole,
    }

    /// <summary>The rules in force, in the order in which they are tried.</summary>
    public IReadOnlyList<FaultRule> Rules
    {
        get
        {
            lock (_lock)
            {
                return [.. _active.Select(static active => active.Rule)];
            }
        }
    }

    /// <summary>Replaces all rules.</summary>
    public Task SetAsync(params IEnumerable<FaultRule> rules)
    {
        lock (_lock)
        {
            _active = [.. rules.Select(static rule => new Active(rule))];
        }

        return ChangedAsync();
    }

    /// <summary>Adds one rule after those in force.</summary>
    public Task AddAsync(FaultRule rule)
    {
        lock (_lock)
        {
            _active = [.. _active, new Active(rule)];
        }

        return ChangedAsync();
    }

    /// <summary>Adds a rule of this kind for requests that match, or for all.</summary>
    public Task AddAsync(FaultKind kind, string? method = null, string? path = null) => AddAsync(new FaultRule { Kind = kind, Method = method, Path = path });

    /// <summary>Lifts all faults.</summary>
    public Task ClearAsync() => SetAsync();

    /// <summary>Lifts the faults of one kind.</summary>
    public Task RemoveAsync(FaultKind kind)
    {
        lock (_lock)
        {
            _active = [.. _active.Where(active => active.Rule.Kind != kind)];
        }

        return ChangedAsync();
    }

    internal ConnectionFault Connections
    {
        get
        {
            lock (_lock)
            {
                return _active.Exists(static active => active.Rule.Kind == FaultKind.Refuse) ? ConnectionFault.Refuse
                    : _active.Exists(static active => active.Rule.Kind == FaultKind.Blackhole) ? ConnectionFault.Blackhole
                    : ConnectionFault.None;
            }
        }
    }

    internal bool Has(FaultKind kind)
    {
        lock (_lock)
        {
            return _active.Exists(active => active.Rule.Kind == kind);
        }
    }

    /// <summary>The first rule on the wire that concerns a request; counts the hit.</summary>
    internal FaultRule? Hit(string method, string path, Func<FaultKind, bool> wanted)
    {
        lock (_lock)
        {
            var active = _active.Find(active => wanted(active.Rule.Kind) && active.Rule.Matches(method, path) && active.Hits < (active.Rule.Times ?? int.MaxValue));
            if (active is null)
            {
                return null;
            }

            active.Hits++;
            if (active.Hits == active.Rule.Times)
            {
                _active = [.. _active.Where(other => other != active)];
            }

            return active.Rule;
        }
    }

    /// <summary>Waits until the condition on this set holds; looked at after each change.</summary>
    internal async Task WaitUntilAsync(Func<FaultSet, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                changed = _changed.Task;
            }

            if (condition(this))
            {
                return;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    internal void OnConnectionFaults(Func<ConnectionFault, Task> apply) => _apply = apply;

    private async Task ChangedAsync()
    {
        await _apply(Connections);
        TaskCompletionSource changed;
        lock (_lock)
        {
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Active(FaultRule rule)
    {
        public FaultRule Rule { get; } = rule;
        public int Hits { get; set; }
    }
}
