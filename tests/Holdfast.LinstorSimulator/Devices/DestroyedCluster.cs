using Holdfast.LinstorSimulation.Cluster;

namespace Holdfast.LinstorSimulation.Devices;

/// <summary>Removes from the host what a cluster made, from its state folder alone.</summary>
internal static class DestroyedCluster
{
    /// <summary>The devices of a cluster that somebody has open.</summary>
    public static List<string> OpenDevicesOf(string folder)
    {
        var devices = LoopDevices.Under(Path.GetFullPath(folder));
        if (devices.Count == 0)
        {
            return [];
        }

        var open = OpenDevices.Scan();
        return [.. devices.Where(device => open.Mode(device.Device) != OpenMode.Closed).Select(static device => $"{device.Device} ({device.File})")];
    }

    public static async Task RemoveAsync(string folder, CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(folder);
        if (!Directory.Exists(full))
        {
            return;
        }

        // Links may be elsewhere, when the device root was chosen.
        var state = StateFolder.Look(full).Load();
        foreach (var definition in state?.Definitions ?? [])
        {
            foreach (var root in state!.Nodes.Select(static node => node.DeviceRoot).OfType<string>().Where(root => !root.StartsWith(full + "/", StringComparison.Ordinal)))
            {
                RemoveLinks(root, definition);
            }
        }

        foreach (var (device, _) in LoopDevices.Under(full))
        {
            await LoopDevices.DetachAsync(device, cancellationToken);
        }

        Directory.Delete(full, recursive: true);
    }

    private static void RemoveLinks(string root, DefinitionRow definition)
    {
        foreach (var volume in definition.Volumes)
        {
            File.Delete(Path.Combine(root, $"drbd{volume.Minor}"));
        }

        var byRes = Path.Combine(root, "drbd", "by-res", definition.Name);
        if (Directory.Exists(byRes))
        {
            Directory.Delete(byRes, recursive: true);
        }
    }
}
