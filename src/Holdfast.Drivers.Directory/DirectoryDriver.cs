using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Directory.Host;
using Holdfast.Drivers.Directory.Images;
using Holdfast.Drivers.Directory.Records;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Directory;

/// <summary>
/// A pool that is a folder: an image <c>hf-ID.qcow2</c> (or <c>.raw</c>) and a record <c>hf-ID.json</c> for each volume. Everything is made under a temporary
/// name and renamed when it is whole; the record is written before the effect. See README.md.
/// </summary>
internal sealed partial class DirectoryDriver : IStorageDriver
{
    private const long LargestSize = 1L << 50;
    private const int SizeUnit = 512;
    private const int LongestChain = 64;
    private readonly DirectorySettings _settings;
    private readonly TimeProvider _time;
    private readonly BackendCallCounter _calls;
    private readonly IIdSource _ids;
    private readonly string _pool;
    private readonly PoolFolder _folder;
    private readonly AttachmentBook _attachments;
    private readonly QemuImg _qemu;
    private readonly GuestAccess _access;
    private readonly ILogger _log;

    internal DirectoryDriver(DirectorySettings settings, DriverContext context)
    {
        _settings = settings;
        _time = context.Time;
        _ids = context.Ids;
        _calls = context.BackendCalls;
        _pool = context.Startup.PoolName;
        _log = context.Loggers.CreateLogger<DirectoryDriver>();
        _folder = new PoolFolder(settings, context);
        _attachments = new AttachmentBook(context.Startup.StateFolder);
        _qemu = new QemuImg(context.Processes, context.BackendCalls, _pool);
        _access = new GuestAccess(context.Startup.GuestUser, _pool, context.Loggers.CreateLogger<GuestAccess>());
    }

    /// <inheritdoc/>
    public DriverCapabilities Capabilities => new()
    {
        CanClone = true,
        CanSnapshot = _settings.Format == ImageFormat.Qcow2,
        CanResize = true,
        IsShared = _settings.Shared,
        NotSharedReason = _settings.Shared
            ? null
            : $"folder '{_settings.Path}' is each host's own (setting 'shared' is false). Use scope HOST, or, if every host sees the same files there, say so with the detail shared=true"
                + " or a URL SharedMountPoint://localhost/PATH",
        HoldsData = true,
        CanAttachLocally = true,
    };

