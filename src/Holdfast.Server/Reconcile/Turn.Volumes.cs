using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reconcile;

/// <summary>Volumes: facts for the planners, and their answers carried out.</summary>
internal sealed partial class Turn
{
    // A deletion that found no host is looked for again by a sweep, not in the same turn.
    private readonly HashSet<VolumeId> _deletionsAsked = [];

    private async Task SettleVolumeAsync(VolumeId id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var row = await Db.Volumes.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null, cancellationToken);
            if (row is null)
            {
                return;
            }

            if (row.VmId is { } vm && row.State != VolumeState.Expunging)
            {
                Mark(vm);
                return;
            }

            var jobs = await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == id.Value).ToListAsync(cancellationToken);
            var facts = (await FactsOfAsync([row], jobs, cancellationToken))[0];
            var actions = VolumePlanner.Plan(facts, Now);
            if (actions.Count == 0 || (actions is [VolumeAction.Delete] && !_deletionsAsked.Add(id)))
            {
                if (row.VmId is { } owner)
                {
                    Mark(owner);
                }

                return;
            }

            foreach (var action in actions)
            {
                switch (action)
                {
                    case VolumeAction.Made:
                        await VolumeMadeAsync(id, cancellationToken);
                        break;
                    case VolumeAction.NotMade not:
                        await VolumeNotMadeAsync(id, not.Why, cancellationToken);
                        break;
                    case VolumeAction.Resized resized:
                        await VolumeResizedAsync(id, resized.Error, cancellationToken);
                        break;
                    case VolumeAction.Expunged:
                        await ExpungedAsync(row, "the backend confirmed its deletion", cancellationToken);
                        await SupersedeOfRetiredAsync(id, cancellationToken);
                        break;
                    case VolumeAction.Delete:
                        await DeleteVolumeAsync(id, cancellationToken);
                        break;
                    case VolumeAction.CompleteJob complete:
                        await CompleteJobAsync(complete.Job, cancellationToken);
                        break;
                    case VolumeAction.FailJob fail:
                        await FailJobAsync(fail.Job, fail.Fault, cancellationToken);
                        break;
                    default:
                        throw new ArgumentOutOfRangeException(nameof(id), action, "Unknown action.");
                }
            }
        }

        throw new InvalidOperationException($"Volume {id} does not settle.");
    }

    private async Task<IReadOnlyList<VolumeFacts>> FactsOfAsync(IReadOnlyList<VolumeRow> volumes, IReadOnlyList<JobRow> jobs, CancellationToken cancellationToken)
    {
        if (volumes.Count == 0)
        {
            return [];
        }

        var poolIds = volumes.Where(v => v.PoolId != null).Select(v => v.PoolId!.Value).Distinct().ToList();
        var taskIds = volumes.Where(v => v.TaskId != null).Select(v => v.TaskId!.Value).ToList();
        var expunging = volumes.Where(v => v.State == VolumeState.Expunging).Select(v => v.Id).ToList();
        var pools = poolIds.Count == 0 ? [] : await Db.StoragePools.Where(p => poolIds.Contains(p.Id)).ToListAsync(cancellationToken);
        var tasks = taskIds.Count == 0 ? [] : await Db.Tasks.Where(t => taskIds.Contains(t.Id)).ToListAsync(cancellationToken);
        var failed = tasks.Where(t => t.State == WorkState.Failed).Select(t => t.Id).ToHashSet();
        var copyIds = volumes
            .Where(v => v.TemplateCopyId != null && (v.State == VolumeState.Allocated || (v is { State: VolumeState.Creating, TaskId: { } making } && failed.Contains(making))))
            .Select(v => v.TemplateCopyId!.Value)
            .ToList();
        var copies = copyIds.Count == 0 ? [] : await Db.TemplateCopies.Where(c => copyIds.Contains(c.Id)).ToListAsync(cancellationToken);
        var tried = expunging.Count == 0
            ? []
            : await Db.Obligations.Where(o => expunging.Contains(o.VolumeId) && o.State == ObligationState.Owed && o.Tries > 0).Select(o => o.VolumeId).ToListAsync(cancellationToken);
        var triable = expunging.Count == 0 ? [] : await TriableAsync([.. tasks.Where(t => t.Kind == WorkKind.DeleteVolume).Select(t => t.Id)], cancellationToken);
        return
        [
            .. volumes.Select(v =>
            {
                var pool = pools.FirstOrDefault(p => p.Id == v.PoolId);
                var task = tasks.FirstOrDefault(t => t.Id == v.TaskId);
                var copy = copies.FirstOrDefault(c => c.Id == v.TemplateCopyId);
                return new VolumeFacts
                {
                    Id = v.Id,
                    Name = v.Name,
                    Type = v.Type,
                    State = v.State,
                    PoolId = v.PoolId,
                    PoolName = pool?.Name,
                    PoolState = pool?.State,
                    SizeBytes = v.SizeBytes,
                    WantedSizeBytes = v.WantedSizeBytes,
                    Tags = Csv.Split(v.StorageTags),
                    FromTemplate = v is { TemplateId: not null, Type: VolumeType.Root },
                    Copy = copy is null ? null : new CopyFacts(copy.Id, copy.State, copy.Error),
                    IsFirstTry = v.Generation == Generation.First,
                    Missing = v.Missing,
                    Task = task is null ? null : new TaskFacts(task.Kind, task.State, task.Error, tried.Contains(v.Id), triable.Contains(task.Id)),
                    IsAttaching = v.Attaching,
                    IsDetaching = v.Detaching,
                    GoesWithVm = v.GoesWithVm,
                    Jobs = [.. jobs.Where(j => j.InstanceId == v.Id.Value).Select(FactsOf)],
                };
            }),
        ];
    }

    // Tasks whose host is heard of and was told to serve the pool.
    private async Task<IReadOnlyList<TaskId>> TriableAsync(IReadOnlyList<TaskId> tasks, CancellationToken cancellationToken) => tasks.Count == 0
        ? []
        : await (from t in Db.Tasks
                 join h in Db.Hosts on t.IncarnationId equals h.IncarnationId
                 join b in Db.Bindings on new { t.IncarnationId, t.PoolId } equals new { b.IncarnationId, b.PoolId }
                 where tasks.Contains(t.Id) && h.State == HostState.Up && b.Absent == null && b.Desired == Desired.Attached
                 select t.Id).ToListAsync(cancellationToken);

    private async Task AssignPoolAsync(VolumeId volume, PoolId pool, CancellationToken cancellationToken) =>
        await Db.Volumes.Where(v => v.Id == volume)
            .Set(v => v.PoolId, pool)
            .Set(v => v.TemplateCopyId, (VolumeId?)null)
            .UpdateAsync(cancellationToken);

    private async Task MakeVolumeAsync(VolumeId id, IncarnationId incarnation, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var volume = await Db.Volumes.SingleAsync(v => v.Id == id, cancellationToken);
        if (volume.LeaseGeneration > Generation.None)
        {
            // An empty disk under the name of one that holds a guest's data is the worst that could be made.
            throw new InvalidOperationException($"Volume {volume.Name} ({id}) was written to by a guest: it is never made anew.");
        }

        var source = volume.Type == VolumeType.Root ? volume.TemplateCopyId : null;
        var (pool, sourceGeneration) = await Db.StoragePools
            .Where(p => p.Id == volume.PoolId)
            .Select(p => ValueTuple.Create(p, Db.TemplateCopies.Where(c => c.Id == source).Select(c => (Generation?)c.Generation).FirstOrDefault()))
            .SingleAsync(cancellationToken);
        var worker = source is null ? incarnation : await ChooseMakerAsync(pool.Id, incarnation, cancellationToken);
        var task = await AddTaskAsync(
            worker,
            WorkKind.EnsureVolume,
            id,
            new TaskSpec.EnsureVolume
            {
                PoolId = pool.Id,
                PoolName = pool.Name,
                VolumeId = id,
                VolumeGeneration = volume.Generation,
                SizeBytes = volume.SizeBytes,
                Source = source,
                SourceGeneration = sourceGeneration,
                Label = volume.Name,
            },
            deadline ?? Now + Timings.ChangeDeadline,
            cancellationToken);
        await Db.UpdateAsync(volume with { State = VolumeState.Creating, StateSince = Now, TaskId = task, Condition = null }, token: cancellationToken);
    }

    // A backend that cannot clone has its templates copied by a host, all bytes of them: by one that can hold the data, where the pool's hosts share it.
    private async Task<IncarnationId> ChooseMakerAsync(PoolId pool, IncarnationId forWhom, CancellationToken cancellationToken) =>
        await Db.Bindings.AnyAsync(
            b => b.PoolId == pool && b.IncarnationId == forWhom && b.Absent == null && b.CanClone == false && b.HoldsData == false && b.NotShared == null, cancellationToken)
            ? await ChooseWorkerAsync(pool, forWhom, cancellationToken) ?? forWhom
            : forWhom;

    private async Task VolumeMadeAsync(VolumeId id, CancellationToken cancellationToken) =>
        await Db.Volumes.Where(v => v.Id == id)
            .Set(v => v.State, VolumeState.Ready)
            .Set(v => v.StateSince, Now)
            .Set(v => v.TaskId, (TaskId?)null)
            .Set(v => v.Condition, (string?)null)
            .UpdateAsync(cancellationToken);

    private async Task VolumeNotMadeAsync(VolumeId id, string why, CancellationToken cancellationToken)
    {
        var volume = await Db.Volumes.SingleAsync(v => v.Id == id, cancellationToken);
        var task = await Db.Tasks.FirstOrDefaultAsync(t => t.Id == volume.TaskId, cancellationToken);

        // A task that failed was undone by its host. One that was withdrawn may have happened: the pool stays on record, so that the next try finds what is there,
        // and a deletion asks the backend.
        var keepsPool = task is not { State: WorkState.Failed };
        await Db.UpdateAsync(
            volume with
            {
                State = VolumeState.Allocated,
                StateSince = Now,
                TaskId = null,

                // What a host still owes about this try, possibly for hours, names this generation: the next try, on whatever host, must not be undone by it.
                Generation = volume.Generation.Next,
                PoolId = keepsPool ? volume.PoolId : null,
                TemplateCopyId = keepsPool ? volume.TemplateCopyId : null,
                Condition = why,
            },
            token: cancellationToken);
    }

    private async Task VolumeResizedAsync(VolumeId id, string? error, CancellationToken cancellationToken)
    {
        var volume = await Db.Volumes.SingleAsync(v => v.Id == id, cancellationToken);
        await Db.UpdateAsync(
            volume with
            {
                State = VolumeState.Ready,
                StateSince = Now,
                TaskId = null,
                SizeBytes = error is null ? Math.Max(volume.SizeBytes, volume.WantedSizeBytes ?? 0) : volume.SizeBytes,
                WantedSizeBytes = null,
                Condition = error,
            },
            token: cancellationToken);
    }

    private async Task FreeVolumeAsync(VolumeId id, bool keepLease, CancellationToken cancellationToken)
    {
        await Db.Volumes.Where(v => v.Id == id)
            .Set(v => v.VmId, (VmId?)null)
            .Set(v => v.DeviceId, (int?)null)
            .Set(v => v.Attached, (DateTimeOffset?)null)
            .Set(v => v.Attaching, false)
            .Set(v => v.Detaching, false)
            .Set(v => v.GoesWithVm, false)
            .UpdateAsync(cancellationToken);
        if (!keepLease)
        {
            await Db.Leases.Where(l => l.VolumeId == id).DeleteAsync(cancellationToken);
        }

        Mark(id);
    }

    /// <summary>Has a volume deleted through a ledger; at once gone when no backend can have anything of it.</summary>
    public async Task DeleteVolumeAsync(VolumeId id, CancellationToken cancellationToken)
    {
        var volume = await Db.Volumes.SingleAsync(v => v.Id == id, cancellationToken);

        // One that was never given to a host is Allocated in its first generation: every try that ends begins another.
        if (volume.PoolId is not { } poolId || (volume is { State: VolumeState.Allocated, TaskId: null } && volume.Generation == Generation.First))
        {
            await ExpungedAsync(volume, "no backend holds anything of it", cancellationToken);
            return;
        }

        var pool = await Db.StoragePools.SingleAsync(p => p.Id == poolId, cancellationToken);
        if (pool.Removed is not null)
        {
            await ExpungedAsync(volume, $"its storage pool {pool.Name} ({pool.Id}) was removed; what is left at the backend is nobody's any more", cancellationToken);
            return;
        }

        // The host that may still be making it must be the one that deletes it: only there the two have an order.
        var maker = volume.TaskId is { } running
            ? await Db.Tasks.Where(t => t.Id == running && t.State == WorkState.Pending).Select(t => (IncarnationId?)t.IncarnationId).FirstOrDefaultAsync(cancellationToken)
            : null;
        var incarnation = maker ?? await ChooseWorkerAsync(poolId, null, cancellationToken);
        TaskId? task = null;
        if (volume.TaskId is { } old)
        {
            await WithdrawTaskAsync(old, "the volume is being deleted", cancellationToken);
        }

        if (incarnation is { } worker)
        {
            task = await AddTaskAsync(
                worker,
                WorkKind.DeleteVolume,
                id,
                new TaskSpec.DeleteVolume { PoolId = pool.Id, PoolName = pool.Name, VolumeId = id, VolumeGeneration = volume.Generation, Label = volume.Name },
                null,
                cancellationToken);
        }

        await Db.UpdateAsync(
            volume with
            {
                State = VolumeState.Expunging,
                StateSince = volume.State == VolumeState.Expunging ? volume.StateSince : Now,
                TaskId = task,
                Condition = task is null ? $"no host serves storage pool {pool.Name} ({pool.Id}) now" : null,
            },
            token: cancellationToken);
        _deletionsAsked.Add(id);
    }

    /// <summary>Has a volume grown: on the host of its running guest, else on one that serves its pool.</summary>
    /// <returns>Why nobody can; null when somebody was told.</returns>
    public async Task<PlanFault?> ResizeVolumeAsync(VolumeRow volume, VmRow? vm, long size, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.SingleAsync(p => p.Id == volume.PoolId, cancellationToken);
        if (volume.Missing is { } since)
        {
            return new PlanFault(PlanFaultKind.StorageUnavailable, $"Volume {volume.Name} ({volume.Id}) cannot be resized: {VmPlanner.MissingText(volume.Name, volume.Id, pool.Name, pool.Id, since)}");
        }

        var worker = vm is { State: VmState.Running } ? vm.IncarnationId : await ChooseWorkerAsync(pool.Id, null, cancellationToken);
        if (worker is not { } incarnation || pool.State is not (PoolState.Up or PoolState.Disabled))
        {
            return new PlanFault(
                PlanFaultKind.StorageUnavailable,
                $"Volume {volume.Name} ({volume.Id}) cannot be resized: storage pool {pool.Name} ({pool.Id}) is in state {pool.State}{(worker is null ? ", and no host serves it" : string.Empty)}");
        }

        var task = await AddTaskAsync(
            incarnation,
            WorkKind.ResizeVolume,
            volume.Id,
            new TaskSpec.ResizeVolume { PoolId = pool.Id, PoolName = pool.Name, VolumeId = volume.Id, VolumeGeneration = volume.Generation, SizeBytes = size },
            deadline,
            cancellationToken);
        await Db.UpdateAsync(volume with { State = VolumeState.Resizing, StateSince = Now, WantedSizeBytes = size, TaskId = task, Condition = null }, token: cancellationToken);
        return null;
    }

    private async Task ExpungedAsync(VolumeRow volume, string why, CancellationToken cancellationToken)
    {
        var wasOwed = volume.State == VolumeState.Expunging;
        await Db.UpdateAsync(
            volume with { State = VolumeState.Expunged, StateSince = Now, Removed = Now, TaskId = null, VmId = null, DeviceId = null, Condition = null },
            token: cancellationToken);
        Db.AfterCommit(() => LogVolumeExpunged(volume.Name, volume.Id, why));
        if (volume.VmId is { } vm)
        {
            Mark(vm);
        }
        else if (wasOwed)
        {
            await TellDeletedAsync([volume], why, cancellationToken);
        }
    }

    private Task TellDeletedAsync(IReadOnlyList<VolumeRow> volumes, string why, CancellationToken cancellationToken) =>
        TellOfVolumesAsync(EventTypes.VolumeDelete, EventLevel.Info, volumes, volume => $"Volume {volume.Name} ({volume.Id}) is deleted: {why}", cancellationToken);

    // To their owners. The same statements for one and for many.
    private async Task TellOfVolumesAsync(string type, EventLevel level, IReadOnlyList<VolumeRow> volumes, Func<VolumeRow, string> text, CancellationToken cancellationToken)
    {
        if (volumes.Count == 0)
        {
            return;
        }

        var accounts = volumes.Select(v => v.AccountId).Distinct().ToList();
        var users = (await Db.Users.Where(u => accounts.Contains(u.AccountId)).OrderBy(u => u.Created).Select(u => new { u.AccountId, u.Id }).ToListAsync(cancellationToken)).ToLookup(u => u.AccountId, u => u.Id);
        await Db.InsertAllAsync(
            [
                .. volumes.Select(volume => NewEvent(
                    type,
                    level,
                    EventState.Completed,
                    text(volume),
                    volume.AccountId,
                    users[volume.AccountId].First(),
                    ResourceTypes.Volume,
                    volume.Id.Value,
                    volume.Name,
                    null)),
            ],
            cancellationToken);
    }

    private async Task<Dictionary<PoolId, string>> PoolNamesAsync(IEnumerable<PoolId> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.Distinct().ToList();
        return wanted.Count == 0
            ? []
            : await Db.StoragePools.Where(p => wanted.Contains(p.Id)).ToDictionaryAsync(p => p.Id, p => p.Name, cancellationToken);
    }
}
