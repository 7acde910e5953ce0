using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Obligations;

/// <summary>Obligations.</summary>
internal sealed class ObligationEntityKind : EntityKind<ObligationId>
{
    /// <summary>Made once.</summary>
    public ObligationEntityKind()
        : base(ResourceTypes.Obligation, "listObligations", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<ObligationId> Find(StoreConnection db, ObligationId[] ids, EntityViewer viewer) =>
        db.Obligations.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
