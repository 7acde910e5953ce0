using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Accounts. What domain administrators may not see does not exist for them; accounts of root administrators are not theirs to change, wherever they are.</summary>
internal interface IAccountOperations
{
    /// <summary>createAccount: an account with its first user. 431 unknown domain or role, a name that is taken in the domain, a role that is not for this domain.</summary>
    Task<Outcome<AccountId>> CreateAsync(Caller caller, CreateAccount request, CancellationToken cancellationToken);

    /// <summary>updateAccount. 431 unknown account or role, a name that is taken.</summary>
    Task<Outcome<AccountId>> UpdateAsync(Caller caller, UpdateAccount request, CancellationToken cancellationToken);

    /// <summary>enableAccount: its users can log in again. Idempotent. Nothing that was stopped is started.</summary>
    Task<Outcome<AccountId>> EnableAsync(Caller caller, AccountId id, CancellationToken cancellationToken);

    /// <summary>lockAccount: nobody can use it; its VMs run on. Its sessions end. Idempotent.</summary>
    Task<Outcome<AccountId>> LockAsync(Caller caller, AccountId id, CancellationToken cancellationToken);

    /// <summary>disableAccount: nobody can use it, its sessions end, its VMs are stopped. The job ends when none of its guests can run. Idempotent.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Which.</param>
    /// <param name="lockOnly">Whether it is only locked: its VMs run on, and the job is done at once.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> DisableAsync(Caller caller, AccountId id, bool lockOnly, CancellationToken cancellationToken);

    /// <summary>
    /// deleteAccount: nobody can use it from now on, and all it has ends. The job ends when its VMs are gone and all else is being deleted; what backends owe then is remembered as ever.
    /// Cannot be undone. 431 unknown account; 530 the caller's own, the default one, the last from which the installation can be administered.
    /// </summary>
    Task<JobOutcome> DeleteAsync(Caller caller, AccountId id, CancellationToken cancellationToken);
}

/// <summary>A new account with its first user.</summary>
internal sealed record CreateAccount
{
    /// <summary>Its name; null: that of the user.</summary>
    public string? Name { get; init; }

    /// <summary>Its domain.</summary>
    public required DomainId DomainId { get; init; }

    /// <summary>Its role; null: the default one of the type.</summary>
    public RoleId? RoleId { get; init; }

    /// <summary>0 user, 1 root administrator, 2 domain administrator; null: that of the role.</summary>
    public int? Type { get; init; }

    /// <summary>The domain name of its networks.</summary>
    public string? NetworkDomain { get; init; }

    /// <summary>Its first user.</summary>
    public required NewUser User { get; init; }
}

/// <summary>A new user.</summary>
internal sealed record NewUser
{
    /// <summary>What the user logs in with; unique in the domain, whatever its case.</summary>
    public required string UserName { get; init; }

    /// <summary>The password's hash.</summary>
    public required string PasswordHash { get; init; }

    /// <summary>First name.</summary>
    public required string FirstName { get; init; }

    /// <summary>Last name.</summary>
    public required string LastName { get; init; }

    /// <summary>E-mail address.</summary>
    public required string Email { get; init; }

    /// <summary>Time zone.</summary>
    public string? TimeZone { get; init; }

    /// <summary>Never the hash.</summary>
    public override string ToString() => UserName;
}

/// <summary>What to change of an account; null leaves a field.</summary>
internal sealed record UpdateAccount
{
    /// <summary>Which.</summary>
    public required AccountId Id { get; init; }

    /// <summary>Another name.</summary>
    public string? Name { get; init; }

    /// <summary>Another role.</summary>
    public RoleId? RoleId { get; init; }

    /// <summary>The domain name of its networks; empty for none.</summary>
    public string? NetworkDomain { get; init; }
}
