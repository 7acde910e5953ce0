using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Drbd;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

/// <content>Cutting I/O off. LINSTOR is never asked: it may be what hangs.</content>
internal sealed partial class LinstorDriver
{
    /// <inheritdoc/>
    public async Task<DriverResult<DriverAck>> CutAsync(VolumeId volume, CutRequest request, DriverCall call, CancellationToken cancellationToken)
    {
        var doing = $"Cutting off {Name(volume)} on node {NodeName}";
        var deadline = Deadline(call, cancellationToken);
        if (NotToBeCut(volume, request, doing) is { } not)
        {
            return not;
        }

        var record = _store.Find(volume)!;
        if (!record.IsDrbd)
        {
            return DriverFailure.Unsupported(
                $"{doing}: without DRBD, I/O of one volume cannot be cut off. Its device is {record.Path}; its I/O ends when the storage below that answers again, or is made to fail as a whole (a disk: 'echo offline > /sys/block/DISK/device/state').");
        }

        var before = _store.FindCut(volume);
        if (before is null || before.Generation < request.Generation)
        {
            try
            {
                _store.Write(new CutRecord(volume, request.Generation, _time.GetUtcNow()));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return DriverFailure.Busy($"{doing}: not begun, because the driver cannot write it down: {failure.Message}");
            }
        }

        // Another call about the volume may have ended meanwhile. It writes its record before it looks for a cut, so that one of the two sees the other.
        if (NotToBeCut(volume, request, doing) is { } late)
        {
            Restore(volume, before);
            return late;
        }

        if (before is not null && await AskAsync(volume, deadline) is DrbdAnswer.Resources known && IsCutOff(known, volume, isDone: true))
        {
            return new DriverAck(DriverOutcome.AlreadySo);
        }

        using var limit = deadline.Limit(deadline.Left);
        var deed = await _drbd.CutOffAsync(VolumeName.Of(volume), limit.Token);
        if (deed is DrbdDeed.Impossible impossible)
        {
            Restore(volume, before);
            return DriverFailure.Unsupported(
                $"{doing}: {impossible.Reason}. Its device is {record.Path}; where drbdsetup can be run, 'drbdsetup secondary --force {VolumeName.Of(volume)}' makes its I/O fail.");
        }

        return await ProveCutAsync(volume, deed, doing, deadline);
    }

    private static DriverError CutAlready(string doing, CutRecord cut) =>
        DriverFailure.Busy($"{doing}: its I/O was cut off on this host at {cut.At:u}, and it has not been released since.");

    private DriverError? NotToBeCut(VolumeId volume, CutRequest request, string doing) => _store.Find(volume) switch
    {
        { IsAttached: true } record when record.Generation > request.Generation =>
            DriverFailure.Invalid($"{doing}: it was attached again with generation {record.Generation}, which is newer than {request.Generation}."),
        { IsAttached: true } => null,
        _ => DriverFailure.NotFound($"{doing}: it is not attached on this host."),
    };

    private void Restore(VolumeId volume, CutRecord? before)
    {
        if (before is null)
        {
            _store.ForgetCut(volume);
        }
        else
        {
            _store.Write(before);
        }
    }

    /// <summary>Whether DRBD's state proves a cut: all I/O fails; or, when DRBD said that it did it, nothing waits and nobody has the device for writing any more.</summary>
    private static bool IsCutOff(DrbdAnswer.Resources answer, VolumeId volume, bool isDone) =>
        ResourceOf(answer, volume) is not { } resource || (isDone ? resource.IsCutOff : resource.IsFailing);

    private async Task<DriverResult<DriverAck>> ProveCutAsync(VolumeId volume, DrbdDeed deed, string doing, Rest.CallDeadline deadline)
    {
        while (true)
        {
            string reason;
            switch (await AskAsync(volume, deadline))
            {
                case DrbdAnswer.Resources answer when IsCutOff(answer, volume, deed is DrbdDeed.Done):
                    LogCut(volume, _context.Startup.PoolName);
                    return new DriverAck(DriverOutcome.Done);
                case DrbdAnswer.NotKnown unknown:
                    reason = unknown.Reason;
                    break;
                case var answer:
                    reason = ResourceOf(answer, volume)?.Waiting ?? "somebody still has its device open for writing";
                    break;
            }

            if (deed is not DrbdDeed.Done || !await deadline.PauseAsync(DevicePause))
            {
                var said = deed is DrbdDeed.Failed failed ? $"{failed.Reason}; " : string.Empty;
                return DriverFailure.Unknown($"{doing}: {said}that its I/O fails is not proven: {reason}.");
            }
        }
    }
}
