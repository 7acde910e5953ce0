using Holdfast.Server.Api.Authentication;

namespace Holdfast.Server.Api.Commands;

/// <summary>Answers whether ids exist for a caller. Safe to call from any thread; reads only.</summary>
internal interface IEntityDirectory
{
    /// <summary>Finds which of some ids exist and may be seen by the caller; entities that were removed still exist.</summary>
    /// <param name="reference">What the ids refer to.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">The request ended.</param>
    /// <returns>The ids that were found.</returns>
    Task<IReadOnlySet<Guid>> FindAsync(EntityReference reference, IReadOnlyCollection<Guid> ids, ApiCaller caller, CancellationToken cancellationToken);
}
