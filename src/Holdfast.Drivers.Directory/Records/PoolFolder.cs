using System.Text;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Directory.Host;
using Holdfast.Drivers.Directory.Images;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory.Records;

/// <summary>
/// The pool's folder: names, records, and whether it is the folder that was seen before. An unmounted file system leaves an empty folder behind; a marker file
/// tells it from the real one, so that no volume is ever written below a mount point by mistake. Calls for one volume must not overlap.
/// </summary>
internal sealed class PoolFolder
{
    private const string RecordSuffix = ".json";
    private const UnixFileMode FolderMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly Lock _gate = new();
    private readonly DirectorySettings _settings;
    private readonly DriverStartup _startup;
    private readonly IIdSource _ids;
    private readonly BackendCallCounter _calls;
    private readonly string _seenFile;

    internal PoolFolder(DirectorySettings settings, DriverContext context)
    {
        _settings = settings;
        _startup = context.Startup;
        _ids = context.Ids;
        _calls = context.BackendCalls;
        _seenFile = Path.Combine(context.Startup.StateFolder, "pool-seen");
    }

    /// <summary>The folder.</summary>
    internal string FullPath => _settings.Path;

    /// <summary>The pool.</summary>
    internal PoolId Pool => _startup.PoolId;

    /// <summary>Name of a volume's object.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The name.</returns>
    internal static string NameOf(VolumeId volume) => $"hf-{volume}";

    /// <summary>Name of a volume's image file.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="format">Its format.</param>
    /// <returns>The file name without a folder.</returns>
    internal static string ImageName(VolumeId volume, ImageFormat format) => $"{NameOf(volume)}.{(format == ImageFormat.Raw ? "raw" : "qcow2")}";

    /// <summary>Path of a volume's image file.</summary>
    /// <param name="record">The volume.</param>
    /// <returns>The path.</returns>
    internal string ImagePath(VolumeRecord record) => Path.Combine(FullPath, ImageName(record.VolumeId, record.Format));

    /// <summary>A path in the folder that nobody else uses.</summary>
    /// <param name="volume">The volume it is for.</param>
    /// <returns>The path.</returns>
    internal string TemporaryPath(VolumeId volume) => Path.Combine(FullPath, $".{NameOf(volume)}.{_ids.Next():N}.tmp");

    /// <summary>Checks that the folder is there and is the one that was seen before; makes it when it never was.</summary>
    /// <returns>Null when it can be used.</returns>
    internal DriverError? Ready()
    {
        lock (_gate)
        {
            _calls.Count("check folder");
            if (LibC.Stat(FullPath, out var error) is not { } facts)
            {
                return error == LibC.ErrorNoEntry ? Make() : Down($"cannot be looked at: {LibC.Message(error)}");
            }

            const uint typeMask = 0xF000;
            const uint folderType = 0x4000;
            if ((facts.Mode & typeMask) != folderType)
            {
                return DriverFailure.Invalid($"Storage pool '{_startup.PoolName}': setting 'path': '{FullPath}' is not a folder.");
            }

            if (_settings.RequireMount && (LibC.Stat(Path.GetDirectoryName(FullPath)!, out _) is not { } above || above.Device == facts.Device))
            {
                return Down("is not a mount point, and setting 'requireMount' says it must be: its file system is not mounted");
            }

            return Recognise();
        }
    }

    /// <summary>Reads the record of a volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The record (null when there is none), or why it cannot be trusted.</returns>
    internal DriverResult<RecordOrNone> Read(VolumeId volume)
    {
        _calls.Count("read record");
        var path = RecordPath(volume);
        try
        {
            if (DurableFile.Read(path) is not { } content)
            {
                return new RecordOrNone(null);
            }

            var record = JsonSerializer.Deserialize(content, DirectoryJson.Default.VolumeRecord) ?? throw new JsonException("it is null");
            if (record.VolumeId != volume || record.PoolId != _startup.PoolId)
            {
                return DriverFailure.Invalid(
                    $"Storage pool '{_startup.PoolName}': '{path}' belongs to volume {record.VolumeId} of pool {record.PoolId}; it is not touched.");
            }

            return new RecordOrNone(record);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidDataException)
        {
            return DriverFailure.Invalid(
                $"Storage pool '{_startup.PoolName}': the record '{path}' of volume {volume} is damaged; the volume is not touched.",
                unreadable.Message);
        }
    }

    /// <summary>Writes the record of a volume, before the effect it speaks of.</summary>
    /// <param name="record">The record.</param>
    internal void Write(VolumeRecord record)
    {
        _calls.Count("write record");
        DurableFile.Write(
            RecordPath(record.VolumeId),
            TemporaryPath(record.VolumeId),
            JsonSerializer.SerializeToUtf8Bytes(record, DirectoryJson.Default.VolumeRecord));
    }

