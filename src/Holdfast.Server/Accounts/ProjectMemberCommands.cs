using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about who is in projects.</summary>
internal static class ProjectMemberCommands
{
    private const string Key = "projectaccount";

    private static readonly ValueParameter<ProjectId> Project = Id<ProjectId>("projectid", "the id of the project", required: true);
    private static readonly TextParameter Account = Text("account", "the name of the account, which is of the project's domain", required: true);
    private static readonly TextParameter UserName = Text("username", "the name of the user, who is of the project's domain", required: true);
    private static readonly TextParameter RoleType = Text("roletype", "Admin, who owns the project, or Regular, as when it is not sent");
    private static readonly ValueParameter<Guid> User = AnyId("userid", "the id of a user who is in the project alone");
    // Of whatever account: who owns a project says who is in it, whether or not the user is among those that the owner may see elsewhere.
    private static readonly ValueParameter<Guid> Leaver = AnyId("userid", "the id of a user who is in the project alone", required: true);
    private static readonly TextParameter FilterAccount = Text("account", "the exact name of the account, whatever its case");
    private static readonly TextParameter FilterRole = Text("role", "the role in the project: Admin or Regular");

    private static readonly View<UserRow> UserView = Api.Commands.View<UserRow>.Build(v => v
        .Id("id", "the id of the user", u => u.Id)
        .Text("username", "the name of the user", u => u.Username)
        .Text("firstname", "the user's first name", u => u.FirstName)
        .Text("lastname", "the user's last name", u => u.LastName)
        .Text("state", "the state of the user", u => u.State));

    private static readonly View<ProjectMemberEntry> View = Api.Commands.View<ProjectMemberEntry>.Build(v => v
        .Id("projectid", "the id of the project", m => m.Project.ProjectId!.Value)
        .Text("project", "the name of the project", m => m.Project.Name)
        .Id("accountid", "the id of the account", m => m.Account.Id)
        .Text("account", "the name of the account", m => m.Account.Name)
        .Int("accounttype", "0 user, 1 root administrator, 2 domain administrator", m => m.Account.Type)
        .OptionalId("userid", "the id of the user, where one is in it alone", m => m.Member.UserId)
        .Text("username", "the name of the user, where one is in it alone", m => m.User?.Username)
        .Text("role", "the role in the project: Admin, who owns it, or Regular", m => m.Member.Owns ? "Admin" : "Regular")
        .Id("domainid", "the id of the account's domain", m => m.Domain.Id)
        .Text("domain", "the account's domain", m => m.Domain.Name)
        .Text("domainpath", "the path of the account's domain", m => m.Domain.Path)
        .List("user", "the users of the account, where all are in it", UserView, m => m.Users));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listProjectAccounts",
            Description = "Lists the accounts and the users that are in a project",
            Roles = Roles.Authenticated,
            Parameters = [Project, FilterAccount, User, FilterRole, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "addAccountToProject",
            Description = "Adds an account with all its users to a project",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project, Account, RoleType],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => ProjectCommands.ReadRole(call.Get(RoleType), out var owns) is { } noRole
                ? noRole
                : (await call.Services.Of<IProjectOperations>().AddAccountAsync(call.Caller.ForOperations, call.Require(Project), call.Require(Account), owns, ct)).ToResult(),
        },
        new()
        {
            Name = "deleteAccountFromProject",
            Description = "Removes an account from a project; what it made there stays the project's",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project, Account],
            Response = ResponseShape.Success,
            Handler = async (call, ct) =>
                (await call.Services.Of<IProjectOperations>().RemoveAccountAsync(call.Caller.ForOperations, call.Require(Project), call.Require(Account), ct)).ToResult(),
        },
        new()
        {
            Name = "addUserToProject",
            Description = "Adds a user alone to a project, and not the others of the account",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project, UserName, RoleType],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => ProjectCommands.ReadRole(call.Get(RoleType), out var owns) is { } noRole
                ? noRole
                : (await call.Services.Of<IProjectOperations>().AddUserAsync(call.Caller.ForOperations, call.Require(Project), call.Require(UserName), owns, ct)).ToResult(),
        },
        new()
        {
            Name = "deleteUserFromProject",
            Description = "Removes a user who is alone in a project; what the user made there stays the project's",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Project, Leaver],
            Response = ResponseShape.Success,
            Handler = async (call, ct) =>
                (await call.Services.Of<IProjectOperations>().RemoveUserAsync(call.Caller.ForOperations, call.Require(Project), new UserId(call.Require(Leaver)), ct)).ToResult(),
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var project = new AccountId(call.Require(Project).Value);
        var account = call.Get(FilterAccount)?.ToLowerInvariant();
        var user = call.Get(User) is { } id ? new UserId(id) : (UserId?)null;
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        if (ProjectCommands.ReadRole(call.Get(FilterRole), out var owns) is { } noRole)
        {
            return noRole;
        }

        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var visible = Ownership.Visible(db, call.Caller);
                var members = await Listing.ReadAsync(
                    ProjectMemberEntry.Query(db)
                        .Where(m => m.Member.ProjectId == project
                            && visible.Any(a => a.Id == m.Member.ProjectId)
                            && (account == null || m.Account.Name.ToLower() == account)
                            && (user == null || m.Member.UserId == user)
                            && (owns == null || m.Member.Owns == owns)
                            && (keyword == null || m.Account.Name.ToLower().Contains(keyword) || m.User!.Username.ToLower().Contains(keyword)))
                        .OrderBy(m => m.Member.Created)
                        .ThenBy(m => m.Account.Id)
                        .ThenBy(m => m.Member.UserId),
                    call.Page,
                    ct);
                var users = (await Listing.ChildrenAsync(
                    members.Rows.Where(m => m.Member.UserId is null).Select(m => m.Account.Id),
                    some => db.Users.Where(u => some.Contains(u.AccountId) && u.Removed == null).OrderBy(u => u.Created).ThenBy(u => u.Id),
                    ct)).ToLookup(u => u.AccountId);
                return members with { Rows = [.. members.Rows.Select(m => m.Member.UserId is null ? m with { Users = [.. users[m.Account.Id]] } : m)] };
            },
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }
}
