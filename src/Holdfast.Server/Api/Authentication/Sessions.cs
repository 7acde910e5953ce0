using System.Net;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Server.Security;

namespace Holdfast.Server.Api.Authentication;

/// <summary>
/// Login sessions. A session is a cookie value and a session key, both random; a request needs both cookies and the key once more as a parameter, which
/// another site's page cannot know. Safe to call from any thread; sessions are valid on every server node.
/// </summary>
internal sealed partial class Sessions
{
    /// <summary>Seconds after which an unused session ends.</summary>
    public const int TimeoutSeconds = 1800;

    private const int KeyBytes = 32;

    // A session in use is extended at most this often, so that reading does not write.
    private static readonly TimeSpan ExtendEvery = TimeSpan.FromMinutes(1);

    private readonly IUserDirectory _users;
    private readonly ISessionStore _store;
    private readonly PasswordDesk _passwords;
    private readonly ISecretSource _secrets;
    private readonly TimeProvider _time;
    private readonly ILogger<Sessions> _logger;

    /// <summary>Makes the service.</summary>
    public Sessions(IUserDirectory users, ISessionStore store, PasswordDesk passwords, ISecretSource secrets, TimeProvider time, ILogger<Sessions> logger)
    {
        _logger = logger;
        _secrets = secrets;
        _users = users;
        _store = store;
        _passwords = passwords;
        _time = time;
    }

    /// <summary>Logs a user in.</summary>
    /// <param name="userName">The name as typed.</param>
    /// <param name="password">The password as typed.</param>
    /// <param name="domain">The domain's path or id; null for the root domain.</param>
    /// <param name="address">Where the request comes from.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public async Task<LogInOutcome> LogInAsync(string userName, string password, string? domain, IPAddress? address, CancellationToken cancellationToken)
    {
        var candidate = await _users.FindByNameAsync(userName, domain, cancellationToken);
        var check = await _passwords.CheckAsync(userName, password, candidate?.PasswordHash, address, cancellationToken);
        if (candidate is null || check is not PasswordCheck.Right right)
        {
            if (check is PasswordCheck.Busy)
            {
                return new LogInOutcome.Busy();
            }

            // Never the name as typed: people type their password there.
            LogRefused(candidate?.Caller.UserName ?? "nobody here", candidate?.Caller.UserId.Value, PeerNetwork.TextOf(address));
            return new LogInOutcome.Refused();
        }

        var session = new NewSession(candidate, _secrets.Next(KeyBytes), _secrets.Next(KeyBytes));
        var now = _time.GetUtcNow();
        var record = new SessionRecord(
            candidate.Caller.UserId,
            TokenHash.Of(session.Token),
            TokenHash.Of(session.SessionKey),
            now,
            now,
            now.AddSeconds(TimeoutSeconds));
        return await _store.AddAsync(record, new LoginProof(right.Stored, right.Fresh, address), cancellationToken) is { } factor
            ? new LogInOutcome.LoggedIn(session with { Factor = factor })
            : new LogInOutcome.Refused();
    }

    /// <summary>Finds who a session belongs to, and extends it.</summary>
    /// <param name="token">The session cookie.</param>
    /// <param name="keyCookie">The session key's cookie.</param>
    /// <param name="keyParameter">The session key as a parameter.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>The user; null when there is no such session, or the key is not its own.</returns>
    public async Task<SessionCaller?> FindAsync(string token, string? keyCookie, string? keyParameter, CancellationToken cancellationToken)
    {
        if (keyCookie is null || keyParameter is null || token.Length > 128)
        {
            return null;
        }

        var now = _time.GetUtcNow();
        var hash = TokenHash.Of(token);
        var session = await _store.FindAsync(hash, now, cancellationToken);
        if (session is null || !IsKeyOf(session, keyParameter) || !IsKeyOf(session, keyCookie))
        {
            return null;
        }

        if (now - session.LastUsed >= ExtendEvery)
        {
            await _store.ExtendAsync(hash, now, now.AddSeconds(TimeoutSeconds), cancellationToken);
        }

        return await _users.FindAsync(session.UserId, cancellationToken) is { } caller ? new SessionCaller(caller, session.IsVerified) : null;
    }

    /// <summary>Ends a session.</summary>
    public Task LogOutAsync(string token, CancellationToken cancellationToken) => _store.RemoveAsync(TokenHash.Of(token), cancellationToken);

    private static bool IsKeyOf(SessionRecord session, string key) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(TokenHash.Of(key)), Encoding.ASCII.GetBytes(session.SessionKeyHash));
}

/// <summary>How a login ended. A closed hierarchy.</summary>
internal abstract record LogInOutcome
{
    private LogInOutcome()
    {
    }

    /// <summary>It gave a session.</summary>
    /// <param name="Session">The session.</param>
    public sealed record LoggedIn(NewSession Session) : LogInOutcome;

    /// <summary>The credentials are wrong, or too many were tried, which look the same.</summary>
    public sealed record Refused : LogInOutcome;

    /// <summary>Too many log in at this moment: nothing was checked.</summary>
    public sealed record Busy : LogInOutcome;
}

/// <summary>A session just made; the only moment its keys are known.</summary>
/// <param name="User">Who logged in.</param>
/// <param name="Token">The session cookie's value.</param>
/// <param name="SessionKey">The session key.</param>
internal sealed record NewSession(LoginCandidate User, string Token, string SessionKey)
{
    /// <summary>What it has to do with second factors.</summary>
    public SessionFactor Factor { get; init; }
}

/// <summary>Who a session belongs to.</summary>
/// <param name="Caller">The user.</param>
/// <param name="IsVerified">Whether it can be used: it has shown the second factor, or needs none.</param>
internal sealed record SessionCaller(ApiCaller Caller, bool IsVerified);
