using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>What zones, pods and clusters have in common when they are made and changed.</summary>
internal static class PlaceNames
{
    private const int Longest = 255;

    /// <summary>Why a name will not do; null: it will.</summary>
    /// <param name="parameter">The parameter that brought it.</param>
    /// <param name="name">The name.</param>
    public static ApiFault? NameFault(string parameter, string name) => string.IsNullOrWhiteSpace(name) || name.Length > Longest || name.Any(char.IsControl)
        ? Faults.Invalid($"Parameter {parameter} must have 1 to {Longest} printable characters")
        : null;

    /// <summary>Why a text is no allocation state; null: it is one, or none was sent.</summary>
    public static ApiFault? StateFault(string? state) =>
        state is null || AllocationStates.Read(state) is not null ? null : Faults.Invalid($"Parameter allocationstate is Enabled or Disabled, not {state}");
}
