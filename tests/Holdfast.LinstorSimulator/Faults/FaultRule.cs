namespace Holdfast.LinstorSimulation;

/// <summary>One fault, for all requests or for those that match.</summary>
public sealed record FaultRule
{
    /// <summary>What goes wrong.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>Only requests with this method; null: all.</summary>
    public string? Method { get; init; }

    /// <summary>Only requests whose path (without query) matches; <c>*</c> stands for anything, slashes included; null: all.</summary>
    public string? Path { get; init; }

    /// <summary>The fault ends by itself after hitting this many requests; null: stays until lifted.</summary>
    public int? Times { get; init; }

    /// <summary>Milliseconds; what it means depends on the kind.</summary>
    public int? DelayMilliseconds { get; init; }

    /// <summary>The LINSTOR code of <see cref="FaultKind.ApiError"/>.</summary>
    public int? Code { get; init; }

    internal TimeSpan Delay(TimeSpan otherwise) => DelayMilliseconds is { } given ? TimeSpan.FromMilliseconds(given) : otherwise;

    internal bool Matches(string method, string path) =>
        (Method is null || string.Equals(Method, method, StringComparison.OrdinalIgnoreCase)) && (Path is null || Like(Path, path));

    private static bool Like(string pattern, string text)
    {
        var parts = pattern.Split('*');
        if (parts.Length == 1)
        {
            return string.Equals(pattern, text, StringComparison.OrdinalIgnoreCase);
        }

        if (!text.StartsWith(parts[0], StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var at = parts[0].Length;
        for (var i = 1; i < parts.Length - 1; i++)
        {
            var found = text.IndexOf(parts[i], at, StringComparison.OrdinalIgnoreCase);
            if (found < 0)
            {
                return false;
            }

            at = found + parts[i].Length;
        }

        return text.Length - at >= parts[^1].Length && text.EndsWith(parts[^1], StringComparison.OrdinalIgnoreCase);
    }
}
