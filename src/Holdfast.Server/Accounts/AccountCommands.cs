using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Networks;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about users, accounts, domains, and their keys.</summary>
internal static class AccountCommands
{
    private static readonly ValueParameter<UserId> FilterUser = Id<UserId>("id", "the id of the user");
    private static readonly TextParameter UserName = Text("username", "the exact name of the user, whatever its case");
    private static readonly ValueParameter<int> AccountType = Int("accounttype", "0 user, 1 root administrator, 2 domain administrator");
    private static readonly TextParameter State = Text("state", "the state");
    private static readonly ValueParameter<UserId> User = Id<UserId>("id", "the id of the user", required: true);
    private static readonly ValueParameter<AccountId> FilterAccount = Id<AccountId>("id", "the id of the account");
    private static readonly TextParameter Name = Text("name", "the exact name, whatever its case");
    private static readonly ValueParameter<DomainId> FilterDomain = Id<DomainId>("id", "the id of the domain");
    private static readonly ValueParameter<int> Level = Int("level", "the level of the domain; ROOT is 0");
    private static readonly TextParameter Details = Text("details", "groups of fields", noEffect: "all are answered");

    /// <summary>A user, as responses show one.</summary>
    internal static readonly View<UserEntry> UserView = View<UserEntry>.Build(v => v
        .Id("id", "the id of the user", e => e.User.Id)
        .Text("username", "the name of the user", e => e.User.Username)
        .Text("firstname", "the first name", e => e.User.FirstName)
        .Text("lastname", "the last name", e => e.User.LastName)
        .Text("email", "the e-mail address", e => e.User.Email)
        .Text("account", "the user's account", e => e.Account.Name)
        .Id("accountid", "the id of the user's account", e => e.Account.Id)
        .Int("accounttype", "0 user, 1 root administrator, 2 domain administrator", e => e.Account.Type)
        .Id("domainid", "the id of the user's domain", e => e.Domain.Id)
        .Text("domain", "the user's domain", e => e.Domain.Path)
        .Text("rolename", "the user's role", e => RoleName(e.Account.Type))
        .Text("roletype", "the user's role", e => RoleType(e.Account.Type))
        .Text("state", "the state of the user", e => e.User.State)
        .Text("timezone", "the user's time zone", e => e.User.Timezone)
        .Text("usersource", "where the user is kept", _ => "native")
        .Text("apikey", "the user's API key; shown to the user and to root administrators", e => e.ShowKey ? e.User.ApiKey : null)
        .Date("created", "when the user was made", e => e.User.Created)
        .Bool("iscallerchilddomain", "true if the user is in a domain below the caller's", e => e.IsBelowCaller)
        .Bool("isdefault", "always false", _ => false));

    private static readonly View<UserKeys> KeysView = View<UserKeys>.Build(v => v
        .Text("apikey", "the API key", k => k.ApiKey)
        .Text("secretkey", "the secret key", k => k.SecretKey));

    private static readonly View<AccountEntry> AccountView = View<AccountEntry>.Build(v => v
        .Id("id", "the id of the account", e => e.Account.Id)
        .Text("name", "the name of the account", e => e.Account.Name)
        .Int("accounttype", "0 user, 1 root administrator, 2 domain administrator", e => e.Account.Type)
        .Text("rolename", "the account's role", e => RoleName(e.Account.Type))
        .Text("roletype", "the account's role", e => RoleType(e.Account.Type))
        .Id("domainid", "the id of its domain", e => e.Domain.Id)
        .Text("domain", "its domain", e => e.Domain.Name)
        .Text("domainpath", "the path of its domain", e => e.Domain.Path)
        .Text("state", "the state of the account", e => e.Account.State)
        .Date("created", "when the account was made", e => e.Account.Created)
        .Bool("isdefault", "always false", _ => false)
        .Bool("iscleanuprequired", "always false", _ => false)
        .List("user", "its users", UserView, e => e.Users));

