using Holdfast.Agent.Bindings;
using Holdfast.Agent.Ingest;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;

namespace Holdfast.Agent.Tasks;

/// <summary>What all task runners share.</summary>
internal sealed record TaskContext
{
    /// <summary>The loop.</summary>
    public required AgentLoop Loop { get; init; }

    /// <summary>The ledger.</summary>
    public required AgentLedger Ledger { get; init; }

    /// <summary>The storage pools of this host.</summary>
    public required BindingBook Bindings { get; init; }

    /// <summary>The monotonic clock.</summary>
    public required HostBoot Boot { get; init; }

    /// <summary>Makes ids.</summary>
    public required IIdSource Ids { get; init; }

    /// <summary>Brings images to this host.</summary>
    public required IImageFetcher Fetcher { get; init; }

    /// <summary>Looks into and copies images.</summary>
    public required IImageTool Images { get; init; }

    /// <summary>Bounds how many images are brought at once.</summary>
    public required ImportTurns Imports { get; init; }

    /// <summary>Called when there is something new to report of a task that is not in the ledger.</summary>
    public required Action<TaskId> Changed { get; init; }
}
