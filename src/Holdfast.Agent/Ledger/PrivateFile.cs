namespace Holdfast.Agent.Ledger;

/// <summary>Files that only the agent may read.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces a file in one step, mode 0600 from its first byte, on disk when this returns.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        using (var stream = new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        }))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>Makes a folder that only the agent may enter.</summary>
    public static void MakeFolder(string path) =>
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}
