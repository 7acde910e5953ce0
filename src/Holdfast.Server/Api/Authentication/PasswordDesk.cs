using System.Net;
using System.Threading.RateLimiting;
using Holdfast.Server.Security;

namespace Holdfast.Server.Api.Authentication;

/// <summary>
/// The one place where requests have passwords hashed and checked. Hashing is meant to cost a processor's time, and who asks may be anybody: only few are worked on
/// at once, few more wait, none waits long, and no peer has all the places. Nothing here is done inside a transaction. Made once per node; safe for any thread.
/// </summary>
internal sealed class PasswordDesk : IDisposable
{
    private readonly ConcurrencyLimiter _limiter;
    private readonly PeerPlaces _peers;
    private readonly LoginThrottle _throttle;
    private readonly PasswordDeskLimits _limits;
    private readonly TimeProvider _time;

    /// <summary>Made once.</summary>
    public PasswordDesk(LoginThrottle throttle, PasswordDeskLimits limits, TimeProvider time)
    {
        _throttle = throttle;
        _limits = limits;
        _time = time;
        _peers = new PeerPlaces(limits.PerPeer);
        _limiter = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = limits.AtOnce, QueueLimit = limits.Waiting, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
    }

    /// <summary>Checks a password that somebody typed. Failures are counted by user and peer; after some, nothing is tried for a while, which looks like a wrong password.</summary>
    /// <param name="userName">Whose it should be.</param>
    /// <param name="password">As typed.</param>
    /// <param name="stored">The user's hash; null when there is no such user, or no password.</param>
    /// <param name="address">Where the request comes from.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public async Task<PasswordCheck> CheckAsync(string userName, string password, string? stored, IPAddress? address, CancellationToken cancellationToken)
    {
        using var place = await EnterAsync(address, cancellationToken);
        if (place is null)
        {
            return new PasswordCheck.Busy();
        }

        var peer = PeerNetwork.Of(address);
        if (!_throttle.MayTry(userName, peer))
        {
            return new PasswordCheck.Wrong();
        }

        var verdict = PasswordHash.Verify(password, stored);
        if (verdict == PasswordVerdict.Wrong)
        {
            _throttle.Failed(userName, peer);
            return new PasswordCheck.Wrong();
        }

        _throttle.Succeeded(userName, peer);
        return new PasswordCheck.Right(stored!, verdict == PasswordVerdict.RightButWeak ? PasswordHash.Create(password) : null);
    }

    /// <summary>Hashes a new password.</summary>
    /// <param name="password">The password.</param>
    /// <param name="address">Where the request comes from.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>The hash; null when there are too many others.</returns>
    public async Task<string?> HashAsync(string password, IPAddress? address, CancellationToken cancellationToken)
    {
        using var place = await EnterAsync(address, cancellationToken);
        return place is null ? null : PasswordHash.Create(password);
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();

    /// <summary>Waits for a place.</summary>
    /// <param name="address">Where the request comes from.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>The place, given back when disposed; null when there are too many others.</returns>
    internal async Task<IDisposable?> EnterAsync(IPAddress? address, CancellationToken cancellationToken)
    {
        var peer = PeerNetwork.Of(address);
        if (!_peers.TryTake(peer))
        {
            return null;
        }

        Place? place = null;
        using var deadline = new CancellationTokenSource(_limits.Patience, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var lease = await _limiter.AcquireAsync(1, ends.Token);
            if (lease.IsAcquired)
            {
                place = new Place(_peers, peer, lease);
            }
            else
            {
                lease.Dispose();
            }

            return place;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            if (place is null)
            {
                _peers.Leave(peer);
            }
        }
    }

    private sealed class Place(PeerPlaces peers, string peer, RateLimitLease lease) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                lease.Dispose();
                peers.Leave(peer);
            }
        }
    }
}

/// <summary>How many passwords are worked on.</summary>
internal sealed record PasswordDeskLimits
{
    /// <summary>At once. Half of the processors: the API has the others.</summary>
    public int AtOnce { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>How many more may wait.</summary>
    public int Waiting { get; init; } = 32;

    /// <summary>Of one peer, worked on and waiting together.</summary>
    public int PerPeer { get; init; } = 8;

    /// <summary>How long one waits.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>How checking a password ended. A closed hierarchy.</summary>
internal abstract record PasswordCheck
{
    private PasswordCheck()
    {
    }

    /// <summary>It is the password.</summary>
    /// <param name="Stored">The hash that it was checked against: what follows must hold only while the user still has it.</param>
    /// <param name="Fresh">The hash to keep in its place, when that is weaker than one made now.</param>
    public sealed record Right(string Stored, string? Fresh) : PasswordCheck
    {
        /// <summary>Never the hashes.</summary>
        public override string ToString() => nameof(Right);
    }

    /// <summary>It is not, or too many were tried.</summary>
    public sealed record Wrong : PasswordCheck;

    /// <summary>Too many others: nothing was checked.</summary>
    public sealed record Busy : PasswordCheck;
}
