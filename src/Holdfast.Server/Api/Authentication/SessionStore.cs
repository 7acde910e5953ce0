using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Authentication;

/// <summary>Sessions, in the store.</summary>
internal sealed class SessionStore : ISessionStore
{
    private readonly Database _database;
    private readonly TurnFactory _turns;

    /// <summary>Made once.</summary>
    public SessionStore(Database database, TurnFactory turns)
    {
        _database = database;
        _turns = turns;
    }

    /// <inheritdoc/>
    public Task<SessionFactor?> AddAsync(SessionRecord session, LoginProof login, CancellationToken cancellationToken) =>
        _turns.RunAsync<SessionFactor?>(
            async (turn, ct) =>
            {
                var db = turn.Db;

                // The password was checked outside of this transaction. Had it been changed meanwhile, a session by the old one would outlive the change.
                var user = await db.Users.FirstOrDefaultAsync(u => u.Id == session.UserId && u.PasswordHash == login.PasswordHash, ct);
                if (user is null)
                {
                    return null;
                }

                if (login.FreshHash is not null)
                {
                    await db.Users.Where(u => u.Id == user.Id).Set(u => u.PasswordHash, login.FreshHash).UpdateAsync(ct);
                }

                // By their names: settings know the API, and not the other way round.
                var flags = await db.Settings.Where(s => (s.Name == SecondFactors.EnabledSetting || s.Name == SecondFactors.MandatedSetting) && s.Value == "true").Select(s => s.Name).ToListAsync(ct);
                var factor = new SessionFactor(flags.Contains(SecondFactors.EnabledSetting) && (user.TotpSince is not null || flags.Contains(SecondFactors.MandatedSetting)), user.TotpSince is not null);
                await db.Sessions.Where(s => s.Expires < session.Created).DeleteAsync(ct);
                await db.InsertAsync(
                    new SessionRow
                    {
                        Id = new SessionId(turn.NewId()),
                        UserId = session.UserId,
                        TokenHash = session.TokenHash,
                        SessionKeyHash = session.SessionKeyHash,
                        Created = session.Created,
                        LastUsed = session.LastUsed,
                        Expires = session.Expires,
                        IsVerified = !factor.IsNeeded,
                    },
                    token: ct);
                await turn.TellAsync(
                    EventTypes.UserLogin,
                    EventLevel.Info,
                    EventState.Completed,
                    $"user has logged in from IP Address {PeerNetwork.TextOf(login.Address)}",
                    user.AccountId,
                    user.Id,
                    ResourceTypes.User,
                    user.Id.Value,
                    user.Username,
                    null,
                    ct);
                return factor;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async Task<SessionRecord?> FindAsync(string tokenHash, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var row = await _database.ReadAsync((db, ct) => db.Sessions.FirstOrDefaultAsync(s => s.TokenHash == tokenHash && s.Expires > now, ct), cancellationToken);
        return row is null ? null : new SessionRecord(row.UserId, row.TokenHash, row.SessionKeyHash, row.Created, row.LastUsed, row.Expires) { IsVerified = row.IsVerified };
    }

    /// <inheritdoc/>
    public Task ExtendAsync(string tokenHash, DateTimeOffset lastUsed, DateTimeOffset expires, CancellationToken cancellationToken) =>
        _database.WriteAsync(
            (db, ct) => db.Sessions
                .Where(s => s.TokenHash == tokenHash)
                .Set(s => s.LastUsed, lastUsed)
                .Set(s => s.Expires, expires)
                .UpdateAsync(ct),
            cancellationToken);

    /// <inheritdoc/>
    public Task RemoveAsync(string tokenHash, CancellationToken cancellationToken) =>
        _database.WriteAsync((db, ct) => db.Sessions.Where(s => s.TokenHash == tokenHash).DeleteAsync(ct), cancellationToken);
}
