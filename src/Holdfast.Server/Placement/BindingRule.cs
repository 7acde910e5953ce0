using System.Linq.Expressions;
using Holdfast.Core.Planning;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Placement;

/// <summary>How far a binding can be counted on: one rule, for statements and for rows that were read.</summary>
internal static class BindingRule
{
    private static readonly Func<BindingRow, int> Rank = RankExpression().Compile();

    /// <summary>How far, for a row.</summary>
    public static BindingHealth HealthOf(BindingRow binding) => (BindingHealth)Rank(binding);

    /// <summary>The same as a number, better ones first, in statements too.</summary>
    [ExpressionMethod(nameof(RankExpression))]
    public static int RankOf(BindingRow binding) => Rank(binding);

    // Attached and Degraded differ only in what stands behind them: the planes say it apart. A data plane counts as down when one device of many is broken:
    // that makes the host the last choice, and it is asked, but it does not take the pool from every other VM.
    private static Expression<Func<BindingRow, int>> RankExpression() => b =>
        b.Desired != Desired.Attached ? (int)BindingHealth.Down
        : b.Observed == null || b.ObservedGeneration == null || b.ObservedGeneration < b.Generation ? (int)BindingHealth.Unclear
        : (b.Observed == BindingState.Attached || b.Observed == BindingState.Degraded) && b.ControlPlane == PlaneHealth.Down
            ? (b.CanAttachLocally ? (int)BindingHealth.LocalOnly : (int)BindingHealth.Down)
        : b.Observed == BindingState.Attached && b.ControlPlane == PlaneHealth.Up ? (int)BindingHealth.Serving
        : b.Observed == BindingState.Degraded && b.ControlPlane == PlaneHealth.Unknown && b.Error != null ? (int)BindingHealth.Down
        : b.Observed == BindingState.Starting && b.Error != null ? (int)BindingHealth.Down
        : b.Observed == BindingState.Attached || b.Observed == BindingState.Degraded || b.Observed == BindingState.Starting ? (int)BindingHealth.Unclear
        : (int)BindingHealth.Down;
}
