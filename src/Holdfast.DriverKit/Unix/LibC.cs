using System.Runtime.InteropServices;

namespace Holdfast.DriverKit.Unix;

/// <summary>The few calls of the C library that .NET does not offer.</summary>
internal static partial class LibC
{
    /// <summary>SOL_SOCKET.</summary>
    internal const int SocketLevel = 1;

    /// <summary>SO_PEERCRED.</summary>
    internal const int PeerCredentials = 17;

    /// <summary>Sets the mask of modes for new files.</summary>
    /// <param name="mask">Bits that new files do not get.</param>
    /// <returns>The mask before.</returns>
    [LibraryImport("libc", EntryPoint = "umask")]
    internal static partial uint SetFileModeMask(uint mask);

    /// <summary>The user this process acts as.</summary>
    /// <returns>The numeric user.</returns>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();
}