    private static readonly View<DomainEntry> DomainView = View<DomainEntry>.Build(v => v
        .Id("id", "the id of the domain", e => e.Domain.Id)
        .Text("name", "the name of the domain", e => e.Domain.Name)
        .Int("level", "its level; ROOT is 0", e => e.Domain.Level)
        .OptionalId("parentdomainid", "the id of the domain above", e => e.Domain.ParentId)
        .Text("path", "its path", e => e.Domain.Path)
        .Bool("haschild", "true if there are domains below", e => e.HasChild)
        .Text("state", "the state of the domain", _ => "Active")
        .Date("created", "when the domain was made", e => e.Domain.Created));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listUsers",
            Description = "Lists users",
            Roles = Roles.Authenticated,
            Parameters = [FilterUser, UserName, AccountType, State, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of("user", UserView),
            Handler = ListUsersAsync,
        },
        new()
        {
            Name = "getUserKeys",
            Description = "Answers with the keys of a user; for the user and for root administrators",
            Roles = Roles.Authenticated,
            Parameters = [User],
            Response = ResponseShape.Of("userkeys", KeysView),
            Handler = GetKeysAsync,
        },
        new()
        {
            Name = "registerUserKeys",
            Description = "Makes new keys for a user; the old ones end. For the user and for root administrators",
            Roles = Roles.Authenticated,
            Parameters = [User],
            Response = ResponseShape.Of("userkeys", KeysView),
            Handler = RegisterKeysAsync,
        },
        new()
        {
            Name = "listAccounts",
            Description = "Lists accounts",
            Roles = Roles.Authenticated,
            Parameters = [FilterAccount, Name, AccountType, State, Details, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of("account", AccountView),
            Handler = ListAccountsAsync,
        },
        new()
        {
            Name = "listDomains",
            Description = "Lists domains",
            Roles = Roles.Authenticated,
            Parameters = [FilterDomain, Name, Level, CommonParameters.ListAll, Details, .. CommonParameters.List],
            Response = ResponseShape.Of("domain", DomainView),
            Handler = ListDomainsAsync,
        },
        UpdateUserCommand.Definition,
        NetworkCommands.Empty("listProjects", "project", "Lists projects; there are none"),
        NetworkCommands.Empty("listResourceLimits", "resourcelimit", "Lists limits of accounts; there are none"),
        NetworkCommands.Empty("listAffinityGroups", "affinitygroup", "Lists affinity groups; there are none"),
        NetworkCommands.Empty("listSecurityGroups", "securitygroup", "Lists security groups; there are none"),
        NetworkCommands.Empty("listTags", "tag", "Lists tags; there are none"),
        NetworkCommands.Empty("listSSHKeyPairs", "sshkeypair", "Lists SSH key pairs; there are none"),
    ];

