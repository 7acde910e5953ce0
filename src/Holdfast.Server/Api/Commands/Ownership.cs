using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Api.Commands;

/// <summary>Whose resources a caller may see, and which of them a list asks for.</summary>
internal static class Ownership
{
    /// <summary>The accounts whose resources a caller may see.</summary>
    public static IQueryable<AccountRow> Visible(StoreConnection db, ApiCaller caller) => caller.ForOperations.Accounts(db);

    /// <summary>Whether these are all accounts there are, so that nothing is left out by asking whose a thing is.</summary>
    /// <param name="accounts">What <see cref="Visible"/> or <see cref="AskedFor"/> gave.</param>
    public static bool IsEverybody(IQueryable<AccountRow> accounts) => accounts is ITable<AccountRow>;

    /// <summary>The domains that a caller may see.</summary>
    public static IQueryable<DomainRow> VisibleDomains(StoreConnection db, ApiCaller caller) => caller.ForOperations.Domains(db);

    /// <summary>
    /// The accounts whose resources a list asks for: the caller's own unless it names ids, an account, a domain, or everything. Never more than the caller
    /// may see.
    /// </summary>
    /// <param name="db">The store.</param>
    /// <param name="call">A call of a command with <see cref="CommonParameters.OwnedList"/>.</param>
    /// <param name="namesIds">Whether the list names ids: those are looked for among everything the caller may see.</param>
    /// <param name="haveTags">Whether what is listed has tags, and the list asks by them itself; else nothing has the tags that are asked for.</param>
    public static IQueryable<AccountRow> AskedFor(StoreConnection db, CommandCall call, bool namesIds, bool haveTags = false)
    {
        var accounts = Visible(db, call.Caller);
        if (call.Get(CommonParameters.Project) is { } project && project != Parameters.NoSuchEntity)
        {
            return accounts.Where(a => false);
        }

        if (!haveTags && call.Get(CommonParameters.Tags) is not null)
        {
            return accounts.Where(a => false);
        }

        if (call.Get(CommonParameters.Account) is { } account)
        {
            var name = account.ToLowerInvariant();
            accounts = accounts.Where(a => a.Name.ToLower() == name);
        }

        if (call.Get(CommonParameters.Domain) is { } domain)
        {
            return call.Get(CommonParameters.IsRecursive) == true
                ? accounts.Where(a => db.Domains.Any(d => d.Id == a.DomainId && db.Domains.Any(top => top.Id == domain && (d.Path == top.Path || d.Path.StartsWith(top.Path + "/")))))
                : accounts.Where(a => a.DomainId == domain);
        }

        if (call.Get(CommonParameters.Account) is not null || namesIds || call.Get(CommonParameters.ListAll) == true)
        {
            return accounts;
        }

        var own = call.Caller.AccountId;
        return accounts.Where(a => a.Id == own);
    }
}
