using Holdfast.Core.Ids;

namespace Holdfast.Core.Planning;

/// <summary>What a host was told about a machine.</summary>
public enum MachineWish
{
    /// <summary>Run it.</summary>
    Running,

    /// <summary>Stop it.</summary>
    Stopped,

    /// <summary>Forget it.</summary>
    Absent,
}

/// <summary>What a host said about a machine.</summary>
public enum MachinePhase
{
    /// <summary>Nothing of it is left.</summary>
    Absent,

    /// <summary>The guest is gone.</summary>
    Stopped,

    /// <summary>Being started.</summary>
    Starting,

    /// <summary>Runs.</summary>
    Running,

    /// <summary>Being stopped.</summary>
    Stopping,

    /// <summary>The start failed and was undone; the guest is gone.</summary>
    Failed,
}

/// <summary>The latest report about a machine.</summary>
public sealed record MachineObservation
{
    /// <summary>The generation the host had accepted.</summary>
    public required Generation Generation { get; init; }

    /// <summary>The phase.</summary>
    public required MachinePhase Phase { get; init; }

    /// <summary>Reboots carried out.</summary>
    public long RebootSequence { get; init; }

    /// <summary>Virtual CPUs of the running guest; null when the host did not say.</summary>
    public int? Cpus { get; init; }

    /// <summary>MiB of memory of the running guest; null when the host did not say.</summary>
    public int? MemoryMib { get; init; }

    /// <summary>Disks of the running guest and the sizes it sees.</summary>
    public IReadOnlyDictionary<VolumeId, long> Disks { get; init; } = new Dictionary<VolumeId, long>();

    /// <summary>Volumes that the guest may have or get yet, though it is not seen to have them.</summary>
    public IReadOnlySet<VolumeId> Unclear { get; init; } = new HashSet<VolumeId>();

    /// <summary>The sentence of a condition Failed; null when there is none.</summary>
    public string? Failure { get; init; }

    /// <summary>Whether the host found the item expired.</summary>
    public bool IsExpired { get; init; }

    /// <summary>
    /// What stands in the way of a stop: a QEMU that cannot be killed, though its I/O was cut off where that can be had; with process, volumes, pools and why they wait.
    /// Null when nothing does.
    /// </summary>
    public string? Stuck { get; init; }

    /// <summary>Why the running guest stands still, and what helps; null when it does not.</summary>
    public string? Paused { get; init; }

    /// <summary>Which of its volumes have I/O that does not go on; null when none has.</summary>
    public string? Suspended { get; init; }

    /// <summary>Which I/O was cut off to end the guest, and what that means; null when none was.</summary>
    public string? CutOff { get; init; }

    /// <summary>Whether the guest is gone.</summary>
    public bool IsGone => Phase is MachinePhase.Absent or MachinePhase.Stopped or MachinePhase.Failed;
}

/// <summary>A machine item on the VM's host.</summary>
public sealed record MachineFacts
{
    /// <summary>The generation the host was told.</summary>
    public required Generation Generation { get; init; }

    /// <summary>What the host was told.</summary>
    public required MachineWish Wish { get; init; }

    /// <summary>Its latest report; null when there was none.</summary>
    public MachineObservation? Observed { get; init; }

    /// <summary>The host's name, for texts.</summary>
    public required string HostName { get; init; }

    /// <summary>Whether the host is heard of.</summary>
    public required bool IsHostUp { get; init; }

    /// <summary>The report answers to what the host was told last.</summary>
    public MachineObservation? Current => Observed is { } observed && observed.Generation >= Generation ? observed : null;
}
