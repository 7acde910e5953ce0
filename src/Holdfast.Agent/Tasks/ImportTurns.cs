namespace Holdfast.Agent.Tasks;

/// <summary>
/// How many images are brought to this host at once: each takes network, disk and a processor, and a hundred templates that are wanted in one minute would only be
/// in each other's way. First come, first served. Only for use on the loop.
/// </summary>
/// <param name="most">How many.</param>
internal sealed class ImportTurns(int most)
{
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private int _running;

    /// <summary>Waits for a turn, and has it until the result is disposed of.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_running < most)
        {
            _running++;
            return new Turn(this);
        }

        var place = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var given = cancellationToken.Register(() => place.Value.TrySetCanceled(cancellationToken));
        try
        {
            await place.Value.Task;
        }
        catch (OperationCanceledException) when (place.List is not null)
        {
            _waiting.Remove(place);
            throw;
        }

        return new Turn(this);
    }

    private void Leave()
    {
        while (_waiting.First is { } next)
        {
            _waiting.RemoveFirst();
            if (next.Value.TrySetResult())
            {
                return;
            }
        }

        _running--;
    }

    private sealed class Turn(ImportTurns turns) : IDisposable
    {
        private bool _isOver;

        public void Dispose()
        {
            if (!_isOver)
            {
                _isOver = true;
                turns.Leave();
            }
        }
    }
}
