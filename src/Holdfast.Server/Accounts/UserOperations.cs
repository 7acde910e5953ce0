using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class UserOperations : IUserOperations
{
    private readonly TurnFactory _turns;
    private readonly SecretBox _secrets;
    private readonly ISecretSource _random;

    /// <summary>Made once per node.</summary>
    public UserOperations(TurnFactory turns, SecretBox secrets, ISecretSource random)
    {
        _turns = turns;
        _secrets = secrets;
        _random = random;
    }

    /// <inheritdoc/>
    public Task<Outcome<UserKeys>> RegisterKeysAsync(Caller caller, UserId userId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserKeys>>(
        async (turn, ct) =>
        {
            var user = await turn.Db.Users.FirstOrDefaultAsync(u => u.Id == userId && u.Removed == null, ct);
            if (user is null)
            {
                return new Outcome<UserKeys>.Refused(Faults.NoSuchEntity("registerUserKeys", "id", userId));
            }

            if (user.Id != caller.UserId && !caller.IsRootAdmin)
            {
                return new Outcome<UserKeys>.Refused(Faults.PermissionDenied("Only root administrators may make keys for other users"));
            }

            var keys = new UserKeys(_random.Next(48), _random.Next(48));
            await turn.Db.UpdateAsync(
                user with { ApiKey = keys.ApiKey, SecretKey = _secrets.Seal(SecretPurpose.UserSecretKey(user.Id), new Secret(keys.SecretKey)) },
                token: ct);
            await turn.TellAsync(EventTypes.UserKeys, EventLevel.Info, EventState.Completed, $"New keys for user {user.Username} ({user.Id})", caller.AccountId, caller.UserId, ResourceTypes.User, user.Id.Value, user.Username, null, ct);
            return new Outcome<UserKeys>.Done(keys);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<UserId>> UpdateAsync(Caller caller, UpdateUser request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserId>>(
        async (turn, ct) =>
        {
            var user = await turn.Db.Users.FirstOrDefaultAsync(u => u.Id == request.Id && u.Removed == null, ct);
            if (user is null)
            {
                return new Outcome<UserId>.Refused(Faults.NoSuchEntity("updateUser", "id", request.Id));
            }

            if (user.Id != caller.UserId && !caller.IsRootAdmin)
            {
                return new Outcome<UserId>.Refused(Faults.PermissionDenied("Only root administrators may change other users"));
            }

            if (request.Password?.CheckedAgainst is { } hash && hash != user.PasswordHash)
            {
                return new Outcome<UserId>.Refused(Faults.WrongCurrentPassword());
            }

            if (request.UserName is { } name && await IsTakenAsync(turn.Db, user, name, ct))
            {
                return new Outcome<UserId>.Refused(Faults.UserNameTaken(name));
            }

            await turn.Db.UpdateAsync(
                user with
                {
                    Username = request.UserName ?? user.Username,
                    FirstName = request.FirstName ?? user.FirstName,
                    LastName = request.LastName ?? user.LastName,
                    Email = request.Email ?? user.Email,
                    Timezone = request.TimeZone is { } zone ? (zone.Length == 0 ? null : zone) : user.Timezone,
                    PasswordHash = request.Password?.Hash ?? user.PasswordHash,
                },
                token: ct);
            if (request.Password is not null)
            {
                await turn.Db.Sessions.Where(s => s.UserId == user.Id).DeleteAsync(ct);
            }

            await turn.TellAsync(
                EventTypes.UserUpdate,
                EventLevel.Info,
                EventState.Completed,
                request.Password is null ? $"Changed user {user.Username} ({user.Id})" : $"New password for user {user.Username} ({user.Id}); all sessions of the user ended",
                caller.AccountId,
                caller.UserId,
                ResourceTypes.User,
                user.Id.Value,
                user.Username,
                null,
                ct);
            return new Outcome<UserId>.Done(user.Id);
        },
        cancellationToken);

    // Names are compared as logins compare them.
    private static Task<bool> IsTakenAsync(StoreConnection db, UserRow user, string name, CancellationToken cancellationToken)
    {
        var lower = name.ToLowerInvariant();
        return (from other in db.Users
                join account in db.Accounts on other.AccountId equals account.Id
                from own in db.Accounts
                where own.Id == user.AccountId && account.DomainId == own.DomainId && other.Id != user.Id && other.Removed == null && other.Username.ToLower() == lower
                select other).AnyAsync(cancellationToken);
    }
}
