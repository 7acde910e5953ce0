using System.Net;
using Holdfast.Core.Ids;

namespace Holdfast.Server.Api.Authentication;

/// <summary>
/// Keeps login sessions for every server node. Holds hashes only: whoever reads the rows cannot use them. Safe to call from any thread.
/// </summary>
internal interface ISessionStore
{
    /// <summary>Writes a new session with the event that tells of it, and removes expired ones.</summary>
    /// <param name="session">The session.</param>
    /// <param name="login">The login that it comes of.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>How far it can be used; null when the user's password is another by now: nothing was written.</returns>
    Task<SessionFactor?> AddAsync(SessionRecord session, LoginProof login, CancellationToken cancellationToken);

    /// <summary>Finds a session that has not expired.</summary>
    Task<SessionRecord?> FindAsync(string tokenHash, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Moves the end of a session; does nothing when it is gone.</summary>
    Task ExtendAsync(string tokenHash, DateTimeOffset lastUsed, DateTimeOffset expires, CancellationToken cancellationToken);

    /// <summary>Ends a session; does nothing when it is gone.</summary>
    Task RemoveAsync(string tokenHash, CancellationToken cancellationToken);
}

/// <summary>A login session.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="TokenHash">SHA-256 of the cookie's value, lower-case hexadecimal.</param>
/// <param name="SessionKeyHash">SHA-256 of the session key, lower-case hexadecimal.</param>
/// <param name="Created">When the user logged in.</param>
/// <param name="LastUsed">When it was last extended.</param>
/// <param name="Expires">When it ends unless it is used.</param>
internal sealed record SessionRecord(
    UserId UserId,
    string TokenHash,
    string SessionKeyHash,
    DateTimeOffset Created,
    DateTimeOffset LastUsed,
    DateTimeOffset Expires)
{
    /// <summary>Whether it has shown the second factor, or needs none.</summary>
    public bool IsVerified { get; init; } = true;
}

/// <summary>What a session has to do with second factors.</summary>
/// <param name="IsNeeded">Whether a second factor is asked for.</param>
/// <param name="HasFactor">Whether the user has one that counts; else one has to be set up.</param>
internal readonly record struct SessionFactor(bool IsNeeded, bool HasFactor);

/// <summary>A login by a password that was right.</summary>
/// <param name="PasswordHash">The hash that the password was checked against.</param>
/// <param name="FreshHash">What to keep in its place; null to leave it.</param>
/// <param name="Address">Where the login came from; null when that is not known.</param>
internal sealed record LoginProof(string PasswordHash, string? FreshHash, IPAddress? Address)
{
    /// <summary>Never the hashes.</summary>
    public override string ToString() => $"login from {Address}";
}
