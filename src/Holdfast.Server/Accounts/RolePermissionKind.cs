using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Accounts;

/// <summary>Rules of roles; for root administrators.</summary>
internal sealed class RolePermissionKind : EntityKind<RolePermissionId>
{
    /// <summary>Made once.</summary>
    public RolePermissionKind()
        : base("RolePermission", "listRolePermissions", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<RolePermissionId> Find(StoreConnection db, RolePermissionId[] ids, EntityViewer viewer) =>
        db.RolePermissions.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
