using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Annotations;

/// <summary>Comments on things. That the caller may see the thing, the API has checked.</summary>
internal interface IAnnotationOperations
{
    /// <summary>addAnnotation.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="kind">The kind of the thing; one with comments.</param>
    /// <param name="entity">The thing.</param>
    /// <param name="text">The comment.</param>
    /// <param name="adminsOnly">Whether only root administrators see it.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<AnnotationRow>> AddAsync(Caller caller, EntityKind kind, Guid entity, string text, bool adminsOnly, CancellationToken cancellationToken);

    /// <summary>removeAnnotation. 431 one that is not there, or is somebody else's for others than root administrators. Answers what it was.</summary>
    Task<Outcome<AnnotationRow>> RemoveAsync(Caller caller, AnnotationId id, CancellationToken cancellationToken);

    /// <summary>updateAnnotationVisibility, for root administrators. 431 one that is not there.</summary>
    Task<Outcome<AnnotationRow>> ShowAsync(Caller caller, AnnotationId id, bool adminsOnly, CancellationToken cancellationToken);
}
