using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>Zones.</summary>
internal sealed class ZoneKind : EntityKind<ZoneId>
{
    /// <summary>Made once.</summary>
    public ZoneKind()
        : base(ResourceTypes.Zone, "listZones", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "ZONE";

    /// <inheritdoc/>
    public override string IconType => "Zone";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Zones.Where(r => r.Removed == null).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<ZoneId> Find(StoreConnection db, ZoneId[] ids, EntityViewer viewer) =>
        db.Zones.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
