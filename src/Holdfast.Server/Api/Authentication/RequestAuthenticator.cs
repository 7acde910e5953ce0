using Holdfast.Server.Api.Transport;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Api.Authentication;

/// <summary>Establishes who sends a request: by signature when it carries an API key, else by session cookie. Safe to call from any thread.</summary>
internal sealed class RequestAuthenticator
{
    /// <summary>The cookie that holds the session.</summary>
    public const string SessionCookie = "JSESSIONID";

    /// <summary>The cookie and the parameter that hold the session key.</summary>
    public const string SessionKeyName = "sessionkey";

    private readonly IUserDirectory _users;
    private readonly Sessions _sessions;
    private readonly TimeProvider _time;

    /// <summary>Makes the authenticator.</summary>
    public RequestAuthenticator(IUserDirectory users, Sessions sessions, TimeProvider time)
    {
        _users = users;
        _sessions = sessions;
        _time = time;
    }

    /// <summary>Finds the caller.</summary>
    /// <param name="parameters">The request's parameters.</param>
    /// <param name="cookies">The request's cookies.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>The caller and how they were found; no caller when the credentials do not hold, or there are none.</returns>
    public async Task<Authenticated> AuthenticateAsync(RequestParameters parameters, IRequestCookieCollection cookies, CancellationToken cancellationToken)
    {
        if (parameters["apiKey"] is { } apiKey)
        {
            return new Authenticated(await BySignatureAsync(apiKey, parameters, cancellationToken), CredentialKind.Signature);
        }

        if (cookies[SessionCookie] is { } token)
        {
            var session = await _sessions.FindAsync(token, cookies[SessionKeyName], parameters[SessionKeyName], cancellationToken);
            return new Authenticated(session?.Caller, CredentialKind.Session) { WaitsForFactor = session is { IsVerified: false } };
        }

        return new Authenticated(null, CredentialKind.None);
    }

    private async Task<ApiCaller?> BySignatureAsync(string apiKey, RequestParameters parameters, CancellationToken cancellationToken)
    {
        if (parameters["signature"] is not { } signature || apiKey.Length > 256)
        {
            return null;
        }

        // Version 3 must name an end. Other versions need not, but one that does is held to it.
        var expires = parameters["expires"];
        if (expires is null ? parameters["signatureVersion"] == "3" : !ApiDate.TryParse(expires, out var end) || end < _time.GetUtcNow())
        {
            return null;
        }

        var holder = await _users.FindByApiKeyAsync(apiKey, cancellationToken);
        return holder is not null && SignatureCheck.Verify(parameters.AsSent, holder.SecretKey.Reveal(), signature, out _) ? holder.Caller : null;
    }
}

/// <summary>What a request showed to prove who sends it.</summary>
internal enum CredentialKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>An API key and a signature.</summary>
    Signature,

    /// <summary>A session cookie.</summary>
    Session,
}

/// <summary>The outcome of authentication.</summary>
/// <param name="Caller">Who it is; null when the credentials do not hold.</param>
/// <param name="Kind">What was shown.</param>
internal sealed record Authenticated(ApiCaller? Caller, CredentialKind Kind)
{
    /// <summary>Whether it is a session that has not shown its second factor yet.</summary>
    public bool WaitsForFactor { get; init; }
}
