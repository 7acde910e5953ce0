using System.Globalization;

namespace Holdfast.Drivers.Directory.Host;

/// <summary>
/// Which files below a folder are open on this host, and by whom, read from the kernel's process table alone: no file system is touched, so the answer comes also when
/// the folder's own file system hangs.
/// </summary>
internal static class OpenImages
{
    private const int AccessModeMask = 3;

    /// <summary>Files below a folder that processes of this host have open, other than this process.</summary>
    /// <param name="folder">The folder, without links in it.</param>
    /// <returns>Path and whether anybody has it open for writing.</returns>
    internal static IReadOnlyDictionary<string, bool> Below(string folder)
    {
        var prefix = folder + "/";
        var open = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var process in System.IO.Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid == Environment.ProcessId)
            {
                continue;
            }

            try
            {
                foreach (var descriptor in System.IO.Directory.EnumerateFileSystemEntries(process + "/fd"))
                {
                    if (Target(descriptor) is { } target && target.StartsWith(prefix, StringComparison.Ordinal))
                    {
                        var writes = Writes(process, Path.GetFileName(descriptor));
                        open[target] = writes || (open.TryGetValue(target, out var before) && before);
                    }
                }
            }
            catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
            {
                // Processes come and go while they are listed.
            }
        }

        return open;
    }

    private static string? Target(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool Writes(string process, string descriptor)
    {
        try
        {
            foreach (var line in File.ReadLines($"{process}/fdinfo/{descriptor}"))
            {
                if (line.StartsWith("flags:", StringComparison.Ordinal))
                {
                    return (Convert.ToInt64(line[6..].Trim(), 8) & AccessModeMask) != 0;
                }
            }
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
        {
            // It is closed by now.
        }

        return false;
    }
}
