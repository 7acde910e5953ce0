using Holdfast.Testing;

namespace Holdfast.Worlds.Simulation;

/// <summary>
/// The one place that owns clock, randomness and order. Runs all simulated processes on the calling thread: one task at a time, of a process that the seed
/// chooses; when none has anything to do, the clock goes to the next timer. The same seed on the same commit replays the same history.
/// </summary>
internal sealed class Simulator
{
    private readonly List<SimProcess> _ready = [];
    private readonly List<Exception> _bugs = [];

    public Simulator(int seed)
    {
        Seed = seed;
        Random = new Random(seed);
    }

    public int Seed { get; }

    /// <summary>The only source of randomness, of the code under test too.</summary>
    public Random Random { get; }

    public FakeTimeProvider Time { get; } = new();

    public TimeSpan Now => Time.Elapsed;

    /// <summary>Tasks run so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Exceptions that the code under test let escape or logged as its own bug.</summary>
    public IReadOnlyList<Exception> Bugs => _bugs;

    /// <summary>When set, nothing runs any more: an invariant is broken.</summary>
    public bool IsOver { get; private set; }

    public void Stop() => IsOver = true;

    public void Bug(Exception exception)
    {
        _bugs.Add(exception);
        IsOver = true;
    }

    /// <summary>Something that the world does by itself after a while, whatever becomes of the processes.</summary>
    public void After(TimeSpan delay, Action action) => Time.CreateTimer(static state => ((Action)state!)(), action, delay, Timeout.InfiniteTimeSpan);

    /// <summary>A time between the two, chosen by the seed.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * Random.NextDouble());

    public TimeSpan Milliseconds(double least, double most) => TimeSpan.FromMilliseconds(least + ((most - least) * Random.NextDouble()));

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public T Pick<T>(IReadOnlyList<T> of) => of[Random.Next(of.Count)];

    /// <summary>Runs until the condition holds; returns whether it did within the given virtual time.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan atMost)
    {
        var end = Now + atMost;
        RunReady();
        while (!IsOver && !condition())
        {
            if (Time.NextDue is not { } due || Now + due > end)
            {
                return false;
            }

            Time.Advance(due);
            RunReady();
        }

        return !IsOver;
    }

    public void RunFor(TimeSpan span)
    {
        var end = Now + span;
        RunReady();
        while (!IsOver && Time.NextDue is { } due && Now + due <= end)
        {
            Time.Advance(due);
            RunReady();
        }

        if (!IsOver)
        {
            Time.Advance(end - Now);
            RunReady();
        }
    }

    internal void Ready(SimProcess process) => _ready.Add(process);

    private void RunReady()
    {
        // A test framework's context would take the continuations away.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            while (!IsOver && _ready.Count > 0)
            {
                var at = _ready.Count == 1 ? 0 : Random.Next(_ready.Count);
                Steps++;
                if (!_ready[at].RunOne())
                {
                    _ready[at] = _ready[^1];
                    _ready.RemoveAt(_ready.Count - 1);
                }
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}
