using Holdfast.Core.Ids;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;

namespace Holdfast.Server.Transactions;

/// <summary>
/// Who asks. The API has authenticated it and checked that its role may use the command; operations check whose the objects are, by the one rule that is here, in the transaction
/// of the change.
/// </summary>
/// <param name="UserId">The user.</param>
/// <param name="UserName">Its name, for events and texts.</param>
/// <param name="AccountId">The owner of what it makes: its account, or the one that it makes something for.</param>
/// <param name="DomainId">The domain of that account.</param>
/// <param name="IsRootAdmin">Whether it may touch everybody's objects.</param>
internal sealed record Caller(UserId UserId, string UserName, AccountId AccountId, DomainId DomainId, bool IsRootAdmin)
{
    /// <summary>The path of the domain that a domain administrator looks after, with all below it; null: not one.</summary>
    public string? Administers { get; init; }

    /// <summary>The accounts whose objects it may see and touch.</summary>
    /// <param name="db">The store.</param>
    public IQueryable<AccountRow> Accounts(StoreConnection db)
    {
        if (IsRootAdmin)
        {
            return db.Accounts;
        }

        if (Administers is not null)
        {
            var domains = Domains(db);
            return db.Accounts.Where(a => domains.Any(d => d.Id == a.DomainId));
        }

        var own = AccountId;
        return db.Accounts.Where(a => a.Id == own);
    }

    /// <summary>The domains that it may see.</summary>
    /// <param name="db">The store.</param>
    public IQueryable<DomainRow> Domains(StoreConnection db)
    {
        if (IsRootAdmin)
        {
            return db.Domains;
        }

        if (Administers is { } path)
        {
            // The path of a domain that is gone may be another's by now.
            var below = path + "/";
            return db.Domains.Where(d => d.Removed == null && (d.Path == path || d.Path.StartsWith(below)));
        }

        var own = DomainId;
        return db.Domains.Where(d => d.Id == own);
    }

    /// <summary>Why nothing can be made for its account, in the transaction that would make it: whoever asked may have been looked at before the account was ended. Null: nothing is in the way.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ApiFault?> WhyNotOwnerAsync(StoreConnection db, CancellationToken cancellationToken)
    {
        var id = AccountId;
        return WhyNotOwner(await db.Accounts.SingleAsync(a => a.Id == id, cancellationToken));
    }

    /// <summary>The same of an account that was read in the transaction.</summary>
    /// <param name="account">The account.</param>
    public static ApiFault? WhyNotOwner(AccountRow account) => account.State == AccountStates.Enabled
        ? null
        : Faults.PermissionDenied($"The account {account.Name} ({account.Id}), which would own the new resource, is {account.State}");

    /// <summary>The same, making something for another account.</summary>
    /// <param name="owner">The account, which it may see.</param>
    public Caller For(AccountRow owner) => this with { AccountId = owner.Id, DomainId = owner.DomainId };
}
