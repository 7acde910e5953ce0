using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Volumes;

/// <summary>Volumes: facts for the planners, and what they say of volumes that no VM has.</summary>
internal sealed class VolumeSettler : TurnPart, ITurnPart<VolumeSettler>, ISettler<VolumeId>
{
    private VolumeSettler(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static VolumeSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.Volume;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new VolumeId(id));

    /// <inheritdoc/>
    public async Task SettleAsync(VolumeId id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Turn.MaxRounds; round++)
        {
            var row = await Db.Volumes.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null, cancellationToken);
            if (row is null)
            {
                return;
            }

            if (row.VmId is { } vm && row.State != VolumeState.Expunging)
            {
                Turn.Mark(vm);
                return;
            }

            var jobs = await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == id.Value).ToListAsync(cancellationToken);
            var facts = (await VolumeFactsAsync([row], jobs, cancellationToken))[0];
            var actions = VolumePlanner.Plan(facts, Now);
            if (actions.Count == 0 || (actions is [VolumeAction.Delete] && !Turn.Part<VolumeChanges>().AskDeletion(id)))
            {
                if (row.VmId is { } owner)
                {
                    Turn.Mark(owner);
                }

                return;
            }

            foreach (var action in actions)
            {
                switch (action)
                {
                    case VolumeAction.Made:
                        await Turn.Part<VolumeChanges>().VolumeMadeAsync(id, cancellationToken);
                        break;
                    case VolumeAction.NotMade not:
                        await Turn.Part<VolumeChanges>().VolumeNotMadeAsync(id, not.Why, cancellationToken);
                        break;
                    case VolumeAction.Resized resized:
                        await Turn.Part<VolumeChanges>().VolumeResizedAsync(id, resized.Error, cancellationToken);
                        break;
                    case VolumeAction.Expunged:
                        await Turn.Part<VolumeChanges>().ExpungedAsync(row, "the backend confirmed its deletion", cancellationToken);
                        await Turn.Part<ObligationDesk>().SupersedeOfRetiredAsync(id, cancellationToken);
                        break;
                    case VolumeAction.Delete:
                        await Turn.Part<VolumeChanges>().DeleteVolumeAsync(id, cancellationToken);
                        break;
                    case VolumeAction.CompleteJob complete:
                        await Turn.CompleteJobAsync(complete.Job, cancellationToken);
                        break;
                    case VolumeAction.FailJob fail:
                        await Turn.FailJobAsync(fail.Job, fail.Fault, cancellationToken);
                        break;
                    default:
                        throw new ArgumentOutOfRangeException(nameof(id), action, "Unknown action.");
                }
            }
        }

        throw new InvalidOperationException($"Volume {id} does not settle.");
    }

    /// <summary>What planners need to know of volumes. The same statements for one and for many.</summary>
    public async Task<IReadOnlyList<VolumeFacts>> VolumeFactsAsync(IReadOnlyList<VolumeRow> volumes, IReadOnlyList<JobRow> jobs, CancellationToken cancellationToken)
    {
        if (volumes.Count == 0)
        {
            return [];
        }

        var poolIds = volumes.Where(v => v.PoolId != null).Select(v => v.PoolId!.Value).Distinct().ToList();
        var taskIds = volumes.Where(v => v.TaskId != null).Select(v => v.TaskId!.Value).ToList();
        var expunging = volumes.Where(v => v.State == VolumeState.Expunging).Select(v => v.Id).ToList();
        var pools = await Turn.Part<KeptRows>().PoolsAsync(poolIds, cancellationToken);
        var tasks = taskIds.Count == 0
            ? []
            : await Turn.KeptAsync("tasks", string.Join(',', taskIds), () => Db.Tasks.Where(t => taskIds.Contains(t.Id)).ToListAsync(cancellationToken), typeof(TaskRow));
        var failed = tasks.Where(t => t.State == WorkState.Failed).Select(t => t.Id).ToHashSet();
        var copyIds = volumes
            .Where(v => v.TemplateCopyId != null && (v.State == VolumeState.Allocated || (v is { State: VolumeState.Creating, TaskId: { } making } && failed.Contains(making))))
            .Select(v => v.TemplateCopyId!.Value)
            .ToList();
        var copies = copyIds.Count == 0
            ? []
            : await Turn.KeptAsync(
                "template-copies", string.Join(',', copyIds), () => Db.TemplateCopies.Where(c => copyIds.Contains(c.Id)).ToListAsync(cancellationToken), typeof(TemplateCopyRow));
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
                    Jobs = [.. jobs.Where(j => j.InstanceId == v.Id.Value).Select(Turn.JobFactsOf)],
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
}
