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

    /// <summary>Its own account, whomever it makes something for.</summary>
    public AccountId Own { get; init; } = AccountId;

    /// <summary>The accounts whose objects it may see and touch: its own, those that it looks after, and the projects that it is in or that are where it looks after accounts.</summary>
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

        var (own, user) = (Own, UserId);
        var projects = db.ProjectMembers.Where(m => (m.AccountId == own && m.UserId == null) || m.UserId == user).Select(m => m.ProjectId);
        return db.Accounts.Where(a => a.Id == own || projects.Contains(a.Id));
    }

    /// <summary>Those of <see cref="Accounts"/> that are no projects.</summary>
    /// <param name="db">The store.</param>
    public IQueryable<AccountRow> AccountsAlone(StoreConnection db)
    {
        if (IsRootAdmin || Administers is not null)
        {
            return Accounts(db).Where(a => a.Type != AccountRow.Project);
        }

        var own = Own;
        return db.Accounts.Where(a => a.Id == own);
    }

    /// <summary>The projects that it may change, with who is in them: those that it owns, as an account or as a user alone, and those where it looks after accounts.</summary>
    /// <param name="db">The store.</param>
    public IQueryable<AccountRow> OwnedProjects(StoreConnection db)
    {
        var projects = Accounts(db).Where(a => a.Type == AccountRow.Project);
        if (IsRootAdmin || Administers is not null)
        {
            return projects;
        }

        // Who is in a project as an account and as a user, too, is there as the user.
        var (own, user) = (Own, UserId);
        var owned = db.ProjectMembers
            .Where(m => m.Owns && (m.UserId == user || (m.AccountId == own && m.UserId == null && !db.ProjectMembers.Any(u => u.ProjectId == m.ProjectId && u.UserId == user))))
            .Select(m => m.ProjectId);
        return projects.Where(a => owned.Contains(a.Id));
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

        // A project is in the domain of who is in it.
        var own = DomainId;
        return db.Domains.Where(d => d.Id == own);
    }

    /// <summary>
    /// Why nothing can be made for the account that it makes something for, in the transaction that would make it: whoever asked may have been looked at before the account was
    /// ended, or before the caller left the project. Null: nothing is in the way.
    /// </summary>
    /// <param name="db">The transaction.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ApiFault?> WhyNotOwnerAsync(StoreConnection db, CancellationToken cancellationToken)
    {
        var id = AccountId;
        return await WhyNotOwnerAsync(db, await db.Accounts.SingleAsync(a => a.Id == id, cancellationToken), cancellationToken);
    }

    /// <summary>The same of that account, which was read in the transaction.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="account">The account.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ApiFault?> WhyNotOwnerAsync(StoreConnection db, AccountRow account, CancellationToken cancellationToken) =>
        account.State != AccountStates.Enabled
            ? Faults.PermissionDenied($"The {account.Named}, which would own the new resource, is {account.ShownState}")
            : await WhyNotActForAsync(db, cancellationToken);

    /// <summary>Why it cannot act for the account that it makes something for; null: it can.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<ApiFault?> WhyNotActForAsync(StoreConnection db, CancellationToken cancellationToken)
    {
        var id = AccountId;
        return id == Own || IsRootAdmin || await Accounts(db).AnyAsync(a => a.Id == id, cancellationToken)
            ? null
            : Faults.PermissionDenied($"There is no account or project {id} whose resources are the caller's to change");
    }

    /// <summary>The same, making something for another account.</summary>
    /// <param name="owner">The account, which it may see.</param>
    public Caller For(AccountRow owner) => this with { AccountId = owner.Id, DomainId = owner.DomainId };
}
