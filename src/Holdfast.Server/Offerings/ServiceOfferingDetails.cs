using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Offerings;

/// <summary>Details of service offerings: notes; the bounds of custom ones are shown among them and are none.</summary>
internal sealed class ServiceOfferingDetails : DetailedKind<ServiceOfferingId>
{
    /// <summary>Made once.</summary>
    public ServiceOfferingDetails()
        : base("ServiceOffering")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.ServiceOfferings.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = null, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    public override ApiFault? WhyNot(string key) =>
        ServiceOfferingBounds.IsName(key) ? Faults.Invalid($"{key} is a parameter of its own of createServiceOffering, not a detail, and stays as it is") : null;

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, ServiceOfferingId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.ServiceOfferings.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
