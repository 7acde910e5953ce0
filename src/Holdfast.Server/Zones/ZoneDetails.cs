using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Zones;

/// <summary>Details of zones: notes.</summary>
internal sealed class ZoneDetails : DetailedKind<ZoneId>
{
    /// <summary>Made once.</summary>
    public ZoneDetails()
        : base("Zone")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.Zones.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = null, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, ZoneId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.Zones.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
