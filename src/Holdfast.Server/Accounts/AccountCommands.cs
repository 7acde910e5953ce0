using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Limits;
using Holdfast.Server.Networks;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about accounts.</summary>
internal static class AccountCommands
{
    private const string Key = "account";

    private static readonly ValueParameter<int> FilterType = Int("accounttype", "0 user, 1 root administrator, 2 domain administrator");
    private static readonly TextParameter FilterState = Text("state", "the state: enabled, disabled, locked");
    private static readonly ValueParameter<AccountId> FilterAccount = Id<AccountId>("id", "the id of the account");
    private static readonly TextParameter Name = Text("name", "the exact name, whatever its case");
    private static readonly TextParameter Details = Text("details", "groups of fields", noEffect: "all are answered");

    private static readonly ValueParameter<AccountId> Account = Id<AccountId>("id", "the id of the account", required: true);
    private static readonly ValueParameter<AccountId> MaybeAccount = Id<AccountId>("id", "the id of the account; or account and domainid");
    private static readonly TextParameter AccountName = Text("account", "the name of the account, with domainid, in place of its id");
    private static readonly ValueParameter<DomainId> AccountDomain = Id<DomainId>("domainid", "the domain of the account; the caller's own when it is not sent");
    private static readonly TextParameter NewAccountName = Text("account", "the name of the new account, unique in the domain; that of the user when it is not sent");
    private static readonly ValueParameter<DomainId> NewDomain = Id<DomainId>("domainid", "the domain of the new account; the caller's own when it is not sent");
    private static readonly ValueParameter<int> NewType = Int("accounttype", "0 user, 1 root administrator, 2 domain administrator; roleid says more");
    private static readonly TextParameter NetworkDomain = Text("networkdomain", "the domain name of its networks", noEffect: "kept and shown; no network is made for an account");
    private static readonly TextParameter OtherName = Text("newname", "another name, unique in the domain");
    private static readonly TextParameter OtherNetworkDomain = Text("networkdomain", "another domain name of its networks; empty for none", clearable: true);
    private static readonly ValueParameter<bool> Lock = Bool("lock", "true locks the account, its VMs run on; else it is disabled and its VMs are stopped");

    /// <summary>An account, as responses show one.</summary>
    internal static readonly View<AccountEntry> View = Api.Commands.View<AccountEntry>.Build(v => v
        .Id("id", "the id of the account", e => e.Account.Id)
        .Text("name", "the name of the account", e => e.Account.Name)
        .Int("accounttype", "0 user, 1 root administrator, 2 domain administrator", e => e.Account.Type)
        .Id("roleid", "the id of the account's role", e => e.Role.Id)
        .Text("rolename", "the account's role", e => e.Role.Name)
        .Text("roletype", "the type of the account's role: User, DomainAdmin, Admin", e => RoleCommands.TypeName(e.Role.Type))
        .Id("domainid", "the id of its domain", e => e.Domain.Id)
        .Text("domain", "its domain", e => e.Domain.Name)
        .Text("domainpath", "the path of its domain", e => e.Domain.Path)
        .Text("state", "the state of the account", e => e.Account.State)
        .Date("created", "when the account was made", e => e.Account.Created)
        .Text("networkdomain", "the domain name of its networks", e => e.Account.NetworkDomain)
        .Bool("isdefault", "true for the first account", e => e.Account.IsDefault)
        .Bool("iscleanuprequired", "true while it is being deleted", e => e.Account.Deleted is not null)
        .Include(OwnerLimits.View, e => e.Have)
        .Long("vmrunning", "how many of its VMs run", e => e.Have.Used.Running)
        .Long("vmstopped", "how many of its VMs do not", e => e.Have.Used.Vms - e.Have.Used.Running)
        .List("user", "its users", UserCommands.View, e => e.Users));

