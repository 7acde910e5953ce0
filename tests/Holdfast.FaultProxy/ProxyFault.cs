namespace Holdfast.FaultInjection;

/// <summary>What a proxy does, and how slowly.</summary>
/// <param name="Mode">What.</param>
/// <param name="Delay">For <see cref="ProxyMode.SlowHeaders"/>, <see cref="ProxyMode.SlowBody"/> and <see cref="ProxyMode.Latency"/>; not negative.</param>
public sealed record ProxyFault(ProxyMode Mode, TimeSpan Delay = default)
{
    /// <summary>No fault.</summary>
    public static readonly ProxyFault None = new(ProxyMode.Pass);

    /// <summary>Whether connects get no answer.</summary>
    internal bool DropsConnects => Mode is ProxyMode.Blackhole or ProxyMode.LosesRequests or ProxyMode.LosesAnswers;

    /// <summary>Whether bytes on open connections are kept until the fault is lifted, as the network keeps what is not acknowledged.</summary>
    /// <param name="toServer">The direction.</param>
    internal bool Holds(bool toServer) => Mode == ProxyMode.Blackhole || Mode == (toServer ? ProxyMode.LosesRequests : ProxyMode.LosesAnswers);
}
