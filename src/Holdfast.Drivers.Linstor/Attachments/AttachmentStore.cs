using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>
/// What this driver has written down in its state folder: attachments, what was cut off, and what holds I/O back. Safe for concurrent use on different volumes, and
/// for a cut beside any other call about the same volume.
/// </summary>
internal sealed partial class AttachmentStore
{
    private const string TraitsFile = "group.json";
    private readonly VolumeRecords<AttachmentRecord> _records;
    private readonly VolumeRecords<CutRecord> _cuts;
    private readonly string _root;
    private readonly ILogger _logger;

    /// <summary>Reads what is there.</summary>
    /// <param name="stateFolder">The driver's state folder.</param>
    /// <param name="logger">The log.</param>
    public AttachmentStore(string stateFolder, ILogger logger)
    {
        _root = stateFolder;
        _logger = logger;
        _records = new(Path.Combine(stateFolder, "attachments"), AttachmentJson.Default.AttachmentRecord, static record => record.Volume, logger);
        _cuts = new(Path.Combine(stateFolder, "cuts"), AttachmentJson.Default.CutRecord, static cut => cut.Volume, logger);
        Holds = new(Path.Combine(stateFolder, "holds"), AttachmentJson.Default.HoldRecord, static hold => hold.Volume, logger);
    }

    /// <summary>All attachments, those of before included.</summary>
    public IReadOnlyCollection<AttachmentRecord> All => _records.All;

    /// <summary>What may hold I/O back because this driver asked for it.</summary>
    public VolumeRecords<HoldRecord> Holds { get; }

    /// <summary>The attachment of a volume.</summary>
    public AttachmentRecord? Find(VolumeId volume) => _records.Find(volume);

    /// <summary>That a volume was cut off and not released since, or null.</summary>
    public CutRecord? FindCut(VolumeId volume) => _cuts.Find(volume);

    /// <summary>Writes an attachment; on disk when this returns. With the last mode of a volume its cut goes, too.</summary>
    /// <exception cref="IOException">It could not be written; the old one stands.</exception>
    public void Write(AttachmentRecord record)
    {
        _records.Write(record);
        if (!record.IsAttached)
        {
            _cuts.Remove(record.Volume);
        }
    }

    /// <summary>Writes that a volume is cut off; on disk when this returns.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Write(CutRecord cut) => _cuts.Write(cut);

    /// <summary>Takes back that a volume is cut off.</summary>
    public void ForgetCut(VolumeId volume) => _cuts.Remove(volume);

    /// <summary>Forgets the attachment of a volume, and its cut.</summary>
    public void Forget(VolumeId volume)
    {
        _records.Remove(volume);
        _cuts.Remove(volume);
    }

    /// <summary>What was last known of the group.</summary>
    public PoolTraits? ReadTraits()
    {
        var file = Path.Combine(_root, TraitsFile);
        try
        {
            return DurableFile.Read(file) is { } content ? JsonSerializer.Deserialize(content, AttachmentJson.Default.PoolTraits) : null;
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or JsonException or UnauthorizedAccessException)
        {
            LogUnreadable(file, failure.Message);
            return null;
        }
    }

    /// <summary>Writes what is known of the group; not being able to is only reported.</summary>
    public void WriteTraits(PoolTraits traits)
    {
        var file = Path.Combine(_root, TraitsFile);
        try
        {
            Directory.CreateDirectory(_root);
            DurableFile.Write(file, file + ".next", JsonSerializer.SerializeToUtf8Bytes(traits, AttachmentJson.Default.PoolTraits));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogNotWritten(TraitsFile, failure.Message);
        }
    }

    [LoggerMessage(3202, LogLevel.Warning, "The driver's own file {File} cannot be written: {Reason}.")]
    private partial void LogNotWritten(string file, string reason);

    [LoggerMessage(3203, LogLevel.Warning, "The driver's own file {File} cannot be read; LINSTOR is asked for what it held: {Reason}.")]
    private partial void LogUnreadable(string file, string reason);
}
