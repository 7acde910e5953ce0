using Holdfast.Core.Waits;

namespace Holdfast.Agent.Loop;

/// <summary>Wakes one waiting job. Set any number of times, it wakes once. Only for use on the loop.</summary>
internal sealed class Signal(TimeProvider time)
{
    private TaskCompletionSource? _waiter;
    private bool _isSet;

    /// <summary>Wakes the waiter, or lets its next wait return at once.</summary>
    public void Set()
    {
        _isSet = true;
        _waiter?.TrySetResult();
    }

    /// <summary>Waits until the signal is set or the time has passed, and clears it.</summary>
    /// <param name="atMost">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="cancellationToken">Ends the wait with an exception.</param>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_isSet && atMost != TimeSpan.Zero)
        {
            _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await _waiter.Task.AtMostAsync(atMost, time, cancellationToken);
            _waiter = null;
        }

        cancellationToken.ThrowIfCancellationRequested();
        _isSet = false;
    }
}
