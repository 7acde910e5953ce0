using System.Text.Json;

namespace Holdfast.Agent.Ingest;

/// <summary>Judges what <c>qemu-img check</c> says about a qcow2 image. Pure.</summary>
internal static class ImageCheck
{
    private const int Clean = 0;
    private const int Corrupt = 2;
    private const int Leaks = 3;
    private const int LongestLine = 300;

    /// <summary>Judges. Leaked clusters are wasted room in a file that is thrown away; everything else means that a guest would not see what was packed.</summary>
    /// <param name="code">The exit code.</param>
    /// <param name="json">The output of <c>qemu-img check --output=json</c>.</param>
    /// <param name="error">What it said beside.</param>
    /// <param name="length">The length of the file.</param>
    /// <returns>Why it is refused; null when it is whole.</returns>
    public static string? Judge(int code, string json, string error, long length)
    {
        if (code is not (Clean or Corrupt or Leaks))
        {
            return $"qemu-img cannot check it: {FirstLine(error)}";
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            var corruptions = document.RootElement.TryGetProperty("corruptions", out var found) ? found.GetInt64() : 0;
            var failures = document.RootElement.GetProperty("check-errors").GetInt64();
            return corruptions > 0 || code == Corrupt
                ? $"it is broken or not whole ({length} bytes): qemu-img check found {corruptions} errors, the first: {FirstLine(error)}"
                : failures > 0 ? $"qemu-img could not check all of it: {FirstLine(error)}" : null;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return $"what qemu-img says about its consistency makes no sense: {exception.Message}";
        }
    }

    private static string FirstLine(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = lines.FirstOrDefault(line => line.StartsWith("ERROR", StringComparison.Ordinal)) ?? lines.FirstOrDefault() ?? "no words";
        return line.Length > LongestLine ? line[..LongestLine] : line;
    }
}
