using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation;

/// <summary>
/// What is wrong with satellites, and what kills the controller. A stuck satellite answers pings and nothing else: who needs it waits. A frozen one answers nothing: who
/// needs it waits until the controller calls the connection lost. One that dies at work is lost in the middle of the next thing it is given to do.
/// </summary>
internal sealed class SimulatorSwitches(FaultSet faults, TimeProvider time, Action kill)
{
    /// <summary>How long the controller waits for the answer to a ping.</summary>
    public static readonly TimeSpan PongLimit = TimeSpan.FromSeconds(5);

    // Guards what follows.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskCompletionSource> _stuck = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Frozen> _frozen = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _dying = new(StringComparer.OrdinalIgnoreCase);

    public FaultSet Faults { get; } = faults;

    /// <summary>Kills the controller from inside; does not wait for its end.</summary>
    public void Kill() => kill();

    /// <summary>Told of every satellite whose connection is lost, once or more often.</summary>
    public Action<string> OnLost { get; set; } = static _ => { };

    public bool IsStuck(string node)
    {
        lock (_lock)
        {
            return _stuck.ContainsKey(node) || _frozen.ContainsKey(node);
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

    /// <summary>From the moment it freezes the controller has <see cref="PongLimit"/> to notice.</summary>
    public void SetFrozen(string node, bool frozen)
    {
        lock (_lock)
        {
            if (frozen)
            {
                _frozen.TryAdd(node, new Frozen(this, node, time));
            }
            else if (_frozen.Remove(node, out var thawed))
            {
                thawed.Thaw();
            }
        }
    }

    /// <summary>The satellite is lost in the middle of the next thing it has to do, once.</summary>
    public void SetDiesAtWork(string node)
    {
        lock (_lock)
        {
            _dying.Add(node);
        }
    }

    /// <summary>Whether a satellite dies at the work it is given now; it is lost then.</summary>
    public bool DiesNow(string node)
    {
        lock (_lock)
        {
            if (!_dying.Remove(node))
            {
                return false;
            }
        }

        OnLost(node);
        return true;
    }

    /// <summary>Waits for a stuck satellite for as long as it takes; <see cref="SatelliteLostException"/> when a frozen one is given up.</summary>
    public async Task WhenAnsweringAsync(string node, CancellationToken cancellationToken)
    {
        Task waiting;
        Frozen? frozen;
        lock (_lock)
        {
            waiting = _stuck.TryGetValue(node, out var signal) ? signal.Task : Task.CompletedTask;
            frozen = _frozen.GetValueOrDefault(node);
        }

        if (frozen is not null && await frozen.IsLostAsync.WaitAsync(cancellationToken))
        {
            // A controller that was started since has not heard of it yet.
            OnLost(node);
            throw new SatelliteLostException($"The connection to satellite '{node}' was lost");
        }

        await waiting.WaitAsync(cancellationToken);
    }

    private sealed class Frozen
    {
        private readonly TaskCompletionSource _thawed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Frozen(SimulatorSwitches switches, string node, TimeProvider time) => IsLostAsync = WatchAsync(switches, node, time);

        /// <summary>True once the connection is lost, false when the satellite answered in time after all.</summary>
        public Task<bool> IsLostAsync { get; }

        public void Thaw() => _thawed.SetResult();

        private async Task<bool> WatchAsync(SimulatorSwitches switches, string node, TimeProvider time)
        {
            try
            {
                await _thawed.Task.WaitAsync(PongLimit, time);
                return false;
            }
            catch (TimeoutException)
            {
                switches.OnLost(node);
                return true;
            }
        }
    }
}
