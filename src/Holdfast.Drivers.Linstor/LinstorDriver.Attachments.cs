using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Devices;
using Holdfast.Drivers.Linstor.Drbd;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

internal sealed partial class LinstorDriver
{
    private const string TwoPrimaries = "DrbdOptions/Net/allow-two-primaries";
    private const string Protocol = "DrbdOptions/Net/protocol";

    /// <summary>What an attach keeps for a device that is here while LINSTOR says nothing: to ask DRBD and to look at the device.</summary>
    private static readonly TimeSpan LocalReserve = TimeSpan.FromSeconds(3);

    /// <summary>How often a device is looked for on this host.</summary>
    private static readonly TimeSpan DevicePause = TimeSpan.FromMilliseconds(300);

    /// <inheritdoc/>
    public async Task<DriverResult<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, DriverCall call, CancellationToken cancellationToken)
    {
        var doing = $"Attaching {Name(volume)} on node {NodeName}";
        var deadline = Deadline(call, cancellationToken);
        var record = _store.Find(volume);
        if (record is { IsAttached: true } && request.Generation < record.Generation)
        {
            return Older(doing, request.Generation, record.Generation);
        }

        if (_store.FindCut(volume) is { } cut)
        {
            return CutAlready(doing, cut);
        }

        // A silent controller must not use up the time in which this host can tell that the device is here.
        var withLinstor = deadline.KeepingBack(LocalReserve);
        var found = await FindAsync(volume, doing, withLinstor);
        if (found is Found.Error { Problem.Code: DriverErrorCode.Unreachable } silent)
        {
            return await AttachLocallyAsync(volume, request, record, silent.Why, doing, deadline);
        }

        switch (found)
        {
            case Found.Error error:
                return error.Why;
            case Found.Absent:
                _store.Forget(volume);
                return Absent(doing, volume);
        }

        var ours = (Found.Ours)found;
        if (request.Generation < ours.Marks.Generation)
        {
            return Older(doing, request.Generation, ours.Marks.Generation);
        }

        switch (await SettleAsync(ours, doing, withLinstor))
        {
            case Reverted.Failed failed:
                return failed.Error;
            case Reverted.Done done:
                ours = done.Volume;
                break;
        }

        if (NotUsable(ours, doing) is { } not)
        {
            return not;
        }

        if (request.Generation != ours.Marks.Generation)
        {
            return DriverFailure.Invalid($"{doing}: generation {request.Generation} is asked for, LINSTOR has {ours.Marks.Generation}.");
        }

        if (ours.Marks.Sealed && !request.ReadOnly)
        {
            return DriverFailure.Invalid($"{doing}: it is sealed and can only be attached for reading.");
        }

        var placed = await PlaceHereAsync(ours, request.Mode, doing, withLinstor);
        if (placed.Error is { } refused)
        {
            return placed.Silent ? await AttachLocallyAsync(volume, request, record, refused, doing, deadline) : refused;
        }

        var ready = await WaitForDeviceAsync(ours, request.Mode, record, doing, deadline);
        if (ready.Error is { } late)
        {
            return late;
        }

        return Hand(volume, request, record, ready.Device!, ours.IsDrbd, ours.Marks.Sealed, ready.Device!.SizeBytes, null, doing);
    }

    /// <inheritdoc/>
    public async Task<DriverResult<DriverAck>> ReleaseAsync(VolumeId volume, ReleaseRequest request, DriverCall call, CancellationToken cancellationToken)
    {
        var doing = $"Releasing {Name(volume)} on node {NodeName}";
        var deadline = Deadline(call, cancellationToken);
        var record = _store.Find(volume);
        var attached = record is not null && record.Modes.Contains(request.Mode);
        if (attached && record!.Generation > request.Generation)
        {
            return DriverFailure.Invalid($"{doing}: it was attached again with generation {record.Generation}, which is newer than {request.Generation}.");
        }

        if (record is { IsAttached: true } && record.Modes.Any(mode => mode != request.Mode))
        {
            if (!attached)
            {
                return new DriverAck(DriverOutcome.AlreadySo);
            }

            _store.Write(Without(record, request.Mode));
            return new DriverAck(DriverOutcome.Done);
        }

        switch (await DeviceHereAsync(volume, record, deadline))
        {
            case DeviceHere.Unclear unclear:
                return DriverFailure.Busy($"{doing}: {unclear.Reason}, so that nothing tells whether it is still open.");
            case DeviceHere.Device device:
                if (DeviceUsers.Look().Of(device.Status.Number) is { } user)
                {
                    return DriverFailure.Busy($"{doing}: its device is still open ({user}).");
                }

                TakeBack(record, device);
                break;
        }

        if (record is { IsDrbd: false })
        {
            // Without DRBD the data stays where it is: nothing is owed to LINSTOR, and it is not asked.
            if (attached)
            {
                _store.Write(Without(record, request.Mode));
            }

            return new DriverAck(attached ? DriverOutcome.Done : DriverOutcome.AlreadySo);
        }

        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return error.Why;
            case Found.Absent:
                _store.Forget(volume);
                return new DriverAck(DriverOutcome.AlreadySo);
            case Found.Ours { IsDrbd: false }:
                return new DriverAck(DriverOutcome.AlreadySo);
            case Found.Ours ours:
                return await ReleaseAtLinstorAsync(ours, record, attached, doing, deadline);
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <inheritdoc/>
    public async Task<DriverResult<AttachmentList>> ListAttachmentsAsync(DriverCall call, CancellationToken cancellationToken)
    {
        var records = _store.All.Where(static record => record.IsAttached).ToList();
        if (records.Count == 0)
        {
            return new AttachmentList([]);
        }

        var users = DeviceUsers.Look();
        var drbd = records.Exists(static record => record.IsDrbd) ? await AskAllAsync(cancellationToken) : new DrbdAnswer.Resources([]);
        var list = new List<AttachmentInfo>();
        foreach (var record in records)
        {
            var resource = ResourceOf(drbd, record.Volume);
            bool? inUse = null;
            switch (DeviceOf(record, drbd))
            {
                case DeviceHere.None:
                    // A record whose device is gone or another's (after a restart of the host) says nothing is attached any more.
                    continue;
                case DeviceHere.Device device:
                    inUse = resource is { IsPrimary: true } || users.Of(device.Status.Number) is not null;
                    break;
            }

            var waiting = record.IsDrbd && resource is not null ? WaitingOf(record.Volume, resource) : null;
            list.AddRange(record.Modes.Select(mode => new AttachmentInfo(
                record.Volume,
                VolumeName.Of(record.Volume),
                record.Path,
                inUse,
                mode,
                record.Generation,
                waiting?.Text,
                waiting?.CanResume ?? false)));
        }

        return new AttachmentList(list);
    }

    private static AttachmentRecord Without(AttachmentRecord record, AttachMode mode) => record with
    {
        Modes = record.Modes.Where(one => one != mode).ToList(),
        ReadOnlyModes = record.ReadOnlyModes.Where(one => one != mode).ToList(),
    };

    /// <summary>Gives the device back to whom it belonged before a guest had it.</summary>
    private void TakeBack(AttachmentRecord? record, DeviceHere.Device device)
    {
        if (record is not null && (device.Status.User, device.Status.Group) != (record.OwnerBefore, record.GroupBefore)
            && DeviceFile.Give(device.Path, record.OwnerBefore, record.GroupBefore) is { } refused)
        {
            LogNotTakenBack(device.Path, refused);
        }
    }

    /// <summary>Whether LINSTOR has the volume on this node.</summary>
    /// <param name="Error">Why not; null when it has.</param>
    /// <param name="Silent">Whether the reason is that nobody answered.</param>
    private sealed record Placed(DriverError? Error, bool Silent = false);

    private static Placed Refuse(RestProblem problem, DriverError error) => new(error, problem.Code == DriverErrorCode.Unreachable);

    private async Task<Placed> PlaceHereAsync(Found.Ours ours, AttachMode mode, string doing, CallDeadline deadline)
    {
        var name = VolumeName.Of(ours.Marks.Volume);
        if (await KnowNodeAsync(deadline) is { } nowhere)
        {
            return Refuse(nowhere, Fail(nowhere, doing));
        }

        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
        {
            return Refuse(unread, Fail(unread, doing));
        }

        var here = Mine(resources);
        if (!ours.IsDrbd)
        {
            if (mode == AttachMode.MigrateIn)
            {
                return new Placed(DriverFailure.Unsupported($"{doing}: without DRBD a volume cannot be used on two nodes."));
            }

            if (here is null || here.IsDiskless)
            {
                // Asking LINSTOR to make it available here would make new, empty data.
                var nodes = string.Join(", ", resources.Where(static one => !one.IsDiskless).Select(static one => one.NodeName));
                return new Placed(DriverFailure.Invalid($"{doing}: its data is on node {nodes} and, without DRBD, cannot be used from here."));
            }

            if (here.IsUsable)
            {
                return new Placed(null);
            }
        }

        if (here is null && mode != AttachMode.MigrateIn && resources.Find(static one => one.InUse == true) is { } user)
        {
            // Where it is here already, DRBD itself says so below, and without delay.
            return new Placed(DriverFailure.Busy($"{doing}: it is in use on node {user.NodeName}."));
        }

        RestProblem? problem = null;
        if (here is not { IsUsable: true, IsTieBreaker: false } && !(await MakeAvailableAsync(name, deadline)).Has(out _, out problem))
        {
            if (problem.Linstor == LinstorCode.NodeMissing)
            {
                return new Placed(Fail(problem, $"{doing}: LINSTOR knows no such node (setting 'nodeName')"));
            }

            if (!problem.MayHaveEffect)
            {
                return Refuse(problem, FailToPlace(problem, doing));
            }

            LogAdopting(ours.Marks.Volume, problem.Text);
        }

        // What is under way on other nodes, and may be stuck there, does not matter for the device here.
        if (here is not { IsUsable: true, IsTieBreaker: false } && !(await _linstor.ResourcesAsync(name, deadline)).Has(out resources, out unread))
        {
            return problem is null ? Refuse(unread, Fail(unread, doing)) : new Placed(Fail(problem, doing));
        }

        here = Mine(resources);
        if (here is null || here.IsGoing)
        {
            return new Placed(problem is null
                ? DriverFailure.Busy($"{doing}: LINSTOR said that it is available here, but does not show it.")
                : Fail(problem, doing));
        }

        var shared = await ShareAsync(ours, resources, mode, doing, deadline);
        return shared is null ? new Placed(null) : new Placed(shared);
    }

    /// <summary>
    /// LINSTOR answers when every node of the resource has taken part, also those that are not needed here. It goes on without anybody who waits, so half of the time is
    /// kept to see for ourselves.
    /// </summary>
    private Task<RestReply<ChangeReply>> MakeAvailableAsync(string name, CallDeadline deadline) =>
        _linstor.MakeAvailableAsync(name, NodeName, new CallDeadline(_time, deadline.Left / 2, deadline.Cancelled));

    private Resource? Mine(List<Resource> resources) =>
        resources.Find(one => one.IsOn(NodeName));

    /// <summary>
    /// For a migration both nodes may have it open for a while, and only then. For any other attach a permission left over from a migration is taken back: it
    /// would remove DRBD's protection against a guest that is started twice.
    /// </summary>
    private async Task<DriverError?> ShareAsync(Found.Ours ours, List<Resource> resources, AttachMode mode, string doing, CallDeadline deadline)
    {
        var others = resources.Where(one => one != Mine(resources)).ToList();
        var users = others.Where(static one => one.InUse == true).ToList();
        var name = VolumeName.Of(ours.Marks.Volume);
        if (mode != AttachMode.MigrateIn)
        {
            return users.Count == 0 && ours.Definition.Property(TwoPrimaries) is not null
                && await MarkAsync(name, null, [TwoPrimaries, Protocol], deadline) is { } kept
                    ? Fail(kept, $"{doing}: a left-over permission for two primaries cannot be taken back")
                    : null;
        }

        if (users.Count != 1)
        {
            return users.Count > 1
                ? DriverFailure.Busy($"{doing}: it is in use on more than one node already.")
                : others.Exists(static one => one.InUse is null && !one.IsDiskless)
                    ? DriverFailure.Busy($"{doing}: LINSTOR does not know where it is in use.")
                    : null;
        }

        var source = users[0];
        var permission = new PropertyChange(new Dictionary<string, string> { [TwoPrimaries] = "yes", [Protocol] = "C" });
        var making = deadline.KeepingBack(ReadBack);
        // Two nodes without data have no connection of their own; there the whole resource has to allow it.
        var reply = source.IsDiskless && Mine(resources) is { IsDiskless: true }
            ? await _linstor.ModifyDefinitionAsync(name, permission, making)
            : await _linstor.ModifyConnectionAsync(name, source.NodeName ?? string.Empty, NodeName, permission, making);
        if (!reply.Has(out var change, out var problem))
        {
            return Fail(problem, $"{doing}: two primaries cannot be allowed");
        }

        return await LackingAsync(change, name, one => one.IsOn(NodeName) || one.IsOn(source.NodeName), $"{doing}: two primaries are allowed", deadline);
    }

    /// <summary>A device that can be given to a guest, or why there is none.</summary>
    private sealed record Ready(DeviceCheck.Ready? Device, DriverError? Error);

    /// <summary>
    /// Waits for the device. That LINSTOR calls it available proves nothing; that it opens here does.
    /// </summary>
    private async Task<Ready> WaitForDeviceAsync(Found.Ours ours, AttachMode mode, AttachmentRecord? record, string doing, CallDeadline deadline)
    {
        var name = VolumeName.Of(ours.Marks.Volume);
        var sizeBytes = ours.SizeKib * 1024;
        while (true)
        {
            switch (ours.IsDrbd ? await LookAtDrbdAsync(name, mode, sizeBytes, drbdMustAnswer: false, deadline) : await LookAtStorageAsync(name, record, sizeBytes, deadline))
            {
                case DeviceCheck.Ready ready:
                    return new Ready(ready, null);
                case DeviceCheck.Never never:
                    return new Ready(null, DriverFailure.Invalid($"{doing}: {never.Reason}."));
                case DeviceCheck.Taken taken:
                    return new Ready(null, DriverFailure.Busy($"{doing}: {taken.Reason}."));
                case DeviceCheck.NotYet notYet:
                    if (await deadline.PauseAsync(ours.IsDrbd ? DevicePause : PollPause))
                    {
                        break;
                    }

                    return new Ready(null, DriverFailure.Busy($"{doing}: LINSTOR has it here, but its device does not become ready: {notYet.Reason}."));
                default:
                    throw new InvalidOperationException("The hierarchy is closed.");
            }
        }
    }

    /// <summary>Looks once at a device without DRBD: the one of the last attach when that is provably still it, else the one that LINSTOR names.</summary>
    private async Task<DeviceCheck> LookAtStorageAsync(string name, AttachmentRecord? record, long sizeBytes, CallDeadline deadline)
    {
        using var limit = deadline.Limit(deadline.Left);

        if (record is { IsDrbd: false, Identity.IsTelling: true } && DeviceOf(record, new DrbdAnswer.Resources([])) is DeviceHere.Device
            && await _devices.LookAsync(record.Path, name, sizeBytes, limit.Token) is DeviceCheck.Ready known)
        {
            return known;
        }

        deadline.Cancelled.ThrowIfCancellationRequested();
        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
        {
            return new DeviceCheck.NotYet(unread.Text);
        }

        // The list of a resource's volumes would tell it too, and waits for the satellite, however sick that is.
        return Mine(resources)?.LayerObject?.DevicePath is { } path
            ? await _devices.LookAsync(path, name, sizeBytes, limit.Token)
            : new DeviceCheck.NotYet("LINSTOR names no device");
    }

    /// <summary>Looks once at a device of DRBD, and asks DRBD before: opening one that cannot reach its data may wait for ever.</summary>
    private async Task<DeviceCheck> LookAtDrbdAsync(string name, AttachMode mode, long sizeBytes, bool drbdMustAnswer, CallDeadline deadline)
    {
        using var limit = deadline.Limit(deadline.Left);
        DrbdResource? resource = null;
        switch (await _drbd.AskAsync(name, limit.Token))
        {
            case DrbdAnswer.Resources { List: [var one, ..] }:
                resource = one;
                break;
            case DrbdAnswer.Resources:
                return new DeviceCheck.NotYet("DRBD does not have it");
            case DrbdAnswer.NotKnown unknown when drbdMustAnswer:
                return new DeviceCheck.NotYet(unknown.Reason);
            case DrbdAnswer.NotKnown unknown:
                LogDrbdSilent(name, unknown.Reason);
                break;
        }

        deadline.Cancelled.ThrowIfCancellationRequested();
        if (resource is { IsFailing: true })
        {
            return new DeviceCheck.Taken("its I/O was cut off on this host, and somebody still has its device open");
        }

        // Of two primaries one is this host itself only while a guest is moved away from it.
        if (mode != AttachMode.MigrateIn && resource is { IsPrimary: false, PrimaryPeer: { } peer })
        {
            return new DeviceCheck.Taken($"node {peer} has it open (DRBD: it is Primary there)");
        }

        if (resource?.Objection is { } objection)
        {
            return new DeviceCheck.NotYet($"DRBD says that {objection}");
        }

        var path = DrbdPath(name, resource);
        if (DeviceFile.TryRead(path, out var status) && NumberObjection(path, name, status, resource) is { } another)
        {
            return new DeviceCheck.NotYet(another);
        }

        var check = await _devices.LookAsync(path, name, sizeBytes, limit.Token);
        if (check is not DeviceCheck.Ready || path == ByResPath(name))
        {
            return check;
        }

        // Found by its number alone, which may have gone to another resource while it was looked at.
        return await _drbd.AskAsync(name, limit.Token) is DrbdAnswer.Resources { List: [var after, ..] } && after.Device?.Minor == resource?.Device?.Minor
            ? check
            : new DeviceCheck.NotYet($"{path} changed while it was looked at");
    }

    /// <summary>
    /// Attaches what is already here while LINSTOR is away. Running guests need no controller, and neither does starting one whose device is up: DRBD itself
    /// tells whether the data can be reached, and without DRBD the device must be, provably, the one of the last attach.
    /// </summary>
    private async Task<DriverResult<AttachmentReply>> AttachLocallyAsync(
        VolumeId volume,
        AttachRequest request,
        AttachmentRecord? record,
        DriverError silent,
        string doing,
        CallDeadline deadline)
    {
        DriverError NotHere(string reason) => silent with { Text = $"{silent.Text} It cannot be attached without LINSTOR either: {reason}." };

        if (request.Mode == AttachMode.MigrateIn)
        {
            return NotHere("a migration needs LINSTOR's permission for two primaries");
        }

        if (_reverts.Find(volume) is { Finished: false } revert)
        {
            return NotHere($"its revert to snapshot {revert.Snapshot} (generation {revert.Generation}) is not complete");
        }

        if (record is { Sealed: true } && !request.ReadOnly)
        {
            return DriverFailure.Invalid($"{doing}: it is sealed and can only be attached for reading.");
        }

        if (record is not null && request.Generation < record.Generation)
        {
            return Older(doing, request.Generation, record.Generation);
        }

        var name = VolumeName.Of(volume);
        var isDrbd = record?.IsDrbd ?? _traits.IsDrbd;
        if (record is null && !isDrbd)
        {
            return NotHere("it was not attached on this host before");
        }

        if (!isDrbd)
        {
            if (!record!.Identity.IsTelling)
            {
                return NotHere($"nothing tells whether {record.Path} is still its device");
            }

            if (DeviceOf(record, new DrbdAnswer.Resources([])) is not DeviceHere.Device)
            {
                return NotHere($"{record.Path} is not its device any more");
            }
        }

        using var limit = deadline.Limit(deadline.Left);
        switch (isDrbd ? await LookAtDrbdAsync(name, request.Mode, 0, drbdMustAnswer: true, deadline) : await _devices.LookAsync(record!.Path, name, record.SizeBytes, limit.Token))
        {
            case DeviceCheck.Ready ready:
                LogWithoutControlPlane(volume, _context.Startup.PoolName, ready.Path, silent.Text);
                return Hand(volume, request, record, ready, isDrbd, record?.Sealed ?? false, ready.SizeBytes, silent, doing);
            case DeviceCheck.Taken taken:
                return DriverFailure.Busy($"{doing}: {taken.Reason}.");
            case DeviceCheck.NotYet notYet:
                return NotHere(record is null ? $"it was not attached on this host before, and {notYet.Reason}" : notYet.Reason);
            case DeviceCheck.Never never:
                return NotHere(never.Reason);
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <summary>Records the attachment, lets the guest at the device, and says what QEMU needs.</summary>
    private DriverResult<AttachmentReply> Hand(
        VolumeId volume,
        AttachRequest request,
        AttachmentRecord? before,
        DeviceCheck.Ready device,
        bool isDrbd,
        bool isSealed,
        long sizeBytes,
        DriverError? withoutControlPlane,
        string doing)
    {
        var same = before is not null && before.Generation == request.Generation && before.Modes.Contains(request.Mode)
            && before.Path == device.Path && before.Identity == device.Identity
            && before.ReadOnlyModes.Contains(request.Mode) == request.ReadOnly;
        var isOwned = before is { IsAttached: true } && before.Identity == device.Identity;

        // A device number keeps its owner when it goes to another volume; that a guest had it before is no reason to leave it to guests.
        var isLeft = _context.Startup.GuestUser is { } left && left.UserId == device.Status.User;
        var record = new AttachmentRecord
        {
            Volume = volume,
            Generation = before is not null && before.Generation > request.Generation ? before.Generation : request.Generation,
            Modes = [.. (before?.Modes ?? []).Where(mode => mode != request.Mode), request.Mode],
            ReadOnlyModes = [.. (before?.ReadOnlyModes ?? []).Where(mode => mode != request.Mode), .. request.ReadOnly ? [request.Mode] : Array.Empty<AttachMode>()],
            IsDrbd = isDrbd,
            Sealed = isSealed,
            Path = device.Path,
            Real = device.Real,
            Identity = device.Identity,
            SizeBytes = sizeBytes,
            OwnerBefore = isOwned ? before!.OwnerBefore : isLeft ? 0 : device.Status.User,
            GroupBefore = isOwned ? before!.GroupBefore : isLeft ? 0 : device.Status.Group,
        };
        if (!same)
        {
            try
            {
                _store.Write(record);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return DriverFailure.Unknown($"{doing}: it is there, but the driver cannot write down that it is: {failure.Message}");
            }
        }

        // A cut goes its own way, beside this call. Each writes its own record before it reads the other's, so that one of the two sees the other.
        if (_store.FindCut(volume) is { } cut)
        {
            return CutAlready(doing, cut);
        }

        if (request.Mode is AttachMode.Run or AttachMode.MigrateIn && _context.Startup.GuestUser is { } guest
            && (device.Status.User, device.Status.Group) != (guest.UserId, guest.GroupId)
            && DeviceFile.Give(device.Path, guest.UserId, guest.GroupId) is { } refused)
        {
            return DriverFailure.Unknown($"{doing}: guests cannot be given access to {device.Path}: {refused}.");
        }

        return new AttachmentReply
        {
            Outcome = same ? DriverOutcome.AlreadySo : DriverOutcome.Done,
            Source = new DiskSource.Block(device.Path),
            SizeBytes = sizeBytes,
            BackendName = VolumeName.Of(volume),
            WithoutControlPlane = withoutControlPlane,
        };
    }

    private async Task<DriverResult<DriverAck>> ReleaseAtLinstorAsync(
        Found.Ours ours,
        AttachmentRecord? record,
        bool attached,
        string doing,
        CallDeadline deadline)
    {
        var volume = ours.Marks.Volume;
        var name = VolumeName.Of(volume);
        if (await KnowNodeAsync(deadline) is { } nowhere)
        {
            return Fail(nowhere, doing);
        }

        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
        {
            if (unread.Code == DriverErrorCode.NotFound)
            {
                _store.Forget(volume);
                return new DriverAck(DriverOutcome.AlreadySo);
            }

            return Fail(unread, doing);
        }

        // First what protects data, then what only costs a peer slot.
        if (await TakeBackPermissionAsync(ours, resources, doing, deadline) is { } kept)
        {
            return kept;
        }

        var here = Mine(resources);
        if (here is { InUse: true })
        {
            return DriverFailure.Busy($"{doing}: LINSTOR says that it is in use here.");
        }

        var removed = false;
        if (here is { IsDiskless: true, IsTieBreaker: false })
        {
            if (!(await _linstor.VersionAsync(deadline)).Has(out var version, out var unreachable))
            {
                return Fail(unreachable, doing);
            }

            if (!here.IsGoing
                && !(await _linstor.DeleteResourceAsync(name, NodeName, version.HasKeepTieBreaker, deadline.KeepingBack(ReadBack))).Has(out _, out var problem)
                && !problem.MayHaveEffect)
            {
                return Fail(problem, doing);
            }

            if (await WaitUntilReleasedAsync(name, doing, deadline) is { } stays)
            {
                return stays;
            }

            removed = true;
        }

        if (here is null || removed)
        {
            _store.Forget(volume);
        }
        else if (record is not null)
        {
            _store.Write(record with { Modes = [], ReadOnlyModes = [] });
        }

        return new DriverAck(attached || removed ? DriverOutcome.Done : DriverOutcome.AlreadySo);
    }

    private async Task<DriverError?> WaitUntilReleasedAsync(string name, string doing, CallDeadline deadline)
    {
        var patience = new CallDeadline(_time, deadline.Share(DeletionPatience), deadline.Cancelled);
        while (true)
        {
            if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
            {
                return unread.Code == DriverErrorCode.NotFound ? null : Fail(unread with { Code = DriverErrorCode.Unknown }, doing);
            }

            // As a tie-breaker LINSTOR keeps it for the sake of quorum: nothing of ours any more.
            if (Mine(resources) is not { } here || here.IsTieBreaker)
            {
                return null;
            }

            if (!here.IsGoing)
            {
                return DriverFailure.Unknown($"{doing}: LINSTOR still has it here and does not say that it is deleting it.");
            }

            if (!await patience.PauseAsync(PollPause))
            {
                return DriverFailure.Busy($"{doing}: deletion is pending at LINSTOR (is the satellite of node {NodeName} offline?).");
            }
        }
    }

    /// <returns>Null when nothing of the permission for two primaries is left, else why it stays.</returns>
    private async Task<DriverError?> TakeBackPermissionAsync(Found.Ours ours, List<Resource> resources, string doing, CallDeadline deadline)
    {
        var name = VolumeName.Of(ours.Marks.Volume);
        if (!(await _linstor.ConnectionsAsync(name, deadline)).Has(out var connections, out var problem))
        {
            if (problem.Code != DriverErrorCode.NotFound)
            {
                return Fail(problem, doing);
            }

            connections = [];
        }

        var onDefinition = ours.Definition.Property(TwoPrimaries) is not null;
        var onConnections = connections.Where(static one => one.Props?.ContainsKey(TwoPrimaries) ?? false).ToList();
        if (!onDefinition && onConnections.Count == 0)
        {
            return null;
        }

        var users = resources.Where(static one => one.InUse == true).Select(static one => one.NodeName).ToList();
        if (users.Count > 1)
        {
            return DriverFailure.Busy($"{doing}: it is in use on nodes {string.Join(" and ", users)}; a migration seems to be under way.");
        }

        string[] keys = [TwoPrimaries, Protocol];
        if (onDefinition && await MarkAsync(name, null, keys, deadline) is { } stays)
        {
            return Fail(stays, $"{doing}: the permission for two primaries cannot be taken back");
        }

        foreach (var connection in onConnections)
        {
            var reply = await _linstor.ModifyConnectionAsync(
                name,
                connection.NodeA ?? string.Empty,
                connection.NodeB ?? string.Empty,
                new PropertyChange(null, keys),
                deadline.KeepingBack(ReadBack));
            if (!reply.Has(out _, out var refused) && refused.Code != DriverErrorCode.NotFound)
            {
                return Fail(refused, $"{doing}: the permission for two primaries cannot be taken back");
            }
        }

        return null;
    }
}
