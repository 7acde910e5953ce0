using Holdfast.Core.States;

namespace Holdfast.Server.AffinityGroups;

/// <summary>The types of affinity groups in CloudStack's words.</summary>
internal static class AffinityTypes
{
    private static readonly (AffinityType Type, string Name)[] Table =
    [
        (AffinityType.HostAntiAffinity, "host anti-affinity"),
        (AffinityType.HostAffinity, "host affinity"),
        (AffinityType.NonStrictHostAntiAffinity, "non-strict host anti-affinity"),
        (AffinityType.NonStrictHostAffinity, "non-strict host affinity"),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Table.Select(t => t.Name)];

    /// <summary>The name of a type.</summary>
    public static string NameOf(AffinityType type) => Table.Single(t => t.Type == type).Name;

    /// <summary>The type of a name, whatever its case; null: there is none.</summary>
    public static AffinityType? Find(string name) => Array.FindIndex(Table, t => t.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is var i and >= 0 ? Table[i].Type : null;
}
