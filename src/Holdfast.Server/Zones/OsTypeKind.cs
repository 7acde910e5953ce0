using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Zones;

/// <summary>Guest operating system types.</summary>
internal sealed class OsTypeKind : EntityKind<OsTypeId>
{
    /// <summary>Made once.</summary>
    public OsTypeKind()
        : base("GuestOs", "listOsTypes", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<OsTypeId> Find(StoreConnection db, OsTypeId[] ids, EntityViewer viewer) =>
        db.OsTypes.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
