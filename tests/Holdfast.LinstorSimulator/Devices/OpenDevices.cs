namespace Holdfast.LinstorSimulation.Devices;

/// <summary>
/// Who has block devices open, seen by looking at the descriptors of all processes, at mounts and at stacked devices. There is no count the kernel would tell, and
/// an exclusive open does not conflict with QEMU's.
/// </summary>
internal sealed class OpenDevices
{
    // losetup --find opens the device it was offered for writing, loses it when another process was quicker, and lets go of it: no node is primary by that.
    private static readonly string[] DeviceTools = ["losetup", "blockdev"];

    private readonly Dictionary<(uint Major, uint Minor), OpenMode> _open = [];

    private OpenDevices()
    {
    }

    /// <summary>How a device is open at the moment of the scan.</summary>
    public OpenMode Mode(string device) =>
        FileStatus.BlockDevice(device) is { } number && _open.TryGetValue(number, out var mode) ? mode : HasHolders(device) ? OpenMode.Write : OpenMode.Closed;

    public static OpenDevices Scan()
    {
        var result = new OpenDevices();
        result.ScanProcesses();
        result.ScanMounts();
        return result;
    }

    private void ScanProcesses()
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!char.IsAsciiDigit(process[^1]) || !int.TryParse(Path.GetFileName(process.AsSpan()), out _))
            {
                continue;
            }

            try
            {
                if (DeviceTools.Contains(File.ReadAllText(process + "/comm").Trim()))
                {
                    continue;
                }

                foreach (var descriptor in FolderEntries.Names(process + "/fd").Select(name => $"{process}/fd/{name}"))
                {
                    if (FileStatus.BlockDevice(descriptor) is { } number)
                    {
                        Note(number, Writable(process, Path.GetFileName(descriptor)) ? OpenMode.Write : OpenMode.Read);
                    }
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // The process ended while we looked, or is not ours to see: either way there is nothing to learn from it.
            }
        }
    }

    private static bool Writable(string process, string descriptor)
    {
        try
        {
            foreach (var line in File.ReadLines($"{process}/fdinfo/{descriptor}"))
            {
                if (line.StartsWith("flags:", StringComparison.Ordinal))
                {
                    return (Convert.ToInt32(line[6..].Trim(), 8) & 3) != 0;
                }
            }
        }
        catch (IOException)
        {
            // Closed in between.
        }

        return false;
    }

    private void ScanMounts()
    {
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            var number = line.Split(' ')[2].Split(':');
            Note((uint.Parse(number[0]), uint.Parse(number[1])), OpenMode.Write);
        }
    }

    private static bool HasHolders(string device)
    {
        var folder = $"/sys/block/{Path.GetFileName(device)}/holders";
        return Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
    }

    private void Note((uint, uint) number, OpenMode mode)
    {
        if (!_open.TryGetValue(number, out var known) || known < mode)
        {
            _open[number] = mode;
        }
    }
}
