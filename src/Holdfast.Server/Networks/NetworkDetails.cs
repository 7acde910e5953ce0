using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Networks;

/// <summary>Details of networks: notes.</summary>
internal sealed class NetworkDetails : DetailedKind<NetworkId>
{
    /// <summary>Made once.</summary>
    public NetworkDetails()
        : base("Network")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.Networks.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = null, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, NetworkId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.Networks.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
