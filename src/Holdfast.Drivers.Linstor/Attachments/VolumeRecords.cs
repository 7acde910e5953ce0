using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>
/// Records of one kind in a folder of their own, one file a volume, replaced as a whole. A record that cannot be read is as good as none: it is reported. Safe for
/// concurrent use on different volumes; kinds that are written at the same time for one volume live in folders of their own.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
internal sealed partial class VolumeRecords<T>
    where T : class
{
    private readonly ConcurrentDictionary<VolumeId, T> _records = [];
    private readonly string _folder;
    private readonly JsonTypeInfo<T> _type;
    private readonly Func<T, VolumeId> _volumeOf;
    private readonly ILogger _logger;

    /// <summary>Reads what is there.</summary>
    /// <param name="folder">The folder; made with the first record.</param>
    /// <param name="type">How the kind is written.</param>
    /// <param name="volumeOf">Whose a record is.</param>
    /// <param name="logger">The log.</param>
    public VolumeRecords(string folder, JsonTypeInfo<T> type, Func<T, VolumeId> volumeOf, ILogger logger)
    {
        _folder = folder;
        _type = type;
        _volumeOf = volumeOf;
        _logger = logger;
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (var file in Directory.EnumerateFiles(folder, "*.json"))
        {
            if (Read(file) is { } record && Path.GetFileNameWithoutExtension(file) == volumeOf(record).ToString())
            {
                _records[volumeOf(record)] = record;
            }
        }
    }

    /// <summary>All records.</summary>
    public IReadOnlyCollection<T> All => _records.Values.ToList();

    /// <summary>The record of a volume.</summary>
    public T? Find(VolumeId volume) => _records.GetValueOrDefault(volume);

    /// <summary>Writes a record; on disk when this returns.</summary>
    /// <exception cref="IOException">It could not be written; the old one stands.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written; the old one stands.</exception>
    public void Write(T record)
    {
        Directory.CreateDirectory(_folder);
        var file = PathOf(_volumeOf(record));
        DurableFile.Write(file, file + ".next", JsonSerializer.SerializeToUtf8Bytes(record, _type));
        _records[_volumeOf(record)] = record;
    }

    /// <summary>Removes a record for good; absent is fine.</summary>
    /// <exception cref="IOException">It could not be removed, and stands.</exception>
    public void Remove(VolumeId volume)
    {
        if (_records.ContainsKey(volume))
        {
            DurableFile.Remove(PathOf(volume));
            _records.TryRemove(volume, out _);
        }
    }

    private string PathOf(VolumeId volume) => Path.Combine(_folder, $"{volume}.json");

    private T? Read(string file)
    {
        try
        {
            return DurableFile.Read(file) is { } content ? JsonSerializer.Deserialize(content, _type) : null;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or JsonException or UnauthorizedAccessException)
        {
            LogUnreadable(file, failure.Message);
            return null;
        }
    }

    [LoggerMessage(3201, LogLevel.Warning, "The driver's own file {File} cannot be read and counts as absent: {Reason}.")]
    private partial void LogUnreadable(string file, string reason);
}
