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
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>Facts about VMs for the planner.</summary>
internal sealed class MachineReader : TurnPart, ITurnPart<MachineReader>
{
    private MachineReader(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static MachineReader Of(Turn turn) => new(turn);

    /// <summary>Loads a VM; null when it is not there any more.</summary>
    public async Task<LoadedVm?> LoadVmAsync(VmId id, CancellationToken cancellationToken)
    {
        var row = await Db.Vms.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null, cancellationToken);
        if (row is null)
        {
            return null;
        }

        var volumes = await Db.Volumes.Where(v => v.VmId == id && v.Removed == null).OrderBy(v => v.DeviceId).ToListAsync(cancellationToken);
        var items = await Db.HostItems.Where(i => i.Kind == ItemKind.Machine && i.Id == id.Value).ToListAsync(cancellationToken);
        var instances = volumes.Select(v => v.Id.Value).Prepend(id.Value).ToList();
        var jobs = await Db.Jobs.Where(j => j.State == JobState.Pending && instances.Contains(j.InstanceId)).OrderBy(j => j.Created).ToListAsync(cancellationToken);
        var facts = new VmFacts
        {
            Id = id,
            Name = row.Name,
            State = row.State,
            Removal = row.Removal,
            EverRan = row.EverRan,
            IsStopForced = row.ForcedStop,
            RebootSequence = row.RebootSequence,
            Incarnation = row.IncarnationId,
            MachineItems = items.Count,
            IsStuck = row.Stuck is not null,
            Condition = row.Condition,
            Jobs = [.. jobs.Where(j => j.InstanceId == id.Value).Select(Turn.JobFactsOf)],
            Volumes = await Turn.Part<VolumeSettler>().VolumeFactsAsync(volumes, jobs, cancellationToken),
            Now = Now,
        };
        var item = items.FirstOrDefault(i => i.IncarnationId == row.IncarnationId);
        if (item is not null)
        {
            var host = await Db.Hosts.FirstOrDefaultAsync(h => h.Id == row.HostId, cancellationToken);
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
            facts = facts with { Placement = await Turn.Part<PlacementReader>().LoadPlacementAsync(row, cancellationToken) };
        }

        return new LoadedVm(row, facts, volumes, item);
    }

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
            Disks = machine.Disks.ToDictionary(d => d.VolumeId, d => d.SizeBytes),
            Unclear = machine.Unclear.ToHashSet(),
            Failure = ConditionTexts.TextOf(report.Conditions, ConditionType.Failed, ConditionType.Conflict, ConditionType.LedgerUnwritable, ConditionType.HypervisorDown),
            IsExpired = report.Conditions.Any(c => c.Type == ConditionType.Expired),
            Stuck = ConditionTexts.TextsOf(report.Conditions, ConditionType.Uninterruptible),
            Suspended = ConditionTexts.TextsOf(report.Conditions, ConditionType.IoSuspended),
            CutOff = ConditionTexts.TextsOf(report.Conditions, ConditionType.CutOff),
        };
    }
}
