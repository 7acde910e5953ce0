using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>Clusters.</summary>
internal sealed class ClusterKind : EntityKind<ClusterId>
{
    /// <summary>Made once.</summary>
    public ClusterKind()
        : base(ResourceTypes.Cluster, "listClusters", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "CLUSTER";

    /// <inheritdoc/>
    protected override IQueryable<ClusterId> Find(StoreConnection db, ClusterId[] ids, EntityViewer viewer) =>
        db.Clusters.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
