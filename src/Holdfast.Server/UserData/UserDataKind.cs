using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.UserData;

/// <summary>Registered user data.</summary>
internal sealed class UserDataKind : EntityKind<UserDataId>
{
    /// <summary>Made once.</summary>
    public UserDataKind()
        : base(ResourceTypes.UserData, "listUserData", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<UserDataId> Find(StoreConnection db, UserDataId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.UserData.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
