using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

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
    protected override IQueryable<UserId> Find(StoreConnection db, UserId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Users.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
