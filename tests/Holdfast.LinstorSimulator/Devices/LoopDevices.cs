namespace Holdfast.LinstorSimulation.Devices;

/// <summary>
/// Real loop devices over backing files. They belong to the host, not to this process: what is attached stays attached when the simulator ends, and is found again
/// by its backing file.
/// </summary>
internal static class LoopDevices
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookForTurnEvery = TimeSpan.FromMilliseconds(5);

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
        using var turn = await TakeTurnAsync(cancellationToken);
        var device = await CommandRunner.RunAsync("losetup", ["--find", "--show", file], Limit, cancellationToken);
        await AllowWritesAsync(device, cancellationToken);
        // As a device that was made just now: a loop device's node outlives what was attached, and with it the owner that somebody's hypervisor gave it.
        await CommandRunner.RunAsync("chown", ["root:root", device], Limit, cancellationToken);
        return device;
    }

    /// <summary>Attaches at a number that was used before, so that device paths handed out stay true; another one when that is taken.</summary>
    public static async Task<string> AttachAtAsync(string device, string file, CancellationToken cancellationToken)
    {
        try
        {
            using var turn = await TakeTurnAsync(cancellationToken);
            await CommandRunner.RunAsync("losetup", [device, file], Limit, cancellationToken);
            await AllowWritesAsync(device, cancellationToken);
            return device;
        }
        catch (SatelliteException)
        {
            return await AttachAsync(file, cancellationToken);
        }
    }

    public static async Task DetachAsync(string device, CancellationToken cancellationToken)
    {
        using var turn = await TakeTurnAsync(cancellationToken);
        await CommandRunner.RunAsync("losetup", ["--detach", device], Limit, cancellationToken);
    }

    /// <summary>Makes the device as large as its backing file has become.</summary>
    public static Task RefreshSizeAsync(string device, CancellationToken cancellationToken) =>
        CommandRunner.RunAsync("losetup", ["--set-capacity", device], Limit, cancellationToken);

    /// <summary>Lets nobody open the device of a backing file for writing any more, or allows it again. Nothing happens when the device is not that file's any more.</summary>
    public static async Task SetReadOnlyAsync(string device, string file, bool readOnly, CancellationToken cancellationToken)
    {
        using var turn = await TakeTurnAsync(cancellationToken);
        if (IsAttached(device, file))
        {
            await CommandRunner.RunAsync("blockdev", [readOnly ? "--setro" : "--setrw", device], Limit, cancellationToken);
        }
    }

    // The kernel keeps the read-only mark with the number, not with the file: without this, who gets a number next inherits a bar that was put up against another.
    private static Task AllowWritesAsync(string device, CancellationToken cancellationToken) =>
        CommandRunner.RunAsync("blockdev", ["--setrw", device], Limit, cancellationToken);

    // Numbers are the machine's, and so are the marks: between a look at a number and what is done to it, another simulator may have let go of it and a third have taken it.
    private static async Task<FileStream> TakeTurnAsync(CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(Limit);
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(Path.GetTempPath(), "holdfast-loop-devices.lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(LookForTurnEvery, late.Token);
            }
        }
    }

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
