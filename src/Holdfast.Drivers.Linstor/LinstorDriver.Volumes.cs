using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

internal sealed partial class LinstorDriver
{
    private static readonly string[] NoClone = ["FILE", "FILE_THIN"];

    /// <inheritdoc/>
    public async Task<DriverResult<VolumeReply>> EnsureVolumeAsync(
        VolumeId volume,
        EnsureVolumeRequest request,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Making {Name(volume)}";
        var deadline = Deadline(call, cancellationToken);
        var sizeKib = VolumeSize.ToKib(request.SizeBytes);
        if (sizeKib > VolumeSize.LargestKib)
        {
            return DriverFailure.Invalid($"{doing}: {request.SizeBytes} bytes are more than LINSTOR can have in one volume.");
        }

        // Twice: somebody may make or take away the name between looking and making.
        for (var round = 0; ; round++)
        {
            switch (await FindAsync(volume, doing, deadline))
            {
                case Found.Error error:
                    return error.Why;
                case Found.Ours ours when IsGoing(ours.Definition):
                    return Going(doing);
                case Found.Ours ours when request.Generation < ours.Marks.Generation:
                    return Older(doing, request.Generation, ours.Marks.Generation);
                case Found.Ours ours when ours.Marks.Revert is not null || !ours.IsIncomplete:
                    return await SettleAsync(ours, doing, deadline) switch
                    {
                        Reverted.Failed failed => failed.Error,
                        Reverted.Done done => await CompareAsync(done.Volume, request, sizeKib, doing, deadline),
                        _ => throw new InvalidOperationException("The hierarchy is closed."),
                    };
                case Found.Ours ours when (ours.Marks.Source == VolumeMarks.SourceText(request.Source)
                        || (request.Source is VolumeSource.FromSnapshot from && ours.Marks.MarkedAs == from.VolumeId))
                    && (request.Source is not VolumeSource.Empty || !ours.HasVolume || ours.SizeKib == sizeKib):
                    // Begun by a call that did not come to its end.
                    LogFinishing(volume, ours.Marks.Source);
                    return await FinishAsync(volume, request, sizeKib, answered: false, doing, deadline);
                case Found.Ours ours when request.Generation == ours.Marks.Generation:
                    return DriverFailure.Invalid($"{doing}: generation {request.Generation} was begun with another size or source.");
                case Found.Ours when round > 0:
                    return DriverFailure.Busy($"{doing}: what an earlier call began is in the way.");
                case Found.Ours ours:
                    // Half made for an older wish, and nobody can have used it.
                    if (await DiscardAsync(volume, doing, deadline) is { } stuck)
                    {
                        return stuck;
                    }

                    continue;
                case Found.Absent:
                    _reverts.Remove(volume);
                    switch (await BeginAsync(MarksOf(volume, request), request, sizeKib, doing, deadline))
                    {
                        case Begun.Done done:
                            return await FinishAsync(volume, request, sizeKib, done.Answered, doing, deadline);
                        case Begun.Exists when round == 0:
                            continue;
                        case Begun.Exists:
                            return DriverFailure.Busy($"{doing}: LINSTOR says that its name is taken, but does not show by whom.");
                        case Begun.Failed failed:
                            return failed.Error;
                    }

                    break;
            }
        }
    }

    private VolumeMarks MarksOf(VolumeId volume, EnsureVolumeRequest request) => new()
    {
        Volume = volume,
        Pool = _pool,
        Generation = request.Generation,
        Source = VolumeMarks.SourceText(request.Source),
        Label = request.Label,
    };

    /// <inheritdoc/>
    public async Task<DriverResult<VolumeReply>> GetVolumeAsync(VolumeId volume, DriverCall call, CancellationToken cancellationToken)
    {
        var doing = $"Reading {Name(volume)}";
        return await FindAsync(volume, doing, Deadline(call, cancellationToken)) switch
        {
            Found.Error error => error.Why,
            Found.Absent => Absent(doing, volume),
            Found.Ours ours => NotUsable(ours, doing) is { } not ? not : new VolumeReply(DriverOutcome.AlreadySo, Describe(ours)),
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        };
    }

    /// <inheritdoc/>
    public async Task<DriverResult<VolumeList>> ListVolumesAsync(DriverCall call, CancellationToken cancellationToken)
    {
        var reply = await _linstor.DefinitionsAsync(VolumeMarks.PoolKey, _pool.ToString(), Deadline(call, cancellationToken));
        if (!reply.Has(out var definitions, out var problem))
        {
            return Fail(problem, $"Listing the volumes of {Pool}");
        }

        var volumes = new List<VolumeInfo>();
        var strays = new List<StrayVolume>();
        foreach (var definition in definitions)
        {
            // All of these carry the pool's mark, and LINSTOR copies it to whatever somebody clones or restores.
            var whyNot = "its name has no id of a volume";
            if (VolumeName.TryParse(definition.Name, out var volume) && VolumeMarks.TryRead(definition, volume, _pool, out var marks, out whyNot))
            {
                volumes.Add(Describe(new Found.Ours(definition, WithReverts(marks!)) { IsDrbd = _traits.IsDrbd }));
            }
            else if (definition.Name is { } name)
            {
                strays.Add(new StrayVolume(name, whyNot!));
            }
        }

        return new VolumeList(volumes) { Strays = strays };
    }

