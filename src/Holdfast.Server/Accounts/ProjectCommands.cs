using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Limits;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about projects.</summary>
internal static class ProjectCommands
{
    /// <summary>The key of the object.</summary>
    internal const string Key = "project";

    private static readonly TextParameter NewName = Text("name", "the name of the project, unique in its domain", required: true);
    private static readonly TextParameter NewText = Text("displaytext", "what it is for; the name when it is not sent");
    private static readonly TextParameter Account = Text("account", "the account that is to own it, with domainid, for administrators; the caller's own when it is not sent");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("domainid", "the domain of that account; the caller's own when it is not sent");
    private static readonly ValueParameter<AccountId> AccountById = Id<AccountId>("accountid", "the account that is to own it, in place of account and domainid");
    private static readonly ValueParameter<UserId> User = Id<UserId>("userid", "the user who is to own it alone, and not the other users of the account");

    private static readonly ValueParameter<ProjectId> Project = Id<ProjectId>("id", "the id of the project", required: true);
    private static readonly TextParameter OtherName = Text("name", "another name, unique in its domain");
    private static readonly TextParameter OtherText = Text("displaytext", "what it is for");
    private static readonly TextParameter NewOwner = Text("account", "an account in the project whose role changes; not together with userid");
    private static readonly ValueParameter<Guid> NewOwnerUser = AnyId("userid", "a user who is in the project alone, whose role changes");
    private static readonly ValueParameter<bool> SwapOwner = Bool("swapowner", "whether that account or user follows the one owner that there is; true when it is not sent. Else roletype says what it is from now on");
    private static readonly TextParameter RoleType = Text("roletype", "with swapowner=false: Admin, who owns the project, or Regular, as when it is not sent");
    private static readonly ValueParameter<bool> CleanUp = Bool("cleanup", "true deletes what the project has first; else it must be empty");

    private static readonly ValueParameter<ProjectId> FilterId = Id<ProjectId>("id", "the id of the project");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the project, whatever its case");
    private static readonly TextParameter FilterText = Text("displaytext", "the exact display text of the project");
    private static readonly TextParameter FilterState = Text("state", "the state: Active, Suspended, Disabled (being deleted)");
    private static readonly TextParameter FilterUser = Text("username", "projects with a user of this name in them, alone or with the account");
    private static readonly TextParameter FilterAccount = Text("account", "projects with this account in them; with domainid");
    private static readonly TextParameter Details = Text("details", "groups of fields", noEffect: "all are answered");

    private static readonly View<ProjectMemberEntry> OwnersView = Api.Commands.View<ProjectMemberEntry>.Build(v => v
        .Text("account", "the name of the account", m => m.Account.Name)
        .Id("accountid", "the id of the account", m => m.Account.Id)
        .OptionalId("userid", "the id of the user, where one owns it alone", m => m.Member.UserId)
        .Text("user", "the name of the user, where one owns it alone", m => m.User?.Username));

    /// <summary>A project, as responses show one.</summary>
    internal static readonly View<ProjectEntry> View = Api.Commands.View<ProjectEntry>.Build(v => v
        .Id("id", "the id of the project", e => e.Project.ProjectId!.Value)
        .Text("name", "the name of the project", e => e.Project.Name)
        .Text("displaytext", "what it is for", e => e.Project.DisplayText)
        .Id("domainid", "the id of its domain", e => e.Domain.Id)
        .Text("domain", "its domain", e => e.Domain.Name)
        .Text("domainpath", "the path of its domain", e => e.Domain.Path)
        .List("owner", "who owns it: accounts, and users alone", OwnersView, e => e.Owners)
        .Text("projectaccountname", "the name of the account that owns what it has: its own", e => e.Project.Name)
        .Text("state", "Active, Suspended, or Disabled while it is being deleted", e => e.Project.ShownState)
        .Date("created", "when the project was made", e => e.Project.Created)
        .Include(OwnerLimits.ProjectView, e => e.Have)
        .Long("vmrunning", "how many of its VMs run", e => e.Have.Used.Running)
        .Long("vmstopped", "how many of its VMs do not", e => e.Have.Used.Vms - e.Have.Used.Running)
        .List("tags", "its tags", TagView.View, e => e.Tags));

