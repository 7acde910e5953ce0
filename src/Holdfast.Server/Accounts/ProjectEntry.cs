using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Limits;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>A project with what is shown of its domain, its owners and what it has.</summary>
internal sealed record ProjectEntry
{
    /// <summary>The project's account.</summary>
    public required AccountRow Project { get; init; }

    /// <summary>Its domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>Who owns it.</summary>
    public IReadOnlyList<ProjectMemberEntry> Owners { get; init; } = [];

    /// <summary>What it may have, and what it has; read apart.</summary>
    /// <exception cref="InvalidOperationException">It was not read.</exception>
    public OwnerLimits Have
    {
        get => field ?? throw new InvalidOperationException("What the project may have was not read.");
        init;
    }

    /// <summary>Its tags.</summary>
    public IReadOnlyList<TagEntry> Tags { get; init; } = [];

    /// <summary>Projects, of some accounts.</summary>
    /// <param name="db">The store.</param>
    /// <param name="accounts">The accounts, of which those that are projects are taken.</param>
    public static IQueryable<ProjectEntry> Query(StoreConnection db, IQueryable<AccountRow> accounts) =>
        from project in accounts
        join domain in db.Domains on project.DomainId equals domain.Id
        where project.Type == AccountRow.Project
        select new ProjectEntry { Project = project, Domain = domain };

    /// <summary>Reads the rest of some of them: five statements, however many they are.</summary>
    public static async Task<IReadOnlyList<ProjectEntry>> WithAllAsync(StoreConnection db, IReadOnlyList<ProjectEntry> entries, CancellationToken cancellationToken)
    {
        var owners = (await Listing.ChildrenAsync(
            entries.Select(e => e.Project.Id),
            some => ProjectMemberEntry.Query(db).Where(m => some.Contains(m.Member.ProjectId) && m.Member.Owns).OrderBy(m => m.Member.Created).ThenBy(m => m.Account.Id),
            cancellationToken)).ToLookup(m => m.Member.ProjectId);
        var have = await AccountEntry.HaveAsync(db, [.. entries.Select(e => e.Project)], cancellationToken);
        var tags = await TagReader.ReadAsync(db, entries.Select(e => e.Project.Id.Value), cancellationToken);
        return [.. entries.Select(e => e with { Owners = [.. owners[e.Project.Id]], Have = have[e.Project.Id], Tags = [.. tags[e.Project.Id.Value]] })];
    }

    /// <summary>Reads one; null: it was never there.</summary>
    public static async Task<ProjectEntry?> FindAsync(StoreConnection db, ProjectId id, CancellationToken cancellationToken)
    {
        var account = new AccountId(id.Value);
        var found = await Query(db, db.Accounts.Where(a => a.Id == account)).ToListAsync(cancellationToken);
        return found.Count == 0 ? null : (await WithAllAsync(db, found, cancellationToken))[0];
    }
}

/// <summary>An account or a user in a project.</summary>
internal sealed record ProjectMemberEntry
{
    /// <summary>That it is in the project.</summary>
    public required ProjectMemberRow Member { get; init; }

    /// <summary>The project.</summary>
    public required AccountRow Project { get; init; }

    /// <summary>The account; of a user alone, the user's.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>The account's domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>The user who is in it alone.</summary>
    public UserRow? User { get; init; }

    /// <summary>The account's users, where all are in it.</summary>
    public IReadOnlyList<UserRow> Users { get; init; } = [];

    /// <summary>All of them.</summary>
    public static IQueryable<ProjectMemberEntry> Query(StoreConnection db) =>
        from member in db.ProjectMembers
        join project in db.Accounts on member.ProjectId equals project.Id
        join account in db.Accounts on member.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        from user in db.Users.LeftJoin(u => u.Id == member.UserId)
        select new ProjectMemberEntry { Member = member, Project = project, Account = account, Domain = domain, User = user };
}
