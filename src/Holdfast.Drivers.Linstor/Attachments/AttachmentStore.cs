using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Core.Ids;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>
/// The records in the state folder, one file a volume, replaced as a whole. A record that cannot be read is as good as none: it is set aside and reported.
/// Safe for concurrent use on different volumes.
/// </summary>
internal sealed partial class AttachmentStore
{
    private const string TraitsFile = "group.json";
    private readonly ConcurrentDictionary<VolumeId, AttachmentRecord> _records = [];
    private readonly string _folder;
    private readonly string _root;
    private readonly ILogger _logger;

    /// <summary>Reads what is there.</summary>
    /// <param name="stateFolder">The driver's state folder.</param>
    /// <param name="logger">The log.</param>
    public AttachmentStore(string stateFolder, ILogger logger)
    {
        _root = stateFolder;
        _folder = Path.Combine(stateFolder, "attachments");
        _logger = logger;
        if (!Directory.Exists(_folder))
        {
            return;
        }

        foreach (var file in Directory.EnumerateFiles(_folder, "*.json"))
        {
            if (Read(file, AttachmentJson.Default.AttachmentRecord) is { } record && Path.GetFileNameWithoutExtension(file) == record.Volume.ToString())
            {
                _records[record.Volume] = record;
            }
        }
    }

    /// <summary>All records.</summary>
    public IReadOnlyCollection<AttachmentRecord> All => _records.Values.ToList();

    /// <summary>The record of a volume.</summary>
    public AttachmentRecord? Find(VolumeId volume) => _records.GetValueOrDefault(volume);

    /// <summary>Writes a record; on disk when this returns.</summary>
    /// <exception cref="IOException">It could not be written; the old one stands.</exception>
    public void Write(AttachmentRecord record)
    {
        Directory.CreateDirectory(_folder);
        Replace(Path.Combine(_folder, $"{record.Volume}.json"), record, AttachmentJson.Default.AttachmentRecord);
        _records[record.Volume] = record;
    }

    /// <summary>Forgets a volume.</summary>
    public void Forget(VolumeId volume)
    {
        if (_records.TryRemove(volume, out _))
        {
            File.Delete(Path.Combine(_folder, $"{volume}.json"));
        }
    }

    /// <summary>What was last known of the group.</summary>
    public PoolTraits? ReadTraits() =>
        File.Exists(Path.Combine(_root, TraitsFile)) ? Read(Path.Combine(_root, TraitsFile), AttachmentJson.Default.PoolTraits) : null;

    /// <summary>Writes what is known of the group; not being able to is only reported.</summary>
    public void WriteTraits(PoolTraits traits)
    {
        try
        {
            Directory.CreateDirectory(_root);
            Replace(Path.Combine(_root, TraitsFile), traits, AttachmentJson.Default.PoolTraits);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogNotWritten(TraitsFile, failure.Message);
        }
    }

    private T? Read<T>(string file, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), type);
        }
        catch (Exception failure) when (failure is IOException or JsonException or UnauthorizedAccessException)
        {
            LogUnreadable(file, failure.Message);
            return null;
        }
    }

    /// <summary>Replaces a file as a whole; on disk when this returns.</summary>
    /// <exception cref="IOException">It could not be written; the old one stands.</exception>
    internal static void Replace<T>(string file, T value, JsonTypeInfo<T> type)
    {
        var next = file + ".next";
        using (var stream = new FileStream(next, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(stream, value, type);
            stream.Flush(flushToDisk: true);
        }

        File.Move(next, file, overwrite: true);
    }

    [LoggerMessage(3201, LogLevel.Warning, "The driver's own file {File} cannot be read and counts as absent: {Reason}.")]
    private partial void LogUnreadable(string file, string reason);

    [LoggerMessage(3202, LogLevel.Warning, "The driver's own file {File} cannot be written: {Reason}.")]
    private partial void LogNotWritten(string file, string reason);
}
