using System.Text.Json;
using System.Text.Json.Serialization;
using Holdfast.Core.Ids;
using Holdfast.Protocol;

namespace Holdfast.Server.Store;

/// <summary>JSON texts that rows keep.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(SortedDictionary<string, Secret>))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(List<VolumeId>))]
internal sealed partial class StoredText : JsonSerializerContext
{
    /// <summary>A map as it is kept: sorted, so that the same content has the same text.</summary>
    public static string Of(IEnumerable<KeyValuePair<string, string>> map) =>
        JsonSerializer.Serialize(new SortedDictionary<string, string>(map.ToDictionary(p => p.Key, p => p.Value), StringComparer.Ordinal), Default.SortedDictionaryStringString);

    /// <summary>A kept map.</summary>
    public static SortedDictionary<string, string> Map(string text) => JsonSerializer.Deserialize(text, Default.SortedDictionaryStringString) ?? [];
}
