using System.Collections.Concurrent;
using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Drbd;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

/// <content>
/// I/O that LINSTOR suspends for a snapshot or a rollback, and who sees to it that it goes on: whoever asked notes it first, and the note goes only with the proof.
/// </content>
internal sealed partial class LinstorDriver
{
    /// <summary>A property of a definition whose change makes its satellites adjust the resource, which resumes what nobody suspends any more.</summary>
    private const string ResumedKey = "Aux/holdfast/resumed";

    /// <summary>From when on I/O is resumed on this host alone while LINSTOR does not answer.</summary>
    private static readonly TimeSpan ApartAfter = TimeSpan.FromSeconds(60);

    private readonly long _startedAt;

    // What this process itself has taken at this moment, and since when by the monotonic clock; what it has seen suspended or unfinished, likewise.
    private readonly ConcurrentDictionary<VolumeId, string> _holding = [];
    private readonly ConcurrentDictionary<VolumeId, long> _askedAt = [];
    private readonly ConcurrentDictionary<VolumeId, long> _suspendedSince = [];
    private readonly ConcurrentDictionary<(VolumeId Volume, string Snapshot), long> _unfinishedSince = [];

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> EnsureSnapshotAsync(
        VolumeId volume,
        SnapshotId snapshot,
        EnsureSnapshotRequest request,
        DriverCall call,
        CancellationToken cancellationToken) => HoldingAsync(
            volume,
            (snapshot, IsRollback: false),
            $"Taking snapshot {snapshot} of {Name(volume)}",
            call,
            inner => TakeSnapshotAsync(volume, snapshot, request, inner, cancellationToken),
            cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> RevertAsync(
        VolumeId volume,
        SnapshotId snapshot,
        RevertRequest request,
        DriverCall call,
        CancellationToken cancellationToken) => HoldingAsync(
            volume,
            (snapshot, IsRollback: true),
            $"Reverting {Name(volume)} to snapshot {snapshot}",
            call,
            inner => RollBackAsync(volume, snapshot, request, inner, cancellationToken),
            cancellationToken);

    /// <inheritdoc/>
    public async Task<DriverResult<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, DriverCall call, CancellationToken cancellationToken)
    {
        var doing = $"Resuming {Name(volume)} on node {NodeName}";
        var record = _store.Find(volume);
        if (record is { IsAttached: true } && record.Generation > request.Generation)
        {
            return DriverFailure.Invalid($"{doing}: it was attached again with generation {record.Generation}, which is newer than {request.Generation}.");
        }

        if (_store.Holds.Find(volume) is null && !(record?.IsDrbd ?? _traits.IsDrbd))
        {
            return new DriverAck(DriverOutcome.AlreadySo);
        }

        return await ResumeAsync(volume, doing, Deadline(call, cancellationToken)) switch
        {
            Resumed.Done done => new DriverAck(done.IsNews ? DriverOutcome.Done : DriverOutcome.AlreadySo),
            Resumed.UnderWay underWay => underWay.Error,
            Resumed.Failed failed => failed.Error,
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        };
    }

    /// <summary>Does something for which LINSTOR suspends I/O, and ends only with the proof that it goes on here.</summary>
    private async Task<DriverResult<DriverAck>> HoldingAsync(
        VolumeId volume,
        (SnapshotId Snapshot, bool IsRollback) asked,
        string doing,
        DriverCall call,
        Func<DriverCall, Task<DriverResult<DriverAck>>> ask,
        CancellationToken cancellationToken)
    {
        var deadline = Deadline(call, cancellationToken);
        if (_store.Holds.Find(volume) is { } earlier)
        {
            switch (await ResumeAsync(volume, doing, deadline))
            {
                case Resumed.Failed failed:
                    return failed.Error;
                case Resumed.UnderWay underWay when (earlier.Snapshot, earlier.IsRollback) != asked:
                    return underWay.Error;
            }
        }

        DriverResult<DriverAck> result;
        _holding[volume] = HoldRecord.Describe(asked.Snapshot, asked.IsRollback);
        try
        {
            var left = deadline.KeepingBack(ReadBack).Left;
            result = await ask(new DriverCall(call.Id, left, _time));
        }
        finally
        {
            _holding.TryRemove(volume, out _);
        }

        if (_store.Holds.Find(volume) is null)
        {
            return result;
        }

        switch (result)
        {
            case DriverResult<DriverAck>.Ok:
                return await ProveGoingOnAsync(volume, doing, deadline) is { } unproven ? unproven : result;
            case DriverResult<DriverAck>.Failed { Error.Code: DriverErrorCode.Unknown }:
                // LINSTOR may begin with it later.
                return result;
            case DriverResult<DriverAck>.Failed when (await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var snapshots, out _)
                && !snapshots.Exists(HeldSnapshots.IsUnfinished):
                _ = await ProveGoingOnAsync(volume, doing, deadline);
                return result;
            default:
                return result;
        }
    }

