using System.Text.Json.Nodes;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>One exchange with a real LINSTOR 1.33.3.</summary>
internal sealed record Exchange(string Name, string Method, string Path, string? Request, int Status, JsonNode Answer)
{
    /// <summary>All of them by name: a number, method, path and status.</summary>
    public static IReadOnlyDictionary<string, Exchange> All { get; } = Load().ToDictionary(static exchange => exchange.Name);

    private static IEnumerable<Exchange> Load() =>
        from pair in JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(AppContext.BaseDirectory, "Measured", "linstor-1.33.3-exchanges.json")))!.AsArray().Index()
        let item = pair.Item!
        let method = (string)item["m"]!
        let path = (string)item["p"]!
        select new Exchange($"{pair.Index:D2} {method} {path} {item["s"]}", method, path, item["req"]?.ToJsonString(), (int)item["s"]!, item["r"]!);
}
