namespace Holdfast.Core.Failpoints;

/// <summary>
/// The failpoints of one process (real or simulated). Given to whoever passes one; off unless a test says otherwise, and then a pass costs one comparison. Safe
/// for any thread.
/// </summary>
public sealed class FailpointSet
{
    private readonly Lock _guard = new(); // Guards the programs and the counts; never held while a place waits or dies.
    private readonly Dictionary<Failpoint, Program> _programs = [];
    private readonly Action<Failpoint> _panic;
    private readonly TimeProvider _time;
    private volatile bool _isArmed;

    /// <summary>Makes a set in which everything is off.</summary>
    /// <param name="panic">Ends the process at once: nothing of it may run after that. A simulation halts the process that it simulates.</param>
    /// <param name="time">The clock that delays are counted on.</param>
    public FailpointSet(Action<Failpoint> panic, TimeProvider time) => (_panic, _time) = (panic, time);

    /// <summary>Everything is off, for ever.</summary>
    public static FailpointSet None { get; } = new(static _ => throw new InvalidOperationException("Nothing is armed here."), TimeProvider.System);

    /// <summary>Arms places, such as <c>agent.start.done=1*panic;driver.change.done=3*off->error</c>.</summary>
    /// <exception cref="FormatException">It makes no sense; the message names the place, and nothing was armed.</exception>
    public void Arm(string text)
    {
        var parsed = new List<(Failpoint Point, IReadOnlyList<FailpointStep> Steps)>();
        foreach (var part in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? part : part[..equals].Trim();
            var point = Failpoint.All.FirstOrDefault(one => one.Name == name) ?? throw new FormatException($"There is no failpoint '{name}'.");
            parsed.Add((point, FailpointStep.Parse(point, equals < 0 ? "" : part[(equals + 1)..].Trim())));
        }

        foreach (var (point, steps) in parsed)
        {
            Arm(point, steps);
        }
    }

    /// <summary>Arms one place; what it did before is forgotten.</summary>
    public void Arm(Failpoint point, IReadOnlyList<FailpointStep> steps)
    {
        if (ReferenceEquals(this, None))
        {
            throw new InvalidOperationException("The set in which everything is off cannot be armed.");
        }

        lock (_guard)
        {
            _programs[point] = new Program(steps);
            _isArmed = true;
        }
    }

    /// <summary>Turns everything off again.</summary>
    public void Disarm()
    {
        lock (_guard)
        {
            _programs.Clear();
            _isArmed = false;
        }
    }

    /// <summary>How often an armed place was passed.</summary>
    public long Passes(Failpoint point)
    {
        lock (_guard)
        {
            return _programs.TryGetValue(point, out var program) ? program.Passes : 0;
        }
    }

    /// <summary>Passes a place that cannot wait.</summary>
    /// <returns>What the injected failure says; null for none.</returns>
    /// <exception cref="FailpointPanicException">The process has ended; only a simulation sees this.</exception>
    public string? Pass(Failpoint point) => _isArmed ? (Next(point) as FailpointStep.Error)?.Words : null;

    /// <summary>Passes a place.</summary>
    /// <returns>What the injected failure says; null for none.</returns>
    /// <exception cref="FailpointPanicException">The process has ended; only a simulation sees this.</exception>
    public ValueTask<string?> PassAsync(Failpoint point, CancellationToken cancellationToken) => _isArmed ? WaitAsync(Next(point), cancellationToken) : default;

    private async ValueTask<string?> WaitAsync(FailpointStep step, CancellationToken cancellationToken)
    {
        if (step is FailpointStep.Delay delay)
        {
            await Task.Delay(delay.Time, _time, cancellationToken);
        }

        return (step as FailpointStep.Error)?.Words;
    }

    private FailpointStep Next(Failpoint point)
    {
        FailpointStep step;
        lock (_guard)
        {
            step = _programs.TryGetValue(point, out var program) ? program.Next() : new FailpointStep.Off();
        }

        if (step is FailpointStep.Panic)
        {
            _panic(point);
            throw new FailpointPanicException(point);
        }

        return step;
    }

    private sealed class Program(IReadOnlyList<FailpointStep> steps)
    {
        private int _at;
        private long _used;

        public long Passes { get; private set; }

        public FailpointStep Next()
        {
            Passes++;
            while (_at < steps.Count && steps[_at].Times is { } times && _used >= times)
            {
                (_at, _used) = (_at + 1, 0);
            }

            _used++;
            return _at < steps.Count ? steps[_at] : new FailpointStep.Off();
        }
    }
}

/// <summary>Unwinds a simulated process that has ended at a failpoint. Never caught by product code; a real process does not live to see it.</summary>
/// <param name="point">Where.</param>
public sealed class FailpointPanicException(Failpoint point) : Exception($"The process ended at failpoint {point.Name}.");
