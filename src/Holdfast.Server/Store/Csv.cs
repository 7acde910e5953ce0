namespace Holdfast.Server.Store;

/// <summary>Comma-separated lists, as tags are kept.</summary>
internal static class Csv
{
    /// <summary>Splits; blank parts vanish.</summary>
    public static IReadOnlyList<string> Split(string? text) =>
        text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>Joins.</summary>
    public static string Join(IEnumerable<string> parts) => string.Join(',', parts.Select(p => p.Trim()).Where(p => p.Length > 0));
}
