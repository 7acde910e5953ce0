using System.Text.Json.Nodes;

namespace Holdfast.Worlds.Network;

/// <summary>What a body of a newer peer looks like: the same, and in every object something that this version does not know.</summary>
internal static class OtherVersion
{
    public static string WithUnknownFields(string json)
    {
        var node = JsonNode.Parse(json);
        Add(node);
        return node?.ToJsonString() ?? json;
    }

    /// <summary>The same item, about something that only the newer peer knows.</summary>
    public static string OfUnknownKind(string item, Random random)
    {
        var id = new byte[16];
        random.NextBytes(id);
        var node = JsonNode.Parse(item)!;
        node["kind"] = "network";
        node["id"] = new Guid(id).ToString();
        return node.ToJsonString();
    }

    private static void Add(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map when !IsTextMap(map):
                foreach (var (_, child) in map)
                {
                    Add(child);
                }

                map["ofALaterVersion"] = new JsonObject { ["is"] = "not known yet" };
                break;
            case JsonArray list:
                foreach (var child in list)
                {
                    Add(child);
                }

                break;
        }
    }

    // Maps of names to texts (settings, drivers) have no fields, so no version adds any.
    private static bool IsTextMap(JsonObject map) => map.All(static pair => pair.Value is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.String) && !map.ContainsKey("type");
}
