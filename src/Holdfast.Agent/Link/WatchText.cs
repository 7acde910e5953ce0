using System.Text.Json;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Link;

/// <summary>Reads the events of a watch. What one item says never costs the others: one that cannot be read is an event of its own.</summary>
internal static class WatchText
{
    /// <summary>Reads an event.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="data">Its text.</param>
    /// <returns>The event; null for a type that this agent does not know.</returns>
    /// <exception cref="JsonException">It is no event at all: a mark without a revision, or no JSON.</exception>
    public static WatchEvent? Read(string type, string data) => type switch
    {
        AgentGateway.ItemEvent => Item(data),
        AgentGateway.SyncedEvent => Mark(data) is var mark ? new WatchEvent.Synced(mark.Revision, mark.Guests) : null,
        AgentGateway.PingEvent => Mark(data) is var mark ? new WatchEvent.Ping(mark.Revision, mark.Guests) : null,
        _ => null,
    };

    private static WatchEvent Item(string data)
    {
        try
        {
            return new WatchEvent.Item(JsonSerializer.Deserialize(data, HostJson.Default.HostItem) ?? throw new JsonException("An item is null."));
        }
        catch (JsonException exception)
        {
            // Text that is no JSON is a broken stream and ends it.
            using var document = JsonDocument.Parse(data);
            var item = document.RootElement;
            return new WatchEvent.Unreadable(
                Member(item, "id") is { ValueKind: JsonValueKind.String } id && id.TryGetGuid(out var named) ? named : null,
                Member(item, "revision") is { ValueKind: JsonValueKind.Number } revision && revision.TryGetInt64(out var number) ? number : null,
                exception.Message);
        }
    }

    private static JsonElement? Member(JsonElement item, string name) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) ? value : null;

    private static WatchMark Mark(string data) => JsonSerializer.Deserialize(data, HostJson.Default.WatchMark) ?? throw new JsonException("A mark is null.");
}
