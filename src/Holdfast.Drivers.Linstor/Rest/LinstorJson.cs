using System.Text.Json.Serialization;
using Holdfast.Drivers.Linstor.Rest.Model;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>
/// LINSTOR's JSON: snake case; unknown members ignored on reading, absent ones empty (LINSTOR omits whatever is empty); nulls never written (LINSTOR takes
/// null for a value).
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<ApiCallRc>))]
[JsonSerializable(typeof(ControllerVersion))]
[JsonSerializable(typeof(ClusterProperties))]
[JsonSerializable(typeof(List<Node>))]
[JsonSerializable(typeof(List<StoragePool>))]
[JsonSerializable(typeof(List<ResourceGroup>))]
[JsonSerializable(typeof(List<ResourceDefinition>))]
[JsonSerializable(typeof(List<Resource>))]
[JsonSerializable(typeof(List<Snapshot>))]
[JsonSerializable(typeof(List<ResourceConnection>))]
[JsonSerializable(typeof(CloneStarted))]
[JsonSerializable(typeof(CloneStatus))]
[JsonSerializable(typeof(SpawnRequest))]
[JsonSerializable(typeof(ResourceDefinitionCreate))]
[JsonSerializable(typeof(VolumeDefinitionCreate))]
[JsonSerializable(typeof(VolumeDefinitionModify))]
[JsonSerializable(typeof(PropertyChange))]
[JsonSerializable(typeof(MakeAvailable))]
[JsonSerializable(typeof(AutoPlace))]
[JsonSerializable(typeof(SnapshotCreate))]
[JsonSerializable(typeof(SnapshotRestore))]
[JsonSerializable(typeof(CloneRequest))]
[JsonSerializable(typeof(EmptyBody))]
internal sealed partial class LinstorJson : JsonSerializerContext;
