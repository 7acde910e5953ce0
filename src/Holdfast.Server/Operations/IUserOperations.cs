using Holdfast.Core.Ids;

namespace Holdfast.Server.Operations;

/// <summary>Keys of a user.</summary>
/// <param name="ApiKey">The API key.</param>
/// <param name="SecretKey">The secret key.</param>
internal sealed record UserKeys(string ApiKey, string SecretKey);

/// <summary>Users.</summary>
internal interface IUserOperations
{
    /// <summary>registerUserKeys: new keys, the old ones end. 431 unknown id; 531 somebody else's user, unless root administrator.</summary>
    Task<Outcome<UserKeys>> RegisterKeysAsync(Caller caller, UserId userId, CancellationToken cancellationToken);
}
