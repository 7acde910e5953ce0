using System.Collections.Frozen;
using System.Globalization;

namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>What a property is set on. Resource groups take what definitions take.</summary>
[Flags]
internal enum PropertyOwner
{
    None = 0,
    Controller = 1,
    Node = 2,
    StoragePool = 4,
    Definition = 8,
    VolumeDefinition = 16,
    Resource = 32,
    Connection = 64,
}

/// <summary>
/// Which properties can be set. LINSTOR knows every key and the values it may have, and refuses all else; <c>Aux/</c> is free. Here: which keys, by their first parts, and the
/// values of those that change what is simulated.
/// </summary>
internal static class PropertyRules
{
    private const PropertyOwner Everything = (PropertyOwner)127;
    private const PropertyOwner Wide = PropertyOwner.Controller | PropertyOwner.Definition;

    // The first parts of keys that LINSTOR knows, and on what. What ends with a slash is a namespace.
    private static readonly (string Key, PropertyOwner Owners)[] Known =
    [
        ("Aux/", Everything),
        ("DrbdOptions/Net/", Wide | PropertyOwner.Connection),
        ("DrbdOptions/PeerDevice/", Wide | PropertyOwner.Connection),
        ("DrbdOptions/Disk/", Wide | PropertyOwner.VolumeDefinition),
        ("DrbdOptions/Resource/", Wide),
        ("DrbdOptions/Handlers/", Wide),
        ("DrbdOptions/ExactSize", PropertyOwner.Definition),
        ("DrbdOptions/SkipDisk", Wide | PropertyOwner.Node | PropertyOwner.StoragePool | PropertyOwner.Resource),
        ("DrbdOptions/auto-quorum", Wide),
        ("DrbdOptions/auto-add-quorum-tiebreaker", Wide),
        ("DrbdOptions/auto-diskful", Wide | PropertyOwner.Node),
        ("DrbdOptions/auto-verify-algo-disable", Wide | PropertyOwner.Node),
        ("DrbdOptions/AutoEvictMinReplicaCount", Wide),
        ("DrbdOptions/AutoEvictAfterTime", PropertyOwner.Controller | PropertyOwner.Node),
        ("DrbdOptions/AutoEvictMaxDisconnectedNodes", PropertyOwner.Controller),
        ("DrbdOptions/AutoEvictAllowEviction", PropertyOwner.Controller | PropertyOwner.Node),
        ("StorDriver/", Everything & ~PropertyOwner.Connection),
        ("StorPoolName", PropertyOwner.Definition | PropertyOwner.VolumeDefinition | PropertyOwner.Resource | PropertyOwner.Node),
        ("PrefNic", PropertyOwner.Node | PropertyOwner.StoragePool | PropertyOwner.Definition | PropertyOwner.Resource),
        ("FileSystem/", PropertyOwner.Definition | PropertyOwner.VolumeDefinition | PropertyOwner.Resource),
        ("Autoplacer/", Wide | PropertyOwner.Node | PropertyOwner.StoragePool),
        ("AutoSnapshot/", Wide),
        ("sys/fs/", Everything & ~PropertyOwner.Connection),
        ("BalanceResourcesEnabled", Wide),
        ("PeerSlotsNewResource", Wide),
        ("TcpPortAutoRange", PropertyOwner.Controller | PropertyOwner.Node),
        ("MinorNrAutoRange", PropertyOwner.Controller),
        ("SearchDomain", PropertyOwner.Controller),
    ];

    private static readonly FrozenDictionary<string, Func<string, bool>> Values = new Dictionary<string, Func<string, bool>>
    {
        ["DrbdOptions/Net/allow-two-primaries"] = IsBool,
        ["DrbdOptions/Net/protocol"] = static value => value is "A" or "B" or "C",
        ["DrbdOptions/Resource/quorum"] = static value => value is "off" or "majority" or "all" || (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var votes) && votes is >= 1 and <= 32),
        ["DrbdOptions/Resource/on-no-quorum"] = static value => value is "io-error" or "suspend-io",
        ["DrbdOptions/ExactSize"] = IsBool,
        ["DrbdOptions/auto-quorum"] = static value => value is "disabled" or "io-error" or "suspend-io",
        ["DrbdOptions/auto-add-quorum-tiebreaker"] = IsBool,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Why one of some properties cannot be set or taken away there.</summary>
    /// <param name="owner">On what.</param>
    /// <param name="set">What is to be set.</param>
    /// <param name="removed">What is to be taken away.</param>
    /// <returns>The first objection; null: none.</returns>
    public static string? Objection(PropertyOwner owner, IReadOnlyDictionary<string, string>? set, IEnumerable<string>? removed = null)
    {
        foreach (var (key, value) in set ?? new Dictionary<string, string>())
        {
            if (!IsKnown(owner, key))
            {
                return $"Property '{key}' is not known there.";
            }

            if (Values.TryGetValue(key, out var isValid) && !isValid(value))
            {
                return $"Property '{key}' cannot have the value '{value}'.";
            }
        }

        return removed?.FirstOrDefault(key => !IsKnown(owner, key)) is { } unknown ? $"Property '{unknown}' is not known there." : null;
    }

    private static bool IsKnown(PropertyOwner owner, string key) => Array.Exists(
        Known, rule => rule.Owners.HasFlag(owner) && (rule.Key[^1] == '/' ? key.StartsWith(rule.Key, StringComparison.Ordinal) && key.Length > rule.Key.Length : key == rule.Key));

    private static bool IsBool(string value) => value.ToUpperInvariant() is "YES" or "NO" or "TRUE" or "FALSE";
}
