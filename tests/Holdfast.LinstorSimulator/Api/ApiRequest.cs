using System.Text.Json;
using Microsoft.Extensions.Primitives;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>One request with its body read.</summary>
internal sealed class ApiRequest(string method, string path, IReadOnlyDictionary<string, StringValues> query, byte[] body, Version restVersion)
{
    // Fields that came with a REST version; an older controller does not know them and refuses the whole body.
    private static readonly Dictionary<string, Version> Since = new(StringComparer.Ordinal)
    {
        ["volume_passphrases"] = new(1, 22, 0),
        ["resource_definition_props"] = new(1, 22, 0),
        ["drbd_tcp_ports"] = new(1, 26, 0),
        ["zfs_rollback_strategy"] = new(1, 26, 0),
        ["drbd_client"] = new(1, 28, 0),
    };

    public string Method { get; } = method;

    public string Path { get; } = path;

    public byte[] Body { get; } = body;

    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    public string this[string parameter] => Parameters[parameter];

    public int Number(string parameter) => int.TryParse(Parameters[parameter], out var number) ? number : throw new ApiParseException($"'{Parameters[parameter]}' is no number");

    /// <summary>The values of a repeatable query parameter.</summary>
    public IReadOnlyCollection<string> Many(string name) => query.TryGetValue(name, out var values) ? [.. values.OfType<string>().Where(static value => value.Length > 0)] : [];

    /// <summary>Booleans are read leniently: <c>True</c> and <c>true</c>.</summary>
    public bool Flag(string name) => query.TryGetValue(name, out var values) && bool.TryParse(values.ToString(), out var value) && value;

    public int Integer(string name, int otherwise) => query.TryGetValue(name, out var values) && int.TryParse(values.ToString(), out var value) ? value : otherwise;

    /// <summary>The body as JSON of a type that refuses fields it does not know.</summary>
    public T Read<T>()
    {
        try
        {
            var value = RestJson.Read<T>(Body) ?? throw new ApiParseException("No content to map due to end-of-input");
            RefuseNewer();
            return value;
        }
        catch (JsonException problem)
        {
            throw new ApiParseException(problem.Message);
        }
    }

    private void RefuseNewer()
    {
        using var document = JsonDocument.Parse(Body);
        Refuse(document.RootElement);

        void Refuse(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray())
                {
                    Refuse(item);
                }
            }
            else if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in element.EnumerateObject())
                {
                    if (Since.TryGetValue(property.Name, out var since) && restVersion < since)
                    {
                        throw new ApiParseException($"Unrecognized field \"{property.Name}\"");
                    }
                }
            }
        }
    }
}
