namespace Holdfast.Core.Waits;

/// <summary>Waits that end by themselves and leave the scheduler for nothing: no thread pool, so that they replay on virtual time.</summary>
public static class Waiting
{
    /// <summary>Waits until the task has completed, however, or the time has passed. Look at the task to know which.</summary>
    /// <param name="task">The task.</param>
    /// <param name="atMost">How long; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait with an exception.</param>
    /// <returns>A task that ends on the scheduler of the caller. It never carries the failure of the task that is waited for.</returns>
    public static async Task AtMostAsync(this Task task, TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (task.IsCompleted)
        {
            return;
        }

        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var timer = atMost == Timeout.InfiniteTimeSpan
            ? null
            : time.CreateTimer(state => ((TaskCompletionSource)state!).TrySetResult(), over, atMost < TimeSpan.Zero ? TimeSpan.Zero : atMost, Timeout.InfiniteTimeSpan);
        await using var registration = cancellationToken.Register(state => ((TaskCompletionSource)state!).TrySetResult(), over);

        // Not Task.WhenAny, nor Task.WaitAsync: both complete on the thread pool when the task they watch runs its continuations asynchronously.
        using var unwatch = new CancellationTokenSource();
        _ = task.ContinueWith(
            static (_, state) => ((TaskCompletionSource)state!).TrySetResult(), over, unwatch.Token, TaskContinuationOptions.None, TaskScheduler.Current);
        await over.Task;

        // A task that outlives many waits would otherwise collect what each of them hung on it. Not CancelAsync: it goes to the thread pool.
#pragma warning disable VSTHRD103
        unwatch.Cancel();
#pragma warning restore VSTHRD103
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The result of the task, unless the token is cancelled first: then the task goes on and nobody waits for it here.</summary>
    /// <typeparam name="T">Of the result.</typeparam>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Ends the wait with an exception.</param>
    /// <returns>What the task gives.</returns>
    public static async Task<T> OrAbandonAsync<T>(this Task<T> task, CancellationToken cancellationToken)
    {
        await task.AtMostAsync(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return await task;
    }
}
