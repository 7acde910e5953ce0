using Holdfast.Server.Transactions;

namespace Holdfast.Server.ResourceDetails;

/// <summary>Details of resources that the caller may change; the API has checked that. Jobs are done at once.</summary>
internal interface IResourceDetailOperations
{
    /// <summary>addResourceDetail: all or none, in place of those of the same name. 431 a resource that is gone, what another command changes, more than is kept.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="kind">The kind of the resource.</param>
    /// <param name="resource">The resource.</param>
    /// <param name="details">The details.</param>
    /// <param name="hidden">Whether they are for root administrators alone.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> AddAsync(Caller caller, DetailedKind kind, Guid resource, IReadOnlyDictionary<string, string> details, bool hidden, CancellationToken cancellationToken);

    /// <summary>
    /// removeResourceDetail: those of a name; without one all that are notes. Hidden ones go only for root administrators. Idempotent. 431 a resource that is gone, what
    /// another command changes.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="kind">The kind of the resource.</param>
    /// <param name="resource">The resource.</param>
    /// <param name="key">The name; null: all.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> RemoveAsync(Caller caller, DetailedKind kind, Guid resource, string? key, CancellationToken cancellationToken);
}
