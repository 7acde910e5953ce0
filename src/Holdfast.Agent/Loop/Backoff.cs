namespace Holdfast.Agent.Loop;

/// <summary>Growing pauses between tries. Not safe for concurrent use.</summary>
/// <param name="steps">The pauses; the last one repeats.</param>
/// <param name="random">Adds up to a quarter, so that many hosts do not come back in one instant; null for exact pauses.</param>
internal sealed class Backoff(IReadOnlyList<TimeSpan> steps, Random? random = null)
{
    // Not Polly: its ExecuteAsync leaves the given scheduler at the first retry unless every call brings a context that says otherwise, and most pauses here are rows or end early by a signal.
    private int _tries;

    /// <summary>The next pause.</summary>
    public TimeSpan Next()
    {
        var pause = steps[Math.Min(_tries++, steps.Count - 1)];
        return random is null ? pause : pause * (1 + (random.NextDouble() / 4));
    }

    /// <summary>Starts over after a success.</summary>
    public void Reset() => _tries = 0;
}