    private static readonly IconedList<ProjectEntry> Listed = new(Key, View, e => [e.Project.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listProjects",
            Description = "Lists projects: those that the caller is in, or all that the caller may see",
            Roles = Roles.Authenticated,
            Parameters =
            [
                FilterId, FilterName, FilterText, FilterState, FilterAccount, FilterUser, Details, IconedList.Show, CommonParameters.Domain, CommonParameters.ListAll, CommonParameters.IsRecursive,
                CommonParameters.Tags, .. CommonParameters.List,
            ],
            Response = Listed.Response,
            Handler = ListAsync,
        },
        new()
        {
            Name = "createProject",
            Description = "Makes a project: VMs, volumes and the like that accounts and users share",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [NewName, NewText, Account, Domain, AccountById, User],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateProject",
            Description = "Changes a project, or who owns it",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project, OtherName, OtherText, NewOwner, NewOwnerUser, SwapOwner, RoleType],
            Response = ResponseShape.Of(Key, View),
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "activateProject",
            Description = "Activates a project that was suspended; nothing that was stopped is started",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => (await call.Services.Of<IProjectOperations>().ActivateAsync(call.Caller.ForOperations, call.Require(Project), ct)).ToResult(),
        },
        new()
        {
            Name = "suspendProject",
            Description = "Suspends a project: its VMs are stopped, and nothing can be made or started in it",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => (await call.Services.Of<IProjectOperations>().SuspendAsync(call.Caller.ForOperations, call.Require(Project), ct)).ToResult(),
        },
        new()
        {
            Name = "deleteProject",
            Description = "Deletes a project; it cannot be undone",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project, CleanUp],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IProjectOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Project), call.Get(CleanUp) ?? false, ct)).ToResult(),
        },
    ];

    /// <summary>Reads a role in a project.</summary>
    /// <param name="text">As it was sent; null: it was not.</param>
    /// <param name="owns">Whether it is the role of an owner; null: none was sent.</param>
    /// <returns>Why it is none; null: it is one.</returns>
    internal static ApiError? ReadRole(string? text, out bool? owns)
    {
        owns = text is null ? null : text.Equals("Admin", StringComparison.OrdinalIgnoreCase);
        return text is null || owns == true || text.Equals("Regular", StringComparison.OrdinalIgnoreCase)
            ? null
            : ApiError.InvalidParameter($"Only Admin or Regular project role types are valid, not {text}");
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterId) is { } one ? new AccountId(one.Value) : (AccountId?)null;
        var (name, text, state) = (call.Get(FilterName)?.ToLowerInvariant(), call.Get(FilterText), call.Get(FilterState)?.ToLowerInvariant());
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var projects = AskedFor(db, call, id is not null);
                if (call.Get(CommonParameters.Tags)?.Entries is { } wanted)
                {
                    var tags = TagReader.Any(db, wanted);
                    projects = projects.Where(a => tags.Any(t => t.ResourceId == StoreSql.Plain(a.Id)));
                }

                projects = state switch
                {
                    null => projects,
                    "active" => projects.Where(a => a.Deleted == null && a.State == AccountStates.Enabled),
                    "suspended" => projects.Where(a => a.Deleted == null && a.State != AccountStates.Enabled),
                    "disabled" => projects.Where(a => a.Deleted != null),
                    _ => projects.Where(a => false),
                };
                var page = await Listing.ReadAsync(
                    from entry in ProjectEntry.Query(db, projects)
                    where entry.Project.Removed == null
                        && (id == null || entry.Project.Id == id)
                        && (name == null || entry.Project.Name.ToLower() == name)
                        && (text == null || entry.Project.DisplayText == text)
                        && (keyword == null || entry.Project.Name.ToLower().Contains(keyword) || entry.Project.DisplayText!.ToLower().Contains(keyword))
                    orderby entry.Project.Created, entry.Project.Id
                    select entry,
                    call.Page,
                    ct);
                return page with { Rows = await ProjectEntry.WithAllAsync(db, page.Rows, ct) };
            },
            cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    // Those that the caller is in, unless it asks for an id, a domain, an account, a user or all: then those that it may see.
    private static IQueryable<AccountRow> AskedFor(StoreConnection db, CommandCall call, bool namesId)
    {
        var caller = call.Caller.ForOperations;
        var projects = caller.Accounts(db).Where(a => a.Type == AccountRow.Project);
        var (account, user) = (call.Get(FilterAccount)?.ToLowerInvariant(), call.Get(FilterUser)?.ToLowerInvariant());
        if (account is not null)
        {
            var named = db.ProjectMembers.Where(m => db.Accounts.Any(a => a.Id == m.AccountId && a.Name.ToLower() == account)).Select(m => m.ProjectId);
            projects = projects.Where(a => named.Contains(a.Id));
        }

        if (user is not null)
        {
            var named = db.ProjectMembers
                .Where(m => db.Users.Any(u => u.AccountId == m.AccountId && (m.UserId == null || u.Id == m.UserId) && u.Removed == null && u.Username.ToLower() == user))
                .Select(m => m.ProjectId);
            projects = projects.Where(a => named.Contains(a.Id));
        }

        if (call.Get(CommonParameters.Domain) is { } domain)
        {
            return call.Get(CommonParameters.IsRecursive) == true
                ? projects.Where(a => db.Domains.Any(d => d.Id == a.DomainId && db.Domains.Any(top => top.Id == domain && (d.Path == top.Path || d.Path.StartsWith(top.Path + "/")))))
                : projects.Where(a => a.DomainId == domain);
        }

        if (namesId || account is not null || user is not null || call.Get(CommonParameters.ListAll) == true)
        {
            return projects;
        }

        var (own, self) = (caller.Own, caller.UserId);
        var mine = db.ProjectMembers.Where(m => (m.AccountId == own && m.UserId == null) || m.UserId == self).Select(m => m.ProjectId);
        return db.Accounts.Where(a => a.Type == AccountRow.Project && mine.Contains(a.Id));
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (maker, error) = await OwnerAsync(call, cancellationToken);
        return maker is null
            ? error!
            : (await call.Services.Of<IProjectOperations>().CreateAsync(
                maker,
                new CreateProject { Name = call.Require(NewName), DisplayText = call.Get(NewText), Owner = call.Get(User) },
                cancellationToken)).ToResult(creates: true);
    }

    private static async Task<(Caller? Maker, ApiError? Error)> OwnerAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(User) is null && call.Get(AccountById) is null)
        {
            return await OwnerParameters.ResolveAccountAsync(call, call.Get(Account), call.Get(Domain), cancellationToken);
        }

        // The binder has seen that the caller may see them.
        var caller = call.Caller.ForOperations;
        var owner = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var user = call.Get(User);
                var id = user is null ? call.Get(AccountById) : await db.Users.Where(u => u.Id == user && u.Removed == null).Select(u => (AccountId?)u.AccountId).FirstOrDefaultAsync(ct);
                return await caller.AccountsAlone(db).FirstOrDefaultAsync(a => a.Id == id && a.Removed == null, ct);
            },
            cancellationToken);
        if (owner is null)
        {
            return (null, call.Get(User) is { } missing ? call.UnknownEntity(User, missing) : call.UnknownEntity(AccountById, call.Get(AccountById)!));
        }

        // One owner, however it is named.
        var differs = (call.Get(AccountById) is { } account && account != owner.Id)
            || (call.Get(Domain) is { } domain && domain != owner.DomainId)
            || (call.Get(Account) is { } name && !name.Equals(owner.Name, StringComparison.OrdinalIgnoreCase));
        return differs
            ? (null, ApiError.InvalidParameter($"Parameters account, accountid, domainid and userid of {call.Command.Name} name different accounts: {owner.Named} is one of them"))
            : (caller.For(owner), null);
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (account, user) = (call.Get(NewOwner), call.Get(NewOwnerUser));
        var swaps = call.Get(SwapOwner) ?? true;
        if (ReadRole(call.Get(RoleType), out var owns) is { } noRole)
        {
            return noRole;
        }

        if (account is not null && user is not null)
        {
            return ApiError.InvalidParameter("Account name and User ID are mutually exclusive: one of them changes its role");
        }

        if (account is null && user is null && owns is not null)
        {
            return ApiError.InvalidParameter($"Parameter roletype of {call.Command.Name} is the role of an account or a user: account or userid has to name it");
        }

        if (swaps && owns == false)
        {
            return ApiError.InvalidParameter($"Parameter roletype=Regular of {call.Command.Name} needs swapowner=false: else the account or user becomes the owner");
        }

        return (await call.Services.Of<IProjectOperations>().UpdateAsync(
            call.Caller.ForOperations,
            new UpdateProject
            {
                Id = call.Require(Project),
                Name = call.Get(OtherName),
                DisplayText = call.Get(OtherText),
                Account = account,
                User = user is { } id ? new UserId(id) : null,
                Owns = swaps ? null : owns ?? false,
            },
            cancellationToken)).ToResult();
    }
}
