using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

internal sealed partial class LinstorDriver
{
    /// <summary>A rollback at which nothing moves for so long is no longer carried out by anybody.</summary>
    private static readonly TimeSpan StillFor = TimeSpan.FromSeconds(10);

    /// <summary>How a revert ended. A closed hierarchy.</summary>
    private abstract record Reverted
    {
        /// <summary>It is complete, or there was none.</summary>
        /// <param name="Volume">The volume as it is now.</param>
        internal sealed record Done(Found.Ours Volume) : Reverted;

        /// <summary>It is not complete, or was refused before anything was done.</summary>
        internal sealed record Failed(DriverError Error) : Reverted;
    }

    private async Task<DriverResult<DriverAck>> RollBackAsync(
        VolumeId volume,
        SnapshotId snapshot,
        RevertRequest request,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Reverting {Name(volume)} to snapshot {snapshot}";
        var deadline = Deadline(call, cancellationToken);
        var found = await FindSnapshotAsync(volume, snapshot, doing, deadline);
        if (found.Error is { } error)
        {
            return error;
        }

        var ours = found.Volume!;
        if (request.Generation < ours.Marks.Generation)
        {
            return Older(doing, request.Generation, ours.Marks.Generation);
        }

        if (ours.Marks.Sealed)
        {
            return DriverFailure.Invalid($"{doing}: it is sealed.");
        }

        if (ours.Marks.Revert is null && NotUsable(ours, doing) is { } not)
        {
            return not;
        }

        if (IsGoing(ours.Definition))
        {
            return Going(doing);
        }

        if (found.Snapshot is not { IsSuccessful: true } kept)
        {
            return found.Snapshot is null
                ? DriverFailure.NotFound($"{doing}: LINSTOR has no such snapshot.")
                : DriverFailure.Busy($"{doing}: the snapshot is not complete.");
        }

        if (!(await _linstor.ResourcesAsync(VolumeName.Of(volume), deadline)).Has(out var resources, out var unread))
        {
            return Fail(unread, doing);
        }

        if (WhoUses(volume, resources) is { } user)
        {
            return DriverFailure.Busy($"{doing}: it is {user}.");
        }

        if (await CannotRollBackAsync(ours.SizeKib, kept, doing, deadline) is { } cannot)
        {
            return cannot;
        }

        // A revert that is not complete is superseded: what it was to bring is put back over anyway, and what else it promised stays promised.
        var before = ours.Marks.Revert;
        var revert = new PendingRevert
        {
            Volume = volume,
            Number = ours.Marks.Reverts + 1,
            Generation = request.Generation,
            Snapshot = snapshot,
            SizeKib = Math.Max(ours.SizeKib, before?.SizeKib ?? 0),
            Replicas = Math.Max(resources.Count(static one => one is { IsDiskless: false, IsGoing: false }), before?.Replicas ?? 0),
            Source = ours.Marks.Source,
        };
        try
        {
            _reverts.Write(revert);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return DriverFailure.Unknown($"{doing}: the driver cannot write down what it is about to do, so nothing was done: {failure.Message}");
        }

        ours = ours with { Marks = ours.Marks with { Revert = revert, Generation = request.Generation } };
        return await FinishRevertAsync(ours, fresh: before is null, doing, deadline) is Reverted.Failed { Error: { } failed }
            ? failed
            : new DriverAck(DriverOutcome.Done);
    }

    /// <summary>Finishes what a revert left: for calls that want to use the volume and name a generation at least as new.</summary>
    private async Task<Reverted> SettleAsync(Found.Ours ours, string doing, CallDeadline deadline)
    {
        if (ours.Marks.Revert is not null)
        {
            return await FinishRevertAsync(ours, fresh: false, doing, deadline);
        }

        switch (_reverts.Find(ours.Marks.Volume))
        {
            case { Finished: false }:
                // Another host finished it.
                _reverts.Remove(ours.Marks.Volume);
                break;
            case { } finished when ours.Definition.Property(VolumeMarks.RevertKey(ours.Marks.Volume)) is not null:
                // LINSTOR lost what it had answered last, and the note is back.
                return await CompleteAsync(finished, doing, deadline);
        }

        return new Reverted.Done(ours);
    }

