using System.Text.Json.Serialization;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Protocol.Host;

/// <summary>
/// Facts about a host, sent by <c>PUT /v1/agent/report</c>; also the heartbeat (at least every <see cref="AgentGateway.HeartbeatSeconds"/> s). Accepted for any
/// generation; never waits for storage. Items and obligations are only those that changed; one that is not named means "as last reported", never "gone".
/// </summary>
public sealed record HostReport
{
    /// <summary>Which agent process sends; made new at each start of the agent. A report of an older process is refused.</summary>
    public required long AgentEpoch { get; init; }

    /// <summary>Counts reports of this agent process from 1; one that is not higher than the last accepted is a duplicate: answered OK and ignored.</summary>
    public required long Sequence { get; init; }

    /// <summary>The host's properties; sent with the first report after each connect and when they change.</summary>
    public HostFacts? Facts { get; init; }

    /// <summary>States of items that changed since the last accepted report (all known ones in the first report of an agent process).</summary>
    public IReadOnlyList<ItemReport> Items { get => field ?? []; init; }

    /// <summary>Obligations that changed since the last accepted report (all open ones in the first report of an agent process).</summary>
    public IReadOnlyList<ObligationReport> Obligations { get => field ?? []; init; }
}

/// <summary>The answer to a report.</summary>
public sealed record HostReportAnswer
{
    /// <summary>The highest sequence accepted of this agent process.</summary>
    public required long AcceptedSequence { get; init; }
}

/// <summary>What a host is.</summary>
public sealed record HostFacts
{
    /// <summary>Name of the host as its agent was told, or the kernel's host name.</summary>
    public required string HostName { get; init; }

    /// <summary><c>uname -n</c>: the default name of this host in a LINSTOR cluster.</summary>
    public required string NodeName { get; init; }

    /// <summary>The address the agent speaks from, for operators.</summary>
    public string? Address { get; init; }

    /// <summary>Version of the agent.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>CPU threads.</summary>
    public required int Cpus { get; init; }

    /// <summary>MHz of one CPU; 0 when unknown.</summary>
    public int CpuMhz { get; init; }

    /// <summary>Memory in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Version of QEMU, such as <c>7.2.19</c>; null when libvirt does not answer.</summary>
    public string? HypervisorVersion { get; init; }

    /// <summary>Version of libvirt; null when libvirt does not answer.</summary>
    public string? LibvirtVersion { get; init; }

    /// <summary><c>kvm</c> where it really works, else <c>tcg</c> (software emulation).</summary>
    public required string Accelerator { get; init; }

    /// <summary>What guests can boot by, besides BIOS: <c>uefi</c>, <c>secure-boot</c>.</summary>
    public IReadOnlyList<string> Firmware { get => field ?? []; init; }

    /// <summary>Drivers whose executables are installed, with their versions (name to version; empty version: present, not yet asked).</summary>
    public IReadOnlyDictionary<string, string> Drivers { get => field ?? new Dictionary<string, string>(); init; }
}

/// <summary>The state of one item on the host.</summary>
public sealed record ItemReport
{
    /// <summary>What the item is about.</summary>
    public required ItemKind Kind { get; init; }

    /// <summary>The id of the pool, VM or task.</summary>
    public required Guid Id { get; init; }

    /// <summary>The generation that the state answers to (the newest the host has accepted).</summary>
    public required Generation Generation { get; init; }

    /// <summary>When the state was entered, by the host's clock. For people; never compared with another machine's clock.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>What stands in the way or should be known, each naming the object that blocks.</summary>
    public IReadOnlyList<Condition> Conditions { get => field ?? []; init; }

    /// <summary>For bindings.</summary>
    public BindingStatus? Binding { get; init; }

    /// <summary>For machines.</summary>
    public MachineStatus? Machine { get; init; }

    /// <summary>For tasks.</summary>
    public TaskStatus? Task { get; init; }
}

/// <summary>A typed remark on an item's state.</summary>
public sealed record Condition
{
    /// <summary>What kind of remark.</summary>
    public required ConditionType Type { get; init; }

    /// <summary>A sentence that names the blocking object and carries the backend's own words where there are any.</summary>
    public required string Text { get; init; }

    /// <summary>The pool it is about, where there is one.</summary>
    public PoolId? PoolId { get; init; }

    /// <summary>The volume it is about, where there is one.</summary>
    public VolumeId? VolumeId { get; init; }

    /// <summary>The failure class where a driver gave one.</summary>
    public DriverErrorCode? Code { get; init; }
}

/// <summary>Kinds of conditions.</summary>
[JsonConverter(typeof(ConditionTypeConverter))]
public enum ConditionType
{
    /// <summary>Carrying out the desired state failed; nothing is left half-done (undone, or owed).</summary>
    Failed,

