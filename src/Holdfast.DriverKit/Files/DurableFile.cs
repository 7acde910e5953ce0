using System.Runtime.Versioning;
using Holdfast.DriverKit.Unix;

namespace Holdfast.DriverKit;

/// <summary>
/// Writes and removes small files so that a crash or a power cut leaves either the old or the new one, never half of it. For a driver's own folders, which never wait
/// for storage of a pool.
/// </summary>
[SupportedOSPlatform("linux")]
public static class DurableFile
{
    /// <summary>Writes a file of mode 0600.</summary>
    /// <param name="path">The file.</param>
    /// <param name="temporary">A name in the same folder that nobody else uses.</param>
    /// <param name="content">What it holds.</param>
    public static void Write(string path, string temporary, ReadOnlySpan<byte> content)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        try
        {
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (IOException)
        {
            File.Delete(temporary);
            throw;
        }

        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes a file for good; absent is fine.</summary>
    /// <param name="path">The file.</param>
    public static void Remove(string path)
    {
        File.Delete(path);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes the content of a file survive a power cut.</summary>
    /// <param name="path">The file.</param>
    public static void Flush(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Makes what was renamed, made or removed in a folder survive a power cut.</summary>
    /// <param name="folder">The folder.</param>
    public static void FlushFolder(string folder) => LibC.FlushFolder(folder);

    /// <summary>Reads a file of at most 64 KiB.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Its content; null when it is absent.</returns>
    public static byte[]? Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length > 64 * 1024)
            {
                throw new InvalidDataException($"'{path}' is too big for a record.");
            }

            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
