using Holdfast.Core.Planning;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Machines;

/// <summary>A VM as a turn has loaded it.</summary>
/// <param name="row">The row.</param>
/// <param name="facts">What the planner knows.</param>
/// <param name="volumes">Its volumes.</param>
/// <param name="item">What its host is told; null: nothing.</param>
internal sealed class LoadedVm(VmRow row, VmFacts facts, IReadOnlyList<VolumeRow> volumes, HostItemRow? item)
{
    /// <summary>The row, as this turn has left it.</summary>
    public VmRow Row { get; set; } = row;

    /// <summary>What the planner knows.</summary>
    public VmFacts Facts { get; } = facts;

    /// <summary>Its volumes.</summary>
    public IReadOnlyList<VolumeRow> Volumes { get; } = volumes;

    /// <summary>What its host is told; null: nothing.</summary>
    public HostItemRow? Item { get; } = item;
}
