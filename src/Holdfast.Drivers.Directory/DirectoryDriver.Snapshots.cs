using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Directory.Images;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory;

// Snapshots inside qcow2 images.
internal sealed partial class DirectoryDriver
{
    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> EnsureSnapshotAsync(
        VolumeId volume,
        SnapshotId snapshot,
        EnsureSnapshotRequest request,
        DriverCall call,
        CancellationToken cancellationToken) =>
        GuardAsync<DriverAck>(volume, async () =>
        {
            switch (SnapshotBase(volume, request.Generation))
            {
                case DriverResult<Found>.Failed failed:
                    return failed.Error;
                case DriverResult<Found>.Ok { Value: var found }:
                    return await EnsureSnapshotAsync(found, snapshot, request.Generation, cancellationToken);
                default:
                    throw new InvalidOperationException("The hierarchy is closed.");
            }
        });

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> DeleteSnapshotAsync(VolumeId volume, SnapshotId snapshot, DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync<DriverAck>(volume, async () =>
        {
            switch (Find(volume))
            {
                case DriverResult<Found>.Failed failed:
                    return failed.Error;
                case DriverResult<Found>.Ok { Value: { Record: { Format: ImageFormat.Qcow2 }, Image: { } image } }:
                    var name = SnapshotName(snapshot);
                    return await HasSnapshotAsync(image, name, cancellationToken) switch
                    {
                        DriverResult<bool>.Failed failed => failed.Error,
                        DriverResult<bool>.Ok { Value: false } => new DriverAck(DriverOutcome.AlreadySo),
                        _ when IsOpen(image) => DriverFailure.Busy($"Storage pool '{_pool}': volume {volume} is in use; its snapshots can go when it is not."),
                        _ => await _qemu.DeleteSnapshotAsync(image, name, cancellationToken) is { } error ? error : new DriverAck(DriverOutcome.Done),
                    };
                default:
                    return new DriverAck(DriverOutcome.AlreadySo);
            }
        });

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> RevertAsync(
        VolumeId volume,
        SnapshotId snapshot,
        RevertRequest request,
        DriverCall call,
        CancellationToken cancellationToken) =>
        GuardAsync<DriverAck>(volume, async () =>
        {
            switch (SnapshotBase(volume, request.Generation))
            {
                case DriverResult<Found>.Failed failed:
                    return failed.Error;
                case DriverResult<Found>.Ok { Value: var found }:
                    return await RevertAsync(found, snapshot, request.Generation, cancellationToken);
                default:
                    throw new InvalidOperationException("The hierarchy is closed.");
            }
        });

    private static string SnapshotName(SnapshotId snapshot) => $"hf-{snapshot}";

    private DriverResult<Found> SnapshotBase(VolumeId volume, Generation generation) => Existing(volume, generation).Then<Found>(found => found.Record switch
    {
        { Format: ImageFormat.Raw } => DriverFailure.Unsupported($"Storage pool '{_pool}': raw volumes have no snapshots."),
        { Sealed: true } => DriverFailure.Invalid($"Storage pool '{_pool}': volume {volume} is sealed."),
        _ => found,
    });

    private async Task<DriverResult<bool>> HasSnapshotAsync(string image, string name, CancellationToken cancellationToken) =>
        (await _qemu.SnapshotsAsync(image, cancellationToken)).Then<bool>(names => names.Contains(name));

    private async Task<DriverResult<DriverAck>> EnsureSnapshotAsync(
        Found found,
        SnapshotId snapshot,
        Generation generation,
        CancellationToken cancellationToken)
    {
        var record = found.Record!;
        var image = found.Image!;
        var name = SnapshotName(snapshot);
        switch (await HasSnapshotAsync(image, name, cancellationToken))
        {
            case DriverResult<bool>.Failed failed:
                return failed.Error;
            case DriverResult<bool>.Ok { Value: true }:
                return new DriverAck(DriverOutcome.AlreadySo);
        }

        if (IsInUse(record.VolumeId, image))
        {
            return DriverFailure.Unsupported($"Storage pool '{_pool}': volume {record.VolumeId} is attached; this kind of pool takes snapshots of unused volumes only.");
        }

        Remember(record, generation);
        if (await _qemu.SnapshotAsync(image, name, cancellationToken) is { } error)
        {
            return error;
        }

        DurableFile.Flush(image);
        return (await HasSnapshotAsync(image, name, cancellationToken)).Then<DriverAck>(there => there
            ? new DriverAck(DriverOutcome.Done)
            : DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img reported success, but volume {record.VolumeId} has no snapshot {snapshot}."));
    }

    private async Task<DriverResult<DriverAck>> RevertAsync(Found found, SnapshotId snapshot, Generation generation, CancellationToken cancellationToken)
    {
        var record = found.Record!;
        var image = found.Image!;
        var name = SnapshotName(snapshot);
        switch (await HasSnapshotAsync(image, name, cancellationToken))
        {
            case DriverResult<bool>.Failed failed:
                return failed.Error;
            case DriverResult<bool>.Ok { Value: false }:
                return DriverFailure.NotFound($"Storage pool '{_pool}': volume {record.VolumeId} has no snapshot {snapshot}.");
        }

        if (IsInUse(record.VolumeId, image))
        {
            return DriverFailure.Busy($"Storage pool '{_pool}': volume {record.VolumeId} is attached and cannot be put back now.");
        }

        record = Remember(record, generation);
        if (await _qemu.RevertAsync(image, name, cancellationToken) is { } error)
        {
            return error;
        }

        // A snapshot keeps the size of its day.
        return (await GrowAsync(record, image, record, cancellationToken)).Then<DriverAck>(static _ => new DriverAck(DriverOutcome.Done));
    }
}