    /// <inheritdoc/>
    public Task<PoolStatus> ProbeAsync(DriverCall call, CancellationToken cancellationToken) => Task.FromResult(Probe());

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> EnsureVolumeAsync(
        VolumeId volume,
        EnsureVolumeRequest request,
        DriverCall call,
        CancellationToken cancellationToken) =>
        GuardAsync(volume, async () =>
        {
            if (Rounded(request.SizeBytes) is not DriverResult<long>.Ok { Value: var size })
            {
                return TooBig(volume, request.SizeBytes);
            }

            return Find(volume) switch
            {
                DriverResult<Found>.Failed failed => failed.Error,
                DriverResult<Found>.Ok { Value: { Record: null, Image: null } } => await CreateAsync(volume, request, size, cancellationToken),
                DriverResult<Found>.Ok { Value: { Record: { } record, Image: var image } } =>
                    await ConvergeAsync(record, image, request, size, cancellationToken),
                _ => NotOurs(volume),
            };
        });

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> GetVolumeAsync(VolumeId volume, DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync(volume, () => Task.FromResult(Existing(volume).Then<VolumeReply>(found => Reply(DriverOutcome.AlreadySo, found))));

    /// <inheritdoc/>
    public Task<DriverResult<VolumeList>> ListVolumesAsync(DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync<VolumeList>(null, () =>
        {
            if (_folder.Ready() is { } error)
            {
                return Task.FromResult<DriverResult<VolumeList>>(error);
            }

            List<VolumeInfo> volumes = [];
            foreach (var record in _folder.All())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (File.Exists(_folder.ImagePath(record)))
                {
                    volumes.Add(InfoOf(record, _folder.ImagePath(record)));
                }
            }

            return Task.FromResult<DriverResult<VolumeList>>(new VolumeList(volumes) { Strays = [.. _folder.Strays()] });
        });

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> ResizeVolumeAsync(
        VolumeId volume,
        ResizeVolumeRequest request,
        DriverCall call,
        CancellationToken cancellationToken) =>
        GuardAsync(volume, async () =>
        {
            if (Rounded(request.SizeBytes) is not DriverResult<long>.Ok { Value: var size })
            {
                return TooBig(volume, request.SizeBytes);
            }

            if (Existing(volume, request.Generation) is not DriverResult<Found>.Ok { Value: var found } result)
            {
                return Existing(volume, request.Generation).Then<VolumeReply>(static _ => throw new InvalidOperationException());
            }

            var record = found.Record!;
            if (record.Sealed)
            {
                return DriverFailure.Invalid($"Storage pool '{_pool}': volume {volume} is sealed and keeps its size.");
            }

            if (size < record.SizeBytes)
            {
                return DriverFailure.Invalid($"Storage pool '{_pool}': volume {volume} has {record.SizeBytes} bytes and does not shrink to {size}.");
            }

            return await GrowAsync(record, found.Image!, record with { SizeBytes = size, Generation = request.Generation }, cancellationToken);
        });

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync(volume, () => Task.FromResult(Existing(volume, request.Generation).Then(found => Seal(found, request.Generation))));

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync(volume, () => Task.FromResult(Find(volume).Then(found => Delete(volume, found, generation))));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static DriverResult<long> Rounded(long size) =>
        size <= LargestSize ? (size + SizeUnit - 1) / SizeUnit * SizeUnit : DriverFailure.Invalid("too big");

    private DriverError TooBig(VolumeId volume, long size) =>
        DriverFailure.Invalid($"Storage pool '{_pool}': volume {volume} of {size} bytes is more than the {LargestSize} bytes that an image may have.");

    private DriverError NotOurs(VolumeId volume) => DriverFailure.Invalid(
        $"Storage pool '{_pool}': '{_folder.FindImage(volume)}' has the name of volume {volume}, but no record says that it is ours; it is not touched.");

    /// <summary>Probes by what the pool is for: the folder is there, is the right one, and can be written.</summary>
    private PoolStatus Probe()
    {
        var now = _time.GetUtcNow();
        if (_folder.Ready() is { } error)
        {
            return new PoolStatus { ControlPlane = PlaneHealth.Down, DataPlane = PlaneHealth.Down, Error = error, AsOf = now };
        }

        PoolCapacity? capacity = null;
        try
        {
            _calls.Count("read capacity");
            var drive = new DriveInfo(_settings.Path);
            capacity = new PoolCapacity(drive.TotalSize, drive.TotalSize - drive.TotalFreeSpace, now);
            _calls.Count("write probe");
            var file = Path.Combine(_settings.Path, $".holdfast-probe.{_ids.Next():N}.tmp");
            DurableFile.Write(file, file + "1", "probe\n"u8);
            DurableFile.Remove(file);
            return new PoolStatus { ControlPlane = PlaneHealth.Up, DataPlane = PlaneHealth.Up, Capacity = capacity, AsOf = now };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            var full = failure.HResult is LibC.ErrorNoSpace or LibC.ErrorQuota;
            var plane = full ? PlaneHealth.Up : PlaneHealth.Down;
            return new PoolStatus
            {
                ControlPlane = plane,
                DataPlane = plane,
                Error = full
                    ? DriverFailure.Capacity($"Storage pool '{_pool}': the file system of '{_settings.Path}' is full.", failure.Message)
                    : DriverFailure.Unreachable($"Storage pool '{_pool}': folder '{_settings.Path}' cannot be written.", failure.Message),
                Capacity = capacity,
                AsOf = now,
            };
        }
    }

    /// <summary>What is there of a volume. An image without a record is reported as such, never touched.</summary>
    private DriverResult<Found> Find(VolumeId volume)
    {
        if (_folder.Ready() is { } error)
        {
            return error;
        }

        return _folder.Read(volume).Then<Found>(read =>
        {
            if (read.Record is not { } record)
            {
                return new Found(null, _folder.FindImage(volume));
            }

            var image = _folder.ImagePath(record);
            return new Found(record, File.Exists(image) ? image : null);
        });
    }

    /// <summary>A volume that is whole.</summary>
    private DriverResult<Found> Existing(VolumeId volume) => Find(volume).Then<Found>(found => found switch
    {
        { Record: null, Image: not null } => NotOurs(volume),
        { Record: { Deleting: false }, Image: not null } => found,
        _ => DriverFailure.NotFound($"Storage pool '{_pool}' has no volume {volume}."),
    });

    /// <summary>A volume that is whole and not newer than the call that is about it.</summary>
    private DriverResult<Found> Existing(VolumeId volume, Generation generation) => Existing(volume).Then<Found>(found =>
        generation < found.Record!.Generation ? Stale(found.Record, generation) : found);

    private DriverError Stale(VolumeRecord record, Generation generation) => DriverFailure.Invalid(
        $"Storage pool '{_pool}': volume {record.VolumeId} is recorded with generation {record.Generation}; a call of generation {generation} comes too late.");

    private async Task<DriverResult<VolumeReply>> CreateAsync(VolumeId volume, EnsureVolumeRequest request, long size, CancellationToken cancellationToken)
    {
        var sourced = Source(request.Source, size);
        if (sourced is not DriverResult<SourceOrNone>.Ok { Value.Source: var source })
        {
            return ((DriverResult<SourceOrNone>.Failed)sourced).Error;
        }

        if (request.Source is VolumeSource.FromSnapshot taken)
        {
            switch (await HasSnapshotAsync(_folder.ImagePath(source!), SnapshotName(taken.SnapshotId), cancellationToken))
            {
                case DriverResult<bool>.Failed failed:
                    return failed.Error;
                case DriverResult<bool>.Ok { Value: false }:
                    return DriverFailure.NotFound($"Storage pool '{_pool}': volume {taken.VolumeId} has no snapshot {taken.SnapshotId}.");
            }
        }

        var record = new VolumeRecord
        {
            VolumeId = volume,
            PoolId = _folder.Pool,
            Generation = request.Generation,
            SizeBytes = size,
            Format = _settings.Format,
            Source = request.Source,
            Backing = request.Source is VolumeSource.FromVolume from && IsLinked ? from.VolumeId : null,
            Label = request.Label,
        };
        _folder.Write(record);

        // Another host may have begun to delete the source between the look at it and the record that says we need it.
        if (record.Backing is not null && Source(request.Source, size) is DriverResult<SourceOrNone>.Failed gone)
        {
            _folder.Remove(volume);
            return gone.Error;
        }

        return await MaterialiseAsync(record, source, cancellationToken);
    }

    private bool IsLinked => _settings.Format == ImageFormat.Qcow2;

    /// <summary>Makes the image that a record speaks of, under a temporary name until it is whole.</summary>
    private async Task<DriverResult<VolumeReply>> MaterialiseAsync(VolumeRecord record, VolumeRecord? source, CancellationToken cancellationToken)
    {
        _folder.RemoveTemporaries(record.VolumeId);
        var temporary = _folder.TemporaryPath(record.VolumeId);
        if (await FillAsync(record, source, temporary, cancellationToken) is { } error)
        {
            // Nothing under the volume's own name was made, so there is nothing that could be half done.
            File.Delete(temporary);
            _folder.Remove(record.VolumeId);
            return error;
        }

        if (ImageHeader.SizeOf(temporary, record.Format) is not { } made || made < record.SizeBytes)
        {
            File.Delete(temporary);
            _folder.Remove(record.VolumeId);
            return DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img reported success, but the image of volume {record.VolumeId} is not what was asked for.");
        }

        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        DurableFile.Flush(temporary);
        var image = _folder.ImagePath(record);
        File.Move(temporary, image, overwrite: false);
        DurableFile.FlushFolder(_settings.Path);
        return Reply(DriverOutcome.Done, new Found(record, image));
    }

    private async Task<DriverError?> FillAsync(VolumeRecord record, VolumeRecord? source, string temporary, CancellationToken cancellationToken)
    {
        if (source is null)
        {
            return await _qemu.CreateAsync(temporary, record.Format, record.SizeBytes, cancellationToken);
        }

        if (record.Backing is not null)
        {
            // By name, not by path: a shared pool may be mounted elsewhere on another host.
            return await _qemu.CreateOnAsync(
                temporary,
                PoolFolder.ImageName(source.VolumeId, source.Format),
                source.Format,
                record.SizeBytes,
                cancellationToken);
        }

        var snapshot = record.Source is VolumeSource.FromSnapshot from ? SnapshotName(from.SnapshotId) : null;
        if (await _qemu.CopyAsync(_folder.ImagePath(source), source.Format, snapshot, temporary, record.Format, cancellationToken) is { } error)
        {
            return error;
        }

        return ImageHeader.SizeOf(temporary, record.Format) < record.SizeBytes
            ? await _qemu.ResizeAsync(temporary, record.Format, record.SizeBytes, cancellationToken)
            : null;
    }

    /// <summary>The volume that a new one's content comes from, checked.</summary>
    private DriverResult<SourceOrNone> Source(VolumeSource source, long size)
    {
        switch (source)
        {
            case VolumeSource.Empty:
                return new SourceOrNone(null);
            case VolumeSource.FromVolume from:
                return Existing(from.VolumeId).Then<SourceOrNone>(found => found.Record switch
                {
                    { Sealed: false } => DriverFailure.Invalid($"Storage pool '{_pool}': volume {from.VolumeId} is not sealed and cannot be cloned."),
                    { SizeBytes: var least } when size < least =>
                        DriverFailure.Invalid($"Storage pool '{_pool}': a clone of volume {from.VolumeId} needs at least its {least} bytes, not {size}."),
                    var record => new SourceOrNone(record),
                });
            case VolumeSource.FromSnapshot from:
                return Existing(from.VolumeId).Then<SourceOrNone>(found => found.Record switch
                {
                    { Format: ImageFormat.Raw } => DriverFailure.Unsupported($"Storage pool '{_pool}': raw volumes have no snapshots."),
                    { SizeBytes: var least } when size < least =>
                        DriverFailure.Invalid($"Storage pool '{_pool}': a copy of volume {from.VolumeId} needs at least its {least} bytes, not {size}."),
                    var record => new SourceOrNone(record),
                });
            default:
                return DriverFailure.Unsupported($"Storage pool '{_pool}' cannot make volumes from a {source.GetType().Name}.");
        }
    }

    /// <summary>Compares what is wanted with what is recorded, and finishes what was begun.</summary>
    private async Task<DriverResult<VolumeReply>> ConvergeAsync(
        VolumeRecord record,
        string? image,
        EnsureVolumeRequest request,
        long size,
        CancellationToken cancellationToken)
    {
        if (record.Deleting)
        {
            return DriverFailure.Invalid($"Storage pool '{_pool}': volume {record.VolumeId} is being deleted.");
        }

        if (request.Generation < record.Generation)
        {
            return Stale(record, request.Generation);
        }

        if (request.Source != record.Source)
        {
            return DriverFailure.Invalid($"Storage pool '{_pool}': volume {record.VolumeId} exists with content from elsewhere than asked for.");
        }

        if (size < record.SizeBytes || (request.Generation == record.Generation && size != record.SizeBytes))
        {
            return DriverFailure.Invalid(
                $"Storage pool '{_pool}': volume {record.VolumeId} of generation {record.Generation} has {record.SizeBytes} bytes, not {size}.");
        }

        if (image is null)
        {
            return await CreateAsync(record.VolumeId, request, size, cancellationToken);
        }

        if (record.Sealed && size > record.SizeBytes)
        {
            return DriverFailure.Invalid($"Storage pool '{_pool}': volume {record.VolumeId} is sealed and keeps its size.");
        }

        return await GrowAsync(record, image, record with { SizeBytes = size, Generation = request.Generation }, cancellationToken);
    }

    /// <summary>
    /// Grows an image to its recorded size. An image that somebody has open is grown by them: QEMU does so when the agent has the guest's disk resized, and nobody
    /// else may touch the image meanwhile.
    /// </summary>
    private async Task<DriverResult<VolumeReply>> GrowAsync(VolumeRecord before, string image, VolumeRecord wanted, CancellationToken cancellationToken)
    {
        var outcome = DriverOutcome.AlreadySo;
        if (wanted != before)
        {
            _folder.Write(wanted);
            outcome = DriverOutcome.Done;
        }

        if (ImageHeader.SizeOf(image, wanted.Format) is not { } size)
        {
            return DriverFailure.Unknown($"Storage pool '{_pool}': '{image}' is not an image of format {QemuImg.NameOf(wanted.Format)} any more.");
        }

        if (size >= wanted.SizeBytes)
        {
            return Reply(outcome, new Found(wanted, image));
        }

        if (IsOpen(image))
        {
            return Reply(outcome, new Found(wanted, image)) with { GuestMustGrow = true };
        }

        switch (await _qemu.ResizeAsync(image, wanted.Format, wanted.SizeBytes, cancellationToken))
        {
            case { Code: DriverErrorCode.Busy }:
                return Reply(DriverOutcome.Done, new Found(wanted, image)) with { GuestMustGrow = true };
            case { } error:
                return error;
        }

        DurableFile.Flush(image);
        return ImageHeader.SizeOf(image, wanted.Format) >= wanted.SizeBytes
            ? Reply(DriverOutcome.Done, new Found(wanted, image))
            : DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img reported success, but volume {wanted.VolumeId} has not grown.");
    }

    private DriverResult<VolumeReply> Seal(Found found, Generation generation)
    {
        var record = found.Record!;
        var image = found.Image!;
        var outcome = DriverOutcome.AlreadySo;
        if (!record.Sealed)
        {
            if (_attachments.Of(record.VolumeId).Any(static attachment => !attachment.ReadOnly) || IsOpen(image))
            {
                return DriverFailure.Busy($"Storage pool '{_pool}': volume {record.VolumeId} is attached and cannot be sealed yet.");
            }

            DurableFile.Flush(image);
            outcome = DriverOutcome.Done;
        }

        var wanted = record with { Sealed = true, Generation = generation };
        if (wanted != record)
        {
            _folder.Write(wanted);
            outcome = DriverOutcome.Done;
        }

        File.SetUnixFileMode(image, File.GetUnixFileMode(image) & ~(UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
        return Reply(outcome, new Found(wanted, image));
    }

    private DriverResult<DriverAck> Delete(VolumeId volume, Found found, Generation generation)
    {
        if (found.Record is not { } record)
        {
            return found.Image is null ? new DriverAck(DriverOutcome.AlreadySo) : NotOurs(volume);
        }

        if (generation < record.Generation)
        {
            return Stale(record, generation);
        }

        if (found.Image is { } image)
        {
            if (_attachments.Of(volume).Count > 0 || IsOpen(image))
            {
                return DriverFailure.Busy($"Storage pool '{_pool}': volume {volume} is still attached or open.");
            }

            // First said, then looked: a clone that is being made elsewhere writes its record and then looks here, so that one of the two sees the other.
            if (!record.Deleting)
            {
                _folder.Write(record with { Deleting = true });
            }

            if (Dependents(volume) is { Count: > 0 } dependents)
            {
                _folder.Write(record with { Deleting = false });
                return DriverFailure.Busy(
                    $"Storage pool '{_pool}': volume {volume} is still needed by {dependents.Count} clone(s): {string.Join(", ", dependents.Take(5))}.");
            }

            DurableFile.Remove(image);
        }

        _folder.RemoveTemporaries(volume);
        _folder.Remove(volume);
        return new DriverAck(DriverOutcome.Done);
    }

    private List<string> Dependents(VolumeId volume) =>
        [.. _folder.All().Where(record => record.Backing == volume).Select(static record => $"{record.Label ?? "volume"} ({record.VolumeId})")];

    private VolumeRecord Remember(VolumeRecord record, Generation generation)
    {
        if (record.Generation == generation)
        {
            return record;
        }

        var newer = record with { Generation = generation };
        _folder.Write(newer);
        return newer;
    }

    private static VolumeReply Reply(DriverOutcome outcome, Found found) => new(outcome, InfoOf(found.Record!, found.Image!));

    private static VolumeInfo InfoOf(VolumeRecord record, string image) => new()
    {
        VolumeId = record.VolumeId,
        Generation = record.Generation,
        SizeBytes = record.SizeBytes,
        BackendName = PoolFolder.NameOf(record.VolumeId),
        Sealed = record.Sealed,
        AllocatedBytes = LibC.Stat(image, out _)?.AllocatedBytes,
    };

    /// <summary>Turns the failures of a file system into answers.</summary>
    private async Task<DriverResult<T>> GuardAsync<T>(VolumeId? volume, Func<Task<DriverResult<T>>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            var what = volume is { } id ? $"Storage pool '{_pool}', volume {id}" : $"Storage pool '{_pool}'";
            return failure.HResult is LibC.ErrorNoSpace or LibC.ErrorQuota
                ? DriverFailure.Capacity($"{what}: the file system of '{_settings.Path}' is full.", failure.Message)
                : DriverFailure.Unknown($"{what}: the file system of '{_settings.Path}' fails.", failure.Message);
        }
    }

    [LoggerMessage(2001, LogLevel.Warning, "Storage pool '{PoolName}': volume {VolumeId} is open for writing ({Path}), but this host has no record of an attachment")]
    private partial void LogUnrecorded(string poolName, VolumeId volumeId, string path);

    private readonly record struct Found(VolumeRecord? Record, string? Image);

    private readonly record struct SourceOrNone(VolumeRecord? Source);
}
