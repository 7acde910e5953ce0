using Holdfast.Agent.Bindings;
using Holdfast.Agent.GuestDrives;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ingest;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent;

/// <summary>Everything of an agent that is not its own logic: adapters, clock, ids, randomness. A simulation gives its own.</summary>
internal sealed record AgentParts
{
    /// <summary>The loop, which brings scheduler and clock.</summary>
    public required AgentLoop Loop { get; init; }

    /// <summary>The kernel's id of this boot.</summary>
    public required string BootId { get; init; }

    /// <summary>Where the ledger survives.</summary>
    public required ILedgerStore Store { get; init; }

    /// <summary>What was wrong with the ledger that was found.</summary>
    public LedgerDamage? Damage { get; init; }

    /// <summary>The hypervisor.</summary>
    public required IHypervisor Hypervisor { get; init; }

    /// <summary>Starts drivers.</summary>
    public required IDriverLauncher Launcher { get; init; }

    /// <summary>The server.</summary>
    public required IServerLink Server { get; init; }

    /// <summary>Brings images.</summary>
    public required IImageFetcher Fetcher { get; init; }

    /// <summary>Looks into and copies images.</summary>
    public required IImageTool Images { get; init; }

    /// <summary>The configuration drives of guests.</summary>
    public required IGuestDrives GuestDrives { get; init; }

    /// <summary>How many images are brought to this host at once.</summary>
    public int ImportsAtOnce { get; init; } = 2;

    /// <summary>Makes ids.</summary>
    public required IIdSource Ids { get; init; }

    /// <summary>Spreads pauses.</summary>
    public required Random Random { get; init; }

    /// <summary>Loggers.</summary>
    public required ILoggerFactory Logs { get; init; }

    /// <summary>The host's properties as far as they are known without the hypervisor.</summary>
    public required HostFacts Facts { get; init; }

    /// <summary>How long I/O of a volume may wait before it is told and, where a request held it back, owed to go on. A snapshot suspends for a moment.</summary>
    public TimeSpan SuspendedAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The bridge that the operator configured.</summary>
    public string? Bridge { get; init; }

    /// <summary>Where serial logs go; exists.</summary>
    public required string SerialLogFolder { get; init; }
}
