using System.Collections.Frozen;
using Holdfast.Core.States;

namespace Holdfast.Server.Transactions;

/// <summary>A kind of job, as it is shown.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="EventType">The type of its events.</param>
/// <param name="Command">CloudStack's class of the command that asks for it; clients that show jobs know them by these names.</param>
internal sealed record JobType(JobKind Kind, string EventType, string Command)
{
    /// <summary>Whether the object is gone when the job has succeeded: then its result is only that.</summary>
    public bool EndsObject { get; init; }

    /// <summary>Whether who asked for the job may be answered a secret with its result, which is not kept in the result.</summary>
    public bool HasSecret { get; init; }
}

/// <summary>The kinds of job there are. Immutable.</summary>
internal sealed class JobTypes
{
    private readonly FrozenDictionary<JobKind, JobType> _byKind;

    /// <summary>Made once per node.</summary>
    /// <param name="types">The kinds.</param>
    public JobTypes(IEnumerable<JobType> types) => _byKind = types.ToFrozenDictionary(t => t.Kind);

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<JobType> All => _byKind.Values;

    /// <summary>A kind. One that this version does not know, of a row that another version has written, is shown by its name.</summary>
    public JobType Of(JobKind kind) => _byKind.GetValueOrDefault(kind) ?? new JobType(kind, kind.Name, kind.Name);
}
