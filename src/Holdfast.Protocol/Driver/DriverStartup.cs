using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Driver;

/// <summary>
/// One line of JSON that a driver reads from its standard input before anything else. Configuration and secrets arrive only here. The driver keeps
/// reading standard input: its end means that the agent is gone, and the driver ends too.
/// </summary>
public sealed record DriverStartup
{
    /// <summary>Protocol version the agent speaks.</summary>
    public required int Protocol { get; init; }

    /// <summary>The pool this process serves.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public required string PoolName { get; init; }

    /// <summary>Generation of the binding.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Path of the Unix socket to listen on (mode 0600). The driver removes a left-over file of that name first.</summary>
    public required string Socket { get; init; }

    /// <summary>A folder (mode 0700) for whatever the driver wants to keep on this host; deleted when the binding is removed.</summary>
    public required string StateFolder { get; init; }

    /// <summary>
    /// A folder of the agent that has an entry for each storage pool of this host, named by the pool's id in lower case without dashes, from before its driver is
    /// started until the pool is confirmed gone. A driver that meets another pool's mark on its backend can tell by it whether that pool is still there. Null: not told.
    /// </summary>
    public string? PoolsFolder { get; init; }

    /// <summary><c>uname -n</c> of the host.</summary>
    public required string NodeName { get; init; }

    /// <summary>
    /// The user and group that guests run as on this host; null when not known. Attaching for <see cref="AttachMode.Run"/> includes giving them access to the
    /// device or file (and the folders above it): libvirt is told never to change the owner of a disk, because that would put storage on the way of a stop.
    /// </summary>
    public GuestUser? GuestUser { get; init; }

    /// <summary>Configuration as in <see cref="Host.BindingSpec.Config"/>.</summary>
    public required IReadOnlyDictionary<string, string> Config { get; init; }

    /// <summary>
    /// What the host's own configuration says for this driver and pool. A driver runs as root: whatever names a program, or a path that is no part of the pool itself, is taken
    /// from here and never from <see cref="Config"/>, which anybody has written who may add a pool.
    /// </summary>
    public IReadOnlyDictionary<string, string> HostConfig { get => field ?? new Dictionary<string, string>(); init; }

    /// <summary>Secrets as in <see cref="Host.BindingSpec.Secrets"/>.</summary>
    public IReadOnlyDictionary<string, Secret> Secrets { get => field ?? new Dictionary<string, Secret>(); init; }
}

/// <summary>One line of JSON that a driver writes to its standard output once it listens, or when it refuses to start (then it exits with 2).</summary>
public sealed record DriverReady
{
    /// <summary>Whether it listens.</summary>
    public required bool Ready { get; init; }

    /// <summary>Who it is; null when not ready.</summary>
    public DriverInfo? Info { get; init; }

    /// <summary>Why it does not start: a wrong configuration, naming the setting. The backend being down is never a reason.</summary>
    public DriverError? Error { get; init; }
}

/// <summary>Who a driver is.</summary>
public sealed record DriverInfo
{
    /// <summary>Short name (<c>linstor</c>).</summary>
    public required string Driver { get; init; }

    /// <summary>Version of the executable.</summary>
    public required string Version { get; init; }

    /// <summary>Protocol version.</summary>
    public required int Protocol { get; init; }

    /// <summary>Process id.</summary>
    public required int Pid { get; init; }

    /// <summary>The pool it serves.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>What it can do, as far as it knows now. A driver that has not reached its backend yet may learn better: <see cref="PoolStatus.Capabilities"/>.</summary>
    public required DriverCapabilities Capabilities { get; init; }
}

/// <summary>What a driver can do on its backend.</summary>
public sealed record DriverCapabilities
{
    /// <summary>A volume can be cloned from a sealed volume by the backend itself; otherwise the agent copies.</summary>
    public required bool CanClone { get; init; }

    /// <summary>Snapshots and revert.</summary>
    public required bool CanSnapshot { get; init; }

    /// <summary>Volumes can grow.</summary>
    public required bool CanResize { get; init; }

    /// <summary>
    /// Volumes can be attached on more than one host (shared storage, live migration). Otherwise each is the own storage of the host that made it, and the server
    /// takes such a pool with scope HOST only.
    /// </summary>
    public required bool IsShared { get; init; }

