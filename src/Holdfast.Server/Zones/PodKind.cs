using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>Pods.</summary>
internal sealed class PodKind : EntityKind<PodId>
{
    /// <summary>Made once.</summary>
    public PodKind()
        : base(ResourceTypes.Pod, "listPods", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "POD";

    /// <inheritdoc/>
    protected override IQueryable<PodId> Find(StoreConnection db, PodId[] ids, EntityViewer viewer) =>
        db.Pods.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