    /// <summary>The item's time to begin had passed when it arrived or could be begun.</summary>
    Expired,

    /// <summary>
    /// A QEMU that cannot be killed (uninterruptible sleep), although its I/O was cut off where that can be had: the writer leases stay held, no restart elsewhere
    /// without fencing. One for each volume whose I/O it may be waiting for.
    /// </summary>
    Uninterruptible,

    /// <summary>I/O of a volume was cut off, so that a killed QEMU could end: what the guest was never told is written is lost, nothing else. One for each volume.</summary>
    CutOff,

    /// <summary>
    /// I/O of a volume on this host has not gone on for a while: held back for a snapshot that nobody ended, which the host sees to itself, or for want of data or peers.
    /// On the storage pool, and on the machine that has the volume.
    /// </summary>
    IoSuspended,

    /// <summary>
    /// The guest stands still: suspended by hand, for a disk that is full or fails, or for another reason that the text gives. On a machine that is told as running,
    /// one for each disk that keeps it from running.
    /// </summary>
    Paused,

    /// <summary>Started on a device that was locally there, without the backend's control plane.</summary>
    ControlPlaneDown,

    /// <summary>The backend cannot be reached or fails.</summary>
    BackendUnhealthy,

    /// <summary>The driver's executable is not installed on this host.</summary>
    DriverMissing,

    /// <summary>The driver's process cannot be killed.</summary>
    DriverStuck,

    /// <summary>The driver ended unexpectedly, or was not ready in time, and is started again after a pause.</summary>
    DriverRestarting,

    /// <summary>The driver does not start: it ends or says nonsense instead. It is tried again after a pause.</summary>
    DriverNotStarting,

    /// <summary>Another build of the driver is installed and does not start, or did not go on; the one before serves.</summary>
    DriverNotUpgraded,

    /// <summary>
    /// Only one host can use each volume of the pool, and its scope is wider than one host: it takes no new volumes. Added by the server, which alone knows the scope.
    /// </summary>
    NotShared,

    /// <summary>Another storage pool is the same storage at the backend and was known to be it first: this one takes no new volumes. Added by the server, which alone knows all pools.</summary>
    SameAsOther,

    /// <summary>The guest ended by itself.</summary>
    GuestEnded,

    /// <summary>No network to put an interface on; the machine runs without it.</summary>
    NoNetwork,

    /// <summary>libvirt does not answer.</summary>
    HypervisorDown,

    /// <summary>The ledger cannot be written; new effects are refused.</summary>
    LedgerUnwritable,

    /// <summary>
    /// Something that this host cannot account for is in the way: a domain with our name that we did not make, an attachment that nobody here asked for and
    /// that is in use, a device path that another volume still holds.
    /// </summary>
    Conflict,

    /// <summary>
    /// What one side said of the item met a bug, or could not be read, at the other: it is kept and tried again, and what was known before still counts meanwhile.
    /// </summary>
    NotTaken,

    /// <summary>A kind that this version does not know; its text says what it is.</summary>
    Other,
}

/// <summary>Conditions of later versions are read as <see cref="ConditionType.Other"/>.</summary>
public sealed class ConditionTypeConverter() : OpenWireEnum<ConditionType>(ConditionType.Other);

/// <summary>State of a storage pool on a host.</summary>
[JsonConverter(typeof(WireEnum<BindingState>))]
public enum BindingState
{
    /// <summary>No process, no socket, no state folder.</summary>
    Absent,

    /// <summary>The driver is being started.</summary>
    Starting,

    /// <summary>The driver serves and its backend is healthy.</summary>
    Attached,

    /// <summary>The driver process serves, but its backend does not, or the process itself is between restarts; see the conditions.</summary>
    Degraded,

    /// <summary>New work is refused; what is owed gets a short chance.</summary>
    Draining,

    /// <summary>In maintenance: process ended, nobody calls the backend.</summary>
    Quiesced,
}

/// <summary>A storage pool on a host: attached pool = running driver process.</summary>
public sealed record BindingStatus
{
    /// <summary>The state.</summary>
    public required BindingState State { get; init; }

    /// <summary>Process id of the driver, while there is a process.</summary>
    public int? DriverPid { get; init; }

    /// <summary>Version of the driver.</summary>
    public string? DriverVersion { get; init; }

    /// <summary>Last known health and capacity; null before the first answer.</summary>
    public PoolStatus? Status { get; init; }

    /// <summary>What the driver can do now; null before the first answer.</summary>
    public DriverCapabilities? Capabilities { get; init; }

    /// <summary>When absent: how the driver was ended, as the log line says it.</summary>
    public string? Unload { get; init; }
}

