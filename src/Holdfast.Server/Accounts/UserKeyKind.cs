using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using LinqToDB;

namespace Holdfast.Server.Accounts;

/// <summary>Pairs of keys with which users sign requests: there for who may read them.</summary>
internal sealed class UserKeyKind : EntityKind<UserKeyId>
{
    /// <summary>Made once.</summary>
    public UserKeyKind()
        : base("UserKey", "listUserKeys", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<UserKeyId> Find(StoreConnection db, UserKeyId[] ids, EntityViewer viewer)
    {
        var users = AccountReach.Users(db, viewer.Caller.ForOperations);
        return db.UserKeys.Where(k => ids.Contains(k.Id) && users.Any(u => u.Id == k.UserId)).Select(k => k.Id);
    }
}
