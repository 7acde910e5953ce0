using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Holdfast.Server.Api.Transport;

/// <summary>
/// Reads map parameters in both shapes that clients send: pairs (<c>tags[0].key=K&amp;tags[0].value=V</c>) and fields (<c>details[0].K=V</c>). Any indexes,
/// ordered by index. Sub-keys keep their case.
/// </summary>
internal static class MapParameterReader
{
    /// <summary>Reads the rows of a map parameter.</summary>
    /// <param name="parameters">The request.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="rows">One dictionary per index, its keys found whatever their case; empty when the parameter was not sent.</param>
    /// <param name="error">Why not.</param>
    /// <returns>Whether the syntax was right.</returns>
    public static bool TryReadRows(
        RequestParameters parameters,
        string name,
        [NotNullWhen(true)] out IReadOnlyList<IReadOnlyDictionary<string, string>>? rows,
        [NotNullWhen(false)] out ApiError? error)
    {
        var byIndex = new SortedDictionary<int, Dictionary<string, string>>();
        foreach (var (key, value) in parameters.AsSent)
        {
            if (key.Length <= name.Length || key[name.Length] != '[' || !key.StartsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            var close = key.IndexOf(']', name.Length);
            if (close < 0
                || !int.TryParse(key.AsSpan(name.Length + 1, close - name.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                || close + 2 >= key.Length
                || key[close + 1] != '.'
                || key.IndexOf('[', close + 1) >= 0
                || key.IndexOf(']', close + 1) >= 0)
            {
                rows = null;
                error = ApiError.MalformedParameter($"Malformed map parameter {name}: each entry is written {name}[N].KEY=VALUE");
                return false;
            }

            if (!byIndex.TryGetValue(index, out var row))
            {
                byIndex.Add(index, row = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase));
            }

            // Another spelling of the same name: [0] and [00]. Which of the two was meant cannot be told.
            if (!row.TryAdd(key[(close + 2)..], value))
            {
                rows = null;
                error = ApiError.MalformedParameter($"Malformed map parameter {name}: its entry {index}.{key[(close + 2)..]} was sent twice");
                return false;
            }
        }

        rows = [.. byIndex.Values];
        error = null;
        return true;
    }

    /// <summary>
    /// Flattens rows to one map: a row that holds exactly <c>key</c> and <c>value</c> is a pair, any other row gives each of its sub-keys as an entry. An entry
    /// that comes twice is refused, as a parameter that comes twice is.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="entries">The map, its keys found whatever their case.</param>
    /// <param name="error">Why not.</param>
    /// <returns>Whether no entry comes twice.</returns>
    public static bool TryFlatten(
        IReadOnlyList<IReadOnlyDictionary<string, string>> rows,
        string name,
        [NotNullWhen(true)] out IReadOnlyDictionary<string, string>? entries,
        [NotNullWhen(false)] out ApiError? error)
    {
        var map = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var row in rows)
        {
            IEnumerable<KeyValuePair<string, string>> pairs = row.Count == 2 && row.TryGetValue("key", out var key) && row.TryGetValue("value", out var value)
                ? [new(key, value)]
                : row;
            foreach (var pair in pairs)
            {
                if (!map.TryAdd(pair.Key, pair.Value))
                {
                    entries = null;
                    error = ApiError.MalformedParameter($"Malformed map parameter {name}: its entry {pair.Key} was sent twice");
                    return false;
                }
            }
        }

        entries = map;
        error = null;
        return true;
    }
}
