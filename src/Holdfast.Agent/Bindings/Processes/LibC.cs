using System.Runtime.InteropServices;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>The few system calls that the framework has no name for.</summary>
internal static partial class LibC
{
    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    /// <summary>SIGKILL.</summary>
    public const int Kill = 9;

    /// <summary>Sends a signal to a process (positive) or a process group (negative).</summary>
    /// <returns>0, or -1 when there is none.</returns>
    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Signal(int process, int signal);

    /// <summary>The user that the agent runs as.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>Gives a file to a user and a group.</summary>
    /// <returns>0, or -1 when that was refused.</returns>
    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeOwner(string path, uint user, uint group);
}
