using System.Text.Json;
using System.Text.Json.Serialization;

namespace Holdfast.Server.Api.Commands;

/// <summary>JSON kept in columns.</summary>
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(List<string>))]
internal sealed partial class StoredJson : JsonSerializerContext
{
    /// <summary>Reads a map of texts.</summary>
    public static IReadOnlyDictionary<string, string> Map(string json) => JsonSerializer.Deserialize(json, Default.DictionaryStringString) ?? [];

    /// <summary>Reads a map of texts that is only shown when there is something in it; null: there is nothing.</summary>
    public static IReadOnlyDictionary<string, string>? Some(string json) => json == "{}" ? null : Map(json);

    /// <summary>Reads a list of texts.</summary>
    public static IReadOnlyList<string> Texts(string json) => JsonSerializer.Deserialize(json, Default.ListString) ?? [];
}
