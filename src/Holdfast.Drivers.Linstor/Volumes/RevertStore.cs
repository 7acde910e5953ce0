using System.Collections.Concurrent;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Drivers.Linstor.Attachments;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>
/// The last revert of each volume that this host began, and whether it is complete, one file a volume in the state folder. One that cannot be read counts as absent
/// and is reported: the definition carries the same. Safe for concurrent use on different volumes.
/// </summary>
internal sealed partial class RevertStore
{
    private readonly ConcurrentDictionary<VolumeId, PendingRevert> _reverts = [];
    private readonly string _folder;
    private readonly ILogger _logger;

    /// <summary>Reads what is there.</summary>
    /// <param name="stateFolder">The driver's state folder.</param>
    /// <param name="logger">The log.</param>
    public RevertStore(string stateFolder, ILogger logger)
    {
        _folder = Path.Combine(stateFolder, "reverts");
        _logger = logger;
        if (!Directory.Exists(_folder))
        {
            return;
        }

        foreach (var file in Directory.EnumerateFiles(_folder, "*.json"))
        {
            try
            {
                if (JsonSerializer.Deserialize(File.ReadAllBytes(file), AttachmentJson.Default.PendingRevert) is { } revert
                    && Path.GetFileNameWithoutExtension(file) == revert.Volume.ToString())
                {
                    _reverts[revert.Volume] = revert;
                }
            }
            catch (Exception failure) when (failure is IOException or JsonException or UnauthorizedAccessException)
            {
                LogUnreadable(file, failure.Message);
            }
        }
    }

    /// <summary>The revert of a volume, or null.</summary>
    public PendingRevert? Find(VolumeId volume) => _reverts.GetValueOrDefault(volume);

    /// <summary>Writes a revert; on disk when this returns.</summary>
    /// <exception cref="IOException">It could not be written; the old one stands.</exception>
    public void Write(PendingRevert revert)
    {
        Directory.CreateDirectory(_folder);
        AttachmentStore.Replace(FileOf(revert.Volume), revert, AttachmentJson.Default.PendingRevert);
        _reverts[revert.Volume] = revert;
    }

    /// <summary>Forgets a volume's.</summary>
    public void Forget(VolumeId volume)
    {
        if (_reverts.ContainsKey(volume))
        {
            File.Delete(FileOf(volume));
            _reverts.TryRemove(volume, out _);
        }
    }

    private string FileOf(VolumeId volume) => Path.Combine(_folder, $"{volume}.json");

    [LoggerMessage(3211, LogLevel.Warning, "The driver's own file {File}, the last revert of a volume, cannot be read and counts as absent: {Reason}.")]
    private partial void LogUnreadable(string file, string reason);
}
