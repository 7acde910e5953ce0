namespace Holdfast.LinstorSimulation.Api;

// The JSON types of the LINSTOR REST API v1, as far as the simulator speaks it. Properties are nullable throughout because the server omits what is empty
// and clients may leave out what they do not mean. Names become snake_case in JSON.

internal sealed record ApiCallRc
{
    public required long RetCode { get; init; }
    /// <summary>Left out when empty, as every text.</summary>
    public required string Message { get; init; }
    public string? Cause { get; init; }
    public string? Details { get; init; }
    public string? Correction { get; init; }
    public List<string>? ErrorReportIds { get; init; }
    public Dictionary<string, string>? ObjRefs { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
}

internal sealed record ControllerVersion(string Version, string GitHash, string BuildTime, string RestApiVersion);

internal sealed record Node
{
    public string? Name { get; init; }
    public string? Type { get; init; }
    public List<string>? Flags { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public List<NetInterface>? NetInterfaces { get; init; }
    public string? ConnectionStatus { get; init; }
    public string? Uuid { get; init; }
    public List<string>? StorageProviders { get; init; }
    public List<string>? ResourceLayers { get; init; }
    public Dictionary<string, List<string>>? UnsupportedProviders { get; init; }
    public Dictionary<string, List<string>>? UnsupportedLayers { get; init; }
    public long? EvictionTimestamp { get; init; }
    public string? Platform { get; init; }
    public string? OsVariant { get; init; }
}

internal sealed record NetInterface
{
    public string? Name { get; init; }
    public string? Address { get; init; }
    public int? SatellitePort { get; init; }
    public string? SatelliteEncryptionType { get; init; }
    public bool? IsActive { get; init; }
    public string? Uuid { get; init; }
}

internal sealed record StoragePool
{
    public string? StoragePoolName { get; init; }
    public string? NodeName { get; init; }
    public string? ProviderKind { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public Dictionary<string, string>? StaticTraits { get; init; }
    public long? FreeCapacity { get; init; }
    public long? TotalCapacity { get; init; }
    public string? FreeSpaceMgrName { get; init; }
    public string? Uuid { get; init; }
    public List<ApiCallRc>? Reports { get; init; }
    public bool? SupportsSnapshots { get; init; }
    public string? SharedSpace { get; init; }
    public bool? ExternalLocking { get; init; }
}

internal sealed record StoragePoolDefinition
{
    public string? StoragePoolName { get; init; }
    public Dictionary<string, string>? Props { get; init; }
}

internal sealed record AutoSelectFilter
{
    public int? PlaceCount { get; init; }
    public int? AdditionalPlaceCount { get; init; }
    public List<string>? NodeNameList { get; init; }
    public string? StoragePool { get; init; }
    public List<string>? StoragePoolList { get; init; }
    public List<string>? StoragePoolDisklessList { get; init; }
    public List<string>? NotPlaceWithRsc { get; init; }
    public string? NotPlaceWithRscRegex { get; init; }
    public List<string>? ReplicasOnSame { get; init; }
    public List<string>? ReplicasOnDifferent { get; init; }
    public Dictionary<string, int>? XReplicasOnDifferentMap { get; init; }
    public List<string>? LayerStack { get; init; }
    public List<string>? ProviderList { get; init; }
    public bool? DisklessOnRemaining { get; init; }
    public string? DisklessType { get; init; }
    public double? Overprovision { get; init; }
    public int? PortCount { get; init; }
}

internal sealed record ResourceGroup
{
    public string? Name { get; init; }
    public string? Description { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public AutoSelectFilter? SelectFilter { get; init; }
    public string? Uuid { get; init; }
    public int? PeerSlots { get; init; }
}

internal sealed record ResourceGroupModify
{
    public string? Description { get; init; }
    public Dictionary<string, string>? OverrideProps { get; init; }
    public List<string>? DeleteProps { get; init; }
    public List<string>? DeleteNamespaces { get; init; }
    public AutoSelectFilter? SelectFilter { get; init; }
    public int? PeerSlots { get; init; }
    public List<string>? SnapNames { get; init; }
    public bool? CopyAllSnaps { get; init; }
}

internal sealed record VolumeGroup
{
    public int? VolumeNumber { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public string? Uuid { get; init; }
    public List<string>? Flags { get; init; }
}

internal sealed record ResourceGroupSpawn
{
    public string? ResourceDefinitionName { get; init; }
    public string? ResourceDefinitionExternalName { get; init; }
    public List<long>? VolumeSizes { get; init; }
    public AutoSelectFilter? SelectFilter { get; init; }
    public bool? Partial { get; init; }
    public bool? DefinitionsOnly { get; init; }
    public int? PeerSlots { get; init; }
    public List<string>? VolumePassphrases { get; init; }
    public Dictionary<string, string>? ResourceDefinitionProps { get; init; }
}

internal sealed record ResourceDefinitionLayer(string Type, DrbdDefinitionData? Data);

internal sealed record DrbdDefinitionData
{
    public string? ResourceNameSuffix { get; init; }
    public int? PeerSlots { get; init; }
    public int? AlStripes { get; init; }
    public long? AlStripeSizeKib { get; init; }
    public int? Port { get; init; }
    public string? TransportType { get; init; }
    public string? Secret { get; init; }
    public bool? Down { get; init; }
}

internal sealed record ResourceDefinition
{
    public string? Name { get; init; }
    public string? ExternalName { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public List<string>? Flags { get; init; }
    public List<ResourceDefinitionLayer>? LayerData { get; init; }
    public string? Uuid { get; init; }
    public string? ResourceGroupName { get; init; }
    public List<VolumeDefinition>? VolumeDefinitions { get; init; }
}

internal sealed record ResourceDefinitionCreate
{
    public int? DrbdPort { get; init; }
    public string? DrbdSecret { get; init; }
    public int? DrbdPeerSlots { get; init; }
    public string? DrbdTransportType { get; init; }
    public ResourceDefinition? ResourceDefinition { get; init; }
}

internal sealed record ResourceDefinitionModify
{
    public Dictionary<string, string>? OverrideProps { get; init; }
    public List<string>? DeleteProps { get; init; }
    public List<string>? DeleteNamespaces { get; init; }
    public int? DrbdPort { get; init; }
    public int? DrbdPeerSlots { get; init; }
    public List<string>? LayerStack { get; init; }
    public string? ResourceGroup { get; init; }
}

internal sealed record VolumeDefinitionLayer(string Type, DrbdVolumeDefinition? Data);

internal sealed record DrbdVolumeDefinition
{
    public string? ResourceNameSuffix { get; init; }
    public int? VolumeNumber { get; init; }
    public int? MinorNumber { get; init; }
}

internal sealed record VolumeDefinition
{
    public int? VolumeNumber { get; init; }
    public long? SizeKib { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public List<string>? Flags { get; init; }
    public List<VolumeDefinitionLayer>? LayerData { get; init; }
    public string? Uuid { get; init; }
}

internal sealed record VolumeDefinitionCreate
{
    public VolumeDefinition? VolumeDefinition { get; init; }
    public int? DrbdMinorNumber { get; init; }
    public string? Passphrase { get; init; }
}

internal sealed record VolumeDefinitionModify
{
    public long? SizeKib { get; init; }
    public Dictionary<string, string>? OverrideProps { get; init; }
    public List<string>? DeleteProps { get; init; }
    public List<string>? DeleteNamespaces { get; init; }
    public List<string>? Flags { get; init; }
}

internal sealed record PropertiesModify
{
    public Dictionary<string, string>? OverrideProps { get; init; }
    public List<string>? DeleteProps { get; init; }
    public List<string>? DeleteNamespaces { get; init; }
}

internal sealed record NodeModify
{
    public string? NodeType { get; init; }
    public Dictionary<string, string>? OverrideProps { get; init; }
    public List<string>? DeleteProps { get; init; }
    public List<string>? DeleteNamespaces { get; init; }
}

internal sealed record ResourceLayer
{
    public List<ResourceLayer>? Children { get; init; }
    public string? ResourceNameSuffix { get; init; }
    public string? Type { get; init; }
    public DrbdResource? Drbd { get; init; }
    public StorageResource? Storage { get; init; }
}

internal sealed record DrbdResource
{
    public DrbdDefinitionData? DrbdResourceDefinition { get; init; }
    public int? NodeId { get; init; }
    public List<int>? TcpPorts { get; init; }
    public int? PeerSlots { get; init; }
    public int? AlStripes { get; init; }
    public long? AlSize { get; init; }
    public List<string>? Flags { get; init; }
    public List<DrbdVolume>? DrbdVolumes { get; init; }
    public Dictionary<string, DrbdConnection>? Connections { get; init; }
    public int? PromotionScore { get; init; }
    public bool? MayPromote { get; init; }
}

internal sealed record DrbdConnection(bool Connected, string Message);

internal sealed record DrbdVolume
{
    public DrbdVolumeDefinition? DrbdVolumeDefinition { get; init; }
    public string? DevicePath { get; init; }
    public string? BackingDevice { get; init; }
    public string? MetaDisk { get; init; }
    public long? AllocatedSizeKib { get; init; }
    public long? UsableSizeKib { get; init; }
    public string? DiskState { get; init; }
    public string? ExtMetaStorPool { get; init; }
}

internal sealed record StorageResource(List<StorageVolume> StorageVolumes);

internal sealed record StorageVolume
{
    public int? VolumeNumber { get; init; }
    public string? DevicePath { get; init; }
    public long? AllocatedSizeKib { get; init; }
    public long? UsableSizeKib { get; init; }
    public string? DiskState { get; init; }
}

internal sealed record ResourceState
{
    public bool? InUse { get; init; }
}

internal sealed record Resource
{
    public string? Name { get; init; }
    public string? NodeName { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public List<string>? Flags { get; init; }
    public ResourceLayer? LayerObject { get; init; }
    public ResourceState? State { get; init; }
    public string? Uuid { get; init; }
    public long? CreateTimestamp { get; init; }
    public List<Volume>? Volumes { get; init; }
    public string? SharedName { get; init; }
}

internal sealed record Volume
{
    public int? VolumeNumber { get; init; }
    public string? StoragePoolName { get; init; }
    public string? ProviderKind { get; init; }
    public string? DevicePath { get; init; }
    public long? AllocatedSizeKib { get; init; }
    public long? UsableSizeKib { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public List<string>? Flags { get; init; }
    public VolumeState? State { get; init; }
    public List<VolumeLayer>? LayerDataList { get; init; }
    public string? Uuid { get; init; }
    public List<ApiCallRc>? Reports { get; init; }
}

internal sealed record VolumeLayer(string Type, VolumeLayerData? Data);

/// <summary>The data of either layer; which fields are there depends on the layer's type.</summary>
internal sealed record VolumeLayerData
{
    public DrbdVolumeDefinition? DrbdVolumeDefinition { get; init; }
    public int? VolumeNumber { get; init; }
    public string? DevicePath { get; init; }
    public string? BackingDevice { get; init; }
    public string? MetaDisk { get; init; }
    public long? AllocatedSizeKib { get; init; }
    public long? UsableSizeKib { get; init; }
    public string? DiskState { get; init; }
}

internal sealed record VolumeState
{
    public string? DiskState { get; init; }
    public Dictionary<string, ReplicationState>? ReplicationStates { get; init; }
}

internal sealed record ReplicationState
{
    [System.Text.Json.Serialization.JsonPropertyName("replication_state")]
    public string? State { get; init; }
    public double? DonePercentage { get; init; }
}

internal sealed record ResourceCreate
{
    public Resource? Resource { get; init; }
    public List<string>? LayerList { get; init; }
    public int? DrbdNodeId { get; init; }
    public int? DrbdTcpPortCount { get; init; }
    public List<int>? DrbdTcpPorts { get; init; }
    public List<string>? SnapNames { get; init; }
    public bool? CopyAllSnaps { get; init; }
    public bool? DrbdClient { get; init; }
}

internal sealed record ResourceMakeAvailable
{
    public List<string>? LayerList { get; init; }
    public bool? Diskful { get; init; }
    public List<int>? DrbdTcpPorts { get; init; }
    public List<string>? SnapNames { get; init; }
    public bool? CopyAllSnaps { get; init; }
}

internal sealed record AutoPlaceRequest
{
    public bool? DisklessOnRemaining { get; init; }
    public AutoSelectFilter? SelectFilter { get; init; }
    public List<string>? LayerList { get; init; }
    public List<string>? SnapNames { get; init; }
    public bool? CopyAllSnaps { get; init; }
}

internal sealed record ResourceConnection
{
    public string? NodeA { get; init; }
    public string? NodeB { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public List<string>? Flags { get; init; }
}

internal sealed record Snapshot
{
    public string? Name { get; init; }
    public string? ResourceName { get; init; }
    public List<string>? Nodes { get; init; }
    public Dictionary<string, string>? Props { get; init; }
    public Dictionary<string, string>? SnapshotDefinitionProps { get; init; }
    public Dictionary<string, string>? ResourceDefinitionProps { get; init; }
    public List<string>? Flags { get; init; }
    public List<SnapshotVolumeDefinition>? VolumeDefinitions { get; init; }
    public string? Uuid { get; init; }
    public List<SnapshotNode>? Snapshots { get; init; }
}

internal sealed record SnapshotVolumeDefinition
{
    public int? VolumeNumber { get; init; }
    public long? SizeKib { get; init; }
    public Dictionary<string, string>? SnapshotVolumeDefinitionProps { get; init; }
    public Dictionary<string, string>? VolumeDefinitionProps { get; init; }
}

internal sealed record SnapshotNode
{
    public string? SnapshotName { get; init; }
    public string? NodeName { get; init; }
    public long? CreateTimestamp { get; init; }
    public List<string>? Flags { get; init; }
    public string? Uuid { get; init; }
    public Dictionary<string, string>? ResourceProps { get; init; }
    public List<SnapshotVolumeNode>? SnapshotVolumes { get; init; }
}

internal sealed record SnapshotVolumeNode
{
    public string? Uuid { get; init; }
    public int? VlmNr { get; init; }
    public string? State { get; init; }
}

internal sealed record CreateMultiSnapshotRequest
{
    public List<Snapshot>? Snapshots { get; init; }
}

internal sealed record SnapshotRestore
{
    public string? ToResource { get; init; }
    public List<string>? Nodes { get; init; }
    public Dictionary<string, string>? StorPoolRename { get; init; }
}

internal sealed record SnapshotRollback
{
    public string? ZfsRollbackStrategy { get; init; }
}

internal sealed record CloneRequest
{
    public string? Name { get; init; }
    public string? ExternalName { get; init; }
    public bool? UseZfsClone { get; init; }
    public List<string>? LayerList { get; init; }
    public List<string>? VolumePassphrases { get; init; }
    public string? ResourceGroup { get; init; }
    public Dictionary<string, string>? OverrideProps { get; init; }
    public List<string>? DeleteProps { get; init; }
    public List<string>? DeleteNamespaces { get; init; }
}

internal sealed record CloneStarted(string Location, string SourceName, string CloneName, List<ApiCallRc> Messages);

internal sealed record CloneStatus(string Status);

internal sealed record SyncStatus(bool SyncedOnAll);

internal sealed record QuerySizeInfoRequest
{
    public AutoSelectFilter? SelectFilter { get; init; }
    public int? IgnoreCacheOlderThanSec { get; init; }
}

internal sealed record QuerySizeInfoResponse
{
    public SpaceInfo? SpaceInfo { get; init; }
    public List<ApiCallRc>? Reports { get; init; }
}

internal sealed record SpaceInfo
{
    public long MaxVlmSizeInKib { get; init; }
    public long? AvailableSizeInKib { get; init; }
    public long? CapacityInKib { get; init; }
    public double? DefaultMaxOversubscriptionRatio { get; init; }
    public double? MaxOversubscriptionRatio { get; init; }
    public double? MaxFreeCapacityOversubscriptionRatio { get; init; }
    public double? MaxTotalCapacityOversubscriptionRatio { get; init; }
    public List<SpawnResult>? NextSpawnResult { get; init; }
}

internal sealed record SpawnResult
{
    public required string NodeName { get; init; }
    public required string StorPoolName { get; init; }
    public double? StorPoolOversubscriptionRatio { get; init; }
    public double? StorPoolFreeCapacityOversubscriptionRatio { get; init; }
    public double? StorPoolTotalCapacityOversubscriptionRatio { get; init; }
}

internal sealed record QueryAllSizeInfoResponse
{
    public Dictionary<string, QuerySizeInfoResponse>? Result { get; init; }
    public List<ApiCallRc>? Reports { get; init; }
}

internal sealed record MaxVolumeSizes
{
    public List<MaxVolumeSizeCandidate>? Candidates { get; init; }
    public double? DefaultMaxOversubscriptionRatio { get; init; }
}

internal sealed record MaxVolumeSizeCandidate
{
    public string? StoragePool { get; init; }
    public long? MaxVolumeSizeKib { get; init; }
    public List<string>? NodeNames { get; init; }
    public bool? AllThin { get; init; }
}

internal sealed record ErrorReport
{
    public string? NodeName { get; init; }
    public required long ErrorTime { get; init; }
    public string? Filename { get; init; }
    public string? Text { get; init; }
    public string? Module { get; init; }
    public string? Version { get; init; }
    public string? Exception { get; init; }
    public string? ExceptionMessage { get; init; }
}

internal sealed record KeyValueStore
{
    public string? Name { get; init; }
    public Dictionary<string, string>? Props { get; init; }
}

internal sealed record PassphraseStatus(string Status);
