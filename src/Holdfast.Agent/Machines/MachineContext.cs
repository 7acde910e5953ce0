using Holdfast.Agent.Bindings;
using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

/// <summary>What all machine runners share.</summary>
internal sealed record MachineContext
{
    /// <summary>The loop.</summary>
    public required AgentLoop Loop { get; init; }

    /// <summary>The ledger.</summary>
    public required AgentLedger Ledger { get; init; }

    /// <summary>The hypervisor.</summary>
    public required IHypervisor Hypervisor { get; init; }

    /// <summary>The storage pools of this host.</summary>
    public required BindingBook Bindings { get; init; }

    /// <summary>The monotonic clock.</summary>
    public required HostBoot Boot { get; init; }

    /// <summary>Makes ids.</summary>
    public required IIdSource Ids { get; init; }

    /// <summary>What the host can do; null before the hypervisor has told.</summary>
    public required Func<HostDescription?> Host { get; init; }

    /// <summary>The bridge that the operator configured.</summary>
    public string? Bridge { get; init; }

    /// <summary>Where serial logs go; exists.</summary>
    public required string SerialLogFolder { get; init; }

    /// <summary>Tells what guests are told.</summary>
    public required IServerLink Server { get; init; }

    /// <summary>The configuration drives of guests.</summary>
    public required IGuestDrives GuestDrives { get; init; }

    /// <summary>Whether the server has said, since this process began, that the ledger knows all there is about a machine.</summary>
    public required Func<VmId, bool> IsConfirmed { get; init; }

    /// <summary>What holds for the guests of all hosts.</summary>
    public required Func<GuestRules> Guests { get; init; }

    /// <summary>Told when a machine's state changed other than by the ledger.</summary>
    public required Action<VmId> Changed { get; init; }
}
