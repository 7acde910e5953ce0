using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.Security;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class SecondFactorOperations : ISecondFactorOperations
{
    private const int RandomBytes = 48;

    private readonly TurnFactory _turns;
    private readonly SecretBox _secrets;
    private readonly ISecretSource _random;

    /// <summary>Made once per node.</summary>
    public SecondFactorOperations(TurnFactory turns, SecretBox secrets, ISecretSource random)
    {
        _turns = turns;
        _secrets = secrets;
        _random = random;
    }

    /// <inheritdoc/>
    public Task<Outcome<NewFactor>> SetUpAsync(Caller caller, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<NewFactor>>(
        async (turn, ct) =>
        {
            if (!(await SettingValues.ReadAsync(turn, ct))[Setting.SecondFactor])
            {
                return new Outcome<NewFactor>.Refused(Faults.Invalid($"2FA is not enabled: setting {Setting.SecondFactor.Name} is false"));
            }

            var user = await turn.Db.Users.SingleAsync(u => u.Id == caller.UserId, ct);
            if (user.TotpSince is not null)
            {
                return new Outcome<NewFactor>.Refused(Faults.Invalid($"2FA is already enabled for user {user.Username} ({user.Id}); enable=false takes it away first"));
            }

            var key = OneTimeCode.KeyOf(_random.Next(RandomBytes));
            await turn.Db.UpdateAsync(user with { TotpKey = _secrets.Seal(SecretPurpose.UserTotpKey(user.Id), new Secret(key)), TotpStep = null }, token: ct);
            return new Outcome<NewFactor>.Done(new NewFactor(user.Id, user.Username, user.AccountId, new Secret(key)));
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> RemoveAsync(Caller caller, UserId userId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, userId, ct) is not { } user)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("setupUserTwoFactorAuthentication", "userid", userId));
            }

            var settings = await SettingValues.ReadAsync(turn, ct);
            if (user.Id == caller.UserId && user.TotpSince is not null && settings[Setting.SecondFactor] && settings[Setting.SecondFactorForAll])
            {
                return new Outcome<Success>.Refused(Faults.PermissionDenied($"2FA can't be disabled for user {user.Username} ({user.Id}): setting {Setting.SecondFactorForAll.Name} is true. An administrator can take it away, for another to be set up"));
            }

            if (user.TotpKey is not null)
            {
                await turn.Db.UpdateAsync(user with { TotpKey = null, TotpSince = null, TotpStep = null }, token: ct);
                await TellAsync(turn, caller, "USER.2FA.DISABLE", $"Took the second factor of user {user.Username} ({user.Id}) away", user, ct);
            }

            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<bool>> ValidateAsync(Caller caller, string code, string? sessionToken, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<bool>>(
        async (turn, ct) =>
        {
            var user = await turn.Db.Users.SingleAsync(u => u.Id == caller.UserId, ct);
            if (user.TotpKey is not { } sealedKey)
            {
                return new Outcome<bool>.Refused(Faults.Invalid($"2FA is not set up for user {user.Username} ({user.Id})"));
            }

            var session = sessionToken is null ? null : TokenHash.Of(sessionToken);
            var key = _secrets.Unseal(SecretPurpose.UserTotpKey(user.Id), sealedKey).Reveal();
            if (OneTimeCode.StepOf(key, code, turn.Now, user.TotpStep) is not { } step)
            {
                // To try once more takes the password once more.
                await turn.Db.Sessions.Where(s => s.TokenHash == session && !s.IsVerified).DeleteAsync(ct);
                await TellAsync(turn, caller, "USER.2FA.FAILED", $"User {user.Username} ({user.Id}) sent a wrong code of the second factor", user, ct);
                return new Outcome<bool>.Done(false);
            }

            await turn.Db.UpdateAsync(user with { TotpStep = step, TotpSince = user.TotpSince ?? turn.Now }, token: ct);
            await turn.Db.Sessions.Where(s => s.TokenHash == session && s.UserId == user.Id).Set(s => s.IsVerified, true).UpdateAsync(ct);
            if (user.TotpSince is null)
            {
                // What was begun without it ends, but for the session that has just shown it.
                await turn.Db.Sessions.Where(s => s.UserId == user.Id && (session == null || s.TokenHash != session)).DeleteAsync(ct);
                await TellAsync(turn, caller, "USER.2FA.ENABLE", $"User {user.Username} ({user.Id}) logs in with a second factor from now on", user, ct);
            }

            return new Outcome<bool>.Done(true);
        },
        cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, UserRow user, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.User, user.Id.Value, user.Username, null, cancellationToken);
}
