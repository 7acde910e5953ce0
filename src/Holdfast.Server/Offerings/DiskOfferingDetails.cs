using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Offerings;

/// <summary>Details of disk offerings: notes.</summary>
internal sealed class DiskOfferingDetails : DetailedKind<DiskOfferingId>
{
    /// <summary>Made once.</summary>
    public DiskOfferingDetails()
        : base("DiskOffering")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.DiskOfferings.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = null, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, DiskOfferingId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.DiskOfferings.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
