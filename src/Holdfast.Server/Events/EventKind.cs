using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Events;

/// <summary>Events.</summary>
internal sealed class EventKind : EntityKind<EventId>
{
    /// <summary>Made once.</summary>
    public EventKind()
        : base("Event", "listEvents", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<EventId> Find(StoreConnection db, EventId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Events.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
