using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>Users.</summary>
internal sealed class UserKind : EntityKind<UserId>
{
    /// <summary>Made once.</summary>
    public UserKind()
        : base(ResourceTypes.User, "listUsers", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken)
    {
        var user = new UserId(id);
        return await UserEntry.Query(db).FirstOrDefaultAsync(e => e.User.Id == user, cancellationToken) is { } entry ? UserCommands.View.ToJson("user", entry, viewer) : null;
    }

    /// <inheritdoc/>
    public override string IconType => "User";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Users.Where(r => r.Removed == null).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<UserId> Find(StoreConnection db, UserId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Users.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
