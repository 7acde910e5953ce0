namespace Holdfast.Agent.Loop;

/// <summary>Waits that end by themselves and leave the scheduler for nothing: no thread pool, so that they replay on virtual time.</summary>
internal static class Waiting
{
    /// <summary>Waits until the task has completed, however, or the time has passed. Look at the task to know which.</summary>
    /// <param name="task">The task.</param>
    /// <param name="atMost">How long; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait with an exception.</param>
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
        _ = task.ContinueWith(
            static (_, state) => ((TaskCompletionSource)state!).TrySetResult(), over, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        await over.Task;
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The result of the task, unless the token is cancelled first: then the task goes on and nobody waits for it here.</summary>
    public static async Task<T> OrAbandonAsync<T>(this Task<T> task, CancellationToken cancellationToken)
    {
        await task.AtMostAsync(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return await task;
    }
}
