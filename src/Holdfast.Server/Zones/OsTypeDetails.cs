using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Zones;

/// <summary>Details of guest operating system types: notes.</summary>
internal sealed class OsTypeDetails : DetailedKind<OsTypeId>
{
    /// <summary>Made once.</summary>
    public OsTypeDetails()
        : base("GuestOs")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.OsTypes.Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = null, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, OsTypeId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.OsTypes.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
