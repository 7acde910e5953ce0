using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Api.Commands;

/// <summary>Whose resources a caller may see, and which of them a list asks for.</summary>
internal static class Ownership
{
    /// <summary>The accounts and projects whose resources a caller may see.</summary>
    public static IQueryable<AccountRow> Visible(StoreConnection db, ApiCaller caller) => caller.ForOperations.Accounts(db);

    /// <summary>The domains that a caller may see.</summary>
    public static IQueryable<DomainRow> VisibleDomains(StoreConnection db, ApiCaller caller) => caller.ForOperations.Domains(db);

    /// <summary>The project that a call names by <see cref="CommonParameters.Project"/>, by its account; null: none, or all.</summary>
    /// <param name="call">A call of a command with that parameter; the binder has seen that the caller may see the project.</param>
    public static AccountId? ProjectOf(CommandCall call) => call.Get(CommonParameters.Project) is { } project && project.Value != Guid.Empty ? new AccountId(project.Value) : null;

    /// <summary>Whether a list asks for what projects have, besides what accounts have.</summary>
    /// <param name="call">A call of a command with <see cref="CommonParameters.Project"/>.</param>
    public static bool AsksForAllProjects(CommandCall call) => call.Get(CommonParameters.Project) is { } project && project.Value == Guid.Empty;

    /// <summary>
    /// The accounts whose resources a list asks for: the caller's own unless it names ids, a project, an account, a domain, or everything. Never more than the caller may see. What
    /// projects have is asked for by the project, by -1 for all projects, or by ids, and not by everything.
    /// </summary>
    /// <param name="db">The store.</param>
    /// <param name="call">A call of a command with <see cref="CommonParameters.OwnedList"/>.</param>
    /// <param name="namesIds">Whether the list names ids: those are looked for among everything the caller may see.</param>
    /// <param name="haveTags">Whether what is listed has tags, and the list asks by them itself; else nothing has the tags that are asked for.</param>
    public static IQueryable<AccountRow> AskedFor(StoreConnection db, CommandCall call, bool namesIds, bool haveTags = false) => Asked(db, call, namesIds, haveTags).Accounts;

    /// <summary>The same, for long lists, which are asked in a way that costs nothing where nobody is left out.</summary>
    /// <param name="db">The store.</param>
    /// <param name="call">A call of a command with <see cref="CommonParameters.OwnedList"/>.</param>
    /// <param name="namesIds">Whether the list names ids.</param>
    /// <param name="haveTags">Whether what is listed has tags.</param>
    public static AskedOwners Asked(StoreConnection db, CommandCall call, bool namesIds, bool haveTags = false)
    {
        if (!haveTags && call.Get(CommonParameters.Tags) is not null)
        {
            return new AskedOwners(db.Accounts.Where(a => false));
        }

        var caller = call.Caller.ForOperations;
        var withProjects = namesIds || AsksForAllProjects(call);
        var accounts = withProjects ? caller.Accounts(db) : caller.AccountsAlone(db);
        var isNarrowed = false;
        if (ProjectOf(call) is { } project)
        {
            accounts = caller.Accounts(db).Where(a => a.Id == project);
            isNarrowed = true;
        }

        if (call.Get(CommonParameters.Account) is { } account)
        {
            var name = account.ToLowerInvariant();
            accounts = accounts.Where(a => a.Name.ToLower() == name && a.Type != AccountRow.Project);
            isNarrowed = true;
        }

        if (call.Get(CommonParameters.Domain) is { } domain)
        {
            accounts = call.Get(CommonParameters.IsRecursive) == true
                ? accounts.Where(a => db.Domains.Any(d => d.Id == a.DomainId && db.Domains.Any(top => top.Id == domain && (d.Path == top.Path || d.Path.StartsWith(top.Path + "/")))))
                : accounts.Where(a => a.DomainId == domain);
            isNarrowed = true;
        }

        if (isNarrowed)
        {
            return new AskedOwners(accounts);
        }

        if (withProjects || call.Get(CommonParameters.ListAll) == true)
        {
            return !caller.IsRootAdmin ? new AskedOwners(accounts)
                : withProjects ? AskedOwners.All(db)
                : new AskedOwners(accounts) { AllBut = db.Accounts.Where(a => a.Type == AccountRow.Project) };
        }

        var own = call.Caller.AccountId;
        return new AskedOwners(db.Accounts.Where(a => a.Id == own));
    }
}

/// <summary>Whose resources a list asks for.</summary>
/// <param name="Accounts">The accounts, projects among them.</param>
internal sealed record AskedOwners(IQueryable<AccountRow> Accounts)
{
    /// <summary>Whether these are all accounts there are, so that nothing is left out by asking whose a thing is.</summary>
    public bool AreAll { get; private init; }

    /// <summary>The few that are left out of all there are, by which it costs less to ask; null: it is not so.</summary>
    public IQueryable<AccountRow>? AllBut { get; init; }

    /// <summary>All there are.</summary>
    /// <param name="db">The store.</param>
    public static AskedOwners All(StoreConnection db) => new(db.Accounts) { AreAll = true };
}