    /// <summary>
    /// Brings a revert to its end, however far it came. That LINSTOR rolled back is only known from its answer to this call, so it is asked again: nobody else uses
    /// the volume meanwhile, and the snapshot is the same.
    /// </summary>
    /// <param name="ours">The volume, with its revert.</param>
    /// <param name="fresh">Whether nothing was asked of LINSTOR for it before; then a clean refusal ends it.</param>
    /// <param name="doing">What is done, for errors.</param>
    /// <param name="deadline">Until when.</param>
    private async Task<Reverted> FinishRevertAsync(Found.Ours ours, bool fresh, string doing, CallDeadline deadline)
    {
        var volume = ours.Marks.Volume;
        var name = VolumeName.Of(volume);
        var revert = ours.Marks.Revert!;
        if (IsGoing(ours.Definition))
        {
            return new Reverted.Failed(Going(doing));
        }

        if (!fresh)
        {
            LogFinishingRevert(volume, revert.Snapshot, revert.Generation);
            doing = $"{doing}: finishing its revert to snapshot {revert.Snapshot} (generation {revert.Generation})";
        }

        var key = VolumeMarks.RevertKey(volume);
        if (ours.Definition.Property(key) != revert.Text
            && await MarkAsync(name, new Dictionary<string, string> { [key] = revert.Text }, null, deadline) is { } unmarked)
        {
            if (fresh && !unmarked.MayHaveEffect)
            {
                _reverts.Remove(volume);
            }

            return new Reverted.Failed(Fail(unmarked, doing));
        }

        var rolledBack = await RollBackAsync(ours, revert, doing, deadline);
        if (rolledBack is null)
        {
            return await CompleteAsync(revert, doing, deadline);
        }

        if (fresh && !rolledBack.MayHaveEffect && await MarkAsync(name, null, [key], deadline) is null)
        {
            _reverts.Remove(volume);
        }

        return new Reverted.Failed(rolledBack.Error);
    }

    /// <summary>Why LINSTOR did not roll back.</summary>
    /// <param name="Error">The error.</param>
    /// <param name="MayHaveEffect">Whether LINSTOR may have begun.</param>
    private sealed record NotRolledBack(DriverError Error, bool MayHaveEffect = false);

    /// <returns>Null when LINSTOR said that the snapshot's data is back on every node.</returns>
    private async Task<NotRolledBack?> RollBackAsync(Found.Ours ours, PendingRevert revert, string doing, CallDeadline deadline)
    {
        var volume = ours.Marks.Volume;
        var name = VolumeName.Of(volume);
        var (standing, busy) = await StandingAsync(volume, doing, deadline);
        if (standing is null)
        {
            return new NotRolledBack(busy!);
        }

        if (WhoUses(volume, standing.Resources) is { } user)
        {
            return new NotRolledBack(DriverFailure.Busy($"{doing}: it is {user}."));
        }

        if (standing.Snapshots.Find(one => Is(one, revert.Snapshot)) is not { } snapshot)
        {
            return new NotRolledBack(DriverFailure.NotFound(
                $"{doing}: LINSTOR does not have that snapshot any more. The volume can be reverted to another snapshot, or deleted."));
        }

        if (await CannotRollBackAsync(standing.SizeKib, snapshot, doing, deadline) is { } cannot)
        {
            return new NotRolledBack(cannot);
        }

        if (standing.Resources.Find(static one => one.IsGoing) is { } going)
        {
            return new NotRolledBack(DriverFailure.Busy($"{doing}: LINSTOR is still deleting its resource on node {going.NodeName}."));
        }

        // A rollback begins with a snapshot, which cannot be taken where nothing is left.
        var isEmpty = standing.Resources.TrueForAll(static one => one.IsDiskless);
        var reply = isEmpty
            ? await RestoreInPlaceAsync(volume, standing, snapshot, revert, deadline.KeepingBack(ReadBack))
            : await RollbackAsync(ours, revert.Snapshot, doing, deadline.KeepingBack(ReadBack));
        return !reply.Has(out var change, out var problem)
            ? new NotRolledBack(Fail(problem, doing), problem.MayHaveEffect || isEmpty)
            : change.Deferred
                ? new NotRolledBack(DriverFailure.Busy($"{doing}: LINSTOR accepted it, but not every node took part yet.", change.Warnings()), MayHaveEffect: true)
                : null;
    }

