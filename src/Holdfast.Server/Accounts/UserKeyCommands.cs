using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about the keys with which users sign requests.</summary>
internal static class UserKeyCommands
{
    private const string Key = "userkeys";

    private static readonly ValueParameter<UserId> User = Id<UserId>("id", "the id of the user", required: true);
    private static readonly TextParameter Name = Text("name", "what the keys are called");
    private static readonly TextParameter Description = Text("description", "what they are for", length: 1024);
    private static readonly ValueParameter<DateTimeOffset> StartDate = Date("startdate", "from when on they are taken; at once when it is not sent");
    private static readonly ValueParameter<DateTimeOffset> EndDate = Date("enddate", "from when on they are not taken any more; they have no end when it is not sent");
    private static readonly ValueParameter<UserId> FilterUser = Id<UserId>("userid", "the user whose keys they are; the caller when neither this nor keypairid nor listall is sent");
    private static readonly ValueParameter<UserKeyId> FilterPair = Id<UserKeyId>("keypairid", "the id of the pair of keys");
    private static readonly TextParameter FilterApiKey = Text("apikeyfilter", "the API key of the pair");
    private static readonly ValueParameter<bool> ShowPermissions = Bool("showpermissions", "whether to show the rules of the keys", noEffect: "keys have no rules of their own");
    private static readonly ValueParameter<bool> ListAll = Bool("listall", "for administrators: the keys of all users that they look after, without the secret ones");
    private static readonly ValueParameter<UserKeyId> Pair = Id<UserKeyId>("keypairid", "the id of the pair of keys", required: true);

    private static readonly View<(string ApiKey, string SecretKey)> NewestView = View<(string ApiKey, string SecretKey)>.Build(v => v
        .Text("apikey", "the API key", k => k.ApiKey)
        .Text("secretkey", "the secret key", k => k.SecretKey));

