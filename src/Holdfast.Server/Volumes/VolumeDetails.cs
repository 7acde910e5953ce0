using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Volumes;

/// <summary>Details of volumes: notes.</summary>
internal sealed class VolumeDetails : DetailedKind<VolumeId>
{
    /// <summary>Made once.</summary>
    public VolumeDetails()
        : base("Volume")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.Volumes.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = r.AccountId, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, VolumeId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.Volumes.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