    /// <summary>When not shared: why, naming the object at the backend or the setting, and what would change it; null: no reason is told.</summary>
    public string? NotSharedReason { get; init; }

    /// <summary>
    /// Whether this host can hold the data of new volumes itself, so that what is written to them here need not cross the network. False: it only reaches data that is
    /// elsewhere. Null: not told, which counts as yes.
    /// </summary>
    public bool? HoldsData { get; init; }

    /// <summary>An attach may succeed without the control plane when the device is locally there.</summary>
    public required bool CanAttachLocally { get; init; }

    /// <summary>Whether I/O of an attachment can be cut off on this host (<see cref="DriverPaths.Cut"/>), so that a killed process that waits for it can end.</summary>
    public bool CanCut { get; init; }
}

/// <summary>Health of one plane of a backend.</summary>
[JsonConverter(typeof(WireEnum<PlaneHealth>))]
public enum PlaneHealth
{
    /// <summary>Not asked yet.</summary>
    Unknown,

    /// <summary>Works.</summary>
    Up,

    /// <summary>Does not work.</summary>
    Down,
}

/// <summary>Status of a pool as its driver last saw it.</summary>
public sealed record PoolStatus
{
    /// <summary>Create, delete, attach: the controller, the mount.</summary>
    public required PlaneHealth ControlPlane { get; init; }

    /// <summary>Reads and writes of attached volumes, as far as the driver can tell.</summary>
    public required PlaneHealth DataPlane { get; init; }

    /// <summary>What is wrong, in the backend's own words; null when nothing is.</summary>
    public DriverError? Error { get; init; }

    /// <summary>Capacity in bytes; null when never learnt.</summary>
    public PoolCapacity? Capacity { get; init; }

    /// <summary>Volumes attached on this host, or touched by a snapshot that this driver asked for, whose I/O does not go on; empty when there are none or nobody can tell.</summary>
    public IReadOnlyList<WaitingVolume> Waiting { get => field ?? []; init => field = value is { Count: > 0 } ? value : null; }

    /// <summary>What the driver can do now: a backend may be changed under it. Null: as its <see cref="DriverInfo"/> said. A driver of the kit need not set it, the kit does.</summary>
    public DriverCapabilities? Capabilities { get; init; }

    /// <summary>
    /// What the pool really is at its backend, told by the backend itself and whatever address led there: two pools that say the same here are the same storage added
    /// twice. Compared to the letter. Null: not known (yet), or the driver itself refuses to serve one thing for two pools.
    /// </summary>
    public string? Identity { get; init; }

    /// <summary>When this was learnt, by the host's clock.</summary>
    public required DateTimeOffset AsOf { get; init; }
}

/// <summary>A volume whose I/O does not go on, told by the host alone.</summary>
/// <param name="VolumeId">The volume.</param>
/// <param name="Text">Why, for people.</param>
/// <param name="CanResume">Whether <see cref="DriverPaths.Resume"/> may end it: it is held back by a request and not by lost data or peers.</param>
public sealed record WaitingVolume(VolumeId VolumeId, string Text, bool CanResume);

/// <summary>Capacity of a pool.</summary>
/// <param name="TotalBytes">All of it.</param>
/// <param name="UsedBytes">What is in use.</param>
/// <param name="AsOf">When learnt, by the host's clock.</param>
public sealed record PoolCapacity(long TotalBytes, long UsedBytes, DateTimeOffset AsOf);

/// <summary>What a driver process was asked and what it asked, since it started. The proof that nobody asked it.</summary>
/// <param name="Calls">Calls received by <c>METHOD path</c>, ids replaced by <c>*</c>; status, probe, info and calls themselves included.</param>
/// <param name="BackendCalls">Requests sent to the backend (or file operations on the pool's path), by the driver's own names.</param>
public sealed record CallLog(IReadOnlyDictionary<string, long> Calls, IReadOnlyDictionary<string, long> BackendCalls);

/// <summary>Whom QEMU runs as.</summary>
/// <param name="UserId">The numeric user.</param>
/// <param name="GroupId">The numeric group.</param>
public sealed record GuestUser(uint UserId, uint GroupId);