    /// <summary>Removes the record of a volume, after everything else of it is gone.</summary>
    /// <param name="volume">The volume.</param>
    internal void Remove(VolumeId volume)
    {
        _calls.Count("remove record");
        DurableFile.Remove(RecordPath(volume));
    }

    /// <summary>Removes what calls for a volume left behind when they were interrupted.</summary>
    /// <param name="volume">The volume.</param>
    internal void RemoveTemporaries(VolumeId volume)
    {
        foreach (var left in System.IO.Directory.EnumerateFiles(FullPath, $".{NameOf(volume)}.*.tmp"))
        {
            File.Delete(left);
        }
    }

    /// <summary>Whether an image with the volume's name is there, of any format.</summary>
    /// <param name="volume">The volume.</param>
    /// <returns>The path; null when there is none.</returns>
    internal string? FindImage(VolumeId volume)
    {
        foreach (var format in Enum.GetValues<ImageFormat>())
        {
            var path = Path.Combine(FullPath, ImageName(volume, format));
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>All records of this pool that can be trusted. Others are skipped: what is not proven ours is not listed.</summary>
    /// <returns>The records.</returns>
    internal IEnumerable<VolumeRecord> All()
    {
        _calls.Count("list folder");
        foreach (var path in System.IO.Directory.EnumerateFiles(FullPath, $"hf-*{RecordSuffix}"))
        {
            var name = Path.GetFileName(path);
            if (Guid.TryParseExact(name.AsSpan(3, name.Length - 3 - RecordSuffix.Length), "D", out var id)
                && Read(VolumeId.From(id)) is DriverResult<RecordOrNone>.Ok { Value.Record: { } record })
            {
                yield return record;
            }
        }
    }

    /// <summary>Files with names of ours that are not proven to be this pool's: images without a record, and records that are damaged or another's.</summary>
    /// <returns>Their names, and why.</returns>
    internal IEnumerable<StrayVolume> Strays()
    {
        foreach (var path in System.IO.Directory.EnumerateFiles(FullPath, "hf-*"))
        {
            var name = Path.GetFileName(path);
            if (!Guid.TryParseExact(Path.GetFileNameWithoutExtension(name).AsSpan(3), "D", out var id))
            {
                yield return new StrayVolume(name, "its name has no id of a volume");
                continue;
            }

            var volume = VolumeId.From(id);
            switch (Read(volume))
            {
                case DriverResult<RecordOrNone>.Failed { Error: var error } when path == RecordPath(volume):
                    yield return new StrayVolume(name, error.Text.TrimEnd('.'));
                    break;
                case DriverResult<RecordOrNone>.Ok { Value.Record: null } when path != RecordPath(volume) && File.Exists(path):
                    yield return new StrayVolume(name, "it has no record beside it");
                    break;
            }
        }
    }

    private string RecordPath(VolumeId volume) => Path.Combine(FullPath, NameOf(volume) + RecordSuffix);

    private DriverError? Make()
    {
        if (_settings.RequireMount || WasSeen())
        {
            return Down("is gone: is its file system mounted?");
        }

        var above = Path.GetDirectoryName(FullPath)!;
        if (!System.IO.Directory.Exists(above))
        {
            return Down($"does not exist, and it is not made, because the folder above it, '{above}', does not exist either");
        }

        if (LibC.Resolve(above) is { } real && Above(Path.Combine(real, Path.GetFileName(FullPath))) is { } taken)
        {
            return taken;
        }

        // Made here, it would be this host's alone, and what is written there no other host would have.
        if (_settings.Shared)
        {
            return Down("does not exist, and a folder that hosts share is not made: mount it on each of them, or make it where it is shared");
        }

        try
        {
            System.IO.Directory.CreateDirectory(FullPath, FolderMode);

            // The process's mask took the bits with which a guest's user may pass through.
            File.SetUnixFileMode(FullPath, FolderMode);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return Down($"does not exist and cannot be made: {refused.Message}");
        }

        return Recognise();
    }

    private DriverError? Recognise()
    {
        var seen = WasSeen();
        switch (FolderMark.Read(FullPath))
        {
            case FolderMark.Reading.None when seen:
                return Down($"does not hold the file '{FolderMark.FileName}', which was there before: is its file system mounted?");
            case FolderMark.Reading.Damaged damaged:
                return Taken($"holds a file '{FolderMark.FileName}' that cannot be read ({damaged.Why}): whose it is is not known");
            case FolderMark.Reading.Of { Mark: var mark } when mark.Pool == Pool:
                break;
            case FolderMark.Reading.Of { Mark: var mark } when seen || IsThere(mark) || (_settings.Shared && HoldsVolumesOf(mark.Pool)):
                return Taken($"belongs to storage pool {mark}{(seen || IsThere(mark) ? string.Empty : $", whose volumes are in it; if that pool is no more, remove what is left of it, the file '{FolderMark.FileName}' last")}");
            case FolderMark.Reading.Of:
                // A pool that was removed from this host leaves its mark behind.
                return Overlapping() ?? Claim(replaces: true);
            default:
                return Overlapping() ?? Claim(replaces: false);
        }

        return Remember(seen);
    }

    private DriverError? Claim(bool replaces)
    {
        var mark = new FolderMark { Pool = Pool, Name = _startup.PoolName };
        if (!mark.Write(FullPath, $"{FolderMark.FileName}.{_ids.Next():N}.tmp", replaces))
        {
            // Another pool's driver was faster by a moment.
            return FolderMark.Read(FullPath) is FolderMark.Reading.Of { Mark: var other } ? Taken($"belongs to storage pool {other}") : Down("is changed by somebody else at this moment");
        }

        return Remember(seen: false);
    }

    private DriverError? Remember(bool seen)
    {
        if (!seen)
        {
            DurableFile.Write(_seenFile, _seenFile + ".tmp", Encoding.UTF8.GetBytes(FullPath));
        }

        return null;
    }

    // A folder above or below that is a pool's: what is in one would be in the other, and go with it. Asked when the folder is claimed, and of the folders as they
    // really are: links are followed.
    private DriverError? Overlapping() => LibC.Resolve(FullPath) is { } real ? Above(real) ?? Below(real) : Down("cannot be followed to where it really is");

    private DriverError? Above(string real)
    {
        for (var above = Path.GetDirectoryName(real); above is not null; above = Path.GetDirectoryName(above))
        {
            if (FolderMark.Read(above) is FolderMark.Reading.Of { Mark: var mark } && mark.Pool != Pool && (IsThere(mark) || _settings.Shared))
            {
                return Taken($"lies in the folder '{above}', which belongs to storage pool {mark}");
            }
        }

        return null;
    }

    private DriverError? Below(string real)
    {
        const int mostFolders = 2000;
        const int deepest = 4;
        var device = LibC.Stat(real, out _)?.Device;
        var looked = 0;
        Queue<(string Path, int Depth)> queue = new([(real, 0)]);
        while (queue.TryDequeue(out var next) && looked++ < mostFolders)
        {
            if (next.Depth > 0 && FolderMark.Read(next.Path) is FolderMark.Reading.Of { Mark: var mark } && mark.Pool != Pool && (IsThere(mark) || _settings.Shared))
            {
                return Taken($"holds the folder '{next.Path}', which belongs to storage pool {mark}");
            }

            if (next.Depth == deepest)
            {
                continue;
            }

            try
            {
                foreach (var below in System.IO.Directory.EnumerateDirectories(next.Path).Order(StringComparer.Ordinal).Take(mostFolders))
                {
                    // What is mounted below is looked at itself, and not what is in it: that may be large, or away.
                    if (!new DirectoryInfo(below).Attributes.HasFlag(FileAttributes.ReparsePoint))
                    {
                        queue.Enqueue((below, LibC.Stat(below, out _)?.Device == device ? next.Depth + 1 : deepest));
                    }
                }
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                return Down($"cannot be looked through for other storage pools: {unreadable.Message}");
            }
        }

        return null;
    }

    // Whether the pool is on this host. An agent that does not tell is believed to have it.
    private bool IsThere(FolderMark mark) =>
        _startup.PoolsFolder is not { } pools || System.IO.Directory.Exists(Path.Combine(pools, mark.Pool.Value.ToString("N")));

    private bool HoldsVolumesOf(PoolId pool)
    {
        foreach (var path in System.IO.Directory.EnumerateFiles(FullPath, $"hf-*{RecordSuffix}"))
        {
            try
            {
                if (DurableFile.Read(path) is { } content && JsonSerializer.Deserialize(content, DirectoryJson.Default.VolumeRecord)?.PoolId == pool)
                {
                    return true;
                }
            }
            catch (JsonException)
            {
                // Damaged: it is shown as a stray, and cannot say whose it is.
                continue;
            }
        }

        return false;
    }

    private DriverError Taken(string text) => DriverFailure.Invalid($"Storage pool '{_startup.PoolName}': folder '{FullPath}' {text}. A folder belongs to one storage pool.");

    /// <summary>Whether this folder was recognised as the pool's before, on this host. Answered from the driver's own state folder.</summary>
    internal bool WasSeen() => DurableFile.Read(_seenFile) is { } seen && Encoding.UTF8.GetString(seen) == FullPath;

    private DriverError Down(string text) => DriverFailure.Unreachable($"Storage pool '{_startup.PoolName}': folder '{FullPath}' {text}.");
}

/// <summary>A record, or none.</summary>
/// <param name="Record">The record; null when there is none.</param>
internal readonly record struct RecordOrNone(VolumeRecord? Record);
