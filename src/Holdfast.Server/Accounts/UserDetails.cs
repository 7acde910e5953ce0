using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Accounts;

/// <summary>Details of users: notes.</summary>
internal sealed class UserDetails : DetailedKind<UserId>
{
    /// <summary>Made once.</summary>
    public UserDetails()
        : base("User")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.Users.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = r.AccountId, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, UserId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.Users.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
