using System.Globalization;
using System.Text;

namespace Holdfast.Staging;

/// <summary>The QEMU processes of this machine as the kernel shows them, whatever libvirt knows.</summary>
internal static class Qemu
{
    /// <summary>The processes of a VM: one, none, and never two.</summary>
    /// <param name="id">The VM's id.</param>
    /// <returns>Their ids; an ended process that nobody has reaped is none.</returns>
    public static IReadOnlyList<int> ProcessesOf(string id)
    {
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && Arguments(folder) is [var program, .. var arguments]
                && Path.GetFileName(program).StartsWith("qemu-system-", StringComparison.Ordinal) && arguments.SkipWhile(static argument => argument != "-uuid").Skip(1).FirstOrDefault() == id)
            {
                found.Add(process);
            }
        }

        return found;
    }

    private static string[] Arguments(string folder)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(folder, "cmdline"))).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
        {
            // It ended between the listing and the look.
            return [];
        }
    }
}
