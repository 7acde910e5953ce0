namespace Holdfast.Agent.GuestDrives;

/// <summary>A file of a configuration drive.</summary>
/// <param name="Path">Its path on the drive, without a first slash.</param>
/// <param name="Content">Its content.</param>
internal sealed record DriveFile(string Path, byte[] Content);
