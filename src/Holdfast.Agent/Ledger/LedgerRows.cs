using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Ledger;

/// <summary>An item as it was accepted.</summary>
internal sealed record ItemRow
{
    /// <summary>The item.</summary>
    public required HostItem Item { get; init; }

    /// <summary>When it must have begun at the latest; null for no limit.</summary>
    public StartBy? StartBy { get; init; }

    /// <summary>When it was accepted, by the host's clock; for people and for pruning.</summary>
    public required DateTimeOffset AcceptedAt { get; init; }
}

/// <summary>A moment on the monotonic clock of one boot of the host. After another boot it has passed: nothing starts hours late.</summary>
/// <param name="BootId">The boot.</param>
/// <param name="UptimeMs">Milliseconds of that boot's monotonic clock.</param>
internal sealed record StartBy(string BootId, long UptimeMs);

/// <summary>What was last concluded about a machine.</summary>
internal sealed record MachineRow
{
    /// <summary>The machine.</summary>
    public required VmId Machine { get; init; }

    /// <summary>The generation that the state answers to.</summary>
    public required Generation Generation { get; init; }

    /// <summary>The state. Final for its generation when it is Stopped or Failed.</summary>
    public required MachineState State { get; init; }

    /// <summary>When it was entered, by the host's clock.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Reboots carried out.</summary>
    public long RebootSequence { get; init; }

    /// <summary>The newest reboot that was said to have failed: it is not tried again.</summary>
    public long RefusedReboot { get; init; }

    /// <summary>Remarks that belong to the state.</summary>
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
}

/// <summary>How sure an attachment is.</summary>
internal enum AttachmentState
{
    /// <summary>Written before the driver was asked: it may or may not be there. Counts as attached.</summary>
    Uncertain,

    /// <summary>The driver said that it is there.</summary>
    Attached,

    /// <summary>The driver's inventory shows it, and nothing on this host names it: its owner is the pool, until it can be released or a machine takes it.</summary>
    Found,
}

/// <summary>Identifies an attachment: one volume can be held by its machine and, sealed, by several copies at once.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="Owner">The VM or task that holds it.</param>
/// <param name="Mode">What for.</param>
internal readonly record struct AttachmentKey(VolumeId Volume, Guid Owner, AttachMode Mode);

/// <summary>A volume that a driver was, or is about to be, asked to attach on this host.</summary>
internal sealed record AttachmentRow
{
    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The VM or task that holds it.</summary>
    public required Guid Owner { get; init; }

    /// <summary>What for.</summary>
    public required AttachMode Mode { get; init; }

    /// <summary>The machine, unless a task holds it.</summary>
    public VmId? Machine { get; init; }

    /// <summary>The pool: its driver is the only one ever asked about it.</summary>
    public required PoolId Pool { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public required string PoolName { get; init; }

    /// <summary>The driver's short name.</summary>
    public required string Driver { get; init; }

    /// <summary>Generation of the volume.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Generation of the writer lease; none for copies.</summary>
    public Generation LeaseGeneration { get; init; }

    /// <summary>How sure it is.</summary>
    public required AttachmentState State { get; init; }

    /// <summary>Name of the object at the backend, once told.</summary>
    public string? BackendName { get; init; }

    /// <summary>What QEMU opened, once told.</summary>
    public DiskSource? Source { get; init; }

    /// <summary>The size the guest sees, once told.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Written before its I/O is cut off; null when that was never asked for.</summary>
    public AttachmentCut? Cut { get; init; }

    /// <summary>Its identity.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public AttachmentKey Key => new(Volume, Owner, Mode);
}

/// <summary>That an attachment's I/O was, or is about to be, cut off: its guest never runs on, and it is released before the volume is attached here again.</summary>
/// <param name="Guest">The generation that the guest was started with; a guest of a newer one has an attachment of its own.</param>
/// <param name="IsConfirmed">Whether the driver said that it is cut off; before that it may or may not be.</param>
internal sealed record AttachmentCut(Generation Guest, bool IsConfirmed);

/// <summary>Something owed to a backend.</summary>
internal sealed record ObligationRow
{
    /// <summary>The obligation.</summary>
    public required ObligationId Id { get; init; }

    /// <summary>What is owed.</summary>
    public required ObligationKind Kind { get; init; }

    /// <summary>Its state. Anything but Owed is final and kept until a report with it was accepted.</summary>
    public required ObligationState State { get; init; }

    /// <summary>The pool whose backend it is owed to.</summary>
    public required PoolId Pool { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public required string PoolName { get; init; }

    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>What the attachment was for, for releases.</summary>
    public AttachMode Mode { get; init; }

    /// <summary>The machine that used it.</summary>
    public VmId? Machine { get; init; }

    /// <summary>Whether the attachment's I/O was cut off: then it has to be released before the volume is attached here again.</summary>
    public bool IsCut { get; init; }

    /// <summary>The task to be told when it is final; for deletions that a task asked for.</summary>
    public TaskId? Task { get; init; }

    /// <summary>Name of the object at the backend.</summary>
    public string? BackendName { get; init; }

    /// <summary>Where the volume was found on this host; handed to no other volume while this is open. Null when never told.</summary>
    public string? Address { get; init; }

    /// <summary>Generation of the volume.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Why it came to be.</summary>
    public required string Cause { get; init; }

    /// <summary>The last failure, or what made it final.</summary>
    public string? LastError { get; init; }

    /// <summary>Tries so far.</summary>
    public int Tries { get; init; }

    /// <summary>When it was written, by the host's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it is tried next, by the host's clock; for people, the executor counts on the monotonic clock.</summary>
    public DateTimeOffset? NextTryAt { get; init; }

    /// <summary>Whether it is still to be done.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsOpen => State == ObligationState.Owed;

    /// <summary>As the server is told.</summary>
    public ObligationReport ToReport() => new()
    {
        Id = Id,
        Kind = Kind,
        State = State,
        PoolId = Pool,
        PoolName = PoolName,
        VolumeId = Volume,
        VmId = Machine,
        BackendName = BackendName,
        Generation = Generation,
        Cause = Cause,
        LastError = LastError,
        Tries = Tries,
        CreatedAt = CreatedAt,
        NextTryAt = IsOpen ? NextTryAt : null,
    };
}

/// <summary>What was last concluded about a task.</summary>
internal sealed record TaskRow
{
    /// <summary>The task.</summary>
    public required TaskId Task { get; init; }

    /// <summary>The generation that the state answers to.</summary>
    public required Generation Generation { get; init; }

    /// <summary>The state.</summary>
    public required TaskState State { get; init; }

    /// <summary>When it was entered, by the host's clock.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Size of the volume that it made or changed.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Name of the object at the backend.</summary>
    public string? BackendName { get; init; }

    /// <summary>The obligation that it became.</summary>
    public ObligationId? Obligation { get; init; }

    /// <summary>Why the source that it was to clone cannot be cloned.</summary>
    public string? LostSource { get; init; }

    /// <summary>What it found at the backend. Kept until the server has it and withdraws the task.</summary>
    public VolumeListing? Listing { get; init; }

    /// <summary>Remarks that belong to the state.</summary>
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
}

/// <summary>A binding that is confirmed to be gone. A binding that is not has no row: what it should be is its item, what it is its process.</summary>
internal sealed record BindingRow
{
    /// <summary>The pool.</summary>
    public required PoolId Pool { get; init; }

    /// <summary>The generation of the tombstone.</summary>
    public required Generation Generation { get; init; }

    /// <summary>When it was confirmed.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>How the driver ended.</summary>
    public required string Unload { get; init; }
}
