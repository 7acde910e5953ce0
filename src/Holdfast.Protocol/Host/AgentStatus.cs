namespace Holdfast.Protocol.Host;

/// <summary>What an agent tells on its local socket (<see cref="SocketName"/>), for people on the host itself. Not part of the conversation with the server.</summary>
public sealed record AgentStatus
{
    /// <summary>Name of the Unix socket in the agent's folder; any HTTP request is answered with this document.</summary>
    public const string SocketName = "status";

    /// <summary>Why the agent itself did not tell this, and a program of its own read it from the ledger and from libvirt; null when the agent told it.</summary>
    public string? ReadBecause { get; init; }

    /// <summary>Version of the agent.</summary>
    public required string Version { get; init; }

    /// <summary>Whether the server is being watched.</summary>
    public required bool Watching { get; init; }

    /// <summary>Whether the server has said, since this process began, that the ledger knows all there is; before that no guest is started.</summary>
    public bool Confirmed { get; init; }

    /// <summary>Why the server is not being watched, when it is not.</summary>
    public string? LinkError { get; init; }

    /// <summary>Why the ledger cannot be written; null when it can.</summary>
    public string? LedgerUnwritable { get; init; }

    /// <summary>When the server last accepted a report of this agent process, by the host's clock; null when it has not yet.</summary>
    public DateTimeOffset? ReportedAt { get; init; }

    /// <summary>When the guests were last read from libvirt and compared with what is wanted, by the host's clock; null when they have not been yet.</summary>
    public DateTimeOffset? ReconciledAt { get; init; }

    /// <summary>Why the hypervisor does not answer; null when it does.</summary>
    public string? HypervisorError { get; init; }

    /// <summary>The newest revision of the host document that was stored.</summary>
    public required long Revision { get; init; }

    /// <summary>Everything that is reported to the server, as it is now.</summary>
    public required IReadOnlyList<ItemReport> Items { get; init; }

    /// <summary>What the server wants of the machines.</summary>
    public IReadOnlyList<MachineInsides> Machines { get => field ?? []; init; }

    /// <summary>Holdfast's guests as libvirt has them.</summary>
    public IReadOnlyList<GuestInsides> Guests { get => field ?? []; init; }

    /// <summary>The bindings' insides.</summary>
    public required IReadOnlyList<BindingInsides> Bindings { get; init; }

    /// <summary>What is owed, and what was settled but not yet told to the server.</summary>
    public required IReadOnlyList<ObligationReport> Obligations { get; init; }

    /// <summary>What the ledger says to be attached.</summary>
    public required IReadOnlyList<AttachmentInsides> Attachments { get; init; }
}
