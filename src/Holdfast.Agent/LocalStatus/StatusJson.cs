using System.Text.Json.Serialization;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.LocalStatus;

/// <summary>What the agent tells on its local socket.</summary>
internal sealed record AgentStatus
{
    /// <summary>Version of the agent.</summary>
    public required string Version { get; init; }

    /// <summary>Whether the server is being watched.</summary>
    public required bool Watching { get; init; }

    /// <summary>Why not, when not.</summary>
    public string? LinkError { get; init; }

    /// <summary>Why the ledger cannot be written; null when it can.</summary>
    public string? LedgerUnwritable { get; init; }

    /// <summary>Whether the hypervisor answers; null when it does.</summary>
    public string? HypervisorError { get; init; }

    /// <summary>The newest revision of the host document that was stored.</summary>
    public required long Revision { get; init; }

    /// <summary>Everything that is reported to the server, as it is now.</summary>
    public required IReadOnlyList<ItemReport> Items { get; init; }

    /// <summary>The bindings' insides.</summary>
    public required IReadOnlyList<BindingInsides> Bindings { get; init; }

    /// <summary>What is owed, and what was settled but not yet told to the server.</summary>
    public required IReadOnlyList<ObligationReport> Obligations { get; init; }

    /// <summary>What the ledger says to be attached.</summary>
    public required IReadOnlyList<AttachmentInsides> Attachments { get; init; }
}

/// <summary>The insides of a binding.</summary>
/// <param name="PoolName">The pool's name.</param>
/// <param name="PoolId">The pool.</param>
/// <param name="Driver">The driver.</param>
/// <param name="Pid">Its process.</param>
/// <param name="Circuit">Why calls are refused; null when they are not.</param>
/// <param name="Running">Calls at the driver.</param>
/// <param name="Waiting">Calls that wait.</param>
/// <param name="Made">Calls made since the agent started, health not counted.</param>
internal sealed record BindingInsides(string PoolName, Guid PoolId, string Driver, int? Pid, string? Circuit, int Running, int Waiting, long Made);

/// <summary>An attachment as the ledger has it.</summary>
/// <param name="Volume">The volume.</param>
/// <param name="Owner">The VM or task.</param>
/// <param name="Mode">What for.</param>
/// <param name="PoolName">The pool's name.</param>
/// <param name="State">How sure it is.</param>
/// <param name="BackendName">Name of the object at the backend.</param>
internal sealed record AttachmentInsides(Guid Volume, Guid Owner, string Mode, string PoolName, string State, string? BackendName);

/// <summary>JSON of the local status.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(AgentStatus))]
internal sealed partial class StatusJson : JsonSerializerContext;
