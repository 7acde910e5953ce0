using Holdfast.Core.Ids;
using Holdfast.Protocol;

namespace Holdfast.Server.Api.Authentication;

/// <summary>Looks users up. Only enabled users of enabled accounts are found. Safe to call from any thread; reads only.</summary>
internal interface IUserDirectory
{
    /// <summary>Finds the holder of an API key.</summary>
    Task<ApiKeyHolder?> FindByApiKeyAsync(string apiKey, CancellationToken cancellationToken);

    /// <summary>Finds a user for a login.</summary>
    /// <param name="userName">The user's name, whatever its case.</param>
    /// <param name="domain">The domain's path or id; null for the root domain.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<LoginCandidate?> FindByNameAsync(string userName, string? domain, CancellationToken cancellationToken);

    /// <summary>Finds a user by id.</summary>
    Task<ApiCaller?> FindAsync(UserId userId, CancellationToken cancellationToken);
}

/// <summary>The holder of an API key.</summary>
/// <param name="Caller">The user.</param>
/// <param name="SecretKey">The key that signatures are checked with.</param>
internal sealed record ApiKeyHolder(ApiCaller Caller, Secret SecretKey);

/// <summary>A user who may be logging in.</summary>
/// <param name="Caller">The user.</param>
/// <param name="PasswordHash">As <see cref="Security.PasswordHash"/> made it; null when the user has no password.</param>
/// <param name="FirstName">First name.</param>
/// <param name="LastName">Last name.</param>
/// <param name="TimeZone">The user's time zone; null for none.</param>
internal sealed record LoginCandidate(ApiCaller Caller, string? PasswordHash, string FirstName, string LastName, string? TimeZone);