    private Task<RestReply<ChangeReply>> CreateSnapshotAsync(Found.Ours ours, SnapshotId snapshot, CallDeadline deadline) =>
        AskToHoldAsync(ours, snapshot, isRollback: false, name => _linstor.CreateSnapshotAsync(name, VolumeName.Of(snapshot), deadline));

    // Any call that finishes what an earlier revert left comes here too, and has no other moment for the proof.
    private async Task<RestReply<ChangeReply>> RollbackAsync(Found.Ours ours, SnapshotId snapshot, string doing, CallDeadline deadline)
    {
        var reply = await AskToHoldAsync(ours, snapshot, isRollback: true, name => _linstor.RollbackAsync(name, VolumeName.Of(snapshot), deadline));
        if (ours.IsDrbd && reply.Has(out _, out _) && await ProveGoingOnAsync(ours.Marks.Volume, doing, deadline) is { } unproven)
        {
            LogResumptionUnseen(ours.Marks.Volume, unproven.Text);
        }

        return reply;
    }

    /// <summary>Sends a request for which LINSTOR suspends I/O where DRBD is in the stack; there it is noted first.</summary>
    private async Task<RestReply<ChangeReply>> AskToHoldAsync(Found.Ours ours, SnapshotId snapshot, bool isRollback, Func<string, Task<RestReply<ChangeReply>>> ask)
    {
        if (ours.IsDrbd)
        {
            var hold = new HoldRecord(ours.Marks.Volume, snapshot, isRollback, _time.GetUtcNow());
            try
            {
                _store.Holds.Write(hold);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return new RestProblem
                {
                    Code = DriverErrorCode.Busy,
                    Text = $"LINSTOR was not asked for {hold.What}, because the driver cannot write down that I/O has to be resumed after it: {failure.Message}",
                };
            }

            _askedAt[hold.Volume] = _time.GetTimestamp();
        }

        return await ask(VolumeName.Of(ours.Marks.Volume));
    }

    /// <summary>Looks for the proof that I/O goes on after LINSTOR is at an end with what it was asked for; with it the note goes.</summary>
    /// <returns>Null with the proof; else why there is none.</returns>
    private async Task<DriverError?> ProveGoingOnAsync(VolumeId volume, string doing, CallDeadline deadline)
    {
        while (true)
        {
            var answer = await AskAsync(volume, deadline);
            switch (answer)
            {
                case DrbdAnswer.NotKnown { IsMissing: true } missing:
                    // A host without drbdsetup sees no more than LINSTOR's word.
                    LogResumptionUnseen(volume, missing.Reason);
                    Settle(volume);
                    return null;
                case DrbdAnswer.Resources when ResourceOf(answer, volume) is not { SuspendedUser: true }:
                    Settle(volume);
                    return null;
            }

            if (!await deadline.PauseAsync(DevicePause))
            {
                var reason = answer is DrbdAnswer.NotKnown unknown ? unknown.Reason : ResourceOf(answer, volume)?.Waiting;
                return DriverFailure.Busy($"{doing}: LINSTOR is at an end with it, but that I/O goes on is not seen: {reason}.");
            }
        }
    }

    private void Settle(VolumeId volume)
    {
        _store.Holds.Remove(volume);
        _askedAt.TryRemove(volume, out _);
    }

    /// <summary>What became of the wish that I/O goes on. A closed hierarchy.</summary>
    private abstract record Resumed
    {
        /// <summary>The host says that it goes on.</summary>
        /// <param name="IsNews">Whether anything had to be done for it.</param>
        internal sealed record Done(bool IsNews) : Resumed;

        /// <summary>LINSTOR is really at work.</summary>
        internal sealed record UnderWay(DriverError Error) : Resumed;

        /// <summary>It does not go on, or nobody knows.</summary>
        internal sealed record Failed(DriverError Error) : Resumed;
    }

