using System.Globalization;
using System.Text;
using Holdfast.Testing;

namespace Holdfast.Staging;

/// <summary>Reads the counter that the test guest keeps on each of its disks (eng/guest/README.md), from outside the guest.</summary>
internal static class GuestDisk
{
    private const int Block = 4096;
    private const int Index = 12288;

    /// <summary>Reads the counter.</summary>
    /// <param name="path">A block device, raw file or qcow2 image; a guest may be writing to it.</param>
    /// <param name="format">Its format: <c>raw</c> or <c>qcow2</c>.</param>
    /// <returns>The counter; 0 when nothing was ever written.</returns>
    public static async Task<long> ReadCounterAsync(string path, string format)
    {
        var copy = Path.GetTempFileName();
        try
        {
            // Without a lock and past the guest's own cache: what is read is what has reached the disk.
            await Tool.RunAsync(
                "qemu-img", "dd", "-U", "-f", format, "-O", "raw", $"bs={Block}", $"skip={Index}", $"count={Index + 1}", $"if={path}", $"of={copy}");
            var text = Encoding.ASCII.GetString(await File.ReadAllBytesAsync(copy)).TrimEnd('\0', '\n');
            const string mark = " count=";
            return text.StartsWith("holdfast-counter 1 ", StringComparison.Ordinal) && text.IndexOf(mark, StringComparison.Ordinal) is > 0 and var at
                ? long.Parse(text[(at + mark.Length)..].Split('\n')[0], CultureInfo.InvariantCulture)
                : 0;
        }
        finally
        {
            File.Delete(copy);
        }
    }
}