    private static readonly View<Entry> View = View<Entry>.Build(v => v
        .Text("apikey", "the API key", e => e.Keys.ApiKey)
        .Text("secretkey", "the secret key; in a list of all users' it is not there", e => e.Secret)
        .Id("id", "the id of the pair", e => e.Keys.Id)
        .Text("name", "what the pair is called", e => e.Keys.Name)
        .Text("description", "what it is for", e => e.Keys.Description)
        .Id("userid", "the id of the user whose it is", e => e.User.User.Id)
        .Text("username", "the name of the user", e => e.User.User.Username)
        .Date("startdate", "from when on it is taken", e => e.Keys.Starts)
        .Date("enddate", "from when on it is not taken any more", e => e.Keys.Ends)
        .Date("created", "when it was made", e => e.Keys.Created)
        .Text("state", "ENABLED; DISABLED before it begins; EXPIRED after its end", e => e.State)
        .Id("accountid", "the id of the user's account", e => e.User.Account.Id)
        .Text("accountname", "the user's account", e => e.User.Account.Name)
        .Int("accounttype", "0 user, 1 root administrator, 2 domain administrator", e => e.User.Account.Type)
        .Id("domainid", "the id of the user's domain", e => e.User.Domain.Id)
        .Text("domain", "the user's domain", e => e.User.Domain.Name)
        .Text("domainpath", "the path of the user's domain", e => e.User.Domain.Path)
        .Id("roleid", "the id of the user's role", e => e.User.Role.Id)
        .Text("rolename", "the user's role", e => e.User.Role.Name)
        .Text("roletype", "the type of the user's role: User, DomainAdmin, Admin", e => RoleCommands.TypeName(e.User.Role.Type)));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "getUserKeys",
            Description = "Answers with the newest keys of a user that are taken now; for the user and for administrators",
            Roles = Roles.Authenticated,
            Parameters = [User],
            Response = ResponseShape.Of(Key, NewestView),
            Handler = GetAsync,
        },
        new()
        {
            Name = "registerUserKeys",
            Description = "Makes another pair of keys for a user; those that are there stay until deleteUserKeys. For the user and for administrators",
            Roles = Roles.Authenticated,
            Parameters = [User, Name, Description, StartDate, EndDate],
            Response = ResponseShape.Of(Key, View),
            Handler = RegisterAsync,
        },
        new()
        {
            Name = "listUserKeys",
            Description = "Lists keys of users; for the user and for administrators",
            Roles = Roles.Authenticated,
            Parameters = [FilterUser, FilterPair, FilterApiKey, ShowPermissions, ListAll, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "deleteUserKeys",
            Description = "Ends a pair of keys; for the user and for administrators",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Pair],
            Response = ResponseShape.Success,
            Handler = DeleteAsync,
        },
    ];

    private static async Task<ApiResult> GetAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        if (await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        var now = call.Services.Time.GetUtcNow();
        var (isThere, newest) = await call.Services.Database.ReadAsync(
            async (db, ct) => (
                await AccountReach.FindUserAsync(db, call.Caller.ForOperations, id, ct) is not null,
                await db.UserKeys.Where(k => k.UserId == id && (k.Starts == null || k.Starts <= now) && (k.Ends == null || k.Ends > now))
                    .OrderByDescending(k => k.Created).ThenByDescending(k => k.Id).FirstOrDefaultAsync(ct)),
            cancellationToken);
        return !isThere ? call.UnknownEntity(User, id) : ApiResult.Object(Key, NewestView, newest is null ? ("", "") : (newest.ApiKey, SecretOf(call, newest)));
    }

    private static async Task<ApiResult> RegisterAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(User);
        if (await RoleGuard.WhyNotAsync(call, id, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        var outcome = await call.Services.Of<IUserKeyOperations>().RegisterAsync(
            call.Caller.ForOperations,
            new RegisterUserKeys { UserId = id, Name = call.Get(Name), Description = call.Get(Description), Starts = call.Get(StartDate), Ends = call.Get(EndDate) },
            cancellationToken);
        return await outcome.ToResultAsync(async made =>
        {
            var entry = await call.Services.Database.ReadAsync((db, ct) => Entries(db, db.Users).SingleAsync(e => e.Keys.Id == made, ct), cancellationToken);
            return ApiResult.Object(Key, View, Shown(call, entry, withSecret: true));
        });
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (user, pair, apiKey, all) = (call.Get(FilterUser), call.Get(FilterPair), call.Get(FilterApiKey), call.Get(ListAll) == true && call.Caller.Role != Roles.User);
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        if (user is { } named && await RoleGuard.WhyNotAsync(call, named, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        var self = user is null && pair is null && !all ? call.Caller.UserId : user;
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                Entries(db, AccountReach.Users(db, call.Caller.ForOperations))
                    .Where(e => (self == null || e.Keys.UserId == self)
                        && (pair == null || e.Keys.Id == pair)
                        && (apiKey == null || e.Keys.ApiKey == apiKey)
                        && (keyword == null || e.Keys.Name!.ToLower().Contains(keyword) || e.Keys.Description!.ToLower().Contains(keyword)))
                    .OrderBy(e => e.Keys.Created)
                    .ThenBy(e => e.Keys.Id),
                call.Page,
                ct),
            cancellationToken);

        // Of one user, or one pair: never the secrets of an installation in one answer.
        foreach (var other in listing.Rows.Select(e => e.User.User.Id).Distinct().Where(_ => pair is not null))
        {
            if (await RoleGuard.WhyNotAsync(call, other, cancellationToken) is { } notTheirs)
            {
                return notTheirs;
            }
        }

        return ApiResult.List(Key, View, [.. listing.Rows.Select(e => Shown(call, e, withSecret: self is not null || pair is not null))], listing.Total);
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(Pair);
        var user = await call.Services.Database.ReadAsync((db, ct) => db.UserKeys.Where(k => k.Id == id).Select(k => (UserId?)k.UserId).FirstOrDefaultAsync(ct), cancellationToken);
        return user is { } of && await RoleGuard.WhyNotAsync(call, of, cancellationToken) is { } beyond
            ? beyond
            : (await call.Services.Of<IUserKeyOperations>().DeleteAsync(call.Caller.ForOperations, id, cancellationToken)).ToResult();
    }

    private static IQueryable<Entry> Entries(StoreConnection db, IQueryable<UserRow> users) =>
        from keys in db.UserKeys
        join user in users on keys.UserId equals user.Id
        join account in db.Accounts on user.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        join role in db.Roles on account.RoleId equals role.Id
        select new Entry { Keys = keys, User = new UserEntry { User = user, Account = account, Domain = domain, Role = role } };

    private static Entry Shown(CommandCall call, Entry entry, bool withSecret)
    {
        var now = call.Services.Time.GetUtcNow();
        return entry with
        {
            Secret = withSecret ? SecretOf(call, entry.Keys) : null,
            State = entry.Keys.Starts > now ? "DISABLED" : entry.Keys.Ends <= now ? "EXPIRED" : "ENABLED",
        };
    }

    private static string SecretOf(CommandCall call, UserKeyRow keys) => call.Services.Secrets.Unseal(SecretPurpose.UserSecretKey(keys.Id), keys.SecretKey).Reveal();

    private sealed record Entry
    {
        public required UserKeyRow Keys { get; init; }

        public required UserEntry User { get; init; }

        public string? Secret { get; init; }

        public string State { get; init; } = "";

        /// <summary>Never the secret.</summary>
        public override string ToString() => $"keys {Keys.Id}";
    }
}
