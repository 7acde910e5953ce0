using Holdfast.DriverKit;
using Holdfast.Drivers.Directory.Images;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory;

/// <summary>The settings of a directory pool.</summary>
internal sealed record DirectorySettings
{
    private static readonly string[] SystemFolders =
        ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr"];

    /// <summary>Setting <c>path</c>: the folder, absolute. Its last part is made when it is missing, not shared, and was never seen before on this host.</summary>
    public required string Path { get; init; }

    /// <summary>Setting <c>format</c>: <c>qcow2</c> (the standard: clones share their template's data, snapshots) or <c>raw</c> (clones are full copies, no snapshots).</summary>
    public required ImageFormat Format { get; init; }

    /// <summary>Setting <c>shared</c>: <c>true</c> when every host sees the same files at this path (NFS and the like); the folder is not made then. Standard: <c>false</c>.</summary>
    public required bool Shared { get; init; }

    /// <summary>Setting <c>requireMount</c>: <c>true</c> when the folder must be a mount point; the pool is down while nothing is mounted there. Standard: <c>false</c>.</summary>
    public required bool RequireMount { get; init; }

    /// <summary>Reads the settings. Looks at texts only, not at the folder.</summary>
    /// <param name="startup">What the agent said.</param>
    /// <returns>The settings, or which one is wrong.</returns>
    public static DriverResult<DirectorySettings> Read(DriverStartup startup)
    {
        if (!startup.Config.TryGetValue("path", out var path) || path.Length == 0)
        {
            return DriverFailure.Invalid("Setting 'path' is missing: the absolute path of the folder that holds the volumes.");
        }

        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
        {
            return DriverFailure.Invalid($"Setting 'path' is an absolute path, not '{path}'.");
        }

        var trimmed = path.TrimEnd('/');
        if (trimmed.Length == 0)
        {
            return DriverFailure.Invalid("Setting 'path' must not be the root folder '/'.");
        }

        if (System.IO.Path.GetFullPath(trimmed) != trimmed)
        {
            return DriverFailure.Invalid($"Setting 'path' must not contain '.', '..' or empty parts: '{path}'.");
        }

        if (trimmed.Any(char.IsControl))
        {
            return DriverFailure.Invalid("Setting 'path' must not contain control characters.");
        }

        if (SystemFolders.FirstOrDefault(folder => Contains(folder, trimmed)) is { } system)
        {
            return DriverFailure.Invalid($"Setting 'path' must not be in the system folder '{system}': '{path}'.");
        }

        foreach (var own in new[] { startup.StateFolder.TrimEnd('/'), System.IO.Path.GetDirectoryName(startup.Socket) ?? "/" })
        {
            if (Contains(own, trimmed) || Contains(trimmed, own))
            {
                return DriverFailure.Invalid(
                    $"Setting 'path' ('{path}') and the folder '{own}', which the agent keeps for this driver, must not lie in each other: the agent's goes when the pool is removed.");
            }
        }

        return ReadFormat(startup.Config).Then<DirectorySettings>(format =>
            Flag(startup.Config, "shared").Then<DirectorySettings>(shared =>
                Flag(startup.Config, "requireMount").Then<DirectorySettings>(requireMount =>
                    new DirectorySettings { Path = trimmed, Format = format, Shared = shared, RequireMount = requireMount })));
    }

    private static DriverResult<ImageFormat> ReadFormat(IReadOnlyDictionary<string, string> config) =>
        (config.TryGetValue("format", out var format) ? format : "qcow2") switch
        {
            "qcow2" => ImageFormat.Qcow2,
            "raw" => ImageFormat.Raw,
            var other => DriverFailure.Invalid($"Setting 'format' is qcow2 or raw, not '{other}'."),
        };

    private static DriverResult<bool> Flag(IReadOnlyDictionary<string, string> config, string name) =>
        (config.TryGetValue(name, out var flag) ? flag : "false") switch
        {
            "true" => true,
            "false" => false,
            var other => DriverFailure.Invalid($"Setting '{name}' is true or false, not '{other}'."),
        };

    private static bool Contains(string folder, string path) =>
        path == folder || path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);
}
