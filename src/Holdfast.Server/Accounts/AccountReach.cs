using Holdfast.Core.Ids;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>Which accounts and users a caller may change, the same for all that changes them.</summary>
internal static class AccountReach
{
    /// <summary>The accounts that are there and that the caller looks after: those that it may see and that are no projects, but a domain administrator none of root administrators.</summary>
    public static IQueryable<AccountRow> Managed(StoreConnection db, Caller caller)
    {
        var accounts = caller.AccountsAlone(db).Where(a => a.Removed == null);
        return caller.IsRootAdmin ? accounts : accounts.Where(a => a.Type != 1);
    }

    /// <summary>The users whom the caller may change, and whose keys are the caller's to read: the own one, and those of accounts that the caller looks after.</summary>
    public static IQueryable<UserRow> Users(StoreConnection db, Caller caller)
    {
        var (users, self) = (db.Users.Where(u => u.Removed == null), caller.UserId);
        if (caller.IsRootAdmin)
        {
            return users;
        }

        if (caller.Administers is null)
        {
            return users.Where(u => u.Id == self);
        }

        var accounts = Managed(db, caller);
        return users.Where(u => u.Id == self || accounts.Any(a => a.Id == u.AccountId));
    }

    /// <summary>One of <see cref="Users"/>. Null: not there, or not the caller's.</summary>
    public static Task<UserRow?> FindUserAsync(StoreConnection db, Caller caller, UserId id, CancellationToken cancellationToken) =>
        Users(db, caller).FirstOrDefaultAsync(u => u.Id == id, cancellationToken);

    /// <summary>Whether nobody could administer the installation any more without some of its users.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="account">An account that goes; null: none.</param>
    /// <param name="user">A user who goes; null: none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<bool> IsLastAdminAsync(StoreConnection db, AccountId? account, UserId? user, CancellationToken cancellationToken)
    {
        var admins = from u in db.Users
                     join a in db.Accounts on u.AccountId equals a.Id
                     where u.Removed == null && u.State == AccountStates.Enabled && a.Removed == null && a.State == AccountStates.Enabled && a.RoleId == RoleRow.RootAdmin
                     select new { UserId = u.Id, AccountId = a.Id };
        return await admins.AnyAsync(a => a.AccountId == account || a.UserId == user, cancellationToken)
            && !await admins.AnyAsync(a => a.AccountId != account && a.UserId != user, cancellationToken);
    }

    /// <summary>Whether a domain has a user of a name, as logins compare names.</summary>
    public static Task<bool> IsUserNameTakenAsync(StoreConnection db, DomainId domain, string name, UserId? except, CancellationToken cancellationToken)
    {
        var lower = name.ToLowerInvariant();
        return (from other in db.Users
                join account in db.Accounts on other.AccountId equals account.Id
                where account.DomainId == domain && other.Removed == null && other.Username.ToLower() == lower && (except == null || other.Id != except)
                select other).AnyAsync(cancellationToken);
    }
}
