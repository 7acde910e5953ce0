using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Holdfast.Drivers.Linstor.Devices;

/// <summary>Kind, owner and device numbers of a file, which .NET does not tell.</summary>
internal static partial class DeviceFile
{
    private const int AtCurrentFolder = -100;
    private const uint BasicStats = 0x7ff;
    private const int TypeMask = 0xF000;
    private const int BlockType = 0x6000;

    /// <summary>Reads it, following links. Devices live on devtmpfs, where this never waits for storage.</summary>
    /// <param name="path">The path.</param>
    /// <param name="status">What it is.</param>
    /// <returns>Whether something is there.</returns>
    public static bool TryRead(string path, out DeviceStatus status)
    {
        // The layout of struct statx is the same on every architecture.
        Span<byte> buffer = stackalloc byte[256];
        status = default;
        if (StatX(AtCurrentFolder, path, 0, BasicStats, ref MemoryMarshal.GetReference(buffer)) != 0)
        {
            return false;
        }

        var owner = BinaryPrimitives.ReadUInt32LittleEndian(buffer[20..]);
        var group = BinaryPrimitives.ReadUInt32LittleEndian(buffer[24..]);
        var mode = BinaryPrimitives.ReadUInt16LittleEndian(buffer[28..]);
        var major = BinaryPrimitives.ReadUInt32LittleEndian(buffer[128..]);
        var minor = BinaryPrimitives.ReadUInt32LittleEndian(buffer[132..]);
        status = new DeviceStatus((mode & TypeMask) == BlockType, major, minor, owner, group);
        return true;
    }

    /// <summary>Gives a device to a user, following links.</summary>
    /// <param name="path">The path.</param>
    /// <param name="user">The user.</param>
    /// <param name="group">The group.</param>
    /// <returns>Null, or why not.</returns>
    public static string? Give(string path, uint user, uint group) =>
        ChangeOwner(path, user, group) == 0 ? null : Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    /// <summary>The path behind all links, as the kernel sees it.</summary>
    /// <param name="path">The path.</param>
    /// <returns>The path without links, or null when nothing is there.</returns>
    public static string? Resolve(string path)
    {
        Span<byte> buffer = stackalloc byte[4097];
        buffer.Clear();
        return RealPath(path, ref MemoryMarshal.GetReference(buffer)) == 0 ? null : Encoding.UTF8.GetString(buffer[..buffer.IndexOf((byte)0)]);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int StatX(int folder, string path, int flags, uint mask, ref byte buffer);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial nint RealPath(string path, ref byte resolved);
}
