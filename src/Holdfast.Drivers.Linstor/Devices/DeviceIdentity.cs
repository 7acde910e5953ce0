namespace Holdfast.Drivers.Linstor.Devices;

/// <summary>
/// What stands behind a block device, as the kernel tells. Device nodes are numbers that are used again: after a restart <c>/dev/loop3</c> may be another
/// volume's. Only what is behind the number tells whose it is.
/// </summary>
internal sealed record DeviceIdentity
{
    /// <summary>Device numbers.</summary>
    public required string Number { get; init; }

    /// <summary>The file behind a loop device.</summary>
    public string? LoopFile { get; init; }

    /// <summary>The name of a device-mapper device.</summary>
    public string? MapperName { get; init; }

    /// <summary>The UUID of a device-mapper device.</summary>
    public string? MapperUuid { get; init; }

    /// <summary>Whether there is anything that could be recognized again.</summary>
    public bool IsTelling => LoopFile is not null || MapperName is not null;

    /// <summary>Reads it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="sysRoot">Where sysfs is.</param>
    /// <returns>The identity.</returns>
    public static DeviceIdentity Of(DeviceStatus device, string sysRoot = "/sys")
    {
        var folder = $"{sysRoot}/dev/block/{device.Number}";
        return new DeviceIdentity
        {
            Number = device.Number,
            LoopFile = Line($"{folder}/loop/backing_file"),
            MapperName = Line($"{folder}/dm/name"),
            MapperUuid = Line($"{folder}/dm/uuid"),
        };
    }

    /// <summary>
    /// What speaks against the device being the resource's. LINSTOR puts the resource's name into the name of every file and device it makes, so a telling
    /// identity without it is another volume's. Null when nothing does.
    /// </summary>
    /// <param name="resource">The resource's name.</param>
    /// <returns>The objection.</returns>
    public string? ObjectionTo(string resource)
    {
        if (LoopFile is not null)
        {
            var file = Path.GetFileName(LoopFile);
            return Names(file, resource) ? null : $"its backing file is {LoopFile}";
        }

        // The device mapper doubles the hyphens of volume names; crypt devices do not.
        if (MapperName is not null && !Names(MapperName, resource) && !Names(MapperName.Replace("--", "-", StringComparison.Ordinal), resource))
        {
            return $"its device-mapper name is {MapperName}";
        }

        return null;
    }

    private static bool Names(string text, string resource)
    {
        var at = text.IndexOf(resource, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return false;
        }

        // hf-1 is not hf-12: the name must end where it ends.
        var end = at + resource.Length;
        return end == text.Length || !char.IsAsciiLetterOrDigit(text[end]);
    }

    private static string? Line(string file)
    {
        try
        {
            var text = File.ReadAllText(file).Trim();
            return text.Length == 0 ? null : text;
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
