using Holdfast.Core.Ids;
using Holdfast.Server.Limits;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>An account with what is shown of its domain, its role and its users.</summary>
internal sealed record AccountEntry
{
    // No limit has its default from them.
    private static readonly ReconcileTimings NoTimings = new();

    /// <summary>The account.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>Its domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>Its role.</summary>
    public required RoleRow Role { get; init; }

    /// <summary>What it may have, and what it has; read apart.</summary>
    /// <exception cref="InvalidOperationException">It was not read.</exception>
    public OwnerLimits Have
    {
        get => field ?? throw new InvalidOperationException("What the account may have was not read.");
        init;
    }

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
        var users = await UserEntry.Query(db).Where(u => u.Account.Id == id && u.User.Removed == null).OrderBy(u => u.User.Created).ThenBy(u => u.User.Id).ToListAsync(cancellationToken);
        return entry is null ? null : entry with
        {
            Have = (await HaveAsync(db, [entry.Account], cancellationToken))[id],
            Users = users,
        };
    }

    /// <summary>What some accounts may have, and what they have: three statements, however many they are.</summary>
    public static async Task<IReadOnlyDictionary<AccountId, OwnerLimits>> HaveAsync(StoreConnection db, IReadOnlyList<AccountRow> accounts, CancellationToken cancellationToken) =>
        await OwnerLimits.ByAccountAsync(db, accounts, await SettingValues.ReadAsync(db, NoTimings, cancellationToken), cancellationToken);
}
