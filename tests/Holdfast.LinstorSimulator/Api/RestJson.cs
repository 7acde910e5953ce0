using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>JSON as the LINSTOR controller speaks it: unknown input fields are refused, empty output is left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    // As lenient as the server's own reader: "2" is a number too.
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(List<ApiCallRc>))]
[JsonSerializable(typeof(ControllerVersion))]
[JsonSerializable(typeof(List<Node>))]
[JsonSerializable(typeof(List<NetInterface>))]
[JsonSerializable(typeof(List<StoragePool>))]
[JsonSerializable(typeof(List<StoragePoolDefinition>))]
[JsonSerializable(typeof(List<ResourceGroup>))]
[JsonSerializable(typeof(ResourceGroupModify))]
[JsonSerializable(typeof(List<VolumeGroup>))]
[JsonSerializable(typeof(ResourceGroupSpawn))]
[JsonSerializable(typeof(List<ResourceDefinition>))]
[JsonSerializable(typeof(ResourceDefinitionCreate))]
[JsonSerializable(typeof(ResourceDefinitionModify))]
[JsonSerializable(typeof(List<VolumeDefinition>))]
[JsonSerializable(typeof(VolumeDefinitionCreate))]
[JsonSerializable(typeof(VolumeDefinitionModify))]
[JsonSerializable(typeof(PropertiesModify))]
[JsonSerializable(typeof(NodeModify))]
[JsonSerializable(typeof(List<Resource>))]
[JsonSerializable(typeof(List<Volume>))]
[JsonSerializable(typeof(List<ResourceCreate>))]
[JsonSerializable(typeof(ResourceMakeAvailable))]
[JsonSerializable(typeof(AutoPlaceRequest))]
[JsonSerializable(typeof(List<ResourceConnection>))]
[JsonSerializable(typeof(List<Snapshot>))]
[JsonSerializable(typeof(CreateMultiSnapshotRequest))]
[JsonSerializable(typeof(SnapshotRestore))]
[JsonSerializable(typeof(SnapshotRollback))]
[JsonSerializable(typeof(CloneRequest))]
[JsonSerializable(typeof(CloneStarted))]
[JsonSerializable(typeof(CloneStatus))]
[JsonSerializable(typeof(SyncStatus))]
[JsonSerializable(typeof(QuerySizeInfoRequest))]
[JsonSerializable(typeof(QuerySizeInfoResponse))]
[JsonSerializable(typeof(QueryAllSizeInfoResponse))]
[JsonSerializable(typeof(MaxVolumeSizes))]
[JsonSerializable(typeof(List<ErrorReport>))]
[JsonSerializable(typeof(List<KeyValueStore>))]
[JsonSerializable(typeof(PassphraseStatus))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class RestJson : JsonSerializerContext
{
    /// <summary>Writes one answer, leaving out null, empty strings, lists and maps.</summary>
    public static byte[] Write<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, (JsonTypeInfo<T>)Sparse.Options.GetTypeInfo(typeof(T)));

    /// <summary>Reads one request body; <see cref="JsonException"/> on anything the type does not know.</summary>
    public static T? Read<T>(ReadOnlySpan<byte> body) => JsonSerializer.Deserialize(body, (JsonTypeInfo<T>)Default.GetTypeInfo(typeof(T))!);

    private static void LeaveOutEmpty(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            property.ShouldSerialize = static (_, value) => value switch
            {
                null => false,
                string text => text.Length > 0,
                ICollection many => many.Count > 0,
                _ => true,
            };
        }
    }

    // Apart, because static fields of this class itself could be set before the generated ones they need.
    private static class Sparse
    {
        public static readonly JsonSerializerOptions Options = new(Default.Options)
        {
            TypeInfoResolver = ((IJsonTypeInfoResolver)Default).WithAddedModifier(LeaveOutEmpty),
            // Quotes in messages as they are: nobody puts these answers into HTML.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
    }
}
