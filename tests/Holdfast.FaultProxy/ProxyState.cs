namespace Holdfast.FaultInjection;

/// <summary>What a proxy and its connections share: the fault in force and the counters. Safe from any thread.</summary>
internal sealed class ProxyState
{
    // Guards all below.
    private readonly Lock _lock = new();
    private ProxyFault _fault = ProxyFault.None;
    private TaskCompletionSource _changed = NewSignal();
    private ProxyCounters _counters = new(0, 0, 0, 0, 0);

    public ProxyFault Fault
    {
        get
        {
            lock (_lock)
            {
                return _fault;
            }
        }
    }

    public ProxyCounters Counters
    {
        get
        {
            lock (_lock)
            {
                return _counters;
            }
        }
    }

    public void Set(ProxyFault fault)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _fault = fault;
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    public void Count(Func<ProxyCounters, ProxyCounters> change)
    {
        lock (_lock)
        {
            _counters = change(_counters);
        }
    }

    /// <summary>Waits until bytes in a direction may pass, and gives the fault then in force.</summary>
    public async Task<ProxyFault> WhenPassingAsync(bool toServer, CancellationToken cancellationToken)
    {
        while (true)
        {
            ProxyFault fault;
            Task changed;
            lock (_lock)
            {
                (fault, changed) = (_fault, _changed.Task);
            }

            if (!fault.Holds(toServer))
            {
                return fault;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
