using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Events;

/// <summary>Alerts.</summary>
internal sealed class AlertKind : EntityKind<AlertId>
{
    /// <summary>Made once.</summary>
    public AlertKind()
        : base("Alert", "listAlerts", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<AlertId> Find(StoreConnection db, AlertId[] ids, EntityViewer viewer) =>
        db.Alerts.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
