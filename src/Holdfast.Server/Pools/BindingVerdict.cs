using System.Linq.Expressions;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Pools;

/// <summary>What a host's latest word about a storage pool comes to, in SQL: one rule for lists of pools and of hosts. Whether the host is heard of is another fact.</summary>
internal static class BindingVerdict
{
    private static readonly Func<BindingRow, bool> Serving = ServingExpression().Compile();

    private static readonly Func<BindingRow, bool> Sick = SickExpression().Compile();

    /// <summary>The host serves the pool.</summary>
    [ExpressionMethod(nameof(ServingExpression))]
    public static bool IsServing(BindingRow binding) => Serving(binding);

    /// <summary>The host should serve the pool, has taken that up, and says that it cannot. A driver that only starts is not sick.</summary>
    [ExpressionMethod(nameof(SickExpression))]
    public static bool IsSick(BindingRow binding) => Sick(binding);

    private static Expression<Func<BindingRow, bool>> ServingExpression() => b =>
        b.Absent == null && b.Desired == Desired.Attached && b.Observed == BindingState.Attached && b.ControlPlane != PlaneHealth.Down && b.DataPlane != PlaneHealth.Down;

    private static Expression<Func<BindingRow, bool>> SickExpression() => b =>
        b.Absent == null && b.Desired == Desired.Attached && b.ObservedGeneration == b.Generation && b.Observed != null
        && ((b.Observed != BindingState.Attached && b.Observed != BindingState.Starting)
            || (b.Observed == BindingState.Starting && b.Error != null)
            || b.ControlPlane == PlaneHealth.Down
            || b.DataPlane == PlaneHealth.Down);
}
