namespace Holdfast.LinstorSimulation;

/// <summary>Which satellites answer pings and nothing else (their storage commands are stuck), and what kills the controller.</summary>
internal sealed class SimulatorSwitches(FaultSet faults, Action kill)
{
    // Guards _stuck.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskCompletionSource> _stuck = new(StringComparer.OrdinalIgnoreCase);

    public FaultSet Faults { get; } = faults;

    /// <summary>Kills the controller from inside; does not wait for its end.</summary>
    public void Kill() => kill();

    public bool IsStuck(string node)
    {
        lock (_lock)
        {
            return _stuck.ContainsKey(node);
        }
    }

    public void SetStuck(string node, bool stuck)
    {
        lock (_lock)
        {
            if (stuck)
            {
                _stuck.TryAdd(node, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }
            else if (_stuck.Remove(node, out var waiting))
            {
                waiting.SetResult();
            }
        }
    }

    public async Task WhenAnsweringAsync(string node, CancellationToken cancellationToken)
    {
        Task waiting;
        lock (_lock)
        {
            waiting = _stuck.TryGetValue(node, out var signal) ? signal.Task : Task.CompletedTask;
        }

        await waiting.WaitAsync(cancellationToken);
    }
}
