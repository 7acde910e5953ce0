using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using Holdfast.Server.Tasks;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>What is done to volumes.</summary>
internal sealed partial class VolumeChanges : TurnPart, ITurnPart<VolumeChanges>
{
    // A deletion that found no host is looked for again by a sweep, not in the same turn.
    private readonly HashSet<VolumeId> _deletionsAsked = [];

    private readonly ILogger _logger;

    private VolumeChanges(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<VolumeChanges>();

    /// <inheritdoc/>
    public static VolumeChanges Of(Turn turn) => new(turn);

    private VolumeRows Rows => Turn.Part<VolumeRows>();

    /// <summary>Notes that a volume's deletion is asked for in this turn.</summary>
    /// <returns>False: it was before.</returns>
    public bool AskDeletion(VolumeId id) => _deletionsAsked.Add(id);

    /// <summary>Says on which pool a volume is to be made.</summary>
    public async Task AssignPoolAsync(VolumeId volume, PoolId pool, CancellationToken cancellationToken) =>
        await Rows.SaveAsync(await Rows.GetAsync(volume, cancellationToken) with { PoolId = pool, TemplateCopyId = null }, cancellationToken);

    /// <summary>A volume is not made from the copy that it was to be made from.</summary>
    public async Task DropTemplateAsync(VolumeId volume, CancellationToken cancellationToken) =>
        await Rows.SaveAsync(await Rows.GetAsync(volume, cancellationToken) with { TemplateCopyId = null }, cancellationToken);

    /// <summary>
    /// Has the template of a volume brought on its pool. Concurrent deploys share one import: the partial unique index allows one live copy of a template on a pool.
    /// </summary>
    public async Task WantTemplateAsync(VolumeId volumeId, IncarnationId incarnation, CancellationToken cancellationToken)
    {
        var volume = await Rows.GetAsync(volumeId, cancellationToken);
        var templateId = volume.TemplateId!.Value;
        var poolId = volume.PoolId!.Value;
        var copy = await Turn.Part<TemplateCopies>().FindCopyAsync(templateId, poolId, cancellationToken)
            ?? await Turn.Part<TemplateCopies>().ImportAsync(templateId, poolId, await Turn.Part<TaskDesk>().ChooseWorkerAsync(poolId, incarnation, cancellationToken) ?? incarnation, cancellationToken);
        await Rows.SaveAsync(volume with { TemplateCopyId = copy }, cancellationToken);
    }

    /// <summary>Has a volume made. One that a guest wrote to is never made.</summary>
    public async Task MakeVolumeAsync(VolumeId id, IncarnationId incarnation, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var volume = await Rows.GetAsync(id, cancellationToken);
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
        var task = await Turn.Part<TaskDesk>().AddTaskAsync(
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
            deadline ?? Now + Turn.Timings.ChangeDeadline,
            cancellationToken);
        await Rows.SaveAsync(volume with { State = VolumeState.Creating, StateSince = Now, TaskId = task, Condition = null }, cancellationToken);
    }

    // A backend that cannot clone has its templates copied by a host, all bytes of them: by one that can hold the data, where the pool's hosts share it.
    private async Task<IncarnationId> ChooseMakerAsync(PoolId pool, IncarnationId forWhom, CancellationToken cancellationToken) =>
        await Db.Bindings.AnyAsync(
            b => b.PoolId == pool && b.IncarnationId == forWhom && b.Absent == null && b.CanClone == false && b.HoldsData == false && b.NotShared == null, cancellationToken)
            ? await Turn.Part<TaskDesk>().ChooseWorkerAsync(pool, forWhom, cancellationToken) ?? forWhom
            : forWhom;

    /// <summary>A volume is made.</summary>
    public async Task VolumeMadeAsync(VolumeId id, CancellationToken cancellationToken) =>
        await Rows.SaveAsync(
            await Rows.GetAsync(id, cancellationToken) with { State = VolumeState.Ready, StateSince = Now, TaskId = null, Condition = null }, cancellationToken);

    /// <summary>A volume could not be made, or nobody waits for it any more: it is as before, in a generation of its own.</summary>
    public async Task VolumeNotMadeAsync(VolumeId id, string why, CancellationToken cancellationToken)
    {
        var volume = await Rows.GetAsync(id, cancellationToken);
        var task = await Db.Tasks.FirstOrDefaultAsync(t => t.Id == volume.TaskId, cancellationToken);

        // A task that failed was undone by its host. One that was withdrawn may have happened: the pool stays on record, so that the next try finds what is there,
        // and a deletion asks the backend.
        var keepsPool = task is not { State: WorkState.Failed };
        await Rows.SaveAsync(
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
            cancellationToken);
    }

    /// <summary>A volume has grown, or could not.</summary>
    public async Task VolumeResizedAsync(VolumeId id, string? error, CancellationToken cancellationToken)
    {
        var volume = await Rows.GetAsync(id, cancellationToken);
        await Rows.SaveAsync(
            volume with
            {
                State = VolumeState.Ready,
                StateSince = Now,
                TaskId = null,
                SizeBytes = error is null ? Math.Max(volume.SizeBytes, volume.WantedSizeBytes ?? 0) : volume.SizeBytes,
                WantedSizeBytes = null,
                Condition = error,
            },
            cancellationToken);
    }

    /// <summary>A volume is nobody's any more.</summary>
    public async Task FreeVolumeAsync(VolumeId id, bool keepLease, CancellationToken cancellationToken)
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

        Turn.Mark(id);
    }

