using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>What a host item is about.</summary>
[JsonConverter(typeof(WireEnum<ItemKind>))]
public enum ItemKind
{
    /// <summary>A storage pool on this host; the item's id is the pool's id.</summary>
    Binding,

    /// <summary>A virtual machine on this host; the item's id is the VM's id.</summary>
    Machine,

    /// <summary>One idempotent piece of storage work; the item's id is the task's id.</summary>
    Task,
}

/// <summary>
/// The desired state of an item. <see cref="Absent"/> is the tombstone: the only way anything is ever removed. Which of the others are legal depends on
/// the kind: binding: Attached, Quiesced; machine: Running, Stopped; task: Done.
/// </summary>
[JsonConverter(typeof(WireEnum<Desired>))]
public enum Desired
{
    /// <summary>Gone from this host, confirmed.</summary>
    Absent,

    /// <summary>Binding: the driver runs and serves.</summary>
    Attached,

    /// <summary>Binding: storage maintenance; no process of this host calls the backend, and that survives reconnects and restarts.</summary>
    Quiesced,

    /// <summary>Machine: the guest runs.</summary>
    Running,

    /// <summary>Machine: the guest is gone; what its storage owes is settled afterwards.</summary>
    Stopped,

    /// <summary>Task: the work is done.</summary>
    Done,
}

/// <summary>
/// The unit of the host document: what a host should have, with a generation. Sent by <c>GET /v1/agent/watch</c> as the data of an SSE event
/// <c>item</c>. An item missing from a stream means nothing; only <see cref="Desired.Absent"/> removes. The same item may arrive any number of times.
/// </summary>
public sealed record HostItem
{
    /// <summary>Position in this incarnation's document; the agent names the highest one it stored when it resumes watching.</summary>
    public required long Revision { get; init; }

    /// <summary>What the item is about.</summary>
    public required ItemKind Kind { get; init; }

    /// <summary>The id of the pool, VM or task.</summary>
    public required Guid Id { get; init; }

    /// <summary>Generation of the desired state. An older one, or the same one with other content, is refused by the host.</summary>
    public required Generation Generation { get; init; }

    /// <summary>What should be.</summary>
    public required Desired Desired { get; init; }

    /// <summary>
    /// Milliseconds, from the moment of sending, after which the host must no longer *begin* to carry this item out (a start that missed its deadline is
    /// withdrawn by the server, and must not happen hours late either). Null: no limit. Relative, because clocks of two machines are never compared.
    /// </summary>
    public long? ExpiresInMs { get; init; }

    /// <summary>For bindings that are not tombstones.</summary>
    public BindingSpec? Binding { get; init; }

    /// <summary>For machines that are not tombstones.</summary>
    public MachineSpec? Machine { get; init; }

    /// <summary>For tasks that are not tombstones.</summary>
    public TaskSpec? Task { get; init; }
}
