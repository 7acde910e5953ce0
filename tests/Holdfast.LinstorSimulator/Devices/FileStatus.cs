using System.Runtime.InteropServices;

namespace Holdfast.LinstorSimulation.Devices;

/// <summary>The two facts about a file the framework does not tell: which device it is, and how much of it is really allocated.</summary>
internal static partial class FileStatus
{
    private const int CurrentFolder = -100;
    private const uint BasicFields = 0x7ff;
    private const int Size = 256;

    /// <summary>Major and minor number of the block device a path leads to; null when it is none or is gone.</summary>
    public static (uint Major, uint Minor)? BlockDevice(string path)
    {
        Span<byte> raw = stackalloc byte[Size];
        if (!Read(path, raw) || (MemoryMarshal.Read<ushort>(raw[28..]) & 0xF000) != 0x6000)
        {
            return null;
        }

        return (MemoryMarshal.Read<uint>(raw[128..]), MemoryMarshal.Read<uint>(raw[132..]));
    }

    /// <summary>Bytes allocated for a file, which is less than its length when it is sparse; 0 when it is gone.</summary>
    public static long Allocated(string path)
    {
        Span<byte> raw = stackalloc byte[Size];
        return Read(path, raw) ? MemoryMarshal.Read<long>(raw[48..]) * 512 : 0;
    }

    private static unsafe bool Read(string path, Span<byte> raw)
    {
        fixed (byte* buffer = raw)
        {
            return StatX(CurrentFolder, path, 0, BasicFields, buffer) == 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* status);
}
