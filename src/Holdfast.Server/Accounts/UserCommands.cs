using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Security;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about users and their keys.</summary>
internal static class UserCommands
{
    private const string Key = "user";

    private static readonly ValueParameter<UserId> FilterUser = Id<UserId>("id", "the id of the user");
    private static readonly TextParameter FilterName = Text("username", "the exact name of the user, whatever its case");
    private static readonly ValueParameter<int> AccountType = Int("accounttype", "0 user, 1 root administrator, 2 domain administrator");
    private static readonly TextParameter State = Text("state", "the state");
    private static readonly ValueParameter<UserId> User = Id<UserId>("id", "the id of the user", required: true);
    private static readonly TextParameter OfAccount = Text("account", "the name of the account of the new user", required: true);
    private static readonly ValueParameter<DomainId> OfDomain = Id<DomainId>("domainid", "the domain of that account; the caller's own when it is not sent");
    private static readonly ValueParameter<AccountId> ToAccount = Id<AccountId>("accountid", "the id of the other account; or account");
    private static readonly TextParameter ToName = Text("account", "the name of the other account, in the user's domain");
    private static readonly TextParameter ApiKey = Text("userapikey", "the API key of the user", required: true);

    /// <summary>A user, as responses show one.</summary>
    internal static readonly View<UserEntry> View = Api.Commands.View<UserEntry>.Build(v => v
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
        .Id("roleid", "the id of the user's role", e => e.Role.Id)
        .Text("rolename", "the user's role", e => e.Role.Name)
        .Text("roletype", "the type of the user's role: User, DomainAdmin, Admin", e => RoleCommands.TypeName(e.Role.Type))
        .Text("state", "the state of the user", e => e.User.State)
        .Text("timezone", "the user's time zone", e => e.User.Timezone)
        .Text("usersource", "where the user is kept", _ => "native")
        .Text("apikey", "the user's API key; shown to the user and to root administrators", e => e.ShowKey ? e.User.ApiKey : null)
        .Date("created", "when the user was made", e => e.User.Created)
        .Bool("iscallerchilddomain", "true if the user is in a domain below the caller's", e => e.IsBelowCaller)
        .Bool("isdefault", "true for the users of the first account", e => e.Account.IsDefault));

    private static readonly View<UserKeys> KeysView = View<UserKeys>.Build(v => v
        .Text("apikey", "the API key", k => k.ApiKey)
        .Text("secretkey", "the secret key", k => k.SecretKey));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listUsers",
            Description = "Lists users",
            Roles = Roles.Authenticated,
            Parameters = [FilterUser, FilterName, AccountType, State, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(Key, View),
            Handler = ListUsersAsync,
        },
        new()
        {
            Name = "getUser",
            Description = "Answers with the user who has an API key",
            Roles = Roles.RootAdmin,
            Parameters = [ApiKey],
            Response = ResponseShape.Of(Key, View),
            Handler = GetAsync,
        },
        new()
        {
            Name = "createUser",
            Description = "Makes another user of an account",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [OfAccount, .. NewUserParameters.All, OfDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        UpdateUserCommand.Definition,
        new()
        {
            Name = "enableUser",
            Description = "Enables a user who was disabled or locked",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [User],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => OnUserAsync(call, (operations, id) => operations.EnableAsync(call.Caller.ForOperations, id, ct), ct),
        },
        new()
        {
            Name = "lockUser",
            Description = "Locks a user: the sessions end, and nobody can log in",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [User],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => OnUserAsync(call, (operations, id) => operations.LockAsync(call.Caller.ForOperations, id, ct), ct),
        },
        new()
        {
            Name = "disableUser",
            Description = "Disables a user: the sessions end, and nobody can log in",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [User],
            Response = ResponseShape.Of(Key, View),
            IsAsync = true,
            Handler = async (call, ct) => await RoleGuard.WhyNotAsync(call, call.Require(User), ct) is { } beyond
                ? beyond
                : (await call.Services.Of<IUserOperations>().DisableAsync(call.Caller.ForOperations, call.Require(User), ct)).ToResult(),
        },
        new()
        {
            Name = "deleteUser",
            Description = "Deletes a user; what the account has stays",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [User],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => await RoleGuard.WhyNotAsync(call, call.Require(User), ct) is { } beyond
                ? beyond
                : (await call.Services.Of<IUserOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(User), ct)).ToResult(),
        },
        new()
        {
            Name = "moveUser",
            Description = "Moves a user to another account of the same domain; what was made stays where it is",
            Roles = Roles.RootAdmin,
            Parameters = [User, ToAccount, ToName],
            Response = ResponseShape.Success,
            Handler = MoveAsync,
        },
        new()
        {
            Name = "getUserKeys",
            Description = "Answers with the keys of a user; for the user and for administrators",
            Roles = Roles.Authenticated,
            Parameters = [User],
            Response = ResponseShape.Of("userkeys", KeysView),
            Handler = GetKeysAsync,
        },
        new()
        {
            Name = "registerUserKeys",
            Description = "Makes new keys for a user; the old ones end. For the user and for administrators",
            Roles = Roles.Authenticated,
            Parameters = [User],
            Response = ResponseShape.Of("userkeys", KeysView),
            Handler = RegisterKeysAsync,
        },
    ];

