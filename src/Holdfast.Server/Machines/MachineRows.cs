using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Placement;
using Holdfast.Server.Reports;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>Rows of VMs in a turn: the planner's facts are made of them, and what this writes it remembers.</summary>
internal sealed class MachineRows : TurnPart, ITurnPart<MachineRows>
{
    private const string Vm = "vm";
    private const string MachineItems = "machine-items";
    private const string PendingJobs = "pending-jobs";

    private MachineRows(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static MachineRows Of(Turn turn) => new(turn);

    /// <summary>Loads a VM; null when it is not there any more.</summary>
    public async Task<LoadedVm?> LoadVmAsync(VmId id, CancellationToken cancellationToken)
    {
        var row = await Turn.KeptAsync(Vm, id, () => Db.Vms.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null, cancellationToken), typeof(VmRow));
        if (row is null)
        {
            return null;
        }

        var volumes = await Turn.Part<VolumeRows>().OfVmAsync(id, cancellationToken);
        var items = await ItemsAsync(id, cancellationToken);
        var jobs = await JobsAsync(id, volumes, cancellationToken);
        var volumeFacts = await Turn.Part<VolumeSettler>().VolumeFactsAsync(volumes, jobs, cancellationToken);
        var replacement = volumes.FirstOrDefault(v => v.Replaces is not null);
        var facts = new VmFacts
        {
            Id = id,
            Name = row.Name,
            State = row.State,
            Removal = row.Removal,
            EverRan = row.EverRan,
            IsStopForced = row.ForcedStop,
            RebootSequence = row.RebootSequence,
            Cpus = row.Cpus,
            MemoryMib = row.MemoryMib,
            Kept = MachineScaling.KeptOf(row),
            Incarnation = row.IncarnationId,
            MachineItems = items.Count,
            IsStuck = row.Stuck is not null,
            IsPaused = row.Paused is not null,
            Condition = row.Condition,
            Jobs = [.. jobs.Where(j => j.InstanceId == id.Value).Select(Turn.JobFactsOf)],
            Volumes = replacement is null ? volumeFacts : [.. volumeFacts.Where(v => v.Id != replacement.Id)],
            Replacement = replacement is null ? null : volumeFacts.First(v => v.Id == replacement.Id),
            StartsAgain = row.StartsAgain,
            Now = Now,
        };
        var item = items.FirstOrDefault(i => i.IncarnationId == row.IncarnationId);
        if (item is not null)
        {
            var host = row.HostId is { } hostId ? await Turn.Part<KeptRows>().HostAsync(hostId, cancellationToken) : null;
            facts = facts with
            {
                Machine = new MachineFacts
                {
                    Generation = item.Generation,
                    Wish = item.Desired switch
                    {
                        Desired.Running => MachineWish.Running,
                        Desired.Stopped => MachineWish.Stopped,
                        _ => MachineWish.Absent,
                    },
                    Observed = ObservationOf(item),
                    HostName = host?.Name ?? "unknown",
                    IsHostUp = host is { State: HostState.Up } && host.IncarnationId == item.IncarnationId,
                },
                IsMachineForced = item.Desired == Desired.Stopped && SpecOf(item)?.ForcedStop == true,
            };
        }

        if (VmPlanner.NeedsPlacement(facts))
        {
            facts = facts with { Placement = await Turn.Part<PlacementReader>().LoadPlacementAsync(replacement is null ? row : row with { TemplateId = replacement.TemplateId }, facts, cancellationToken) };
        }

        return new LoadedVm(row, facts, volumes, item);
    }

    // What hosts are told of a VM.
    private Task<List<HostItemRow>> ItemsAsync(VmId id, CancellationToken cancellationToken) => Turn.KeptAsync(
        MachineItems, id, () => Db.HostItems.Where(i => i.Kind == ItemKind.Machine && i.Id == id.Value).ToListAsync(cancellationToken), typeof(HostItemRow));

    /// <summary>Remembers a VM that this turn has just made, with its volumes and the job that made it.</summary>
    public void KeepNew(VmRow row, IReadOnlyList<VolumeRow> volumes, JobRow job)
    {
        Turn.Keep<VmRow?>(Vm, row.Id, row, typeof(VmRow));
        Turn.Part<VolumeRows>().Keep(row.Id, volumes);
        Turn.Keep<List<HostItemRow>>(MachineItems, row.Id, [], typeof(HostItemRow));
        Turn.Keep<List<JobRow>>(PendingJobs, Key(row.Id, volumes), [job], typeof(JobRow));
    }

