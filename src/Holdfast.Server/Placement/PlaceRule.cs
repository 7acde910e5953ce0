using System.Linq.Expressions;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Placement;

/// <summary>Whether a host is in a zone, pod or cluster that is disabled, in statements only.</summary>
internal static class PlaceRule
{
    /// <summary>The zone is.</summary>
    public const string Zone = "zone";

    /// <summary>The pod is.</summary>
    public const string Pod = "pod";

    /// <summary>The cluster is.</summary>
    public const string Cluster = "cluster";

    /// <summary>Which of them is, the largest one; null: none.</summary>
    [ExpressionMethod(nameof(DisabledExpression))]
    public static string? DisabledPlaceOf(StoreConnection db, HostRow host) => throw new InvalidOperationException($"Only in SQL: {db}, {host}");

    private static Expression<Func<StoreConnection, HostRow, string?>> DisabledExpression() => (db, host) =>
        db.Zones.Any(z => z.Id == host.ZoneId && z.AllocationState == AllocationStates.Disabled) ? Zone
        : db.Pods.Any(p => p.Id == host.PodId && p.AllocationState == AllocationStates.Disabled) ? Pod
        : db.Clusters.Any(c => c.Id == host.ClusterId && c.AllocationState == AllocationStates.Disabled) ? Cluster
        : null;
}
