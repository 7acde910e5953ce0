using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.GuestDrives;

/// <summary>The configuration drives of the guests of this host. Called on the loop.</summary>
internal interface IGuestDrives
{
    /// <summary>How the file with a guest's UEFI variables ends, beside its drive: with the drive it is replaced, found and removed.</summary>
    const string VariablesSuffix = ".fd";

    /// <summary>Makes a guest's drive, in place of one that is there.</summary>
    /// <param name="machine">Whose.</param>
    /// <param name="files">What is on it.</param>
    /// <param name="reader">Whom QEMU runs as; null when nobody knows, then the agent's own user.</param>
    /// <param name="cancellationToken">Ends it; what was begun is gone when the task ends.</param>
    Task<DriveOutcome> MakeAsync(VmId machine, IReadOnlyList<DriveFile> files, GuestUser? reader, CancellationToken cancellationToken);

    /// <summary>Removes a guest's drive. What cannot be removed is told, and tried again by the next agent.</summary>
    Task RemoveAsync(VmId machine);

    /// <summary>Clears away what an earlier agent was at, and tells whose drives are there.</summary>
    Task<IReadOnlyList<VmId>> FindAsync();
}

/// <summary>How the making of a drive went. A closed hierarchy.</summary>
internal abstract record DriveOutcome
{
    private DriveOutcome()
    {
    }

    /// <summary>It is there.</summary>
    /// <param name="Path">Where QEMU finds it.</param>
    internal sealed record Made(string Path) : DriveOutcome;

    /// <summary>It is not there.</summary>
    internal sealed record Failed(string Reason) : DriveOutcome;
}
