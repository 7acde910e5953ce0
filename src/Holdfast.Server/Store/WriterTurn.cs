namespace Holdfast.Server.Store;

/// <summary>
/// Lets one writer in at a time, in the order of arrival. As SemaphoreSlim, but whoever waits goes on on the scheduler it waited on, and nowhere else in between:
/// a semaphore passes its waiters through the thread pool, and a simulated history then depends on how busy the machine is. Safe for any thread.
/// </summary>
internal sealed class WriterTurn
{
    // Guards the other two.
    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = [];
    private bool _isTaken;

    /// <summary>Waits for the turn; <see cref="Leave"/> gives it back.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="OperationCanceledException">It was given up; there is nothing to give back.</exception>
    public async Task EnterAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return;
            }

            _waiting.Enqueue(turn);
        }

        using var registration = cancellationToken.Register(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
        await turn.Task;
    }

    /// <summary>Gives the turn to the next who has not given up.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out var next))
            {
                if (next.TrySetResult())
                {
                    return;
                }
            }

            _isTaken = false;
        }
    }
}