    private async Task<Resumed> ResumeAsync(VolumeId volume, string doing, CallDeadline deadline)
    {
        var hold = _store.Holds.Find(volume);
        var answer = await AskAsync(volume, deadline);
        if (answer is DrbdAnswer.NotKnown unknown && (hold is null || !unknown.IsMissing))
        {
            return new Resumed.Failed(DriverFailure.Unknown($"{doing}: whether its I/O goes on is not known: {unknown.Reason}."));
        }

        var resource = ResourceOf(answer, volume);
        if (resource is { Waiting: { } waiting, CanResume: false })
        {
            return new Resumed.Failed(DriverFailure.Busy($"{doing}: resuming does not help: {waiting}."));
        }

        var isSuspended = resource is { CanResume: true };
        if (!isSuspended && hold is null)
        {
            return new Resumed.Done(IsNews: false);
        }

        // A silent controller must not use up the time in which this host can resume by itself.
        var withLinstor = deadline.KeepingBack(LocalReserve);
        switch (await FindAsync(volume, doing, withLinstor))
        {
            case Found.Error { Problem.Code: DriverErrorCode.Unreachable } silent:
                return await ResumeApartAsync(volume, resource, hold, silent.Why, ApartAfter, doing, deadline);
            case Found.Error error:
                return new Resumed.Failed(error.Why);
            case Found.Absent when isSuspended:
                return await ResumeApartAsync(volume, resource, hold, Absent(doing, volume), TimeSpan.Zero, doing, deadline);
            case Found.Absent:
                Settle(volume);
                return new Resumed.Done(IsNews: false);
        }

        if (!(await _linstor.SnapshotsAsync(VolumeName.Of(volume), withLinstor)).Has(out var snapshots, out var unread))
        {
            return await ResumeApartAsync(volume, resource, hold, Fail(unread, doing), ApartAfter, doing, deadline);
        }

        var judged = HeldSnapshots.Judge(snapshots, hold, name => AgeOf(volume, name, hold));
        Forget(volume, snapshots);
        if (judged.UnderWay is { } taken)
        {
            return new Resumed.UnderWay(DriverFailure.Busy($"{doing}: LINSTOR is at work on {taken}; if it never ends, it counts as left behind after a while."));
        }

        if (await DropLeftAsync(volume, judged.Left, doing, withLinstor) is { } stays)
        {
            return stays.Code == DriverErrorCode.Unreachable
                ? await ResumeApartAsync(volume, resource, hold, stays, ApartAfter, doing, deadline)
                : new Resumed.Failed(stays);
        }

        // A snapshot that LINSTOR finished it also resumed after, on all nodes; in any other case some of them may still hold back.
        if (!isSuspended && judged.Left.Count == 0 && hold is { IsRollback: false } && snapshots.Exists(one => one.IsSuccessful && Is(one, hold.Snapshot)))
        {
            Settle(volume);
            return new Resumed.Done(IsNews: false);
        }

        return await AdjustAsync(volume, resource, hold, doing, deadline);
    }

    /// <summary>How long an unfinished snapshot is known. One that this driver asked for is known since then, or since it was started.</summary>
    private TimeSpan AgeOf(VolumeId volume, string snapshot, HoldRecord? hold)
    {
        var isNoted = hold is not null && (hold.IsRollback || string.Equals(snapshot, VolumeName.Of(hold.Snapshot), StringComparison.OrdinalIgnoreCase));
        var since = isNoted
            ? _askedAt.TryGetValue(volume, out var asked) ? asked : _startedAt
            : _unfinishedSince.GetOrAdd((volume, snapshot.ToLowerInvariant()), static (_, time) => time.GetTimestamp(), _time);
        return _time.GetElapsedTime(since);
    }

    private void Forget(VolumeId volume, List<Snapshot> snapshots)
    {
        foreach (var key in _unfinishedSince.Keys.Where(key => key.Volume == volume))
        {
            if (!snapshots.Exists(one => HeldSnapshots.IsUnfinished(one) && string.Equals(one.Name, key.Snapshot, StringComparison.OrdinalIgnoreCase)))
            {
                _unfinishedSince.TryRemove(key, out _);
            }
        }
    }

