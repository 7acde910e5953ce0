namespace Holdfast.LinstorSimulation.Devices;

/// <summary>
/// Real loop devices over backing files. They belong to the host, not to this process: what is attached stays attached when the simulator ends, and is found again
/// by its backing file.
/// </summary>
internal static class LoopDevices
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Whether this process may make loop devices, else why not.</summary>
    public static string? WhyNot()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "loop devices exist on Linux only";
        }

        if (Environment.UserName != "root")
        {
            return "loop devices need root";
        }

        return File.Exists("/dev/loop-control") ? null : "this kernel offers no loop devices (/dev/loop-control is missing)";
    }

    /// <summary>The devices attached to a backing file, oldest first.</summary>
    public static List<string> AttachedTo(string file)
    {
        var found = new List<string>();
        foreach (var folder in Directory.EnumerateDirectories("/sys/block", "loop*"))
        {
            if (string.Equals(BackingFile(folder), file, StringComparison.Ordinal))
            {
                found.Add("/dev/" + Path.GetFileName(folder));
            }
        }

        found.Sort(StringComparer.Ordinal);
        return found;
    }

    /// <summary>Every attached device whose backing file lies under a folder, with that file.</summary>
    public static List<(string Device, string File)> Under(string folder)
    {
        var prefix = folder.TrimEnd('/') + "/";
        var found = new List<(string, string)>();
        foreach (var block in Directory.EnumerateDirectories("/sys/block", "loop*"))
        {
            if (BackingFile(block) is { } file && file.StartsWith(prefix, StringComparison.Ordinal))
            {
                found.Add(("/dev/" + Path.GetFileName(block), file));
            }
        }

        return found;
    }

    public static bool IsAttached(string device, string file) => string.Equals(BackingFile("/sys/block/" + Path.GetFileName(device)), file, StringComparison.Ordinal);

    public static async Task<string> AttachAsync(string file, CancellationToken cancellationToken)
    {
        var device = await CommandRunner.RunAsync("losetup", ["--find", "--show", file], Limit, cancellationToken);
        await AllowWritesAsync(device, cancellationToken);
        return device;
    }

    /// <summary>Attaches at a number that was used before, so that device paths handed out stay true; another one when that is taken.</summary>
    public static async Task<string> AttachAtAsync(string device, string file, CancellationToken cancellationToken)
    {
        try
        {
            await CommandRunner.RunAsync("losetup", [device, file], Limit, cancellationToken);
            await AllowWritesAsync(device, cancellationToken);
            return device;
        }
        catch (SatelliteException)
        {
            return await AttachAsync(file, cancellationToken);
        }
    }

    public static Task DetachAsync(string device, CancellationToken cancellationToken) => CommandRunner.RunAsync("losetup", ["--detach", device], Limit, cancellationToken);

    /// <summary>Makes the device as large as its backing file has become.</summary>
    public static Task RefreshSizeAsync(string device, CancellationToken cancellationToken) =>
        CommandRunner.RunAsync("losetup", ["--set-capacity", device], Limit, cancellationToken);

    /// <summary>Lets nobody open the device for writing any more, or allows it again.</summary>
    public static Task SetReadOnlyAsync(string device, bool readOnly, CancellationToken cancellationToken) =>
        CommandRunner.RunAsync("blockdev", [readOnly ? "--setro" : "--setrw", device], Limit, cancellationToken);

    // The kernel keeps the read-only mark with the number, not with the file: without this, who gets a number next inherits a bar that was put up against another.
    private static Task AllowWritesAsync(string device, CancellationToken cancellationToken) => SetReadOnlyAsync(device, false, cancellationToken);

    public static bool IsReadOnly(string device)
    {
        try
        {
            return File.ReadAllText($"/sys/block/{Path.GetFileName(device)}/ro").Trim() == "1";
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Size in bytes as the kernel sees it, 0 when detached.</summary>
    public static long Size(string device)
    {
        try
        {
            return long.Parse(File.ReadAllText($"/sys/block/{Path.GetFileName(device)}/size").Trim()) * 512;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static string? BackingFile(string block)
    {
        try
        {
            return File.ReadAllText(block + "/loop/backing_file").Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }
}
