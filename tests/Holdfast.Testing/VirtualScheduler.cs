namespace Holdfast.Testing;

/// <summary>
/// Runs tasks one at a time on the thread that pumps it, and moves a fake clock to the next timer when nothing is left to run. Code that keeps to the given
/// scheduler and clock replays the same history every time, and an hour of it takes milliseconds.
/// </summary>
public sealed class VirtualScheduler(FakeTimeProvider time) : TaskScheduler
{
    private readonly Queue<Task> _ready = [];
    private readonly Lock _guard = new(); // Guards the queue: adapters of real threads may enqueue.

    /// <summary>The clock.</summary>
    public FakeTimeProvider Time { get; } = time;

    /// <summary>Whether it was halted: nothing runs on it ever again, as after kill -9.</summary>
    public bool IsHalted { get; private set; }

    /// <summary>Halts it, also from within a task that runs on it.</summary>
    public void Halt() => IsHalted = true;

    /// <summary>Runs what is ready, without moving the clock.</summary>
    public void RunReady()
    {
        // A test framework's context would take the continuations away from this scheduler.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            while (!IsHalted && TryTake() is { } task)
            {
                TryExecuteTask(task);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Runs until the condition holds, moving the clock as needed; fails when it does not within the given virtual time.</summary>
    public void RunUntil(Func<bool> condition, TimeSpan atMost, string what)
    {
        var end = Time.Elapsed + atMost;
        RunReady();
        while (!condition())
        {
            if (IsHalted)
            {
                throw new OperationCanceledException($"Halted while waiting for: {what}");
            }

            var due = Time.NextDue;
            if (due is null || Time.Elapsed + due > end)
            {
                throw new TimeoutException($"Not within {atMost.TotalSeconds:0.###} virtual seconds: {what}");
            }

            Time.Advance(due.Value);
            RunReady();
        }
    }

    /// <summary>Runs for the given virtual time.</summary>
    public void RunFor(TimeSpan time)
    {
        var end = Time.Elapsed + time;
        RunReady();
        while (Time.NextDue is { } due && Time.Elapsed + due <= end)
        {
            Time.Advance(due);
            RunReady();
        }

        Time.Advance(end - Time.Elapsed);
        RunReady();
    }

    /// <summary>Runs a function on the scheduler to its end.</summary>
    public T Run<T>(Func<Task<T>> body, TimeSpan atMost, string what)
    {
        var task = Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.None, this).Unwrap();
        RunUntil(() => task.IsCompleted, atMost, what);
#pragma warning disable VSTHRD002 // It has completed: the pump above ran it.
        return task.GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
    }

    protected override void QueueTask(Task task)
    {
        lock (_guard)
        {
            _ready.Enqueue(task);
        }
    }

    // Never inline: the order of execution is the order of queueing.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_guard)
        {
            return [.. _ready];
        }
    }

    private Task? TryTake()
    {
        lock (_guard)
        {
            return _ready.TryDequeue(out var task) ? task : null;
        }
    }
}
