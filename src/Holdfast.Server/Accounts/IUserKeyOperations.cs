using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Pairs of keys with which users sign requests.</summary>
internal interface IUserKeyOperations
{
    /// <summary>registerUserKeys: another pair; those that are there stay. 431 unknown user, or one who is not the caller's to change, dates that leave no time, too many pairs.</summary>
    Task<Outcome<UserKeyId>> RegisterAsync(Caller caller, RegisterUserKeys request, CancellationToken cancellationToken);

    /// <summary>deleteUserKeys: requests that are signed with the pair are refused from the next one on. 431 unknown pair, or one of a user who is not the caller's to change.</summary>
    Task<JobOutcome> DeleteAsync(Caller caller, UserKeyId id, CancellationToken cancellationToken);
}

/// <summary>A new pair of keys.</summary>
internal sealed record RegisterUserKeys
{
    /// <summary>Whose.</summary>
    public required UserId UserId { get; init; }

    /// <summary>What it is called.</summary>
    public string? Name { get; init; }

    /// <summary>What it is for.</summary>
    public string? Description { get; init; }

    /// <summary>From when on it is taken; null: at once.</summary>
    public DateTimeOffset? Starts { get; init; }

    /// <summary>From when on it is not taken any more; null: never.</summary>
    public DateTimeOffset? Ends { get; init; }
}
