using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Authentication;

/// <summary>Users, from the store.</summary>
internal sealed class UserDirectory : IUserDirectory
{
    private readonly Database _database;
    private readonly SecretBox _secrets;
    private readonly TimeProvider _time;

    /// <summary>Made once.</summary>
    public UserDirectory(Database database, SecretBox secrets, TimeProvider time)
    {
        _database = database;
        _secrets = secrets;
        _time = time;
    }

    /// <summary>What an account of a type may do.</summary>
    internal static Roles RoleOf(int accountType) => accountType switch
    {
        1 => Roles.RootAdmin,
        2 => Roles.DomainAdmin,
        _ => Roles.User,
    };

    /// <inheritdoc/>
    public async Task<ApiKeyHolder?> FindByApiKeyAsync(string apiKey, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var found = await ReadAsync(
            db => from keys in db.UserKeys
                  join u in Users(db) on keys.UserId equals u.User.Id
                  where keys.ApiKey == apiKey && (keys.Starts == null || keys.Starts <= now) && (keys.Ends == null || keys.Ends > now)
                  select new UserEntry { User = u.User, Account = u.Account, Domain = u.Domain, Role = u.Role, Keys = keys },
            cancellationToken);
        return found?.Keys is { } pair ? new ApiKeyHolder(found.ToCaller(), _secrets.Unseal(SecretPurpose.UserSecretKey(pair.Id), pair.SecretKey)) : null;
    }

    /// <inheritdoc/>
    public async Task<LoginCandidate?> FindByNameAsync(string userName, string? domain, CancellationToken cancellationToken)
    {
        var name = userName.ToLowerInvariant();
        var found = await ReadAsync(
            db =>
            {
                var users = Users(db).Where(u => u.User.Username.ToLower() == name);
                if (Guid.TryParseExact(domain, "D", out var id))
                {
                    var domainId = new DomainId(id);
                    users = users.Where(u => u.Domain.Id == domainId);
                }
                else
                {
                    var path = PathOf(domain).ToLowerInvariant();
                    users = users.Where(u => u.Domain.Path.ToLower() == path);
                }

                return users;
            },
            cancellationToken);
        return found is null ? null : new LoginCandidate(found.ToCaller(), found.User.PasswordHash, found.User.FirstName, found.User.LastName, found.User.Timezone);
    }

    /// <inheritdoc/>
    public async Task<ApiCaller?> FindAsync(UserId userId, CancellationToken cancellationToken)
    {
        var found = await ReadAsync(db => Users(db).Where(u => u.User.Id == userId), cancellationToken);
        return found?.ToCaller();
    }

    // Clients write the root domain as nothing, "/" or "ROOT", and those below it as "/a/b", "a/b" or "ROOT/a/b".
    private static string PathOf(string? domain)
    {
        var path = domain?.Trim('/') ?? "";
        return path.Length == 0 ? "ROOT" : path.Equals("ROOT", StringComparison.OrdinalIgnoreCase) || path.StartsWith("ROOT/", StringComparison.OrdinalIgnoreCase) ? path : "ROOT/" + path;
    }

    // One statement for a default role; one more for the rules of another.
    private Task<UserEntry?> ReadAsync(Func<StoreConnection, IQueryable<UserEntry>> find, CancellationToken cancellationToken) => _database.ReadAsync(
        async (db, ct) =>
        {
            var found = await find(db).FirstOrDefaultAsync(ct);
            return found is null || found.Role.Number is not null
                ? found
                : found with { Rules = new RoleRules(await db.RolePermissions.Where(p => p.RoleId == found.Role.Id).OrderBy(p => p.Position).ToListAsync(ct)) };
        },
        cancellationToken);

    private static IQueryable<UserEntry> Users(StoreConnection db) =>
        from user in db.Users
        join account in db.Accounts on user.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        join role in db.Roles on account.RoleId equals role.Id
        where user.Removed == null && user.State == AccountStates.Enabled && account.Removed == null && account.State == AccountStates.Enabled && domain.Removed == null
        select new UserEntry { User = user, Account = account, Domain = domain, Role = role };

    private sealed record UserEntry
    {
        public required UserRow User { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }

        public required RoleRow Role { get; init; }

        public RoleRules? Rules { get; init; }

        public UserKeyRow? Keys { get; init; }

        public ApiCaller ToCaller() => new()
        {
            UserId = User.Id,
            UserName = User.Username,
            AccountId = Account.Id,
            AccountName = Account.Name,
            DomainId = Domain.Id,
            DomainPath = Domain.Path,
            Role = RoleOf(Role.Type),
            RoleId = Role.Id,
            Rules = Rules,
            HasFactor = User.TotpSince is not null,
        };
    }
}
