using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Roles; everybody may learn that one exists.</summary>
internal sealed class RoleKind : EntityKind<RoleId>
{
    /// <summary>Made once.</summary>
    public RoleKind()
        : base(ResourceTypes.Role, "listRoles", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<RoleId> Find(StoreConnection db, RoleId[] ids, EntityViewer viewer) => db.Roles.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
