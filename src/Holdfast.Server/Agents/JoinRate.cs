using System.Net;
using System.Threading.RateLimiting;
using Holdfast.Server.Security;

namespace Holdfast.Server.Agents;

/// <summary>
/// How often one address may try to join: each try costs a transaction, and whoever asks is nobody yet. A rack of hosts that joins at once passes; who guesses
/// tokens does not. Made once per node; safe for any thread.
/// </summary>
internal sealed class JoinRate : IDisposable
{
    private const int AtOnce = 50;
    private const int PerSecond = 5;

    private readonly PartitionedRateLimiter<IPAddress?> _limiter = PartitionedRateLimiter.Create<IPAddress?, string>(static address =>
        RateLimitPartition.GetTokenBucketLimiter(PeerNetwork.Of(address), static _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = AtOnce,
            TokensPerPeriod = PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    /// <summary>Counts a try.</summary>
    /// <param name="address">Where it came from; null when that is not known.</param>
    /// <returns>False when there were too many from there.</returns>
    public bool Allows(IPAddress? address)
    {
        using var lease = _limiter.AttemptAcquire(address);
        return lease.IsAcquired;
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();
}
