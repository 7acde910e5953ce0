using System.Text.Json.Serialization;

namespace Holdfast.Drivers.Linstor.Rest.Model;

/// <summary>Who a controller is.</summary>
internal sealed record ControllerVersion(string? Version, string? RestApiVersion);

/// <summary>Properties of the cluster. The others are not read: some are nobody's business.</summary>
/// <param name="Id">The cluster's own id, made by LINSTOR with its database; null when it has none.</param>
internal sealed record ClusterProperties([property: JsonPropertyName("Cluster/LocalID")] string? Id);

/// <summary>A node of the cluster.</summary>
internal sealed record Node(string? Name, string? ConnectionStatus, IReadOnlyList<string>? Flags, IReadOnlyDictionary<string, string>? Props = null)
{
    /// <summary>What its satellite's kernel calls itself; null when LINSTOR does not tell.</summary>
    public string? Uname => Props is not null && Props.TryGetValue("NodeUname", out var name) ? name : null;

    /// <summary>The only status that means "can be used".</summary>
    public bool IsOnline => string.Equals(ConnectionStatus, "ONLINE", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A storage pool on one node; sizes in KiB.</summary>
internal sealed record StoragePool(
    string? StoragePoolName,
    string? NodeName,
    string? ProviderKind,
    long? FreeCapacity,
    long? TotalCapacity,
    string? FreeSpaceMgrName,
    bool? SupportsSnapshots);

/// <summary>How resources of a group are placed.</summary>
internal sealed record SelectFilter(
    int? PlaceCount,
    string? StoragePool,
    IReadOnlyList<string>? StoragePoolList,
    IReadOnlyList<string>? LayerStack,
    IReadOnlyList<string>? NodeNameList = null);

/// <summary>A resource group.</summary>
internal sealed record ResourceGroup(string? Name, SelectFilter? SelectFilter)
{
    /// <summary>Whether its resources have DRBD, so that every node can use them; LINSTOR's own standard has it.</summary>
    public bool IsDrbd => SelectFilter?.LayerStack is not { Count: > 0 } layers || layers.Contains("DRBD", StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether its resources may have data on a node.</summary>
    public bool Allows(string? node) => SelectFilter?.NodeNameList is not { Count: > 0 } nodes || nodes.Contains(node, StringComparer.OrdinalIgnoreCase);
}

/// <summary>One layer of a resource definition. What else LINSTOR tells of it holds the DRBD secret and is not read.</summary>
internal sealed record LayerData(string? Type);

/// <summary>A volume definition; size in KiB.</summary>
internal sealed record VolumeDefinition(int? VolumeNumber, long? SizeKib, IReadOnlyList<string>? Flags);

/// <summary>A resource definition: what LINSTOR calls a volume's cluster-wide part.</summary>
internal sealed record ResourceDefinition
{
    public string? Name { get; init; }

    public IReadOnlyDictionary<string, string>? Props { get; init; }

    public IReadOnlyList<string>? Flags { get; init; }

    public IReadOnlyList<LayerData>? LayerData { get; init; }

    public string? ResourceGroupName { get; init; }

    public IReadOnlyList<VolumeDefinition>? VolumeDefinitions { get; init; }

    /// <summary>Whether a flag is set.</summary>
    public bool Has(string flag) => Flags?.Contains(flag, StringComparer.OrdinalIgnoreCase) ?? false;

    /// <summary>A property, or null.</summary>
    public string? Property(string key) => Props is not null && Props.TryGetValue(key, out var value) ? value : null;
}

/// <summary>A replica's role; absent or without a value when LINSTOR does not know.</summary>
internal sealed record ResourceState(bool? InUse);

/// <summary>A volume of a layer on one node.</summary>
internal sealed record LayerVolume(int? VolumeNumber, string? DevicePath);

/// <summary>The volumes of a layer of storage.</summary>
internal sealed record StorageLayer(IReadOnlyList<LayerVolume>? StorageVolumes);

/// <summary>The volumes of a layer of encryption.</summary>
internal sealed record LuksLayer(IReadOnlyList<LayerVolume>? LuksVolumes);

/// <summary>The volumes of a layer of dm-writecache.</summary>
internal sealed record WritecacheLayer(IReadOnlyList<LayerVolume>? WritecacheVolumes);

/// <summary>The volumes of a layer of dm-cache.</summary>
internal sealed record CacheLayer(IReadOnlyList<LayerVolume>? CacheVolumes);

/// <summary>The volumes of a layer of bcache.</summary>
internal sealed record BcacheLayer(IReadOnlyList<LayerVolume>? BcacheVolumes);

/// <summary>One layer of a resource, with those below it.</summary>
internal sealed record LayerObject(
    string? Type,
    IReadOnlyList<LayerObject>? Children,
    StorageLayer? Storage = null,
    LuksLayer? Luks = null,
    WritecacheLayer? Writecache = null,
    CacheLayer? Cache = null,
    BcacheLayer? Bcache = null)
{
    /// <summary>The device of the resource's one volume at this layer, or null: none yet, or a layer that has other devices.</summary>
    public string? DevicePath =>
        (Storage?.StorageVolumes ?? Luks?.LuksVolumes ?? Writecache?.WritecacheVolumes ?? Cache?.CacheVolumes ?? Bcache?.BcacheVolumes)
            ?.FirstOrDefault(static volume => volume.VolumeNumber is null or 0)?.DevicePath;

    /// <summary>Whether this layer or one below it is of a type.</summary>
    public bool Has(string type) =>
        string.Equals(Type, type, StringComparison.OrdinalIgnoreCase) || (Children?.Any(child => child.Has(type)) ?? false);
}

/// <summary>A resource: one node's part of a resource definition.</summary>
internal sealed record Resource
{
    public string? Name { get; init; }

    public string? NodeName { get; init; }

    public IReadOnlyDictionary<string, string>? Props { get; init; }

    public IReadOnlyList<string>? Flags { get; init; }

    public LayerObject? LayerObject { get; init; }

    public ResourceState? State { get; init; }

    /// <summary>The storage pool its data is in.</summary>
    public string? StoragePool => Props is not null && Props.TryGetValue("StorPoolName", out var name) ? name : null;

    /// <summary>Whether this node holds no data of it.</summary>
    public bool IsDiskless => Has("DRBD_DISKLESS") || Has("DISKLESS") || Has("NVME_INITIATOR") || Has("EBS_INITIATOR");

    /// <summary>Whether it is on a node; LINSTOR's names know no case.</summary>
    public bool IsOn(string? node) => string.Equals(NodeName, node, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it is only there as a tie-breaker.</summary>
    public bool IsTieBreaker => Has("TIE_BREAKER");

    /// <summary>Whether it is being deleted.</summary>
    public bool IsGoing => Has("DELETE") || Has("DRBD_DELETE");

    /// <summary>Whether it is there to stay and to be used.</summary>
    public bool IsUsable => !IsGoing && !Has("INACTIVE");

    /// <summary>Open somewhere on its node; null when LINSTOR does not know, which is never "no".</summary>
    public bool? InUse => State?.InUse;

    /// <summary>Whether a flag is set.</summary>
    public bool Has(string flag) => Flags?.Contains(flag, StringComparer.OrdinalIgnoreCase) ?? false;
}

/// <summary>A snapshot.</summary>
internal sealed record Snapshot(string? Name, string? ResourceName, IReadOnlyList<string>? Flags, IReadOnlyList<string>? Nodes, IReadOnlyList<VolumeDefinition>? VolumeDefinitions)
{
    /// <summary>Whether it can be used.</summary>
    public bool IsSuccessful => Has("SUCCESSFUL");

    /// <summary>Whether it never will be.</summary>
    public bool IsFailed => Has("FAILED_DEPLOYMENT") || Has("FAILED_DISCONNECT");

    /// <summary>Whether a flag is set.</summary>
    public bool Has(string flag) => Flags?.Contains(flag, StringComparer.OrdinalIgnoreCase) ?? false;
}

/// <summary>The connection between two nodes of a resource definition.</summary>
internal sealed record ResourceConnection(string? NodeA, string? NodeB, IReadOnlyDictionary<string, string>? Props);

/// <summary>A clone that was begun.</summary>
internal sealed record CloneStarted(string? Location, string? SourceName, string? CloneName, IReadOnlyList<ApiCallRc>? Messages);

/// <summary>How far a clone is: COMPLETE, CLONING or FAILED.</summary>
internal sealed record CloneStatus(string? Status);
