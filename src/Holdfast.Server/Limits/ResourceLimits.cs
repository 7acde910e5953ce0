using Holdfast.Core.Ids;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Limits;

/// <summary>
/// Whether something more fits into what an account and the domains above it may have. Asked in the transaction that makes it, which is serialisable: of two that come at once
/// and fit one by one, one is done again and sees the other.
/// </summary>
internal static class ResourceLimits
{
    /// <summary>Why an account may not have more; null: it may.</summary>
    /// <param name="turn">The transaction of the change.</param>
    /// <param name="owner">The account that is to have it.</param>
    /// <param name="more">What more it is to have.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="holder">The account that has it now, if one does: domains above both have no more of it then.</param>
    public static async Task<ApiFault?> WhyNotAsync(Turn turn, AccountRow owner, ResourceAmounts more, CancellationToken cancellationToken, AccountId? holder = null)
    {
        // Nobody sets limits to who can lift them.
        if (owner.Type == AccountRow.RootAdmin)
        {
            return null;
        }

        var db = turn.Db;
        var (account, domain) = (owner.Id, owner.DomainId);
        var settings = await SettingValues.ReadAsync(turn, cancellationToken);
        var above = await (
            from own in db.Domains
            from d in db.Domains
            where own.Id == domain && d.Removed == null && (d.Id == own.Id || own.Path.StartsWith(d.Path + "/"))
            orderby d.Level descending
            select d).ToListAsync(cancellationToken);
        var domains = above.ConvertAll(d => (DomainId?)d.Id);
        var rows = await db.ResourceLimits.Where(l => l.AccountId == account || domains.Contains(l.DomainId)).ToListAsync(cancellationToken);
        var limits = LimitSet.Of(owner, rows.Where(r => r.AccountId == account), settings);
        if (await ExceededAsync(db, limits, db.Accounts.Where(a => a.Id == account), owner.Named, more, cancellationToken) is { } fault)
        {
            return fault;
        }

        var present = holder is null ? null : await (from a in db.Accounts join d in db.Domains on a.DomainId equals d.Id where a.Id == holder select d.Path).SingleAsync(cancellationToken);
        foreach (var level in above)
        {
            if (present is not null && (present == level.Path || present.StartsWith(level.Path + "/", StringComparison.Ordinal)))
            {
                continue;
            }

            limits = LimitSet.Of(level, rows.Where(r => r.DomainId == level.Id), settings);
            var (path, below) = (level.Path, level.Path + "/");
            var accounts = db.Accounts.Where(a => db.Domains.Any(d => d.Id == a.DomainId && d.Removed == null && (d.Path == path || d.Path.StartsWith(below))));
            if (await ExceededAsync(db, limits, accounts, $"domain {path} ({level.Id})", more, cancellationToken) is { } beyond)
            {
                return beyond;
            }
        }

        return null;
    }

    /// <summary>The same of an account by its id.</summary>
    /// <param name="turn">The transaction of the change.</param>
    /// <param name="owner">The account that is to have it.</param>
    /// <param name="more">What more it is to have.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ApiFault?> WhyNotAsync(Turn turn, AccountId owner, ResourceAmounts more, CancellationToken cancellationToken) =>
        await WhyNotAsync(turn, await turn.Db.Accounts.SingleAsync(a => a.Id == owner, cancellationToken), more, cancellationToken);

    private static async Task<ApiFault?> ExceededAsync(StoreConnection db, LimitSet limits, IQueryable<AccountRow> accounts, string who, ResourceAmounts more, CancellationToken cancellationToken)
    {
        if (!limits.Concerns(more))
        {
            return null;
        }

        var used = await ResourceUsage.OfAsync(db, accounts, more, cancellationToken);
        return limits.Exceeded(used, more) is { } over
            ? Faults.LimitReached(over.Name, who, over.What, limits[over.Resource]!.Value, used[over.Resource], more[over.Resource])
            : null;
    }
}