    private static async Task<ApiResult> ListUsersAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterUser);
        var name = call.Get(UserName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var type = call.Get(AccountType);
        var state = call.Get(State)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from user in db.Users
                join account in Owners(db, call, id is not null) on user.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                where user.Removed == null
                    && (id == null || user.Id == id)
                    && (name == null || user.Username.ToLower() == name)
                    && (keyword == null || user.Username.ToLower().Contains(keyword) || user.FirstName.ToLower().Contains(keyword) || user.LastName.ToLower().Contains(keyword))
                    && (type == null || account.Type == type)
                    && (state == null || user.State.ToLower() == state)
                orderby user.Created, user.Id
                select new UserEntry { User = user, Account = account, Domain = domain },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("user", UserView, [.. listing.Rows.Select(e => e.For(call.Caller))], listing.Total);
    }

    // Users, accounts and domains are what an administrator looks after, not resources of one account: listall is not needed to see them.
    private static IQueryable<AccountRow> Owners(StoreConnection db, CommandCall call, bool namesIds) => Ownership.AskedFor(db, call, namesIds || call.Caller.Role != Roles.User);

    private static async Task<ApiResult> GetKeysAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        if (NotForCaller(call, id) is { } error)
        {
            return error;
        }

        var user = await call.Services.Database.ReadAsync((db, ct) => db.Users.FirstOrDefaultAsync(u => u.Id == id && u.Removed == null, ct), cancellationToken);
        return user switch
        {
            null => call.UnknownEntity(User, id),
            { ApiKey: { } apiKey, SecretKey: { } secret } => ApiResult.Object(
                "userkeys",
                KeysView,
                new UserKeys(apiKey, call.Services.Secrets.Unseal(SecretPurpose.UserSecretKey(id), secret).Reveal())),
            _ => ApiResult.Object("userkeys", KeysView, new UserKeys("", "")),
        };
    }

    private static async Task<ApiResult> RegisterKeysAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        if (NotForCaller(call, id) is { } error)
        {
            return error;
        }

        var outcome = await call.Services.Of<IUserOperations>().RegisterKeysAsync(call.Caller.ForOperations, id, cancellationToken);
        return outcome.ToResult(keys => ApiResult.Object("userkeys", KeysView, keys));
    }

    // Keys are the user's: whoever has them is the user. Others of the same account are told what they would be told of a user who does not exist.
    internal static ApiError? NotForCaller(CommandCall call, UserId id) =>
        call.Caller.IsRootAdmin || call.Caller.UserId == id ? null : call.UnknownEntity(User, id);

    private static async Task<ApiResult> ListAccountsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterAccount);
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var type = call.Get(AccountType);
        var state = call.Get(State)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var accounts = await Listing.ReadAsync(
                    from account in Owners(db, call, id is not null)
                    join domain in db.Domains on account.DomainId equals domain.Id
                    where account.Removed == null
                        && (id == null || account.Id == id)
                        && (name == null || account.Name.ToLower() == name)
                        && (keyword == null || account.Name.ToLower().Contains(keyword))
                        && (type == null || account.Type == type)
                        && (state == null || account.State.ToLower() == state)
                    orderby account.Created, account.Id
                    select new AccountEntry { Account = account, Domain = domain },
                    call.Page,
                    ct);
                var users = await Listing.ChildrenAsync(
                    accounts.Rows.Select(a => a.Account.Id),
                    chunk => db.Users.Where(u => chunk.Contains(u.AccountId) && u.Removed == null).OrderBy(u => u.Created).ThenBy(u => u.Id),
                    ct);
                var usersOf = users.ToLookup(u => u.AccountId);
                return accounts with
                {
                    Rows =
                    [
                        .. accounts.Rows.Select(a => a with
                        {
                            Users = [.. usersOf[a.Account.Id].Select(u => new UserEntry { User = u, Account = a.Account, Domain = a.Domain }.For(call.Caller))],
                        }),
                    ],
                };
            },
            cancellationToken);
        return ApiResult.List("account", AccountView, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> ListDomainsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterDomain);
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var level = call.Get(Level);
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from domain in Ownership.VisibleDomains(db, call.Caller)
                where domain.Removed == null
                    && (id == null || domain.Id == id)
                    && (name == null || domain.Name.ToLower() == name)
                    && (keyword == null || domain.Name.ToLower().Contains(keyword))
                    && (level == null || domain.Level == level)
                orderby domain.Created, domain.Id
#pragma warning disable VSTHRD103 // Part of the query: nothing is awaited here.
                select new DomainEntry { Domain = domain, HasChild = db.Domains.Any(c => c.ParentId == domain.Id && c.Removed == null) },
#pragma warning restore VSTHRD103
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("domain", DomainView, listing.Rows, listing.Total);
    }

    private static string RoleName(int type) => type switch
    {
        1 => "Root Admin",
        2 => "Domain Admin",
        _ => "User",
    };

    private static string RoleType(int type) => type switch
    {
        1 => "Admin",
        2 => "DomainAdmin",
        _ => "User",
    };

    private sealed record AccountEntry
    {
        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }

        public IReadOnlyList<UserEntry> Users { get; init; } = [];
    }

    private sealed record DomainEntry
    {
        public required DomainRow Domain { get; init; }

        public required bool HasChild { get; init; }
    }
}
