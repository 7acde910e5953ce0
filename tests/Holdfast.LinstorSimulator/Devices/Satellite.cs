namespace Holdfast.LinstorSimulation.Devices;

/// <summary>
/// Does on this machine what a satellite does on its node: makes backing files, devices and links match what the controller wants. Every call is idempotent, and
/// nothing is kept in memory: all is found again by looking at the host.
/// </summary>
internal sealed class Satellite(DeviceMode mode, NodeMemory memory)
{
    private static readonly TimeSpan CopyLimit = TimeSpan.FromMinutes(10);

    /// <summary>Ensures file, device and links; gives the device, and whether the volume had to be made.</summary>
    public async Task<(string Device, bool Made)> EnsureAsync(VolumePlan plan, CancellationToken cancellationToken)
    {
        var made = memory.Make(plan) && plan.KnownDevice is null;
        if (plan.DeviceRoot is null || mode == DeviceMode.None)
        {
            return (plan.MadeUpDevice, made);
        }

        GrowFile(plan.BackingFile, plan.Bytes);
        var device = await EnsureAttachedAsync(plan, cancellationToken);
        if (LoopDevices.Size(device) != plan.Bytes)
        {
            await LoopDevices.RefreshSizeAsync(device, cancellationToken);
        }

        if (plan.Minor is { } minor)
        {
            Link(Path.Combine(plan.DeviceRoot, $"drbd{minor}"), device);
            if (plan.ByRes)
            {
                Link(Path.Combine(plan.DeviceRoot, "drbd", "by-res", plan.Resource, $"{plan.Number}"), device);
            }
            else
            {
                RemoveByRes(plan);
            }
        }

        return (device, made);
    }

    /// <summary>Takes device and links away; <see cref="SatelliteException"/> when somebody has the device open.</summary>
    public async Task RemoveDeviceAsync(VolumePlan plan, CancellationToken cancellationToken)
    {
        if (plan.DeviceRoot is null || mode == DeviceMode.None)
        {
            memory.Remove(plan);
            return;
        }

        var devices = LoopDevices.AttachedTo(plan.BackingFile).Except(plan.DevicesOfOthers).ToList();
        if (devices.Count > 0)
        {
            var open = OpenDevices.Scan();
            if (devices.Find(device => open.Mode(device) != OpenMode.Closed) is { } busy)
            {
                throw new SatelliteException($"Device {busy} of resource '{plan.Resource}' is held open by someone");
            }
        }

        if (plan.Minor is { } minor)
        {
            File.Delete(Path.Combine(plan.DeviceRoot, $"drbd{minor}"));
            RemoveByRes(plan);
        }

        foreach (var device in devices)
        {
            await LoopDevices.DetachAsync(device, cancellationToken);
        }

        memory.Remove(plan);
    }

    private static void RemoveByRes(VolumePlan plan)
    {
        var byRes = Path.Combine(plan.DeviceRoot!, "drbd", "by-res", plan.Resource);
        if (!Directory.Exists(byRes))
        {
            return;
        }

        File.Delete(Path.Combine(byRes, $"{plan.Number}"));
        if (!Directory.EnumerateFileSystemEntries(byRes).Any())
        {
            Directory.Delete(byRes);
        }
    }

    /// <summary>Removes a volume's or snapshot's data.</summary>
    public void RemoveFile(string file)
    {
        if (mode == DeviceMode.Loop)
        {
            File.Delete(file);
        }
    }

    /// <summary>Copies data sparsely; a half copy never carries the target's name.</summary>
    public async Task CopyAsync(string source, string target, long bytes, CancellationToken cancellationToken)
    {
        if (mode == DeviceMode.None)
        {
            return;
        }

        foreach (var device in LoopDevices.AttachedTo(source))
        {
            await Flush(device, cancellationToken);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var partial = target + ".partial";
        if (File.Exists(source))
        {
            await CommandRunner.RunAsync("cp", ["--sparse=always", "--reflink=auto", source, partial], CopyLimit, cancellationToken);
        }
        else
        {
            await File.WriteAllBytesAsync(partial, [], cancellationToken);
        }

        GrowFile(partial, bytes);
        File.Move(partial, target, overwrite: true);
    }

    /// <summary>Puts a snapshot's data in the place of the volume's, under the same device numbers.</summary>
    public async Task RollbackAsync(string snapshotFile, string backingFile, long bytes, CancellationToken cancellationToken)
    {
        if (mode == DeviceMode.None)
        {
            return;
        }

        var devices = LoopDevices.AttachedTo(backingFile);
        foreach (var device in devices)
        {
            await LoopDevices.DetachAsync(device, cancellationToken);
        }

        await CopyAsync(snapshotFile, backingFile, bytes, cancellationToken);
        foreach (var device in devices)
        {
            await LoopDevices.AttachAtAsync(device, backingFile, cancellationToken);
        }
    }

    public long Allocated(string file) => mode == DeviceMode.Loop ? FileStatus.Allocated(file) : 0;

    private static async Task<string> EnsureAttachedAsync(VolumePlan plan, CancellationToken cancellationToken)
    {
        if (plan.KnownDevice is { } known)
        {
            return LoopDevices.IsAttached(known, plan.BackingFile) ? known : await LoopDevices.AttachAtAsync(known, plan.BackingFile, cancellationToken);
        }

        // Attached before a crash, and the answer was lost.
        return LoopDevices.AttachedTo(plan.BackingFile).Except(plan.DevicesOfOthers).FirstOrDefault()
            ?? await LoopDevices.AttachAsync(plan.BackingFile, cancellationToken);
    }

    private static void GrowFile(string file, long bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var stream = new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        if (stream.Length < bytes)
        {
            stream.SetLength(bytes);
        }
    }

    private static void Link(string link, string target)
    {
        if (new FileInfo(link).LinkTarget == target)
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        var next = link + ".next";
        File.Delete(next);
        File.CreateSymbolicLink(next, target);
        File.Move(next, link, overwrite: true);
    }

    private static async Task Flush(string device, CancellationToken cancellationToken) =>
        await CommandRunner.RunAsync("blockdev", ["--flushbufs", device], TimeSpan.FromMinutes(1), cancellationToken);
}
