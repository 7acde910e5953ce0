using Holdfast.Server.Api.Commands;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.ResourceIcons;

/// <summary>Icons of resources that the caller may change; the API has checked that.</summary>
internal interface IResourceIconOperations
{
    /// <summary>uploadResourceIcon: all have it, or none, in place of what they had. 431 a resource that is gone.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="kind">The kind of the resources.</param>
    /// <param name="resources">The resources.</param>
    /// <param name="image">The image, which was checked.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<Success>> UploadAsync(Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, string image, CancellationToken cancellationToken);

    /// <summary>deleteResourceIcon. Idempotent. 431 a resource that is gone.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="kind">The kind of the resources.</param>
    /// <param name="resources">The resources.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<Success>> DeleteAsync(Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, CancellationToken cancellationToken);
}