    private static readonly IconedList<AccountEntry> Listed = new(Key, View, e => [e.Account.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listAccounts",
            Description = "Lists accounts",
            Roles = Roles.Authenticated,
            Parameters = [FilterAccount, Name, FilterType, FilterState, Details, IconedList.Show, .. CommonParameters.OwnedList],
            Response = Listed.Response,
            Handler = ListAccountsAsync,
        },
        new()
        {
            Name = "createAccount",
            Description = "Makes an account with its first user",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [.. NewUserParameters.All, NewAccountName, NewDomain, NewType, RoleCommands.Role, NetworkDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateAccount",
            Description = "Changes an account",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [MaybeAccount, AccountName, AccountDomain, OtherName, RoleCommands.Role, OtherNetworkDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "enableAccount",
            Description = "Enables an account that was disabled or locked; nothing that was stopped is started",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [MaybeAccount, AccountName, AccountDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => OnAccountAsync(call, (operations, id) => operations.EnableAsync(call.Caller.ForOperations, id, ct), ct),
        },
        new()
        {
            Name = "lockAccount",
            Description = "Locks an account: nobody can use it, its VMs run on",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [MaybeAccount, AccountName, AccountDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => OnAccountAsync(call, (operations, id) => operations.LockAsync(call.Caller.ForOperations, id, ct), ct),
        },
        new()
        {
            Name = "disableAccount",
            Description = "Disables an account: nobody can use it, its VMs are stopped; or locks it",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [MaybeAccount, AccountName, AccountDomain, Lock],
            Response = ResponseShape.Of(Key, View),
            IsAsync = true,
            Handler = DisableAsync,
        },
        new()
        {
            Name = "deleteAccount",
            Description = "Deletes an account with all it has; it cannot be undone",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [Account],
            Response = ResponseShape.Success,
            IsAsync = true,
            Handler = DeleteAsync,
        },
        NetworkCommands.Empty("listSecurityGroups", "securitygroup", "Lists security groups; there are none"),
    ];

    // Users, accounts and domains are what an administrator looks after, not resources of one account: listall is not needed to see them.
    internal static IQueryable<AccountRow> Owners(StoreConnection db, CommandCall call, bool namesIds) => Ownership.AskedFor(db, call, namesIds || call.Caller.Role != Roles.User);

    private static async Task<ApiResult> ListAccountsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterAccount);
        var name = call.Get(Name)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var type = call.Get(FilterType);
        var state = call.Get(FilterState)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var accounts = await Listing.ReadAsync(
                    from account in Owners(db, call, id is not null)
                    join domain in db.Domains on account.DomainId equals domain.Id
                    join role in db.Roles on account.RoleId equals role.Id
                    where account.Removed == null
                        && account.Type != AccountRow.Project
                        && (id == null || account.Id == id)
                        && (name == null || account.Name.ToLower() == name)
                        && (keyword == null || account.Name.ToLower().Contains(keyword))
                        && (type == null || account.Type == type)
                        && (state == null || account.State.ToLower() == state)
                    orderby account.Created, account.Id
                    select new AccountEntry { Account = account, Domain = domain, Role = role },
                    call.Page,
                    ct);
                var users = await Listing.ChildrenAsync(
                    accounts.Rows.Select(a => a.Account.Id),
                    chunk => UserEntry.Query(db).Where(u => chunk.Contains(u.Account.Id) && u.User.Removed == null).OrderBy(u => u.User.Created).ThenBy(u => u.User.Id),
                    ct);
                var have = await AccountEntry.HaveAsync(db, [.. accounts.Rows.Select(a => a.Account)], ct);
                var usersOf = users.ToLookup(u => u.Account.Id);
                return accounts with
                {
                    Rows =
                    [
                        .. accounts.Rows.Select(a => a with
                        {
                            Have = have[a.Account.Id],
                            Users = [.. usersOf[a.Account.Id].Select(u => u.For(call.Caller))],
                        }),
                    ],
                };
            },
            cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    /// <summary>The account that <c>id</c>, or <c>account</c> and <c>domainid</c>, name.</summary>
    private static async Task<(AccountId? Id, ApiError? Error)> NamedAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(MaybeAccount) is { } id)
        {
            return (id, null);
        }

        if (call.Get(AccountName) is not { } name)
        {
            return (null, ApiError.Missing(call.Command.Name, MaybeAccount.Name));
        }

        var domain = call.Get(AccountDomain) ?? call.Caller.DomainId;
        return await OwnerParameters.FindAsync(call, name, domain, cancellationToken) is { } found ? (found.Id, null) : (null, OwnerParameters.NotFound(name, domain));
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (role, type) = (call.Get(RoleCommands.Role), call.Get(NewType));
        if (role is null && type is null)
        {
            return ApiError.InvalidParameter("Neither the account's type nor its role was sent: accounttype, roleid");
        }

        if (type is { } number and not (0 or 1 or 2))
        {
            return ApiError.InvalidParameter($"Invalid parameter accounttype value={number}: it must be 0, 1 or 2");
        }

        if (await RoleGuard.WhyNotAsync(call, role ?? RoleRow.DefaultOf(type ?? 0), cancellationToken) is { } beyond)
        {
            return beyond;
        }

        var (user, refused) = await NewUserParameters.ReadAsync(call, cancellationToken);
        if (user is null)
        {
            return refused!;
        }

        var outcome = await call.Services.Of<IAccountOperations>().CreateAsync(
            call.Caller.ForOperations,
            new CreateAccount
            {
                Name = call.Get(NewAccountName),
                DomainId = call.Get(NewDomain) ?? call.Caller.DomainId,
                RoleId = role,
                Type = type,
                NetworkDomain = call.Get(NetworkDomain),
                User = user,
            },
            cancellationToken);
        return await outcome.ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken) =>
        call.Get(RoleCommands.Role) is { } role && await RoleGuard.WhyNotAsync(call, role, cancellationToken) is { } beyond
            ? beyond
            : await OnAccountAsync(
                call,
                (operations, id) => operations.UpdateAsync(
                    call.Caller.ForOperations,
                    new UpdateAccount { Id = id, Name = call.Get(OtherName), RoleId = call.Get(RoleCommands.Role), NetworkDomain = call.Get(OtherNetworkDomain) },
                    cancellationToken),
                cancellationToken);