    /// <summary>Restores a snapshot into the definition it was taken of, after a rollback that died when all resources were deleted.</summary>
    private async Task<RestReply<ChangeReply>> RestoreInPlaceAsync(
        VolumeId volume,
        Standing standing,
        Snapshot snapshot,
        PendingRevert revert,
        CallDeadline deadline)
    {
        var name = VolumeName.Of(volume);
        LogRestoringInPlace(volume, revert.Snapshot);
        var sizeKib = SizeOf(snapshot);
        if (standing.SizeKib == 0)
        {
            if (!(await _linstor.RestoreVolumesAsync(name, VolumeName.Of(revert.Snapshot), name, deadline)).Has(out _, out var missing))
            {
                return missing;
            }
        }
        else if (standing.SizeKib != sizeKib && !(await _linstor.ResizeAsync(name, sizeKib, deadline)).Has(out _, out var unsized))
        {
            return unsized;
        }

        return await _linstor.RestoreResourcesAsync(name, VolumeName.Of(revert.Snapshot), name, deadline);
    }

    /// <summary>
    /// After the data is back: replicas, size, no safety snapshot left, the marks; then the revert is no more. Repeated safely.
    /// </summary>
    private async Task<Reverted> CompleteAsync(PendingRevert revert, string doing, CallDeadline deadline)
    {
        var volume = revert.Volume;
        var name = VolumeName.Of(volume);
        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
        {
            return new Reverted.Failed(Fail(unread with { Code = DriverErrorCode.Unknown }, doing));
        }

        var replicas = resources.Count(static one => one is { IsDiskless: false, IsGoing: false });
        if (replicas == 0)
        {
            return new Reverted.Failed(DriverFailure.Unknown($"{doing}: LINSTOR said that it is rolled back, but shows no resource with data."));
        }

        // Without DRBD a resource that LINSTOR adds would be empty.
        if (replicas < revert.Replicas && resources.Exists(static one => one.LayerObject?.Has("DRBD") ?? false)
            && await PlaceAsync(name, wantsLocal: false, always: true, doing, deadline) is { } lacking)
        {
            return new Reverted.Failed(lacking.Error);
        }

        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return new Reverted.Failed(error.Why with { Code = error.Problem is null ? error.Why.Code : DriverErrorCode.Unknown });
            case Found.Ours { SizeKib: var size } small when size < revert.SizeKib && await ResizeAsync(small, revert.SizeKib, doing, deadline) is { } notGrown:
                return new Reverted.Failed(notGrown);
            case Found.Ours ours:
                return await EndAsync(ours, revert, doing, deadline);
            default:
                return new Reverted.Failed(DriverFailure.Unknown($"{doing}: LINSTOR does not show it any more."));
        }
    }

    private async Task<Reverted> EndAsync(Found.Ours ours, PendingRevert revert, string doing, CallDeadline deadline)
    {
        var volume = revert.Volume;
        if (!(await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var snapshots, out var unread))
        {
            return new Reverted.Failed(Fail(unread with { Code = DriverErrorCode.Unknown }, doing));
        }

        // One that stays would undo the revert, and all that is written after it: LINSTOR takes it for a rollback that died when its nodes connect the next time.
        if (await DropSafetySnapshotsAsync(volume, snapshots, doing, deadline) is { } stays)
        {
            return new Reverted.Failed(stays);
        }

        var marks = ours.Marks with
        {
            Generation = revert.Generation > ours.Marks.Generation ? revert.Generation : ours.Marks.Generation,
            Source = revert.Source,
            Sealed = false,
            Building = false,
            Reverts = revert.Number,
            Revert = null,
        };
        if (await WriteAsync(ours, marks, deadline) is { } unmarked)
        {
            return new Reverted.Failed(Fail(unmarked, doing));
        }

        try
        {
            _reverts.Write(revert with { Finished = true, Generation = marks.Generation });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Reverted.Failed(DriverFailure.Unknown($"{doing}: it is complete, but the driver cannot write that down: {failure.Message}"));
        }

        return await FindAsync(volume, doing, deadline) switch
        {
            Found.Ours done => new Reverted.Done(done),
            Found.Error error => new Reverted.Failed(error.Why),
            _ => new Reverted.Failed(DriverFailure.Unknown($"{doing}: LINSTOR does not show it any more.")),
        };
    }

    /// <summary>What LINSTOR has of a volume when nothing moves.</summary>
    private sealed record Standing(long SizeKib, List<Resource> Resources, List<Snapshot> Snapshots)
    {
        /// <summary>All that a rollback changes, as one text.</summary>
        public string ToText() => string.Join(
            ' ',
            Resources.Select(static one => $"{one.NodeName}:{string.Join('+', one.Flags ?? [])}").Order(StringComparer.Ordinal)
                .Concat(Snapshots.Select(static one => $"{one.Name}:{string.Join('+', one.Flags ?? [])}:{one.Nodes?.Count}").Order(StringComparer.Ordinal))
                .Append(SizeKib.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>
    /// Looks at a volume until no rollback is under way at LINSTOR: a safety snapshot or a resource that is being deleted tells of one. Whether anybody carries it
    /// out nothing tells; the controller may have died. A second one beside it would meet its resources half deleted, so it is waited for until nothing has moved
    /// for a while.
    /// </summary>
    private async Task<(Standing? Standing, DriverError? Error)> StandingAsync(VolumeId volume, string doing, CallDeadline deadline)
    {
        var name = VolumeName.Of(volume);
        var before = string.Empty;
        var since = _time.GetTimestamp();
        while (true)
        {
            if (!(await _linstor.DefinitionAsync(name, deadline)).Has(out var definition, out var problem) && problem is not null)
            {
                return (null, Fail(problem, doing));
            }

            if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out problem)
                || !(await _linstor.SnapshotsAsync(name, deadline)).Has(out var snapshots, out problem))
            {
                return (null, Fail(problem, doing));
            }

            var standing = new Standing(definition is null ? 0 : SizeOf(definition.VolumeDefinitions), resources, snapshots);
            if (!resources.Exists(static one => one.IsGoing) && !snapshots.Exists(static one => VolumeName.IsSafetySnapshot(one.Name)))
            {
                return (standing, null);
            }

            var now = standing.ToText();
            if (now != before)
            {
                (before, since) = (now, _time.GetTimestamp());
            }
            else if (_time.GetElapsedTime(since) >= StillFor)
            {
                return (standing, null);
            }

            if (!await deadline.PauseAsync(PollPause))
            {
                return (null, DriverFailure.Busy(
                    $"{doing}: LINSTOR seems to be rolling it back still; its safety snapshot or a resource that is being deleted is there."));
            }
        }
    }

    /// <summary>What stands in the way of a rollback by this LINSTOR's version, known before anything is done.</summary>
    private async Task<DriverError?> CannotRollBackAsync(long sizeKib, Snapshot snapshot, string doing, CallDeadline deadline)
    {
        if (!(await _linstor.VersionAsync(deadline)).Has(out var version, out var unreachable))
        {
            return Fail(unreachable, doing);
        }

        return version is { RollsBackByRestore: true, RollsBackSizes: false } && SizeOf(snapshot) != sizeKib
            ? DriverFailure.Unsupported(
                $"{doing}: LINSTOR's REST version {version} cannot roll back a volume that has grown since the snapshot; REST version 1.25.1 and later can.")
            : null;
    }

    private string? WhoUses(VolumeId volume, List<Resource> resources) =>
        _store.Find(volume) is { IsAttached: true } ? "attached on this host"
        : resources.Find(static one => one.InUse == true) is { } user ? $"in use on node {user.NodeName}" : null;

    private static long SizeOf(Snapshot snapshot) => SizeOf(snapshot.VolumeDefinitions);

    private static long SizeOf(IReadOnlyList<VolumeDefinition>? volumes) =>
        VolumeSize.ToBytes(volumes?.FirstOrDefault(static one => one.VolumeNumber is null or 0)?.SizeKib) / 1024;

    /// <returns>Null when none is left, else why not.</returns>
    private async Task<DriverError?> DropSafetySnapshotsAsync(VolumeId volume, List<Snapshot> snapshots, string doing, CallDeadline deadline)
    {
        foreach (var name in snapshots.Select(static one => one.Name).Where(VolumeName.IsSafetySnapshot))
        {
            if (await DropSnapshotAsync(volume, name!, doing, deadline) is { } stays)
            {
                return stays;
            }
        }

        return null;
    }
}
