using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about users.</summary>
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
        .Text("apikey", "the newest API key of the user; shown to the user and to root administrators", e => e.ShowKey ? e.ApiKey : null)
        .Bool("is2faenabled", "true if the user has a second factor", e => e.User.TotpSince is not null)
        .Bool("is2famandated", "true if everybody has to have one (settings enable.user.2fa and mandate.user.2fa)", e => e.IsFactorMandated)
        .Date("created", "when the user was made", e => e.User.Created)
        .Bool("iscallerchilddomain", "true if the user is in a domain below the caller's", e => e.IsBelowCaller)
        .Bool("isdefault", "true for the users of the first account", e => e.Account.IsDefault));

    private static readonly IconedList<UserEntry> Listed = new(Key, View, e => [e.User.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listUsers",
            Description = "Lists users",
            Roles = Roles.Authenticated,
            Parameters = [FilterUser, FilterName, AccountType, State, IconedList.Show, .. CommonParameters.OwnedList],
            Response = Listed.Response,
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
                from entry in UserEntry.Query(db, AccountCommands.Owners(db, call, id is not null))
                where entry.User.Removed == null
                    && (id == null || entry.User.Id == id)
                    && (name == null || entry.User.Username.ToLower() == name)
                    && (keyword == null || entry.User.Username.ToLower().Contains(keyword) || entry.User.FirstName.ToLower().Contains(keyword) || entry.User.LastName.ToLower().Contains(keyword))
                    && (type == null || entry.Account.Type == type)
                    && (state == null || entry.User.State.ToLower() == state)
                orderby entry.User.Created, entry.User.Id
                select entry,
                call.Page,
                ct),
            cancellationToken);
        return await Listed.AnswerAsync(call, listing with { Rows = [.. listing.Rows.Select(e => e.For(call.Caller))] }, cancellationToken);
    }

    private static async Task<ApiResult> GetAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var key = call.Require(ApiKey);
        var found = await call.Services.Database.ReadAsync((db, ct) => UserEntry.Query(db).FirstOrDefaultAsync(e => e.User.Removed == null && db.UserKeys.Any(k => k.ApiKey == key && k.UserId == e.User.Id), ct), cancellationToken);
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
}
