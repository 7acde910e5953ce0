using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>
/// Compares an answer of the simulator with a real one: the keys that are there, kinds of JSON, true and false, the words of enumerations, and of entries all bits of the
/// return code and what they refer to. Texts, ids and figures may differ.
/// </summary>
internal static class AnswerComparison
{
    private static readonly HashSet<string> Enumerations =
    [
        "type", "connection_status", "provider_kind", "disk_state", "replication_state", "status", "satellite_encryption_type", "flags", "layer_stack", "resource_layers",
        "storage_providers", "SupportsSnapshots", "Provisioning", "DrbdOptions/Resource/quorum", "node_a", "node_b", "nodes", "version", "rest_api_version",
        "role", "disk-state", "connection-state", "peer-role", "replication-state", "peer-disk-state", "resync-suspended", "write-ordering",
    ];

    // Blanked in the measured data, whatever they were.
    private const string Blank = "…";

    /// <summary>
    /// What differs, a line each. With <paramref name="anyOrder"/> entries are compared as a set: where several satellites answer, each as soon as it is done, neither their
    /// order nor how many there are is always the same.
    /// </summary>
    public static List<string> Differences(JsonNode? real, JsonNode? ours, bool anyOrder = false)
    {
        var found = new List<string>();
        Compare("", "", real, ours, anyOrder, found);
        return found;
    }

    private static void Compare(string at, string key, JsonNode? real, JsonNode? ours, bool anyOrder, List<string> found)
    {
        if (real is JsonValue blanked && blanked.GetValueKind() == JsonValueKind.String && (string)blanked! == Blank && ours is not null)
        {
            return;
        }

        if (real?.GetValueKind() != ours?.GetValueKind() && !(IsBoolean(real) && IsBoolean(ours)))
        {
            found.Add($"{at}: {real?.GetValueKind()} wanted, not {ours?.ToJsonString() ?? "nothing"}");
            return;
        }

        switch (real)
        {
            case JsonObject wanted:
                var have = ours!.AsObject();
                found.AddRange(wanted.Select(static pair => pair.Key).Except(have.Select(static pair => pair.Key)).Select(missing => $"{at}.{missing} is missing"));
                found.AddRange(have.Select(static pair => pair.Key).Except(wanted.Select(static pair => pair.Key)).Select(more => $"{at}.{more} is too much: {have[more]?.ToJsonString()}"));
                foreach (var (name, value) in wanted.Where(pair => have.ContainsKey(pair.Key)))
                {
                    Compare($"{at}.{name}", name, value, have[name], anyOrder, found);
                }

                break;
            case JsonArray wanted when IsEntries(wanted) || IsEntries(ours!.AsArray()):
                CompareEntries(at, wanted, ours!.AsArray(), anyOrder, found);
                break;
            case JsonArray wanted when wanted.Count > 0 && wanted[0]!.GetValueKind() == JsonValueKind.String && !Enumerations.Contains(key):
                // Texts, as many as there are reasons; both have some.
                break;
            case JsonArray wanted:
                var items = ours!.AsArray();
                if (items.Count != wanted.Count)
                {
                    found.Add($"{at}: {wanted.Count} items wanted, not {items.Count}");
                }

                for (var i = 0; i < Math.Min(items.Count, wanted.Count); i++)
                {
                    Compare($"{at}[{i}]", key, wanted[i], items[i], anyOrder, found);
                }

                break;
            case JsonValue value when IsBoolean(value) || (value.GetValueKind() == JsonValueKind.String && Enumerations.Contains(key)):
                if (value.ToJsonString() != ours!.ToJsonString())
                {
                    found.Add($"{at}: {value.ToJsonString()} wanted, not {ours.ToJsonString()}");
                }

                break;
        }
    }

    private static void CompareEntries(string at, JsonArray real, JsonArray ours, bool anyOrder, List<string> found)
    {
        var (wanted, have) = (real.Select(Form).ToList(), ours.Select(Form).ToList());
        if (anyOrder)
        {
            found.AddRange(wanted.Except(have).Select(missing => $"{at}: missing {missing}"));
            found.AddRange(have.Except(wanted).Select(more => $"{at}: too much {more}"));
        }
        else if (!wanted.SequenceEqual(have))
        {
            found.Add($"{at}: wanted\n  {string.Join("\n  ", wanted)}\nnot\n  {string.Join("\n  ", have)}");
        }
    }

    /// <summary>An entry without its texts: type, operation, object and code, the keys, and what it refers to.</summary>
    private static string Form(JsonNode? entry)
    {
        var code = (long)entry!["ret_code"]!;
        var keys = entry.AsObject().Select(static pair => pair.Key).Where(static key => key is not ("ret_code" or "created_at")).Order(StringComparer.Ordinal);
        var refs = (entry["obj_refs"]?.AsObject() ?? []).Select(static pair => pair.Key).Order(StringComparer.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{((ulong)code >> 62) switch { 3 => "ERROR", 2 => "WARN", 1 => "INFO", _ => "SUCCESS" }}")
            + $" 0x{code & 0x3FFFFFFFFFFF8000:X} {code & 0x7fff} {string.Join(',', keys)} [{string.Join(',', refs)}]";
    }

    private static bool IsEntries(JsonArray array) => array.Count > 0 && array[0] is JsonObject first && first.ContainsKey("ret_code");

    private static bool IsBoolean(JsonNode? node) => node?.GetValueKind() is JsonValueKind.True or JsonValueKind.False;
}
