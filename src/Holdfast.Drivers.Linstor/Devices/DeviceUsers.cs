using System.Globalization;

namespace Holdfast.Drivers.Linstor.Devices;

/// <summary>Who has block devices open on this host: processes, file systems, other devices. One look at the kernel's tables; nothing here touches storage.</summary>
internal sealed class DeviceUsers
{
    private readonly Dictionary<string, string> _users;
    private readonly string _sysRoot;

    private DeviceUsers(Dictionary<string, string> users, string sysRoot)
    {
        _users = users;
        _sysRoot = sysRoot;
    }

    /// <summary>Looks.</summary>
    /// <param name="procRoot">Where procfs is.</param>
    /// <param name="sysRoot">Where sysfs is.</param>
    /// <returns>What was seen.</returns>
    public static DeviceUsers Look(string procRoot = "/proc", string sysRoot = "/sys")
    {
        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var process in Directory.EnumerateDirectories(procRoot))
        {
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                AddProcess(users, $"{process}/fd", pid);
            }
        }

        AddMounts(users, $"{procRoot}/self/mountinfo");
        return new DeviceUsers(users, sysRoot);
    }

    /// <summary>Who has a device open, for people.</summary>
    /// <param name="number">Device numbers.</param>
    /// <returns>The first that was seen, or null when nobody was.</returns>
    public string? Of(string number)
    {
        if (_users.TryGetValue(number, out var user))
        {
            return user;
        }

        try
        {
            var holder = Directory.EnumerateFileSystemEntries($"{_sysRoot}/dev/block/{number}/holders").FirstOrDefault();
            return holder is null ? null : $"device {Path.GetFileName(holder)}";
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void AddProcess(Dictionary<string, string> users, string folder, int pid)
    {
        try
        {
            foreach (var open in Directory.EnumerateFileSystemEntries(folder))
            {
                // Only what was opened under /dev is looked at: asking about a file on a dead mount could wait for ever.
                if (new FileInfo(open).LinkTarget is { } target && target.StartsWith("/dev/", StringComparison.Ordinal)
                    && DeviceFile.TryRead(open, out var status) && status.IsBlock)
                {
                    users.TryAdd(status.Number, $"process {pid}");
                }
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // The process has ended, or is not ours to look into.
        }
    }

    private static void AddMounts(Dictionary<string, string> users, string file)
    {
        try
        {
            foreach (var line in File.ReadLines(file))
            {
                var fields = line.Split(' ');
                if (fields.Length > 4)
                {
                    users.TryAdd(fields[2], $"the file system at {fields[4]}");
                }
            }
        }
        catch (IOException)
        {
            // Without it only mounts go unseen.
        }
    }
}