    private static async Task<ApiResult> ListUsersAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterUser);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var type = call.Get(AccountType);
        var state = call.Get(State)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                from user in db.Users
                join account in AccountCommands.Owners(db, call, id is not null) on user.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                join role in db.Roles on account.RoleId equals role.Id
                where user.Removed == null
                    && (id == null || user.Id == id)
                    && (name == null || user.Username.ToLower() == name)
                    && (keyword == null || user.Username.ToLower().Contains(keyword) || user.FirstName.ToLower().Contains(keyword) || user.LastName.ToLower().Contains(keyword))
                    && (type == null || account.Type == type)
                    && (state == null || user.State.ToLower() == state)
                orderby user.Created, user.Id
                select new UserEntry { User = user, Account = account, Domain = domain, Role = role },
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, [.. listing.Rows.Select(e => e.For(call.Caller))], listing.Total);
    }

    private static async Task<ApiResult> GetAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var key = call.Require(ApiKey);
        var found = await call.Services.Database.ReadAsync((db, ct) => UserEntry.Query(db).FirstOrDefaultAsync(e => e.User.ApiKey == key && e.User.Removed == null, ct), cancellationToken);
        return found is null ? ApiError.InvalidParameter("No user has the API key that was sent as userapikey") : ApiResult.Object(Key, View, found.For(call.Caller));
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (name, domain) = (call.Require(OfAccount), call.Get(OfDomain) ?? call.Caller.DomainId);
        if (await OwnerParameters.FindAsync(call, name, domain, cancellationToken) is not { } account)
        {
            return OwnerParameters.NotFound(name, domain);
        }

        if (await RoleGuard.WhyNotAsync(call, account.Id, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        var (user, refused) = await NewUserParameters.ReadAsync(call, cancellationToken);
        return user is null
            ? refused!
            : await (await call.Services.Of<IUserOperations>().CreateAsync(call.Caller.ForOperations, account.Id, user, cancellationToken)).ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> MoveAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        var to = call.Get(ToAccount);
        if (to is null && call.Get(ToName) is { } name)
        {
            var domain = await call.Services.Database.ReadAsync(
                (db, ct) => (from u in db.Users join a in db.Accounts on u.AccountId equals a.Id where u.Id == id select a.DomainId).FirstAsync(ct), cancellationToken);
            if (await OwnerParameters.FindAsync(call, name, domain, cancellationToken) is not { } account)
            {
                return OwnerParameters.NotFound(name, domain);
            }

            to = account.Id;
        }

        if (to is not { } target)
        {
            return ApiError.Missing(call.Command.Name, ToAccount.Name);
        }

        return (await RoleGuard.WhyNotAsync(call, id, cancellationToken) ?? await RoleGuard.WhyNotAsync(call, target, cancellationToken)) is { } beyond
            ? beyond
            : (await call.Services.Of<IUserOperations>().MoveAsync(call.Caller.ForOperations, id, target, cancellationToken)).ToResult();
    }

    private static async Task<ApiResult> OnUserAsync(CommandCall call, Func<IUserOperations, UserId, Task<Outcome<UserId>>> change, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        return await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond
            ? beyond
            : await (await change(call.Services.Of<IUserOperations>(), id)).ToResultAsync(changed => ShowAsync(call, changed, cancellationToken));
    }

    /// <summary>Answers with a user.</summary>
    internal static async Task<ApiResult> ShowAsync(CommandCall call, UserId id, CancellationToken cancellationToken) => ApiResult.Object(
        Key,
        View,
        (await call.Services.Database.ReadAsync((db, ct) => UserEntry.Query(db).FirstAsync(e => e.User.Id == id, ct), cancellationToken)).For(call.Caller));

    private static async Task<ApiResult> GetKeysAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        if (await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        var user = await call.Services.Database.ReadAsync((db, ct) => AccountReach.FindUserAsync(db, call.Caller.ForOperations, id, ct), cancellationToken);
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
        return await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond
            ? beyond
            : (await call.Services.Of<IUserOperations>().RegisterKeysAsync(call.Caller.ForOperations, id, cancellationToken)).ToResult(keys => ApiResult.Object("userkeys", KeysView, keys));
    }
}
