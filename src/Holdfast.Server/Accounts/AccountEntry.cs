using Holdfast.Core.Ids;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>An account with what is shown of its domain, its role and its users.</summary>
internal sealed record AccountEntry
{
    /// <summary>The account.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>Its domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>Its role.</summary>
    public required RoleRow Role { get; init; }

    /// <summary>Its users.</summary>
    public IReadOnlyList<UserEntry> Users { get; init; } = [];

    /// <summary>Reads one; null: it was never there.</summary>
    public static async Task<AccountEntry?> FindAsync(StoreConnection db, AccountId id, CancellationToken cancellationToken)
    {
        var entry = await (from account in db.Accounts
                           join domain in db.Domains on account.DomainId equals domain.Id
                           join role in db.Roles on account.RoleId equals role.Id
                           where account.Id == id
                           select new AccountEntry { Account = account, Domain = domain, Role = role }).FirstOrDefaultAsync(cancellationToken);
        var users = await db.Users.Where(u => u.AccountId == id && u.Removed == null).OrderBy(u => u.Created).ThenBy(u => u.Id).ToListAsync(cancellationToken);
        return entry is null ? null : entry with { Users = users.ConvertAll(u => new UserEntry { User = u, Account = entry.Account, Domain = entry.Domain, Role = entry.Role }) };
    }
}