    /// <summary>Deletes what was left behind. Marked for deletion is enough: it can never become complete any more.</summary>
    /// <returns>Null when that is so, else why not.</returns>
    private async Task<DriverError?> DropLeftAsync(VolumeId volume, IReadOnlyList<string> left, string doing, CallDeadline deadline)
    {
        if (left.Count == 0)
        {
            return null;
        }

        RestProblem? problem = null;
        foreach (var name in left)
        {
            LogDroppingLeft(volume, name);
            problem = (await _linstor.DeleteSnapshotAsync(VolumeName.Of(volume), name, deadline.KeepingBack(ReadBack))).Has(out _, out var refused) ? problem : refused;
        }

        if (!(await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var after, out var unread))
        {
            return Fail(unread, doing);
        }

        return after.Find(one => left.Contains(one.Name, StringComparer.OrdinalIgnoreCase) && !one.Has("DELETE")) is { } stays
            ? DriverFailure.Busy($"{doing}: snapshot {stays.Name}, which was never finished, cannot be deleted.", problem?.Backend)
            : null;
    }

    /// <summary>Makes the satellites look at the resource again, and waits until this host says that I/O goes on.</summary>
    private async Task<Resumed> AdjustAsync(VolumeId volume, DrbdResource? resource, HoldRecord? hold, string doing, CallDeadline deadline)
    {
        var withLinstor = deadline.KeepingBack(LocalReserve);
        var touch = new PropertyChange(new Dictionary<string, string> { [ResumedKey] = _time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture) });
        if (!(await _linstor.ModifyDefinitionAsync(VolumeName.Of(volume), touch, withLinstor)).Has(out var change, out var problem))
        {
            return await ResumeApartAsync(volume, resource, hold, Fail(problem, doing), ApartAfter, doing, deadline);
        }

        while (resource is { SuspendedUser: true })
        {
            if (!await withLinstor.PauseAsync(DevicePause))
            {
                return await ResumeApartAsync(
                    volume,
                    resource,
                    hold,
                    DriverFailure.Busy($"{doing}: LINSTOR has adjusted the resource, and its I/O waits all the same ({resource.Waiting}).", change.Warnings()),
                    TimeSpan.Zero,
                    doing,
                    deadline);
            }

            resource = await AskAsync(volume, withLinstor) is DrbdAnswer.Resources after ? ResourceOf(after, volume) : resource;
        }

        if (await LackingAsync(change, VolumeName.Of(volume), static one => !one.IsTieBreaker, $"{doing}: on this host its I/O goes on", deadline) is { } lacking)
        {
            return new Resumed.Failed(lacking);
        }

        LogResumed(volume, _context.Startup.PoolName);
        Settle(volume);
        return new Resumed.Done(IsNews: true);
    }

    /// <summary>
    /// The last resort: DRBD on this host resumes without LINSTOR. A snapshot that LINSTOR may still call complete afterwards is worth nothing, since replicas may have
    /// been written between their parts of it; so the note stays, and says so, until it is deleted.
    /// </summary>
    private async Task<Resumed> ResumeApartAsync(
        VolumeId volume,
        DrbdResource? resource,
        HoldRecord? hold,
        DriverError why,
        TimeSpan after,
        string doing,
        CallDeadline deadline)
    {
        if (resource is not { CanResume: true, Device.Minor: { } minor })
        {
            return new Resumed.Failed(why);
        }

        var since = _suspendedSince.TryGetValue(volume, out var seen) ? _time.GetElapsedTime(seen) : TimeSpan.Zero;
        if (since < after)
        {
            return new Resumed.Failed(why with
            {
                Text = string.Create(CultureInfo.InvariantCulture, $"{why.Text} Its I/O is known to wait for {since.TotalSeconds:0} s; after {after.TotalSeconds:0} s it is resumed on this host alone."),
            });
        }

        if (hold is { ResumedApart: false })
        {
            try
            {
                _store.Holds.Write(hold with { ResumedApart = true });
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return new Resumed.Failed(DriverFailure.Busy($"{doing}: not begun, because the driver cannot write it down: {failure.Message}"));
            }
        }

        using var limit = deadline.Limit(deadline.Left);
        var deed = await _drbd.ResumeAsync(minor, limit.Token);
        var answer = await AskAsync(volume, deadline);
        if (answer is DrbdAnswer.Resources && ResourceOf(answer, volume) is not { SuspendedUser: true })
        {
            LogResumedApart(volume, _context.Startup.PoolName, why.Text);
            return new Resumed.Done(IsNews: true);
        }

        var said = deed switch
        {
            DrbdDeed.Failed failed => failed.Reason,
            DrbdDeed.Impossible impossible => impossible.Reason,
            _ => answer is DrbdAnswer.NotKnown unknown ? unknown.Reason : "DRBD says that it did, and that I/O waits",
        };
        return new Resumed.Failed(DriverFailure.Unknown($"{why.Text} It cannot be resumed on this host alone either: {said}.", why.Backend));
    }
}
