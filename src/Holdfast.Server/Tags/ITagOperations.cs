using Holdfast.Server.Api.Commands;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Tags;

/// <summary>Tags of resources that the caller may change; the API has checked that. Jobs are done at once.</summary>
internal interface ITagOperations
{
    /// <summary>createTags: all or none. 431 a resource that is gone, a key that a resource has already.</summary>
    Task<JobOutcome> CreateAsync(Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, IReadOnlyDictionary<string, string> tags, string? customer, CancellationToken cancellationToken);

    /// <summary>deleteTags: those that are named, by key, and by value where one is sent; all when none is named. Idempotent. 431 a resource that is gone.</summary>
    Task<JobOutcome> DeleteAsync(Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, IReadOnlyList<OldTag>? tags, CancellationToken cancellationToken);
}

/// <summary>A tag that is to go.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">The value that it must have; null: any.</param>
internal sealed record OldTag(string Key, string? Value);
