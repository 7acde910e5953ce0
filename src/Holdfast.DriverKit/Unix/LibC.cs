using System.Runtime.InteropServices;

namespace Holdfast.DriverKit.Unix;

/// <summary>The few calls of the C library that .NET does not offer.</summary>
internal static partial class LibC
{
    /// <summary>SOL_SOCKET.</summary>
    internal const int SocketLevel = 1;

    /// <summary>SO_PEERCRED.</summary>
    internal const int PeerCredentials = 17;

    private const int ErrorInvalid = 22;
    private const int OpenCloseOnExec = 0x80000;

    /// <summary>O_DIRECTORY; its number is the architecture's own.</summary>
    private static readonly int OpenDirectory = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <summary>Makes what was renamed, made or removed in a folder survive a power cut.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">It could not be made so.</exception>
    internal static void FlushFolder(string folder)
    {
        var descriptor = Open(folder, OpenDirectory | OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open folder '{folder}': {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }

        var failed = Flush(descriptor) != 0 ? Marshal.GetLastPInvokeError() : 0;
        _ = Close(descriptor);

        // Some file systems have nothing to flush for a folder and say EINVAL.
        if (failed is not 0 and not ErrorInvalid)
        {
            throw new IOException($"Cannot flush folder '{folder}': {Marshal.GetPInvokeErrorMessage(failed)}");
        }
    }

    /// <summary>Sets the mask of modes for new files.</summary>
    /// <param name="mask">Bits that new files do not get.</param>
    /// <returns>The mask before.</returns>
    [LibraryImport("libc", EntryPoint = "umask")]
    internal static partial uint SetFileModeMask(uint mask);

    /// <summary>The user this process acts as.</summary>
    /// <returns>The numeric user.</returns>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