    private static async Task<ApiResult> DisableAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (id, error) = await NamedAsync(call, cancellationToken);
        if (id is not { } account)
        {
            return error!;
        }

        if (await RoleGuard.WhyNotAsync(call, account, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        return (await call.Services.Of<IAccountOperations>().DisableAsync(call.Caller.ForOperations, account, call.Get(Lock) ?? false, cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(Account);
        return await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond
            ? beyond
            : (await call.Services.Of<IAccountOperations>().DeleteAsync(call.Caller.ForOperations, id, cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> OnAccountAsync(CommandCall call, Func<IAccountOperations, AccountId, Task<Outcome<AccountId>>> change, CancellationToken cancellationToken)
    {
        var (id, error) = await NamedAsync(call, cancellationToken);
        if (id is not { } account)
        {
            return error!;
        }

        if (await RoleGuard.WhyNotAsync(call, account, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        return await (await change(call.Services.Of<IAccountOperations>(), account)).ToResultAsync(changed => ShowAsync(call, changed, cancellationToken));
    }

    private static async Task<ApiResult> ShowAsync(CommandCall call, AccountId id, CancellationToken cancellationToken)
    {
        var entry = await call.Services.Database.ReadAsync((db, ct) => AccountEntry.FindAsync(db, id, ct), cancellationToken)
            ?? throw new InvalidOperationException($"Account {id} is gone.");
        return ApiResult.Object(Key, View, entry with { Users = [.. entry.Users.Select(u => u.For(call.Caller))] });
    }
}
