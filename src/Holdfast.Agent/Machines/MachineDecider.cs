using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

/// <summary>What is known about a machine's guest. A closed hierarchy.</summary>
internal abstract record Observation
{
    private Observation()
    {
    }

    /// <summary>The hypervisor does not answer: nothing may be concluded.</summary>
    internal sealed record Unknown(string Reason) : Observation;

    /// <summary>No domain of ours.</summary>
    internal sealed record Absent : Observation;

    /// <summary>A domain that Holdfast did not make holds the UUID.</summary>
    internal sealed record Foreign(string Name) : Observation;

    /// <summary>Our domain.</summary>
    internal sealed record Present(OwnDomain Domain) : Observation
    {
        /// <summary>Whether there is a guest: a domain that is only defined, or kept after a crash, is a corpse.</summary>
        public bool IsAlive => Domain.Status is not (DomainStatus.Stopped or DomainStatus.Crashed);
    }
}

/// <summary>What a machine's runner does next. A closed hierarchy.</summary>
internal abstract record MachineStep
{
    private MachineStep()
    {
    }

    /// <summary>Everything is as it should be, or final for this generation.</summary>
    internal sealed record Rest : MachineStep;

    /// <summary>The hypervisor has to answer first.</summary>
    internal sealed record AwaitHypervisor(string Reason) : MachineStep;

    /// <summary>The server has to confirm first that the ledger is not one of before: a damaged or restored file may open as an older ledger that is valid.</summary>
    internal sealed record AwaitServer : MachineStep;

    /// <summary>Start the guest.</summary>
    internal sealed record Start : MachineStep;

    /// <summary>Conclude that the start failed, without trying.</summary>
    internal sealed record FailStart(ConditionType Why, string Text) : MachineStep;

    /// <summary>End the guest.</summary>
    /// <param name="AtOnce">Without asking it.</param>
    internal sealed record Stop(bool AtOnce) : MachineStep;

    /// <summary>Write down that the guest is gone, and what its storage is owed.</summary>
    /// <param name="ByItself">Whether nobody asked for it.</param>
    internal sealed record RecordGone(bool ByItself) : MachineStep;

    /// <summary>Bring the running guest in line with its specification, and write down that it runs.</summary>
    internal sealed record Adjust : MachineStep;

    /// <summary>Write down what is owed and forget the machine.</summary>
    internal sealed record Forget : MachineStep;
}

/// <summary>Decides what a machine's runner does next. Pure.</summary>
internal static class MachineDecider
{
    /// <summary>Decides.</summary>
    /// <param name="item">The newest item; null when the server has not named the machine (it is then left alone).</param>
    /// <param name="row">What was last concluded.</param>
    /// <param name="seen">What is known about the guest.</param>
    /// <param name="hasAttachments">Whether the ledger has attachments of the machine.</param>
    /// <param name="isExpired">Whether the item's time to begin has passed.</param>
    /// <param name="isConfirmed">
    /// Whether the server has said, since this process began, that there is nothing newer. Before that no guest is started, since its VM may be gone or run elsewhere
    /// by now, and none is ended that was started by a newer item than the ledger knows. What is gone is concluded at any time.
    /// </param>
    /// <param name="cutGuest">
    /// The newest guest whose I/O was, or may have been, cut off; null when there is none. It was killed before that, and never runs on, whatever the item says.
    /// </param>
    public static MachineStep Next(
        HostItem? item, MachineRow? row, Observation seen, bool hasAttachments, bool isExpired, bool isConfirmed, Generation? cutGuest = null)
    {
        if (item is null)
        {
            return new MachineStep.Rest();
        }

        var step = seen is Observation.Present guest && guest.Domain.Generation <= cutGuest
            ? new MachineStep.Stop(AtOnce: true)
            : Wanted(item, row, seen, hasAttachments, isExpired);
        return step switch
        {
            MachineStep.Start when !isConfirmed => new MachineStep.AwaitServer(),
            MachineStep.Stop when !isConfirmed && seen is Observation.Unknown unknown => new MachineStep.AwaitHypervisor(unknown.Reason),
            MachineStep.Stop when !isConfirmed && seen is Observation.Present present && present.Domain.Generation > item.Generation => new MachineStep.AwaitServer(),
            _ => step,
        };
    }

    private static MachineStep Wanted(HostItem item, MachineRow? row, Observation seen, bool hasAttachments, bool isExpired)
    {
        var isFinal = row is not null && row.Generation == item.Generation && row.State is MachineState.Stopped or MachineState.Failed or MachineState.Absent;
        return item.Desired switch
        {
            Desired.Absent => seen switch
            {
                Observation.Unknown when isFinal => new MachineStep.Rest(),
                Observation.Unknown or Observation.Present => new MachineStep.Stop(AtOnce: true),
                _ => isFinal && !hasAttachments ? new MachineStep.Rest() : new MachineStep.Forget(),
            },
            Desired.Stopped => seen switch
            {
                Observation.Unknown when isFinal => new MachineStep.Rest(),

                // Ending it goes past a libvirt that does not answer, and says itself when it cannot tell.
                Observation.Unknown => new MachineStep.Stop(AtOnce: item.Machine is { ForcedStop: true }),
                Observation.Present present => new MachineStep.Stop(AtOnce: !present.IsAlive || item.Machine is { ForcedStop: true }),
                _ => isFinal && !hasAttachments ? new MachineStep.Rest() : new MachineStep.RecordGone(ByItself: false),
            },
            _ => Running(item, row, seen, isFinal, isExpired),
        };
    }

