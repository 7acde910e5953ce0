using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

internal sealed partial class LinstorDriver
{
    private async Task<DriverResult<DriverAck>> TakeSnapshotAsync(
        VolumeId volume,
        SnapshotId snapshot,
        EnsureSnapshotRequest request,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Taking snapshot {snapshot} of {Name(volume)}";
        var deadline = Deadline(call, cancellationToken);
        var found = await FindSnapshotAsync(volume, snapshot, doing, deadline);
        if (found.Error is { } error)
        {
            return error;
        }

        if (request.Generation < found.Volume!.Marks.Generation)
        {
            return Older(doing, request.Generation, found.Volume.Marks.Generation);
        }

        if (NotUsable(found.Volume, doing) is { } not)
        {
            return not;
        }

        if (found.Snapshot is { IsSuccessful: true } there && !there.Has("DELETE"))
        {
            return new DriverAck(DriverOutcome.AlreadySo);
        }

        if (found.Snapshot is { } dead && (dead.IsFailed || dead.Has("DELETE")))
        {
            // It will never be usable, and its name is needed.
            if (await DropSnapshotAsync(volume, snapshot, doing, deadline) is { } stays)
            {
                return stays;
            }

            found = found with { Snapshot = null };
        }

        RestProblem? problem = null;
        if (found.Snapshot is null
            && !(await CreateSnapshotAsync(found.Volume, snapshot, deadline.KeepingBack(ReadBack))).Has(out _, out problem)
            && problem is { MayHaveEffect: false, Linstor: not (LinstorCode.SnapshotDefinitionExists or LinstorCode.SnapshotExists) })
        {
            return Fail(problem, doing);
        }

        // "Created" or no answer: only the flag tells whether it can be used.
        while (true)
        {
            found = await FindSnapshotAsync(volume, snapshot, doing, deadline);
            switch (found)
            {
                case { Error: { } unread }:
                    return unread with { Code = DriverErrorCode.Unknown };
                case { Snapshot: { IsSuccessful: true } }:
                    return new DriverAck(DriverOutcome.Done);
                case { Snapshot: { IsFailed: true } }:
                    _ = await DropSnapshotAsync(volume, snapshot, doing, deadline);
                    return DriverFailure.Busy($"{doing}: it failed at LINSTOR; is a node offline?", problem?.Backend);
                case { Snapshot: null } when problem is not null:
                    return Fail(problem, doing);
            }

            if (!await deadline.PauseAsync(PollPause))
            {
                return DriverFailure.Busy($"{doing}: LINSTOR has not finished it yet.");
            }
        }
    }

    /// <inheritdoc/>
    public async Task<DriverResult<DriverAck>> DeleteSnapshotAsync(
        VolumeId volume,
        SnapshotId snapshot,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Deleting snapshot {snapshot} of {Name(volume)}";
        var deadline = Deadline(call, cancellationToken);
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Absent:
                return new DriverAck(DriverOutcome.AlreadySo);
            case Found.Error error:
                return error.Why;
            case Found.Ours { Marks.Revert: { } revert } ours when revert.Snapshot == snapshot:
                if (await FinishRevertAsync(ours, fresh: false, doing, deadline) is Reverted.Failed failed)
                {
                    return failed.Error;
                }

                break;
        }

        if (!(await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var all, out var problem))
        {
            return Fail(problem, doing);
        }

        if (!all.Exists(one => Is(one, snapshot)))
        {
            return new DriverAck(DriverOutcome.AlreadySo);
        }

        return await DropSnapshotAsync(volume, snapshot, doing, deadline) is { } stays ? stays : new DriverAck(DriverOutcome.Done);
    }

    /// <summary>A volume of ours and one of its snapshots, or why not.</summary>
    private sealed record FoundSnapshot(DriverError? Error, Found.Ours? Volume, Snapshot? Snapshot);

    private static bool Is(Snapshot one, SnapshotId snapshot) => Is(one, VolumeName.Of(snapshot));

    private static bool Is(Snapshot one, string name) => string.Equals(one.Name, name, StringComparison.OrdinalIgnoreCase);

    private async Task<FoundSnapshot> FindSnapshotAsync(VolumeId volume, SnapshotId snapshot, string doing, CallDeadline deadline)
    {
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return new FoundSnapshot(error.Why, null, null);
            case Found.Ours ours:
                return (await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var all, out var problem)
                    ? new FoundSnapshot(null, ours, all.Find(one => Is(one, snapshot)))
                    : new FoundSnapshot(Fail(problem, doing), null, null);
            default:
                return new FoundSnapshot(Absent(doing, volume), null, null);
        }
    }

    /// <returns>Null when it is gone, else why not.</returns>
    private Task<DriverError?> DropSnapshotAsync(VolumeId volume, SnapshotId snapshot, string doing, CallDeadline deadline) =>
        DropSnapshotAsync(volume, VolumeName.Of(snapshot), doing, deadline);

    /// <returns>Null when it is gone, else why not.</returns>
    private async Task<DriverError?> DropSnapshotAsync(VolumeId volume, string snapshot, string doing, CallDeadline deadline)
    {
        if (!(await _linstor.DeleteSnapshotAsync(VolumeName.Of(volume), snapshot, deadline.KeepingBack(ReadBack))).Has(out _, out var problem)
            && !problem.MayHaveEffect)
        {
            return Fail(problem, doing);
        }

        var patience = new CallDeadline(_time, deadline.Share(DeletionPatience), deadline.Cancelled);
        while (true)
        {
            if (!(await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var all, out var unread))
            {
                return Fail(unread with { Code = DriverErrorCode.Unknown }, doing);
            }

            if (all.Find(one => Is(one, snapshot)) is not { } there)
            {
                return null;
            }

            if (problem is not null && !there.Has("DELETE"))
            {
                return Fail(problem, doing);
            }

            if (!await patience.PauseAsync(PollPause))
            {
                return DriverFailure.Busy($"{doing}: deletion of the snapshot is pending at LINSTOR{await WhoIsAwayAsync(volume, deadline)}.");
            }
        }
    }
}
