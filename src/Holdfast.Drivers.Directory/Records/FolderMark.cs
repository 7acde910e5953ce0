using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;

namespace Holdfast.Drivers.Directory.Records;

/// <summary>
/// The file in a pool's folder that says whose the folder is. It is in the folder itself, so that it is found by whatever path the folder is reached: a link, a
/// bind mount, another spelling, another host.
/// </summary>
internal sealed record FolderMark
{
    /// <summary>The file's name.</summary>
    internal const string FileName = ".holdfast-pool";

    /// <summary>For people who find the file.</summary>
    public string What { get; init; } = "This folder holds volumes of a Holdfast storage pool. Do not change files here.";

    /// <summary>The pool.</summary>
    public required PoolId Pool { get; init; }

    /// <summary>Its name when the mark was made; null in one of an older version.</summary>
    public string? Name { get; init; }

    /// <summary>The pool, for texts.</summary>
    public override string ToString() => Name is null ? Pool.ToString() : $"'{Name}' ({Pool})";

    /// <summary>Reads the mark of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>Whose it is.</returns>
    internal static Reading Read(string folder)
    {
        try
        {
            if (DurableFile.Read(Path.Combine(folder, FileName)) is not { } content)
            {
                return new Reading.None();
            }

            return JsonSerializer.Deserialize(content, DirectoryJson.Default.FolderMark) is { } mark ? new Reading.Of(mark) : new Reading.Damaged("it is null");
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidDataException)
        {
            return new Reading.Damaged(unreadable.Message);
        }
    }

    /// <summary>Writes it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="temporary">Name of a file that nobody else uses.</param>
    /// <param name="replaces">Whether one that is there is replaced; otherwise the first of two who write at once wins.</param>
    /// <returns>Whether it is there now; false: another was there before.</returns>
    internal bool Write(string folder, string temporary, bool replaces)
    {
        var (target, content) = (Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, DirectoryJson.Default.FolderMark));
        if (replaces)
        {
            DurableFile.Write(target, Path.Combine(folder, temporary), content);
            return true;
        }

        var own = Path.Combine(folder, temporary);
        DurableFile.Write(own, own + "1", content);
        try
        {
            // A hard link is made or is not, and never in place of another.
            File.Move(own, target, overwrite: false);
            DurableFile.FlushFolder(folder);
            return true;
        }
        catch (IOException) when (File.Exists(target))
        {
            File.Delete(own);
            return false;
        }
    }

    /// <summary>What a folder's mark says. A closed hierarchy.</summary>
    internal abstract record Reading
    {
        private Reading()
        {
        }

        /// <summary>There is none.</summary>
        internal sealed record None : Reading;

        /// <summary>It cannot be read.</summary>
        /// <param name="Why">Why.</param>
        internal sealed record Damaged(string Why) : Reading;

        /// <summary>It is a pool's.</summary>
        /// <param name="Mark">The mark.</param>
        internal sealed record Of(FolderMark Mark) : Reading;
    }
}
