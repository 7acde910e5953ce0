using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Second factors of logins.</summary>
internal interface ISecondFactorOperations
{
    /// <summary>
    /// Makes a key for the caller's own user. It counts from the first code on that the user shows; until then each call makes another. 431 the setting is off, the user has a factor
    /// that counts.
    /// </summary>
    Task<Outcome<NewFactor>> SetUpAsync(Caller caller, CancellationToken cancellationToken);

    /// <summary>Takes a user's factor away. 431 unknown user, or one who is not the caller's to change; 531 the own one, where everybody has to have one.</summary>
    Task<Outcome<Success>> RemoveAsync(Caller caller, UserId userId, CancellationToken cancellationToken);

    /// <summary>Takes a code of the caller's own factor: it counts from now on, and the session can be used. A wrong one ends a session that waits for it.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="code">The code.</param>
    /// <param name="sessionToken">The session's cookie; null: the request is signed.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>Whether the code was right. 431 no factor was set up.</returns>
    Task<Outcome<bool>> ValidateAsync(Caller caller, string code, string? sessionToken, CancellationToken cancellationToken);
}

/// <summary>A key that was just made; the only moment it is shown.</summary>
/// <param name="UserId">Whose.</param>
/// <param name="UserName">The user's name.</param>
/// <param name="AccountId">The user's account.</param>
/// <param name="Key">The key, in base32.</param>
internal sealed record NewFactor(UserId UserId, string UserName, AccountId AccountId, Secret Key);
