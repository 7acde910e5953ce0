using System.Text.Json.Serialization;
using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>
/// What the simulated cluster remembers: one file, replaced atomically after every change. The rows are mutable and guarded by the controller's lock; nothing outside
/// the controller keeps a reference to them.
/// </summary>
internal sealed class ClusterState
{
    public int Format { get; set; } = 1;
    public Dictionary<string, string> Props { get; set; } = [];
    public List<NodeRow> Nodes { get; set; } = [];
    public List<PoolRow> Pools { get; set; } = [];
    public List<GroupRow> Groups { get; set; } = [];
    public List<DefinitionRow> Definitions { get; set; } = [];
    public List<ErrorReportRow> ErrorReports { get; set; } = [];
    public List<ViolationRow> Violations { get; set; } = [];
    public Dictionary<string, Dictionary<string, string>> KeyValues { get; set; } = [];
    public int NextMinor { get; set; } = 1000;
    public int NextPort { get; set; } = 7000;

    public NodeRow? Node(string name) => Nodes.Find(node => Names.Same(node.Name, name));

    public GroupRow? Group(string name) => Groups.Find(group => Names.Same(group.Name, name));

    public DefinitionRow? Definition(string name) => Definitions.Find(definition => Names.Same(definition.Name, name));

    public PoolRow? Pool(string node, string name) => Pools.Find(pool => Names.Same(pool.Node, node) && Names.Same(pool.Name, name));
}

internal sealed class NodeRow
{
    public required string Name { get; set; }
    public required string Uuid { get; set; }
    public string Type { get; set; } = "SATELLITE";
    /// <summary>This node's devices are real and on this machine.</summary>
    public bool Local { get; set; }
    public bool Online { get; set; } = true;
    /// <summary>What the controller calls it while it is not online.</summary>
    public string OfflineStatus { get; set; } = "OFFLINE";
    /// <summary>Whether it has DRBD; without, its resources are storage only.</summary>
    public bool Drbd { get; set; } = true;
    /// <summary>Whether udev makes <c>/dev/drbd/by-res</c> there.</summary>
    public bool ByResLinks { get; set; } = true;
    public List<string> Flags { get; set; } = [];
    public Dictionary<string, string> Props { get; set; } = [];
    public List<NetInterface> NetInterfaces { get; set; } = [];
    /// <summary>Where the by-res links of this node are; only for local nodes.</summary>
    public string? DeviceRoot { get; set; }
}

internal sealed class PoolRow
{
    public required string Node { get; set; }
    public required string Name { get; set; }
    public required string Kind { get; set; }
    public required string Uuid { get; set; }
    public long CapacityKib { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];

    [JsonIgnore]
    public bool Thin => Kind is "LVM_THIN" or "ZFS_THIN" or "FILE_THIN";

    [JsonIgnore]
    public bool Diskless => Kind == "DISKLESS";

    /// <summary>Whether the file system below a pool of files can share blocks between files (XFS can, ext4 cannot); snapshots need it.</summary>
    public bool Reflinks { get; set; } = true;

    [JsonIgnore]
    public bool File => Kind is "FILE" or "FILE_THIN";

    /// <summary>What the kind promises; a pool of files on ext4 promises it too.</summary>
    [JsonIgnore]
    public bool SupportsSnapshots => Thin || File;

    /// <summary>What it can.</summary>
    [JsonIgnore]
    public bool TakesSnapshots => File ? Reflinks : Thin;
}

internal sealed class GroupRow
{
    public required string Name { get; set; }
    public required string Uuid { get; set; }
    public string? Description { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];
    public AutoSelectFilter Filter { get; set; } = new();
    public List<VolumeGroupRow> VolumeGroups { get; set; } = [];
    public int? PeerSlots { get; set; }
}

internal sealed class VolumeGroupRow
{
    public int Number { get; set; }
    public required string Uuid { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];
    public List<string> Flags { get; set; } = [];
}

internal sealed class DefinitionRow
{
    public required string Name { get; set; }
    public required string Uuid { get; set; }
    public required string Group { get; set; }
    public string? ExternalName { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];
    public List<string> Flags { get; set; } = [];
    public List<string> Layers { get; set; } = [];
    /// <summary>Resources were restored into it: since then LINSTOR does not tell the definition's layers.</summary>
    public bool LayersUntold { get; set; }
    public string Secret { get; set; } = "";
    public int PeerSlots { get; set; } = 7;
    public List<VolumeDefinitionRow> Volumes { get; set; } = [];
    public List<ResourceRow> Resources { get; set; } = [];
    public List<SnapshotRow> Snapshots { get; set; } = [];
    public List<ConnectionRow> Connections { get; set; } = [];
    /// <summary>Where the data of a running clone comes from, so that a restart can begin it again.</summary>
    public string? CloneSource { get; set; }
    /// <summary>Set when a snapshot's data must be put in place before the devices come up (restore).</summary>
    public string? RestoreFrom { get; set; }

    [JsonIgnore]
    public bool Drbd => Layers.Contains("DRBD");