    private static MachineStep Running(HostItem item, MachineRow? row, Observation seen, bool isFinal, bool isExpired) => seen switch
    {
        Observation.Unknown when isFinal => new MachineStep.Rest(),
        Observation.Unknown unknown => isExpired && row?.State is not MachineState.Running
            ? new MachineStep.FailStart(ConditionType.HypervisorDown, unknown.Reason)
            : new MachineStep.AwaitHypervisor(unknown.Reason),
        Observation.Present { IsAlive: true } => new MachineStep.Adjust(),
        Observation.Present => new MachineStep.Stop(AtOnce: true),
        _ when isFinal => new MachineStep.Rest(),
        _ when row?.State == MachineState.Running => new MachineStep.RecordGone(ByItself: true),
        Observation.Foreign foreign => new MachineStep.FailStart(
            ConditionType.Conflict, $"The domain '{foreign.Name}' on this host has the machine's UUID, and Holdfast did not make it."),
        _ when isExpired => new MachineStep.FailStart(ConditionType.Expired, "The time to start it had passed before it could be started."),
        _ => new MachineStep.Start(),
    };
}

/// <summary>A difference between a running guest and its specification. A closed hierarchy.</summary>
internal abstract record Adjustment
{
    private Adjustment()
    {
    }

    /// <summary>The guest has a volume that it should not have.</summary>
    internal sealed record Detach(VolumeId Volume) : Adjustment;

    /// <summary>The guest lacks a volume.</summary>
    internal sealed record Attach(MachineDisk Disk) : Adjustment;

    /// <summary>The guest sees a volume smaller than it is.</summary>
    internal sealed record Resize(MachineDisk Disk) : Adjustment;

    /// <summary>The guest has less memory than it is to have.</summary>
    internal sealed record Memory(int MebiBytes) : Adjustment;

    /// <summary>The guest has fewer virtual CPUs than it is to have.</summary>
    internal sealed record Cpus(int Count) : Adjustment;

    /// <summary>A reboot was asked for.</summary>
    internal sealed record Reboot(long Sequence, bool Forced) : Adjustment;
}

/// <summary>Compares a running guest with its specification. Pure.</summary>
internal static class AdjustmentRules
{
    /// <summary>The differences, in the order in which to see to them: what frees a place first, a reboot last.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="domain">The guest.</param>
    /// <param name="row">What was last concluded; null for a guest that is adopted: it is then not rebooted.</param>
    /// <param name="attachments">The machine's attachments.</param>
    public static IReadOnlyList<Adjustment> Compare(MachineSpec spec, OwnDomain domain, MachineRow? row, IReadOnlyList<AttachmentRow> attachments)
    {
        var held = domain.Disks.Select(disk => disk.Volume).OfType<VolumeId>().ToHashSet();
        var differences = new List<Adjustment>();
        differences.AddRange(held.Where(volume => spec.Disks.All(disk => disk.VolumeId != volume)).OrderBy(volume => volume.Value).Select(volume => new Adjustment.Detach(volume)));
        differences.AddRange(spec.Disks.Where(disk => !held.Contains(disk.VolumeId)).OrderBy(disk => disk.DeviceId).Select(disk => new Adjustment.Attach(disk)));
        differences.AddRange(spec.Disks
            .Where(disk => held.Contains(disk.VolumeId)
                && attachments.FirstOrDefault(row => row.Volume == disk.VolumeId) is { SizeBytes: { } size } && size < disk.SizeBytes)
            .OrderBy(disk => disk.DeviceId).Select(disk => new Adjustment.Resize(disk)));
        // Memory first: it is the likelier to be refused, and then nothing was changed. What a guest has it keeps; of one started without room nothing is asked.
        if (spec.MaxMemoryMiB is not null && domain.MemoryMiB > 0 && domain.MemoryMiB < spec.MemoryMiB)
        {
            differences.Add(new Adjustment.Memory(spec.MemoryMiB));
        }

        if (spec.MaxCpus is not null && domain.Cpus > 0 && domain.Cpus < spec.Cpus)
        {
            differences.Add(new Adjustment.Cpus(spec.Cpus));
        }

        if (row is { State: MachineState.Running } && spec.RebootSequence > row.RebootSequence && spec.RebootSequence > row.RefusedReboot)
        {
            differences.Add(new Adjustment.Reboot(spec.RebootSequence, spec.ForcedReboot));
        }

        return differences;
    }
}

/// <summary>Names of disk targets.</summary>
internal static class DiskTargets
{
    /// <summary>The target of a device id: 0 is vda, 25 is vdz, 26 is vdaa.</summary>
    public static string Of(int deviceId)
    {
        var name = "";
        for (var rest = deviceId; rest >= 0; rest = (rest / 26) - 1)
        {
            name = (char)('a' + (rest % 26)) + name;
        }

        return "vd" + name;
    }
}