    /// <inheritdoc/>
    public async Task<DriverResult<VolumeReply>> ResizeVolumeAsync(
        VolumeId volume,
        ResizeVolumeRequest request,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Resizing {Name(volume)} to {request.SizeBytes} bytes";
        var deadline = Deadline(call, cancellationToken);
        var sizeKib = VolumeSize.ToKib(request.SizeBytes);
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return error.Why;
            case Found.Absent:
                return Absent(doing, volume);
            case Found.Ours ours:
                if (request.Generation < ours.Marks.Generation)
                {
                    return Older(doing, request.Generation, ours.Marks.Generation);
                }

                switch (await SettleAsync(ours, doing, deadline))
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

                if (sizeKib == ours.SizeKib && request.Generation == ours.Marks.Generation)
                {
                    return new VolumeReply(DriverOutcome.AlreadySo, Describe(ours));
                }

                if (sizeKib > VolumeSize.LargestKib)
                {
                    return DriverFailure.Invalid($"{doing}: that is more than LINSTOR can have in one volume.");
                }

                return await GrowAsync(ours, request.Generation, sizeKib, doing, deadline);
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <inheritdoc/>
    public async Task<DriverResult<VolumeReply>> SealVolumeAsync(
        VolumeId volume,
        SealVolumeRequest request,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Sealing {Name(volume)}";
        var deadline = Deadline(call, cancellationToken);
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return error.Why;
            case Found.Absent:
                return Absent(doing, volume);
            case Found.Ours ours:
                if (NotUsable(ours, doing) is { } not)
                {
                    return not;
                }

                if (request.Generation < ours.Marks.Generation)
                {
                    return Older(doing, request.Generation, ours.Marks.Generation);
                }

                if (ours.Marks.Sealed && request.Generation == ours.Marks.Generation)
                {
                    return new VolumeReply(DriverOutcome.AlreadySo, Describe(ours));
                }

                if (!ours.Marks.Sealed && _store.Find(volume) is { IsWritten: true })
                {
                    return DriverFailure.Busy($"{doing}: it is attached for writing on this host.");
                }

                if (!(await _linstor.ResourcesAsync(VolumeName.Of(volume), deadline)).Has(out var resources, out var unread))
                {
                    return Fail(unread, doing);
                }

                if (!ours.Marks.Sealed && resources.Find(static one => one.InUse == true) is { } user)
                {
                    return DriverFailure.Busy($"{doing}: it is in use on node {user.NodeName}.");
                }

                var marks = ours.Marks with { Sealed = true, Generation = request.Generation };
                if (await WriteAsync(ours, marks, deadline) is { } problem)
                {
                    return Fail(problem, doing);
                }

                return new VolumeReply(DriverOutcome.Done, Describe(ours with { Marks = marks }));
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <inheritdoc/>
    public async Task<DriverResult<DriverAck>> DeleteVolumeAsync(
        VolumeId volume,
        Generation generation,
        DriverCall call,
        CancellationToken cancellationToken)
    {
        var doing = $"Deleting {Name(volume)}";
        var deadline = Deadline(call, cancellationToken);
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return error.Why;
            case Found.Absent:
                _store.Forget(volume);
                _reverts.Remove(volume);
                return new DriverAck(DriverOutcome.AlreadySo);
            case Found.Ours ours:
                if (ours.Marks.Generation > generation)
                {
                    return Older(doing, generation, ours.Marks.Generation);
                }

                if (_store.Find(volume) is { IsAttached: true })
                {
                    return DriverFailure.Busy($"{doing}: it is attached on this host.");
                }

                if (!IsGoing(ours.Definition) && await AskToDeleteAsync(ours, doing, deadline) is { } refused)
                {
                    return refused;
                }

                if (await WaitUntilGoneAsync(volume, doing, deadline) is { } stays)
                {
                    return stays;
                }

                _store.Forget(volume);
                _reverts.Remove(volume);
                return new DriverAck(DriverOutcome.Done);
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <summary>
    /// Asks LINSTOR to delete a definition. What is left of a revert that was cut off goes with it: its safety snapshot, which is nobody's, and the snapshot it put
    /// back, which cannot be deleted before.
    /// </summary>
    /// <returns>Null when it is on its way, or may be; else why not.</returns>
    private async Task<DriverError?> AskToDeleteAsync(Found.Ours ours, string doing, CallDeadline deadline)
    {
        var volume = ours.Marks.Volume;
        for (var round = 0; ; round++)
        {
            if ((await _linstor.DeleteDefinitionAsync(VolumeName.Of(volume), deadline.KeepingBack(ReadBack))).Has(out _, out var problem) || problem.MayHaveEffect)
            {
                return null;
            }

            if (problem.Linstor != LinstorCode.SnapshotDefinitionExists)
            {
                return Fail(problem, problem.Linstor == LinstorCode.InUse ? $"{doing}: it is in use" : doing);
            }

            if (!(await _linstor.SnapshotsAsync(VolumeName.Of(volume), deadline)).Has(out var snapshots, out var unread))
            {
                return Fail(unread, doing);
            }

            var goesWithIt = ours.Marks.Revert?.Snapshot;
            if (round > 0 || snapshots.Exists(one => !VolumeName.IsSafetySnapshot(one.Name) && !(goesWithIt is { } back && Is(one, back))))
            {
                return Fail(problem, $"{doing}: it has snapshots, which have to be deleted first");
            }

            foreach (var snapshot in snapshots)
            {
                if (await DropSnapshotAsync(volume, snapshot.Name ?? string.Empty, doing, deadline) is { } stays)
                {
                    return stays;
                }
            }
        }
    }

    /// <summary>How the first request of making a volume ended. A closed hierarchy.</summary>
    private abstract record Begun
    {
        /// <summary>The definition is there, with our marks.</summary>
        /// <param name="Answered">Whether LINSTOR said that all of the request was done; else part of it may be missing.</param>
        internal sealed record Done(bool Answered) : Begun;

        /// <summary>LINSTOR says there is one already.</summary>
        internal sealed record Exists : Begun;

        /// <summary>There is none, or it is not known.</summary>
        internal sealed record Failed(DriverError Error) : Begun;
    }

    private async Task<DriverResult<VolumeReply>> CompareAsync(
        Found.Ours ours,
        EnsureVolumeRequest request,
        long sizeKib,
        string doing,
        CallDeadline deadline)
    {
        if (ours.Marks.Source != VolumeMarks.SourceText(request.Source))
        {
            return DriverFailure.Invalid($"{doing}: it exists, made from '{ours.Marks.Source}' and not from '{VolumeMarks.SourceText(request.Source)}'.");
        }

        if (request.Source is VolumeSource.Empty && await WithoutDataAsync(ours, doing, deadline) is { } lost)
        {
            return lost;
        }

        if (request.Generation == ours.Marks.Generation)
        {
            return ours.SizeKib == sizeKib
                ? new VolumeReply(DriverOutcome.AlreadySo, Describe(ours))
                : DriverFailure.Invalid($"{doing}: generation {request.Generation} exists with {ours.SizeKib * 1024} bytes instead of {request.SizeBytes}.");
        }

        return await GrowAsync(ours, request.Generation, sizeKib, doing, deadline);
    }

    /// <summary>
    /// What is wrong with a volume that no node holds data of. LINSTOR makes definition, volume and resources in one transaction, so a spawn that was cut off does
    /// not look like this: either the group places nothing, and what the spawn made is taken away, or the resources were taken away later. Then the volume is not
    /// made anew, which would be an empty disk in the place of somebody's data.
    /// </summary>
    private async Task<DriverError?> WithoutDataAsync(Found.Ours ours, string doing, CallDeadline deadline)
    {
        var volume = ours.Marks.Volume;
        if (!(await _linstor.ResourcesAsync(VolumeName.Of(volume), deadline)).Has(out var resources, out var unread))
        {
            return Fail(unread, doing);
        }

        if (resources.Exists(static one => !one.IsDiskless))
        {
            return null;
        }

        if (!(await _linstor.GroupAsync(_settings.ResourceGroup, deadline)).Has(out var group, out unread) && unread is not null)
        {
            return Fail(unread, doing);
        }

        return group?.SelectFilter?.PlaceCount is null
            ? await DiscardAsync(volume, doing, deadline) ?? PlacesNothing(doing)
            : DriverFailure.Invalid(
                $"{doing}: LINSTOR has its definition, but no node holds data of it any more. It is not made anew in the place of data that was lost; it can be deleted.");
    }

    private DriverError PlacesNothing(string doing) =>
        DriverFailure.Invalid($"{doing}: resource group {_settings.ResourceGroup} places no resource anywhere; it needs a place count.");

    /// <summary>Makes a volume as large as wanted and records the generation after that, so that a call cut off between is simply repeated.</summary>
    private async Task<DriverResult<VolumeReply>> GrowAsync(Found.Ours ours, Generation generation, long sizeKib, string doing, CallDeadline deadline)
    {
        if (sizeKib < ours.SizeKib)
        {
            return DriverFailure.Invalid($"{doing}: it has {ours.SizeKib * 1024} bytes and does not become smaller.");
        }

        if (sizeKib > ours.SizeKib)
        {
            if (ours.Marks.Sealed)
            {
                return DriverFailure.Invalid($"{doing}: it is sealed.");
            }

            if (await ResizeAsync(ours, sizeKib, doing, deadline) is { } failed)
            {
                return failed;
            }
        }

        var marks = ours.Marks with { Generation = generation };
        if (generation > ours.Marks.Generation
            && await WriteAsync(ours, marks, deadline) is { } problem)
        {
            return Fail(problem, doing);
        }

        return new VolumeReply(DriverOutcome.Done, Describe(ours with { Marks = marks }) with { SizeBytes = sizeKib * 1024 });
    }

    private async Task<DriverError?> ResizeAsync(Found.Ours ours, long sizeKib, string doing, CallDeadline deadline)
    {
        const string ExactSize = "DrbdOptions/ExactSize";
        var name = VolumeName.Of(ours.Marks.Volume);
        if (ours.Definition.Property(ExactSize) is not null && await MarkAsync(name, null, [ExactSize], deadline) is { } kept)
        {
            return Fail(kept, doing);
        }

        var reply = await _linstor.ResizeAsync(name, sizeKib, deadline.KeepingBack(ReadBack));
        if (reply.Has(out var change, out var problem))
        {
            // Where its data is, it grows; a node without data learns the size from those, over DRBD's own connections.
            return await LackingAsync(change, name, static one => !one.IsDiskless, doing, deadline);
        }

        if (!problem.MayHaveEffect)
        {
            return Fail(problem, doing);
        }

        return await FindAsync(ours.Marks.Volume, doing, deadline) is Found.Ours after && after.SizeKib == sizeKib ? null : Fail(problem, doing);
    }

    private Task<Begun> BeginAsync(VolumeMarks marks, EnsureVolumeRequest request, long sizeKib, string doing, CallDeadline deadline) => request.Source switch
    {
        VolumeSource.Empty => BeginEmptyAsync(marks, request.Local, sizeKib, doing, deadline),
        VolumeSource.FromVolume from => BeginCloneAsync(marks, from, sizeKib, doing, deadline),
        VolumeSource.FromSnapshot from => BeginRestoreAsync(marks with { Building = true }, from, sizeKib, doing, deadline),
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };

    private async Task<Begun> BeginEmptyAsync(VolumeMarks marks, bool wantsLocal, long sizeKib, string doing, CallDeadline deadline)
    {
        if (!(await _linstor.VersionAsync(deadline)).Has(out var version, out var unreachable))
        {
            return new Begun.Failed(Fail(unreachable, doing));
        }

        if (!version.HasSpawnProperties)
        {
            // An older LINSTOR cannot mark what it spawns; there the definition is made first, marked, and completed by the next steps.
            var body = new ResourceDefinitionBody(VolumeName.Of(marks.Volume), _settings.ResourceGroup, (marks with { Building = true }).ToProperties());
            var made = await BegunAsync(await _linstor.CreateDefinitionAsync(body, deadline.KeepingBack(ReadBack)), marks.Volume, doing, deadline);
            return made is Begun.Done ? new Begun.Done(Answered: false) : made;
        }

        var (first, unread) = await FirstPlaceAsync(wantsLocal, deadline);
        if (unread is not null)
        {
            return new Begun.Failed(Fail(unread, doing));
        }

        // A spawn makes all of it or nothing; where the first replica is to be here, it is only the first step.
        if (first is { IsHint: true })
        {
            var begun = await SpawnAsync(marks with { Building = true }, first.Filter, sizeKib, doing, deadline);
            if (begun is not Begun.Failed { Error.Code: DriverErrorCode.Capacity or DriverErrorCode.Busy or DriverErrorCode.Invalid })
            {
                return begun;
            }
        }

        return await SpawnAsync(marks, first is { IsHint: false } ? first.Filter : null, sizeKib, doing, deadline);
    }

    private async Task<Begun> SpawnAsync(VolumeMarks marks, PlaceFilter? filter, long sizeKib, string doing, CallDeadline deadline)
    {
        var spawn = new SpawnRequest(VolumeName.Of(marks.Volume), [sizeKib], true, marks.ToProperties(), filter);
        var reply = await _linstor.SpawnAsync(_settings.ResourceGroup, spawn, deadline.KeepingBack(ReadBack));
        var begun = await BegunAsync(reply, marks.Volume, doing, deadline);
        return begun is Begun.Done && reply.Has(out var change, out _) ? new Begun.Done(Answered: !change.Deferred) : begun;
    }

    /// <summary>Where the first replica goes, when that is not left to LINSTOR.</summary>
    /// <param name="Filter">On this node.</param>
    /// <param name="IsHint">Whether it may go elsewhere when it cannot be here, and the others go where the group says; else it is the only one.</param>
    private sealed record FirstPlace(PlaceFilter Filter, bool IsHint);

    // LINSTOR is asked each time: without DRBD, data on another node would be lost to this host, and a group can be changed at any moment.
    private async Task<(FirstPlace? Place, RestProblem? Problem)> FirstPlaceAsync(bool wantsLocal, CallDeadline deadline)
    {
        if (!(await _linstor.GroupAsync(_settings.ResourceGroup, deadline)).Has(out var group, out var problem) && problem is not null)
        {
            return (null, problem);
        }

        var isOnlyHere = group is { IsDrbd: false };
        if (!isOnlyHere && !(wantsLocal && _traits.HoldsData != false))
        {
            return (null, null);
        }

        if (await KnowNodeAsync(deadline) is { } nowhere)
        {
            return isOnlyHere ? (null, nowhere) : (null, null);
        }

        return isOnlyHere || group?.Allows(NodeName) == true ? (new FirstPlace(new PlaceFilter([NodeName], PlaceCount: 1), IsHint: !isOnlyHere), null) : (null, null);
    }

    private async Task<Begun> BegunAsync<T>(RestReply<T> reply, VolumeId volume, string doing, CallDeadline deadline)
    {
        if (reply.Has(out _, out var problem))
        {
            return new Begun.Done(Answered: true);
        }

        if (problem.Linstor == LinstorCode.DefinitionExists)
        {
            return new Begun.Exists();
        }

        var failed = FailToPlace(problem, doing);
        if (problem is { MayHaveEffect: false, Linstor: null })
        {
            return new Begun.Failed(failed);
        }

        // Whatever LINSTOR answered: only the name tells whether something was left behind.
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Ours when problem.Linstor is null or LinstorCode.Unknown or LinstorCode.Implementation:
                LogAdopting(volume, problem.Text);
                return new Begun.Done(Answered: false);
            case Found.Ours:
                LogRollingBack(volume, problem.Backend ?? problem.Text);
                return await DiscardAsync(volume, doing, deadline) is { } stuck
                    ? new Begun.Failed(failed with { Text = $"{failed.Text} What it left behind is still there: {stuck.Text}" })
                    : new Begun.Failed(failed);
            default:
                return new Begun.Failed(failed);
        }
    }

    private async Task<Begun> BeginCloneAsync(
        VolumeMarks marks,
        VolumeSource.FromVolume from,
        long sizeKib,
        string doing,
        CallDeadline deadline)
    {
        Found.Ours source;
        switch (await FindAsync(from.VolumeId, $"{doing} from volume {from.VolumeId}", deadline))
        {
            case Found.Error error:
                return new Begun.Failed(error.Why);
            case Found.Absent:
                return new Begun.Failed(Absent($"{doing} from volume {from.VolumeId}", from.VolumeId));
            case Found.Ours ours:
                source = ours;
                break;
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }

        if (NotUsable(source, $"{doing} from volume {from.VolumeId}") is { } not)
        {
            return new Begun.Failed(not);
        }

        if (!source.Marks.Sealed)
        {
            return new Begun.Failed(DriverFailure.Invalid($"{doing}: its source, volume {from.VolumeId}, is not sealed."));
        }

        if (sizeKib < source.SizeKib)
        {
            return new Begun.Failed(DriverFailure.Invalid($"{doing}: its source, volume {from.VolumeId}, is larger ({source.SizeKib * 1024} bytes)."));
        }

        if (!(await _linstor.VersionAsync(deadline)).Has(out var version, out var unreachable))
        {
            return new Begun.Failed(Fail(unreachable, doing));
        }

        if (!version.HasCloneProperties)
        {
            return new Begun.Failed(DriverFailure.Unsupported($"{doing}: LINSTOR's REST version {version} cannot mark a clone while it is made; copy instead."));
        }

        if (!(await _linstor.ResourcesAsync(VolumeName.Of(from.VolumeId), deadline)).Has(out var resources, out var unread))
        {
            return new Begun.Failed(Fail(unread, doing));
        }

        if (resources.Find(static one => !one.IsDiskless) is not { } holder)
        {
            return new Begun.Failed(DriverFailure.Busy($"{doing}: its source, volume {from.VolumeId}, has no data on any node now."));
        }

        // Only to say it sooner: what cannot be read here LINSTOR says itself.
        if (holder is { NodeName: { } node, StoragePool: { } poolName } && (await _linstor.StoragePoolAsync(node, poolName, deadline)).Has(out var pool, out _)
            && NoClone.Contains(pool?.ProviderKind, StringComparer.OrdinalIgnoreCase))
        {
            return new Begun.Failed(DriverFailure.Unsupported($"{doing}: storage of kind {pool!.ProviderKind} cannot clone; copy instead."));
        }

        // LINSTOR makes the clone with its flag CLONING in one transaction. Only one that has to grow afterwards needs a mark of ours.
        marks = marks with { Building = sizeKib > source.SizeKib };
        var clone = new CloneRequest(VolumeName.Of(marks.Volume), marks.ToProperties(), VolumeMarks.KeysOf(source.Definition));
        var reply = await _linstor.CloneAsync(VolumeName.Of(from.VolumeId), clone, deadline.KeepingBack(ReadBack));
        return await BegunAsync(reply, marks.Volume, doing, deadline);
    }

    private async Task<Begun> BeginRestoreAsync(
        VolumeMarks marks,
        VolumeSource.FromSnapshot from,
        long sizeKib,
        string doing,
        CallDeadline deadline)
    {
        switch (await FindSnapshotAsync(from.VolumeId, from.SnapshotId, doing, deadline))
        {
            case { Error: { } error }:
                return new Begun.Failed(error);
            case { Snapshot: null }:
                return new Begun.Failed(DriverFailure.NotFound($"{doing}: volume {from.VolumeId} has no snapshot {from.SnapshotId}."));
            case { Snapshot: { IsSuccessful: false } snapshot }:
                return new Begun.Failed(snapshot.IsFailed
                    ? DriverFailure.Invalid($"{doing}: snapshot {from.SnapshotId} failed when it was taken.")
                    : DriverFailure.Busy($"{doing}: snapshot {from.SnapshotId} is not complete yet."));
            case { Snapshot: { } snapshot }:
                var kib = SizeOf(snapshot);
                if (sizeKib < kib)
                {
                    return new Begun.Failed(DriverFailure.Invalid($"{doing}: its source, snapshot {from.SnapshotId}, is larger ({kib * 1024} bytes)."));
                }

                break;
        }

        var body = new ResourceDefinitionBody(VolumeName.Of(marks.Volume), _settings.ResourceGroup, marks.ToProperties());
        var reply = await _linstor.CreateDefinitionAsync(body, deadline.KeepingBack(ReadBack));
        return await BegunAsync(reply, marks.Volume, doing, deadline);
    }

    /// <summary>Brings a begun volume to its end: every step looks first, so it does not matter how far an earlier call came.</summary>
    private async Task<DriverResult<VolumeReply>> FinishAsync(
        VolumeId volume,
        EnsureVolumeRequest request,
        long sizeKib,
        bool answered,
        string doing,
        CallDeadline deadline)
    {
        var failed = request.Source switch
        {
            VolumeSource.Empty => await FillEmptyAsync(volume, request.Local, sizeKib, answered, doing, deadline),
            VolumeSource.FromVolume from => await FillCloneAsync(volume, from, doing, deadline),
            VolumeSource.FromSnapshot from => await FillRestoreAsync(volume, from, doing, deadline),
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        };
        if (failed is { Keep: true })
        {
            return failed.Error;
        }

        if (failed is not null)
        {
            LogRollingBack(volume, failed.Error.Backend ?? failed.Error.Text);
            return await DiscardAsync(volume, doing, deadline) is { } stuck
                ? failed.Error with { Text = $"{failed.Error.Text} What was made so far is still there: {stuck.Text}" }
                : failed.Error;
        }

        if (await FindAsync(volume, doing, deadline) is not Found.Ours { HasVolume: true } made)
        {
            return DriverFailure.Unknown($"{doing}: LINSTOR said that it is made, but does not show it.");
        }

        if (made.SizeKib < sizeKib && await ResizeAsync(made, sizeKib, doing, deadline) is { } small)
        {
            return small;
        }

        if (made.SizeKib > sizeKib)
        {
            return DriverFailure.Invalid($"{doing}: it was begun with {made.SizeKib * 1024} bytes.");
        }

        var marks = MarksOf(volume, request);
        if (await WriteAsync(made, marks, deadline) is { } problem)
        {
            return Fail(problem, doing);
        }

        return new VolumeReply(DriverOutcome.Done, Describe(made with { Marks = marks }) with { SizeBytes = sizeKib * 1024 });
    }

    /// <summary>Why a volume was not finished.</summary>
    /// <param name="Error">The error.</param>
    /// <param name="Keep">Whether what is there is worth going on with; else it is taken away.</param>
    private sealed record Unmade(DriverError Error, bool Keep);

    // Only a refusal of LINSTOR's own ends the making; whatever may be better later keeps what is there.
    private Unmade ToUnmade(RestProblem problem, string doing)
    {
        var error = FailToPlace(problem, doing);
        return new Unmade(error, Keep: error.Code is not (DriverErrorCode.Capacity or DriverErrorCode.Invalid or DriverErrorCode.Unsupported));
    }

    private async Task<Unmade?> FillEmptyAsync(VolumeId volume, bool wantsLocal, long sizeKib, bool answered, string doing, CallDeadline deadline)
    {
        var name = VolumeName.Of(volume);
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return new Unmade(error.Why, Keep: true);
            case Found.Absent:
                return new Unmade(DriverFailure.Unknown($"{doing}: LINSTOR said that it is made, but does not show it."), Keep: true);
            case Found.Ours { HasVolume: false }:
                if (!(await _linstor.CreateVolumeAsync(name, sizeKib, deadline.KeepingBack(ReadBack))).Has(out _, out var problem)
                    && problem.Linstor != LinstorCode.VolumeDefinitionExists
                    && !(problem.MayHaveEffect && await FindAsync(volume, doing, deadline) is Found.Ours { HasVolume: true }))
                {
                    return ToUnmade(problem, doing);
                }

                answered = false;
                break;
        }

        return await PlaceAsync(name, wantsLocal, always: !answered, doing, deadline);
    }

    /// <summary>Sees to it that data has a place.</summary>
    private async Task<Unmade?> PlaceAsync(string name, bool wantsLocal, bool always, string doing, CallDeadline deadline)
    {
        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
        {
            return new Unmade(Fail(unread, doing), Keep: true);
        }

        var isPlaced = resources.Exists(static one => one is { IsDiskless: false, IsGoing: false });
        if (isPlaced && !always && !wantsLocal)
        {
            return null;
        }

        var (first, unknown) = await FirstPlaceAsync(wantsLocal, deadline);
        if (unknown is not null)
        {
            return new Unmade(Fail(unknown, doing), Keep: true);
        }

        if (!isPlaced && first is { IsHint: true })
        {
            // What comes of it shows in what is left to place.
            await _linstor.AutoPlaceAsync(name, first.Filter, deadline.KeepingBack(ReadBack));
        }

        if (!(await _linstor.AutoPlaceAsync(name, first is { IsHint: false } ? first.Filter : null, deadline.KeepingBack(ReadBack))).Has(out var change, out var problem))
        {
            // Without an answer only as many replicas as the group wants are good enough: fewer would go unnoticed for ever.
            return problem.MayHaveEffect
                && (await _linstor.GroupAsync(_settings.ResourceGroup, deadline)).Has(out var group, out _)
                && await IsPlacedAsync(name, first is { IsHint: false } ? 1 : Math.Max(group?.SelectFilter?.PlaceCount ?? 1, 1), deadline)
                    ? null
                    : ToUnmade(problem, doing);
        }

        if (await LackingAsync(change, name, static one => !one.IsDiskless, doing, deadline) is { } lacking)
        {
            return new Unmade(lacking, Keep: true);
        }

        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out resources, out unread))
        {
            return new Unmade(Fail(unread, doing), Keep: true);
        }