/// <summary>State of a machine on its host.</summary>
[JsonConverter(typeof(WireEnum<MachineState>))]
public enum MachineState
{
    /// <summary>Nothing of it is left on the host but what the obligations say.</summary>
    Absent,

    /// <summary>The guest is gone.</summary>
    Stopped,

    /// <summary>Being started.</summary>
    Starting,

    /// <summary>The guest runs.</summary>
    Running,

    /// <summary>Being stopped.</summary>
    Stopping,

    /// <summary>The start failed and was undone; the guest is gone. Conditions say why.</summary>
    Failed,
}

/// <summary>A machine on its host.</summary>
public sealed record MachineStatus
{
    /// <summary>The state.</summary>
    public required MachineState State { get; init; }

    /// <summary>Reboots carried out, as <see cref="MachineSpec.RebootSequence"/> counts them.</summary>
    public long RebootSequence { get; init; }

    /// <summary>Virtual CPUs that the running guest has; null when it is not seen to run.</summary>
    public int? Cpus { get; init; }

    /// <summary>MiB of memory that the running guest has; null when it is not seen to run.</summary>
    public int? MemoryMiB { get; init; }

    /// <summary>Disks the running guest has, by volume; an attach is complete when this says so, a detach when neither this nor <see cref="Unclear"/> names the volume.</summary>
    public IReadOnlyList<MachineDiskStatus> Disks { get => field ?? []; init; }

    /// <summary>
    /// Volumes that the host has written down for the guest and does not see it have: being attached or let go of, or libvirt does not answer. The guest may have them or get
    /// them yet, so nobody else may write to them.
    /// </summary>
    public IReadOnlyList<VolumeId> Unclear { get => field ?? []; init; }

    /// <summary>Names of networks that its interfaces are on.</summary>
    public IReadOnlyList<string> Networks { get => field ?? []; init; }
}

/// <summary>A disk of a running guest.</summary>
/// <param name="VolumeId">The volume.</param>
/// <param name="SizeBytes">The size that the guest sees.</param>
/// <param name="Path">The path QEMU has open, for operators.</param>
public sealed record MachineDiskStatus(VolumeId VolumeId, long SizeBytes, string? Path);

/// <summary>State of a task on a host.</summary>
[JsonConverter(typeof(WireEnum<TaskState>))]
public enum TaskState
{
    /// <summary>Accepted, not begun.</summary>
    Pending,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Done, confirmed by the backend.</summary>
    Done,

    /// <summary>Failed, nothing left half-done (undone, or owed).</summary>
    Failed,

    /// <summary>Deletions: written down as an obligation, not yet confirmed by the backend.</summary>
    Owed,

    /// <summary>Tombstone carried out: nothing is remembered of the task.</summary>
    Absent,
}

/// <summary>A task on a host.</summary>
public sealed record TaskStatus
{
    /// <summary>The state.</summary>
    public required TaskState State { get; init; }

    /// <summary>Size in bytes of the volume that the task made or changed.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Name of the object at the backend.</summary>
    public string? BackendName { get; init; }

    /// <summary>Progress in per cent of long work, for people.</summary>
    public int? Percent { get; init; }

    /// <summary>The obligation that the task became, when <see cref="TaskState.Owed"/>.</summary>
    public ObligationId? ObligationId { get; init; }

    /// <summary>Of a failed <see cref="TaskSpec.EnsureVolume"/>: why its source cannot be cloned, when the backend said so of the source itself. Null: the source was not it.</summary>
    public string? LostSource { get; init; }

    /// <summary>Of a <see cref="TaskSpec.ListVolumes"/> that is done: what the backend has.</summary>
    public VolumeListing? Listing { get; init; }
}

/// <summary>What a backend has of a pool, or a part of it.</summary>
public sealed record VolumeListing
{
    /// <summary>The volumes, in the order of their ids as text; at most <see cref="TaskSpec.ListVolumes.PageSize"/>.</summary>
    public IReadOnlyList<VolumeInfo> Volumes { get => field ?? []; init; }

    /// <summary>Where the list was cut: the last id it speaks about. Null: it speaks about all that there is.</summary>
    public VolumeId? Through { get; init; }

    /// <summary>Of those asked about one by one: about these the backend said neither that they are there nor that they are not.</summary>
    public IReadOnlyList<VolumeId> Unclear { get => field ?? []; init; }

    /// <summary>With the first part of a list: what looks like ours and is not proven to be; at most <see cref="TaskSpec.ListVolumes.MostStrays"/>.</summary>
    public IReadOnlyList<StrayVolume> Strays { get => field ?? []; init; }

    /// <summary>How many more of these there are.</summary>
    public int MoreStrays { get; init; }
}
