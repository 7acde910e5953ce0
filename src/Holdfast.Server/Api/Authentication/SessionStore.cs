using Holdfast.Core.Ids;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Authentication;

/// <summary>Sessions, in the store.</summary>
internal sealed class SessionStore : ISessionStore
{
    private readonly Database _database;
    private readonly IIdSource _ids;

    /// <summary>Made once.</summary>
    public SessionStore(Database database, IIdSource ids)
    {
        _database = database;
        _ids = ids;
    }

    /// <inheritdoc/>
    public Task<bool> AddAsync(SessionRecord session, string passwordHash, string? freshHash, CancellationToken cancellationToken) =>
        _database.WriteAsync(
            async (db, ct) =>
            {
                // The password was checked outside of this transaction. Had it been changed meanwhile, a session by the old one would outlive the change.
                var user = db.Users.Where(u => u.Id == session.UserId && u.PasswordHash == passwordHash);
                if (!await user.AnyAsync(ct))
                {
                    return false;
                }

                if (freshHash is not null)
                {
                    await user.Set(u => u.PasswordHash, freshHash).UpdateAsync(ct);
                }

                await db.Sessions.Where(s => s.Expires < session.Created).DeleteAsync(ct);
                await db.InsertAsync(
                    new SessionRow
                    {
                        Id = new SessionId(_ids.Next()),
                        UserId = session.UserId,
                        TokenHash = session.TokenHash,
                        SessionKeyHash = session.SessionKeyHash,
                        Created = session.Created,
                        LastUsed = session.LastUsed,
                        Expires = session.Expires,
                    },
                    token: ct);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async Task<SessionRecord?> FindAsync(string tokenHash, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var row = await _database.ReadAsync((db, ct) => db.Sessions.FirstOrDefaultAsync(s => s.TokenHash == tokenHash && s.Expires > now, ct), cancellationToken);
        return row is null ? null : new SessionRecord(row.UserId, row.TokenHash, row.SessionKeyHash, row.Created, row.LastUsed, row.Expires);
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