    /// <summary>Has a volume deleted through a ledger; at once gone when no backend can have anything of it.</summary>
    public async Task DeleteVolumeAsync(VolumeId id, CancellationToken cancellationToken)
    {
        var volume = await Rows.GetAsync(id, cancellationToken);

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
        var incarnation = maker ?? await Turn.Part<TaskDesk>().ChooseWorkerAsync(poolId, null, cancellationToken);
        TaskId? task = null;
        if (volume.TaskId is { } old)
        {
            await Turn.Part<TaskDesk>().WithdrawTaskAsync(old, "the volume is being deleted", cancellationToken);
        }

        if (incarnation is { } worker)
        {
            task = await Turn.Part<TaskDesk>().AddTaskAsync(
                worker,
                WorkKind.DeleteVolume,
                id,
                new TaskSpec.DeleteVolume { PoolId = pool.Id, PoolName = pool.Name, VolumeId = id, VolumeGeneration = volume.Generation, Label = volume.Name },
                null,
                cancellationToken);
        }

        await Rows.SaveAsync(
            volume with
            {
                State = VolumeState.Expunging,
                StateSince = volume.State == VolumeState.Expunging ? volume.StateSince : Now,
                TaskId = task,
                Condition = task is null ? $"no host serves storage pool {pool.Name} ({pool.Id}) now" : null,
            },
            cancellationToken);
        AskDeletion(id);
    }

    /// <summary>A root disk whose place another one has taken is a data disk from now on: destroyed, to be recovered for a while, or deleted.</summary>
    public async Task RetireRootAsync(VolumeId id, bool expunge, CancellationToken cancellationToken)
    {
        await FreeVolumeAsync(id, keepLease: false, cancellationToken);
        var volume = await Rows.GetAsync(id, cancellationToken) with { Type = VolumeType.DataDisk };
        if (volume.State == VolumeState.Ready && !expunge)
        {
            await Rows.SaveAsync(volume with { State = VolumeState.Destroy, StateSince = Now }, cancellationToken);
            return;
        }

        await Rows.SaveAsync(volume, cancellationToken);
        await DeleteVolumeAsync(id, cancellationToken);
    }

    /// <summary>A new root disk takes nobody's place.</summary>
    public async Task DropReplacementAsync(VolumeId id, CancellationToken cancellationToken)
    {
        await FreeVolumeAsync(id, keepLease: false, cancellationToken);
        await Rows.SaveAsync(await Rows.GetAsync(id, cancellationToken) with { Replaces = null }, cancellationToken);
        await DeleteVolumeAsync(id, cancellationToken);
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

        var worker = vm is { State: VmState.Running } ? vm.IncarnationId : await Turn.Part<TaskDesk>().ChooseWorkerAsync(pool.Id, null, cancellationToken);
        if (worker is not { } incarnation || pool.State is not (PoolState.Up or PoolState.Disabled))
        {
            return new PlanFault(
                PlanFaultKind.StorageUnavailable,
                $"Volume {volume.Name} ({volume.Id}) cannot be resized: storage pool {pool.Name} ({pool.Id}) is in state {pool.State}{(worker is null ? ", and no host serves it" : string.Empty)}");
        }

        var task = await Turn.Part<TaskDesk>().AddTaskAsync(
            incarnation,
            WorkKind.ResizeVolume,
            volume.Id,
            new TaskSpec.ResizeVolume { PoolId = pool.Id, PoolName = pool.Name, VolumeId = volume.Id, VolumeGeneration = volume.Generation, SizeBytes = size },
            deadline,
            cancellationToken);
        await Rows.SaveAsync(volume with { State = VolumeState.Resizing, StateSince = Now, WantedSizeBytes = size, TaskId = task, Condition = null }, cancellationToken);
        return null;
    }

    /// <summary>A volume is gone.</summary>
    public async Task ExpungedAsync(VolumeRow volume, string why, CancellationToken cancellationToken)
    {
        var wasOwed = volume.State == VolumeState.Expunging;
        await Rows.SaveAsync(
            volume with { State = VolumeState.Expunged, StateSince = Now, Removed = Now, TaskId = null, VmId = null, DeviceId = null, Condition = null },
            cancellationToken);
        await Turn.Part<TagRows>().DropAsync(volume.Id.Value, cancellationToken);
        LogExpunged(volume, why);
        if (volume.VmId is { } vm)
        {
            Turn.Mark(vm);
        }
        else if (wasOwed)
        {
            await Turn.Part<VolumeEvents>().TellDeletedAsync([volume], why, cancellationToken);
        }
    }

    /// <summary>Writes down, once the turn is kept, that a volume is expunged.</summary>
    public void LogExpunged(VolumeRow volume, string why) => Db.AfterCommit(() => LogVolumeExpunged(volume.Name, volume.Id, why));

    [LoggerMessage(EventId = 2103, Level = LogLevel.Information, Message = "Volume {Name} ({VolumeId}) is expunged: {Why}")]
    private partial void LogVolumeExpunged(string name, VolumeId volumeId, string why);
}
