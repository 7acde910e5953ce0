using System.Runtime.InteropServices;

namespace Holdfast.LinstorSimulation.Devices;

/// <summary>
/// The names in a folder, and nothing else asked: .NET's own enumeration looks twice at what each link leads to, and the descriptors of all processes, which are links,
/// are looked through twice a second. That was a tenth of all that the tests with guests used.
/// </summary>
internal static unsafe partial class FolderEntries
{
    // struct dirent of Linux: inode, offset, length, type.
    private const int NameOffset = 8 + 8 + 2 + 1;

    /// <summary>All names but <c>.</c> and <c>..</c>; none where there is no such folder, or no right to read it.</summary>
    public static IReadOnlyList<string> Names(string path)
    {
        var names = new List<string>();
        var folder = OpenDir(path);
        if (folder == 0)
        {
            return names;
        }

        try
        {
            for (var entry = ReadDir(folder); entry != null; entry = ReadDir(folder))
            {
                if (Marshal.PtrToStringUTF8((nint)(entry + NameOffset)) is { } name and not ("." or ".."))
                {
                    names.Add(name);
                }
            }
        }
        finally
        {
            _ = CloseDir(folder);
        }

        return names;
    }

    [LibraryImport("libc", EntryPoint = "opendir", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OpenDir(string path);

    [LibraryImport("libc", EntryPoint = "readdir64")]
    private static partial byte* ReadDir(nint folder);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseDir(nint folder);
}
