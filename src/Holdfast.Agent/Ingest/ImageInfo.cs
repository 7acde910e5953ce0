using System.Text.Json;

namespace Holdfast.Agent.Ingest;

/// <summary>Judges what <c>qemu-img info</c> says about an image. Pure.</summary>
internal static class ImageInfo
{
    /// <summary>Bytes that a guest may see of an image at most.</summary>
    public const long LargestVirtualSize = 16L << 40;

    /// <summary>Judges.</summary>
    /// <param name="json">The output of <c>qemu-img info --output=json</c>.</param>
    /// <param name="declaredFormat">What it was said to be.</param>
    public static InspectOutcome Judge(string json, string declaredFormat)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var info = document.RootElement;
            var format = info.GetProperty("format").GetString();
            if (format != declaredFormat)
            {
                return new InspectOutcome.Refused($"it is declared as {declaredFormat}, but it is {format}");
            }

            if (info.TryGetProperty("backing-filename", out _) || info.TryGetProperty("full-backing-filename", out _))
            {
                return new InspectOutcome.Refused("it stands on a backing file");
            }

            if (info.TryGetProperty("encrypted", out var encrypted) && encrypted.ValueKind == JsonValueKind.True)
            {
                return new InspectOutcome.Refused("it is encrypted");
            }

            if (info.TryGetProperty("format-specific", out var specific) && specific.TryGetProperty("data", out var data)
                && (data.TryGetProperty("data-file", out _) || (data.TryGetProperty("data-file-raw", out var raw) && raw.ValueKind == JsonValueKind.True)))
            {
                return new InspectOutcome.Refused("its data are in an external file");
            }

            var size = info.GetProperty("virtual-size").GetInt64();
            return size is <= 0 or > LargestVirtualSize
                ? new InspectOutcome.Refused($"its virtual size of {size} bytes is out of bounds")
                : new InspectOutcome.Fine(size);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return new InspectOutcome.Refused($"what qemu-img says about it makes no sense: {exception.Message}");
        }
    }

    /// <summary>Adds how much of an image there is.</summary>
    /// <param name="fine">The image.</param>
    /// <param name="json">The output of <c>qemu-img measure -O qcow2 --output=json</c>.</param>
    public static InspectOutcome JudgeMeasure(InspectOutcome.Fine fine, string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return fine with { ContentBytes = document.RootElement.GetProperty("required").GetInt64() };
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return new InspectOutcome.Refused($"what qemu-img says about its content makes no sense: {exception.Message}");
        }
    }
}
