namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>A cancellation that comes from the caller or from the clock.</summary>
internal sealed class TimedToken : IDisposable
{
    private readonly CancellationTokenSource _clock;
    private readonly CancellationTokenSource _linked;

    /// <summary>Starts the clock.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="allowed">After this long it cancels.</param>
    /// <param name="cancelled">The caller.</param>
    public TimedToken(TimeProvider time, TimeSpan allowed, CancellationToken cancelled)
    {
        _clock = new CancellationTokenSource(allowed, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_clock.Token, cancelled);
    }

    /// <summary>Fires for either reason.</summary>
    public CancellationToken Token => _linked.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _linked.Dispose();
        _clock.Dispose();
    }
}