    [JsonIgnore]
    public bool Deleting => Flags.Contains(Flag.Delete);

    public ResourceRow? Resource(string node) => Resources.Find(resource => Names.Same(resource.Node, node));

    public VolumeDefinitionRow? Volume(int number) => Volumes.Find(volume => volume.Number == number);

    public SnapshotRow? Snapshot(string name) => Snapshots.Find(snapshot => Names.Same(snapshot.Name, name));

    public ConnectionRow? Connection(string a, string b) => Connections.Find(connection =>
        (Names.Same(connection.NodeA, a) && Names.Same(connection.NodeB, b)) || (Names.Same(connection.NodeA, b) && Names.Same(connection.NodeB, a)));
}

internal sealed class VolumeDefinitionRow
{
    public int Number { get; set; }
    public required string Uuid { get; set; }
    public long SizeKib { get; set; }
    public int? Minor { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];
    public List<string> Flags { get; set; } = [];
}

internal sealed class ResourceRow
{
    public required string Node { get; set; }
    public required string Uuid { get; set; }
    public long Created { get; set; }
    public List<string> Flags { get; set; } = [];
    public Dictionary<string, string> Props { get; set; } = [];
    public int NodeId { get; set; }
    public int? Port { get; set; }
    public string? Pool { get; set; }
    public List<VolumeRow> Volumes { get; set; } = [];
    /// <summary>An opener on a simulated node, set from outside; on local nodes the device itself is looked at.</summary>
    public bool SimulatedOpen { get; set; }
    public int Retries { get; set; }

    [JsonIgnore]
    public bool Diskless => Pool is null;

    [JsonIgnore]
    public bool TieBreaker => Flags.Contains(Flag.TieBreaker);

    [JsonIgnore]
    public bool Deleting => Flags.Contains(Flag.Delete);

    public VolumeRow? Volume(int number) => Volumes.Find(volume => volume.Number == number);
}

internal sealed class VolumeRow
{
    public int Number { get; set; }
    public required string Uuid { get; set; }
    /// <summary>The loop device the satellite reported, or a made-up path on simulated nodes; null until it did.</summary>
    public string? Device { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];
}

internal sealed class SnapshotRow
{
    public required string Name { get; set; }
    public required string Uuid { get; set; }
    public long Created { get; set; }
    public List<string> Nodes { get; set; } = [];
    public List<string> Flags { get; set; } = [];
    public Dictionary<string, string> Props { get; set; } = [];
    public Dictionary<string, string> DefinitionProps { get; set; } = [];
    public List<SnapshotVolumeRow> Volumes { get; set; } = [];
    public List<string> Layers { get; set; } = [];
    /// <summary>The storage pool of each node it was taken on.</summary>
    public Dictionary<string, string> Pools { get; set; } = [];

    [JsonIgnore]
    public bool IsSafety => Flags.Contains(Flag.SafetySnapshot);
}

internal sealed class SnapshotVolumeRow
{
    public int Number { get; set; }
    public long SizeKib { get; set; }
}

internal sealed class ConnectionRow
{
    public string Uuid { get; set; } = "";
    public required string NodeA { get; set; }
    public required string NodeB { get; set; }
    public Dictionary<string, string> Props { get; set; } = [];
}

internal sealed class ErrorReportRow
{
    public required string Id { get; set; }
    public required string Node { get; set; }
    public required long Time { get; set; }
    public required string Message { get; set; }
    public required string Text { get; set; }
}

/// <summary>Two nodes had one resource open for writing while nothing allowed two primaries.</summary>
internal sealed class ViolationRow
{
    public required string Resource { get; set; }
    public required List<string> Nodes { get; set; }
    public required DateTimeOffset At { get; set; }
}

internal static class Flag
{
    public const string Delete = "DELETE";
    public const string DrbdDelete = "DRBD_DELETE";
    public const string Diskless = "DISKLESS";
    public const string DrbdDiskless = "DRBD_DISKLESS";
    public const string TieBreaker = "TIE_BREAKER";
    public const string Cloning = "CLONING";
    public const string Failed = "FAILED";
    public const string RestoreTarget = "RESTORE_TARGET";
    public const string Successful = "SUCCESSFUL";
    public const string SafetySnapshot = "SAFETY_SNAPSHOT";
    public const string FailedDeployment = "FAILED_DEPLOYMENT";
    public const string FailedDisconnect = "FAILED_DISCONNECT";
}

internal static class Names
{
    /// <summary>LINSTOR's diskless pool, present on every node.</summary>
    public const string DisklessPool = "DfltDisklessStorPool";

    public const string DefaultGroup = "DfltRscGrp";

    /// <summary>LINSTOR compares names without case and gives back the case they were created with.</summary>
    public static bool Same(string? a, string? b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    /// <summary>2 (pools: 3) to 48 characters, letters, digits, dash and underscore, beginning with a letter, a digit or an underscore.</summary>
    public static bool Valid(string? name, int least = 2) => name is not null && name.Length >= least && name.Length <= 48 && name[0] != '-'
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ClusterState))]
internal sealed partial class StateJson : JsonSerializerContext;