        return resources.Exists(static one => one is { IsDiskless: false, IsGoing: false })
            ? null
            : new Unmade(PlacesNothing(doing), Keep: false);
    }

    private async Task<bool> IsPlacedAsync(string name, int replicas, CallDeadline deadline) =>
        (await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out _)
        && resources.Count(static one => one is { IsDiskless: false, IsGoing: false }) >= replicas;

    private async Task<Unmade?> FillCloneAsync(VolumeId volume, VolumeSource.FromVolume from, string doing, CallDeadline deadline)
    {
        var source = VolumeName.Of(from.VolumeId);
        var name = VolumeName.Of(volume);
        while (true)
        {
            if (!(await _linstor.CloneStatusAsync(source, name, deadline)).Has(out var status, out var problem))
            {
                if (problem.Code != DriverErrorCode.NotFound)
                {
                    return new Unmade(Fail(problem, doing), Keep: true);
                }

                // LINSTOR does not know of this clone (any more): its flags tell.
                switch (await FindAsync(volume, doing, deadline))
                {
                    case Found.Error error:
                        return new Unmade(error.Why, Keep: true);
                    case Found.Ours ours when ours.Definition.Has("FAILED"):
                        return new Unmade(DriverFailure.Busy($"{doing}: cloning from volume {from.VolumeId} failed at LINSTOR."), Keep: false);
                    case Found.Ours ours when !ours.Definition.Has("CLONING") && ours.HasVolume:
                        return null;
                }
            }
            else
            {
                switch (status.Status?.ToUpperInvariant())
                {
                    case "COMPLETE":
                        return null;
                    case "FAILED":
                        return new Unmade(DriverFailure.Busy($"{doing}: cloning from volume {from.VolumeId} failed at LINSTOR; is a node offline?"), Keep: false);
                }
            }

            if (!await deadline.PauseAsync(PollPause))
            {
                return new Unmade(DriverFailure.Busy($"{doing}: LINSTOR is still cloning it from volume {from.VolumeId}."), Keep: true);
            }
        }
    }

    private async Task<Unmade?> FillRestoreAsync(VolumeId volume, VolumeSource.FromSnapshot from, string doing, CallDeadline deadline)
    {
        var source = VolumeName.Of(from.VolumeId);
        var snapshot = VolumeName.Of(from.SnapshotId);
        var name = VolumeName.Of(volume);
        switch (await FindAsync(volume, doing, deadline))
        {
            case Found.Error error:
                return new Unmade(error.Why, Keep: true);
            case Found.Ours { HasVolume: false }:
                if (!(await _linstor.RestoreVolumesAsync(source, snapshot, name, deadline.KeepingBack(ReadBack))).Has(out _, out var problem)
                    && problem.Linstor != LinstorCode.VolumeDefinitionExists
                    && !(problem.MayHaveEffect && await FindAsync(volume, doing, deadline) is Found.Ours { HasVolume: true }))
                {
                    return ToUnmade(problem, doing);
                }

                break;
        }

        if (!(await _linstor.ResourcesAsync(name, deadline)).Has(out var resources, out var unread))
        {
            return new Unmade(Fail(unread, doing), Keep: true);
        }

        // Placing by any other way would give it empty data.
        if (!resources.Exists(static one => !one.IsDiskless)
            && !(await _linstor.RestoreResourcesAsync(source, snapshot, name, deadline.KeepingBack(ReadBack))).Has(out _, out var unplaced)
            && unplaced.Linstor != LinstorCode.ResourceExists
            && !(unplaced.MayHaveEffect && await IsPlacedAsync(name, 1, deadline)))
        {
            return ToUnmade(unplaced, doing);
        }

        return null;
    }

    /// <summary>Takes away a volume that was never complete.</summary>
    /// <returns>Null when it is gone, else why not.</returns>
    private async Task<DriverError?> DiscardAsync(VolumeId volume, string doing, CallDeadline deadline)
    {
        if (!(await _linstor.DeleteDefinitionAsync(VolumeName.Of(volume), deadline.KeepingBack(ReadBack))).Has(out _, out var problem)
            && !problem.MayHaveEffect)
        {
            return Fail(problem, doing);
        }

        return await WaitUntilGoneAsync(volume, doing, deadline);
    }

    /// <summary>Waits until LINSTOR shows a deleted volume no more; its "deleted" alone is not proof.</summary>
    /// <returns>Null when it is gone, else who keeps it.</returns>
    private async Task<DriverError?> WaitUntilGoneAsync(VolumeId volume, string doing, CallDeadline deadline)
    {
        var patience = new CallDeadline(_time, deadline.Share(DeletionPatience), deadline.Cancelled);
        while (true)
        {
            switch (await FindAsync(volume, doing, deadline))
            {
                case Found.Absent:
                    return null;
                case Found.Error error:
                    return error.Problem is null
                        ? error.Why
                        : error.Why with
                        {
                            Code = DriverErrorCode.Unknown,
                            Text = $"{error.Why.Text} Whether the deletion that was asked for is finished is not known.",
                        };
                case Found.Ours ours when !IsGoing(ours.Definition):
                    return DriverFailure.Unknown($"{doing}: LINSTOR still has it and does not say that it is deleting it.");
            }

            if (!await patience.PauseAsync(PollPause))
            {
                return DriverFailure.Busy($"{doing}: deletion is pending at LINSTOR{await WhoIsAwayAsync(volume, deadline)}.");
            }
        }
    }

    private async Task<string> WhoIsAwayAsync(VolumeId volume, CallDeadline deadline)
    {
        if (!(await _linstor.ResourcesAsync(VolumeName.Of(volume), deadline)).Has(out var resources, out _) || resources.Count == 0
            || !(await _linstor.NodesAsync(resources.Select(static one => one.NodeName ?? string.Empty), deadline)).Has(out var nodes, out _))
        {
            return string.Empty;
        }

        var names = resources.Select(static one => one.NodeName).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var away = nodes.Where(node => names.Contains(node.Name) && !node.IsOnline).Select(static node => $"{node.Name} is {node.ConnectionStatus}").ToList();
        return away.Count > 0 ? $" (node {string.Join(", node ", away)})" : $" (on {string.Join(", ", names)})";
    }
}