    /// <summary>Tells a host what it should have of a VM.</summary>
    public async Task TellAsync(
        VmId id, IncarnationId incarnation, Generation generation, Desired desired, MachineSpec spec, DateTimeOffset? expires, CancellationToken cancellationToken)
    {
        var items = await ItemsAsync(id, cancellationToken);
        var text = JsonSerializer.Serialize(spec, HostJson.Default.MachineSpec);
        var known = items.Find(i => i.IncarnationId == incarnation);
        var revision = await Turn.PutItemAsync(incarnation, ItemKind.Machine, id.Value, generation, desired, text, expires, cancellationToken, isNew: known is null);
        known ??= new HostItemRow { IncarnationId = incarnation, Kind = ItemKind.Machine, Id = id.Value, Revision = revision, Generation = generation, Desired = desired, Created = Now };
        var told = known with { Revision = revision, Generation = generation, Desired = desired, Spec = text, Expires = expires };
        Turn.Keep<List<HostItemRow>>(MachineItems, id, [.. items.Where(i => i.IncarnationId != incarnation), told], typeof(HostItemRow));
    }

    /// <summary>Has jobs wait for a generation.</summary>
    public async Task AwaitAsync(VmId id, IReadOnlyList<VolumeRow> volumes, IReadOnlyList<JobId> jobs, Generation generation, CancellationToken cancellationToken)
    {
        var pending = Turn.Kept<List<JobRow>>(PendingJobs, Key(id, volumes), typeof(JobRow));
        await Db.Jobs.Where(j => jobs.Contains(j.Id)).Set(j => j.Generation, generation).UpdateAsync(cancellationToken);
        if (pending is not null)
        {
            Turn.Keep<List<JobRow>>(PendingJobs, Key(id, volumes), [.. pending.Select(j => jobs.Contains(j.Id) ? j with { Generation = generation } : j)], typeof(JobRow));
        }
    }

    /// <summary>Writes a VM's row, and remembers it.</summary>
    public async Task SaveAsync(VmRow row, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(row, token: cancellationToken);
        Turn.Keep<VmRow?>(Vm, row.Id, row.Removed is null ? row : null, typeof(VmRow));
    }

    private Task<List<JobRow>> JobsAsync(VmId id, IReadOnlyList<VolumeRow> volumes, CancellationToken cancellationToken)
    {
        var instances = volumes.Select(v => v.Id.Value).Prepend(id.Value).ToList();
        return Turn.KeptAsync(
            PendingJobs,
            Key(id, volumes),
            () => Db.Jobs.Where(j => j.State == JobState.Pending && instances.Contains(j.InstanceId)).OrderBy(j => j.Created).ToListAsync(cancellationToken),
            typeof(JobRow));
    }

    private static string Key(VmId id, IReadOnlyList<VolumeRow> volumes) => string.Join(',', volumes.Select(v => v.Id.Value).Prepend(id.Value));

    /// <summary>What a host was told of a machine; null: its tombstone.</summary>
    public static MachineSpec? SpecOf(HostItemRow item) =>
        item.Spec is null ? null : JsonSerializer.Deserialize(item.Spec, HostJson.Default.MachineSpec);

    private static MachineObservation? ObservationOf(HostItemRow item)
    {
        if (item.Observed is null || JsonSerializer.Deserialize(item.Observed, HostJson.Default.ItemReport) is not { Machine: { } machine } report)
        {
            return null;
        }

        return new MachineObservation
        {
            Generation = report.Generation,
            Phase = machine.State switch
            {
                MachineState.Absent => MachinePhase.Absent,
                MachineState.Stopped => MachinePhase.Stopped,
                MachineState.Starting => MachinePhase.Starting,
                MachineState.Running => MachinePhase.Running,
                MachineState.Stopping => MachinePhase.Stopping,
                _ => MachinePhase.Failed,
            },
            RebootSequence = machine.RebootSequence,
            Cpus = machine.Cpus,
            MemoryMib = machine.MemoryMiB,
            Disks = machine.Disks.ToDictionary(d => d.VolumeId, d => d.SizeBytes),
            Unclear = machine.Unclear.ToHashSet(),
            Failure = ConditionTexts.TextOf(report.Conditions, ConditionType.Failed, ConditionType.Conflict, ConditionType.LedgerUnwritable, ConditionType.HypervisorDown),
            IsExpired = report.Conditions.Any(c => c.Type == ConditionType.Expired),
            Stuck = ConditionTexts.TextsOf(report.Conditions, ConditionType.Uninterruptible),
            Paused = ConditionTexts.TextsOf(report.Conditions, ConditionType.Paused),
            Suspended = ConditionTexts.TextsOf(report.Conditions, ConditionType.IoSuspended),
            CutOff = ConditionTexts.TextsOf(report.Conditions, ConditionType.CutOff),
        };
    }
}
