using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Drivers.Directory.Host;

/// <summary>The few calls of the C library that .NET does not offer. Numbers are those of 64-bit Linux.</summary>
internal static partial class LibC
{
    internal const int ErrorNoEntry = 2;
    internal const int ErrorAccess = 13;
    internal const int ErrorInvalid = 22;
    internal const int ErrorNoSpace = 28;
    internal const int ErrorReadOnly = 30;
    internal const int ErrorNoData = 61;
    internal const int ErrorQuota = 122;
    internal const int OpenReadOnly = 0;
    internal const int OpenReadWrite = 2;
    internal const int OpenNonBlocking = 0x800;
    internal const int OpenCloseOnExec = 0x80000;
    internal const int OpenPathOnly = 0x200000;

    /// <summary>O_DIRECT; its number is the architecture's own.</summary>
    internal static readonly int OpenDirect = IsArm ? 0x10000 : 0x4000;

    /// <summary>O_DIRECTORY; its number is the architecture's own.</summary>
    internal static readonly int OpenDirectory = IsArm ? 0x4000 : 0x10000;

    private const int AtFileSystemCurrentDirectory = -100;
    private const uint StatBasic = 0x7FF;
    private const int LockQuery = 36;
    private const short WriteLock = 1;
    private const short NoLock = 2;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

    /// <summary>Facts of a file.</summary>
    /// <param name="Uid">Owner.</param>
    /// <param name="Gid">Group.</param>
    /// <param name="Mode">Type and mode bits.</param>
    /// <param name="AllocatedBytes">Bytes really used.</param>
    /// <param name="Device">Device of the file system.</param>
    /// <param name="Inode">Number within it: with the device, what the file really is, whatever its path.</param>
    internal readonly record struct FileFacts(uint Uid, uint Gid, uint Mode, long AllocatedBytes, ulong Device, ulong Inode);

    /// <summary>Facts of a file, following links.</summary>
    /// <param name="path">The file.</param>
    /// <param name="error">The error number when there are none.</param>
    /// <returns>The facts; null on an error.</returns>
    internal static unsafe FileFacts? Stat(string path, out int error)
    {
        var buffer = stackalloc byte[256];
        if (Statx(AtFileSystemCurrentDirectory, path, 0, StatBasic, buffer) != 0)
        {
            error = Marshal.GetLastPInvokeError();
            return null;
        }

        error = 0;
        return new FileFacts(
            *(uint*)(buffer + 20),
            *(uint*)(buffer + 24),
            *(ushort*)(buffer + 28),
            *(long*)(buffer + 48) * 512,
            ((ulong)*(uint*)(buffer + 136) << 32) | *(uint*)(buffer + 140),
            *(ulong*)(buffer + 32));
    }

    /// <summary>A path without symbolic links.</summary>
    /// <param name="path">The path of something that is there.</param>
    /// <returns>The path; null when it cannot be followed.</returns>
    internal static unsafe string? Resolve(string path)
    {
        var resolved = RealPath(path, 0);
        if (resolved == 0)
        {
            return null;
        }

        try
        {
            return Marshal.PtrToStringUTF8(resolved);
        }
        finally
        {
            NativeMemory.Free((void*)resolved);
        }
    }

    /// <summary>
    /// Whether anybody holds one of the locks that QEMU takes on an image it has open (bytes 100 to 299). Asked of the file system, so over NFS it sees other
    /// hosts, too.
    /// </summary>
    /// <param name="file">The image.</param>
    /// <returns>True when somebody has it open.</returns>
    internal static bool IsLockedByQemu(SafeFileHandle file)
    {
        Span<byte> query = stackalloc byte[32];
        query.Clear();
        BinaryPrimitives.WriteInt16LittleEndian(query, WriteLock);
        BinaryPrimitives.WriteInt64LittleEndian(query[8..], 100);
        BinaryPrimitives.WriteInt64LittleEndian(query[16..], 200);
        if (Control(file, LockQuery, ref MemoryMarshal.GetReference(query)) != 0)
        {
            throw new IOException($"Cannot ask for locks: {Message(Marshal.GetLastPInvokeError())}");
        }

        return BinaryPrimitives.ReadInt16LittleEndian(query) != NoLock;
    }

    /// <summary>Whether a path can be opened; closes it again.</summary>
    /// <param name="path">The path.</param>
    /// <param name="flags">How.</param>
    /// <returns>0, or the error number.</returns>
    internal static int TryOpen(string path, int flags)
    {
        var descriptor = Open(path, flags | OpenCloseOnExec | OpenNonBlocking, 0);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        _ = Close(descriptor);
        return 0;
    }

    /// <summary>Whether a user can open a path, by the kernel's own judgement (modes, access lists, every folder above).</summary>
    /// <param name="uid">The user.</param>
    /// <param name="gid">Its group.</param>
    /// <param name="path">The path.</param>
    /// <param name="flags">How.</param>
    /// <returns>0, or the error number.</returns>
    internal static int TryOpenAs(uint uid, uint gid, string path, int flags)
    {
        // These are properties of this thread alone; there is no await between here and their end.
        var groupBefore = SetFileSystemGroup(gid);
        var userBefore = SetFileSystemUser(uid);
        try
        {
            return TryOpen(path, flags);
        }
        finally
        {
            _ = SetFileSystemUser((uint)userBefore);
            _ = SetFileSystemGroup((uint)groupBefore);
        }
    }

    /// <summary>Text of an error number.</summary>
    /// <param name="error">The number.</param>
    /// <returns>The text.</returns>
    internal static string Message(int error) => Marshal.GetPInvokeErrorMessage(error);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int ChangeOwner(string path, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial nint GetAttribute(string path, string name, ref byte value, nuint size);

    [LibraryImport("libc", EntryPoint = "setxattr", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int SetAttribute(string path, string name, in byte value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial nint RealPath(string path, nint buffer);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, ref byte argument);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileSystemUser(uint uid);

    [LibraryImport("libc", EntryPoint = "setfsgid")]
    private static partial int SetFileSystemGroup(uint gid);
}
