namespace Holdfast.Worlds.Simulation;

/// <summary>A process of the simulated world, as the scheduler its code runs on: it can be killed and frozen between any two of its tasks.</summary>
internal sealed class SimProcess(Simulator simulator, string name) : TaskScheduler
{
    private readonly Queue<Task> _tasks = [];
    private bool _isReady;

    public string Name { get; } = name;

    /// <summary>Killed: nothing of it runs ever again.</summary>
    public bool IsDead { get; private set; }

    /// <summary>Stopped by SIGSTOP: it stands still, and its peers see nothing but silence.</summary>
    public bool IsFrozen { get; private set; }

    public void Kill()
    {
        IsDead = true;
        _tasks.Clear();
    }

    public void Freeze() => IsFrozen = true;

    public void Thaw()
    {
        IsFrozen = false;
        Offer();
    }

    /// <summary>Starts something in it. What it lets escape is a bug of the code under test.</summary>
    public void Spawn(Func<Task> body)
    {
        _ = Task.Factory.StartNew(GuardAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

        async Task GuardAsync()
        {
            try
            {
                await body();
            }
            catch (ProcessKilledException)
            {
                // It ended at a point that the world chose.
            }
            catch (OperationCanceledException)
            {
                // Whoever wanted it is gone.
            }
            catch (Exception exception)
            {
                simulator.Bug(new InvalidOperationException($"{Name} let an exception escape", exception));
            }
        }
    }

    /// <summary>Runs its next task.</summary>
    /// <returns>Whether there may be more.</returns>
    internal bool RunOne()
    {
        if (!IsDead && !IsFrozen && _tasks.TryDequeue(out var task))
        {
            TryExecuteTask(task);
            return true;
        }

        _isReady = false;
        return false;
    }

    protected override void QueueTask(Task task)
    {
        if (!IsDead)
        {
            _tasks.Enqueue(task);
            Offer();
        }
    }

    // Never inline: the order of execution is what the seed says.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [.. _tasks];

    private void Offer()
    {
        if (!_isReady && !IsDead && !IsFrozen && _tasks.Count > 0)
        {
            _isReady = true;
            simulator.Ready(this);
        }
    }
}
