using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Holdfast.LinstorSimulation.Tests.Schema;

/// <summary>Where the real server is known to differ from its own OpenAPI file, and the simulator follows the server.</summary>
internal static class Deviations
{
    // Single objects and paths the server has and the file has not, with the schema of what is answered ("" when it is no JSON of a known schema).
    private static readonly (Regex Path, string Schema)[] ServerOnlyGets =
    [
        (new Regex("^/v1/nodes/[^/]+$"), "Node"),
        (new Regex("^/v1/nodes/[^/]+/net-interfaces/[^/]+$"), "NetInterface"),
        (new Regex("^/v1/nodes/[^/]+/storage-pools/[^/]+$"), "StoragePool"),
        (new Regex("^/v1/resource-groups/[^/]+$"), "ResourceGroup"),
        (new Regex("^/v1/resource-groups/[^/]+/volume-groups/[^/]+$"), "VolumeGroup"),
        (new Regex("^/v1/resource-definitions/[^/]+$"), "ResourceDefinition"),
        (new Regex("^/v1/resource-definitions/[^/]+/resources/[^/]+$"), "Resource"),
        (new Regex("^/v1/resource-definitions/[^/]+/resources/[^/]+/volumes/[^/]+$"), "Volume"),
        (new Regex("^/v1/resource-definitions/[^/]+/volume-definitions/[^/]+$"), "VolumeDefinition"),
        (new Regex("^/(health|metrics|ui)?$"), ""),
        (new Regex("^/v1/space-report$"), ""),
    ];

    /// <summary>The schema a server-only path answers with; null when the path is on no list.</summary>
    public static string? ServerOnly(string method, string path) =>
        method == "GET" ? ServerOnlyGets.Where(known => known.Path.IsMatch(path.Split('?')[0])).Select(static known => known.Schema).FirstOrDefault() : null;

    /// <summary>The kind of JSON the server answers with where the file says another.</summary>
    public static string? ResponseSchema(string method, string template) => (method, template) switch
    {
        ("GET", "/v1/encryption/passphrase" or "/v1/remotes" or "/v1/resource-definitions/{resource}/resource-connections/{node_a}/{node_b}") => "object",
        _ => null,
    };

    /// <summary>A clone that is refused for the kind of storage is answered with the object of one that was begun, the error among its messages.</summary>
    public static bool RefusedClone(string method, string template, int status, string body) =>
        method == "POST" && template.EndsWith("/clone", StringComparison.Ordinal) && status == 500 && body.StartsWith('{');

    /// <summary>Values beyond those listed: node types in upper case, providers and a connection status the file lacks.</summary>
    public static bool Value(string at, string value) =>
        (at.EndsWith(".type", StringComparison.Ordinal) && value is "SATELLITE" or "COMBINED" or "CONTROLLER" or "AUXILIARY")
        || (at.Contains(".storage_providers[", StringComparison.Ordinal) && value is "REMOTE_SPDK")
        || (at.EndsWith(".connection_status", StringComparison.Ordinal) && value is "DUPLICATE_UNAME");

    /// <summary>Fields the file requires and the server does not: the filter of autoplace, and the text of an entry that has none.</summary>
    public static bool Missing(string at, string field) => (at == "request" && field == "select_filter") || field == "message";

    public static void ShouldBeKind(this JsonNode? node, string kind, List<string> problems)
    {
        if (kind == "object" && node is not JsonObject)
        {
            problems.Add($"an {kind} is expected");
        }
    }
}
