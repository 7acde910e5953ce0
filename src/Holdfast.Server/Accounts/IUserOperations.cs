using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Users.</summary>
internal interface IUserOperations
{
    /// <summary>createUser: another user of an account. 431 unknown account, a name that another user of the domain has.</summary>
    Task<Outcome<UserId>> CreateAsync(Caller caller, AccountId accountId, NewUser request, CancellationToken cancellationToken);

    /// <summary>deleteUser: the user's keys and sessions end; what the account has stays. 431 unknown id; 530 the caller, the last who can administer the installation.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, UserId userId, CancellationToken cancellationToken);

    /// <summary>enableUser. Idempotent.</summary>
    Task<Outcome<UserId>> EnableAsync(Caller caller, UserId userId, CancellationToken cancellationToken);

    /// <summary>lockUser: nobody can be the user until it is enabled; its sessions end. Idempotent.</summary>
    Task<Outcome<UserId>> LockAsync(Caller caller, UserId userId, CancellationToken cancellationToken);

    /// <summary>disableUser: the same, with a job that is done at once. Idempotent.</summary>
    Task<JobOutcome> DisableAsync(Caller caller, UserId userId, CancellationToken cancellationToken);

    /// <summary>moveUser: to another account of the same domain. What the user made stays with the account. 431 unknown user or account, an account of another domain.</summary>
    Task<Outcome<Success>> MoveAsync(Caller caller, UserId userId, AccountId accountId, CancellationToken cancellationToken);

    /// <summary>
    /// updateUser. A new password ends all sessions of the user. 431 unknown id or not the caller's to change, a name that another user of the domain has, a password that is another by now than the
    /// one that was checked.
    /// </summary>
    Task<Outcome<UserId>> UpdateAsync(Caller caller, UpdateUser request, CancellationToken cancellationToken);
}

/// <summary>What to change of a user; null leaves a field.</summary>
internal sealed record UpdateUser
{
    /// <summary>Whom.</summary>
    public required UserId Id { get; init; }

    /// <summary>User name.</summary>
    public string? UserName { get; init; }

    /// <summary>First name.</summary>
    public string? FirstName { get; init; }

    /// <summary>Last name.</summary>
    public string? LastName { get; init; }

    /// <summary>E-mail address.</summary>
    public string? Email { get; init; }

    /// <summary>Time zone; empty for none.</summary>
    public string? TimeZone { get; init; }

    /// <summary>Password.</summary>
    public NewPassword? Password { get; init; }
}

/// <summary>A new password.</summary>
/// <param name="Hash">Its hash.</param>
/// <param name="CheckedAgainst">The hash that the current password was checked against: the user must still have it. Null when none was asked for.</param>
internal sealed record NewPassword(string Hash, string? CheckedAgainst)
{
    /// <summary>Never the hashes.</summary>
    public override string ToString() => "***";
}
