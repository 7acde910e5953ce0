using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.Reconcile;
using Holdfast.Server.Security;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Operations;

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
}
