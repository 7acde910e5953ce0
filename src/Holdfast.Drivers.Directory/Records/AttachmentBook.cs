using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory.Records;

/// <summary>
/// The attachments of this host, one file each in the driver's state folder, written before access is given and removed after it is taken away. Calls for one volume
/// must not overlap.
/// </summary>
internal sealed class AttachmentBook
{
    private readonly string _folder;

    internal AttachmentBook(string stateFolder) => _folder = Path.Combine(stateFolder, "attachments");

    /// <summary>The attachments of a volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>At most one of each mode.</returns>
    internal IReadOnlyList<AttachmentRecord> Of(VolumeId volume) =>
        [.. Enum.GetValues<AttachMode>().Select(mode => Read(PathOf(volume, mode))).OfType<AttachmentRecord>()];

    /// <summary>All attachments.</summary>
    /// <returns>The attachments.</returns>
    internal IReadOnlyList<AttachmentRecord> All() =>
        System.IO.Directory.Exists(_folder)
            ? [.. System.IO.Directory.EnumerateFiles(_folder, "*.json").Select(Read).OfType<AttachmentRecord>()]
            : [];

    /// <summary>Records an attachment.</summary>
    /// <param name="attachment">The attachment.</param>
    internal void Write(AttachmentRecord attachment)
    {
        System.IO.Directory.CreateDirectory(_folder);
        var path = PathOf(attachment.VolumeId, attachment.Mode);
        DurableFile.Write(path, path + ".tmp", JsonSerializer.SerializeToUtf8Bytes(attachment, DirectoryJson.Default.AttachmentRecord));
    }

    /// <summary>Forgets an attachment.</summary>
    /// <param name="attachment">The attachment.</param>
    internal void Remove(AttachmentRecord attachment) => DurableFile.Remove(PathOf(attachment.VolumeId, attachment.Mode));

    private static AttachmentRecord? Read(string path) =>
        DurableFile.Read(path) is { } content ? JsonSerializer.Deserialize(content, DirectoryJson.Default.AttachmentRecord) : null;

    private string PathOf(VolumeId volume, AttachMode mode) =>
        Path.Combine(_folder, $"{volume}.{(mode switch { AttachMode.Run => "run", AttachMode.Copy => "copy", _ => "migrate-in" })}.json");
}
