using Holdfast.Core.Ids;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.ResourceDetails;

/// <summary>
/// A kind of entity with details. They stand in its own rows, where all that shows or reads them finds them: those that are shown with it, and those that root administrators
/// alone see. Immutable.
/// </summary>
internal abstract class DetailedKind
{
    private protected DetailedKind(string type, Type idType)
    {
        Type = type;
        IdType = idType;
    }

    /// <summary>What details call its entities, in CloudStack's words.</summary>
    public string Type { get; }

    /// <summary>The type of its ids.</summary>
    public Type IdType { get; }

    /// <summary>Its entities that are there and not removed.</summary>
    /// <param name="db">The store.</param>
    public abstract IQueryable<DetailedEntity> Entities(StoreConnection db);

    /// <summary>Why a detail is not a note that anybody may make or take away, but something that another command changes; null: it is a note.</summary>
    /// <param name="key">Its name.</param>
    public virtual ApiFault? WhyNot(string key) => null;

    /// <summary>Why the details of an entity cannot be changed as it is; null: they can.</summary>
    /// <param name="turn">The transaction.</param>
    /// <param name="id">The entity, which is there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public virtual Task<ApiFault?> WhyNotNowAsync(Turn turn, Guid id, CancellationToken cancellationToken) => Task.FromResult<ApiFault?>(null);

    /// <summary>Writes the details of an entity.</summary>
    /// <param name="turn">The transaction.</param>
    /// <param name="id">The entity, which is there.</param>
    /// <param name="shown">Those that are shown with it.</param>
    /// <param name="hidden">Those that root administrators alone see.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public abstract Task WriteAsync(Turn turn, Guid id, string shown, string hidden, CancellationToken cancellationToken);
}

/// <summary>A kind of entity with details, whose ids have a type of their own.</summary>
/// <typeparam name="TId">The type.</typeparam>
internal abstract class DetailedKind<TId> : DetailedKind
    where TId : struct, ITypedId<TId>
{
    /// <summary>Made once for each kind.</summary>
    /// <param name="type">What details call its entities.</param>
    private protected DetailedKind(string type)
        : base(type, typeof(TId))
    {
    }

    /// <inheritdoc/>
    public sealed override Task<ApiFault?> WhyNotNowAsync(Turn turn, Guid id, CancellationToken cancellationToken) => WhyNotNowAsync(turn, TId.From(id), cancellationToken);

    /// <inheritdoc/>
    public sealed override Task WriteAsync(Turn turn, Guid id, string shown, string hidden, CancellationToken cancellationToken) => WriteAsync(turn, TId.From(id), shown, hidden, cancellationToken);

    /// <inheritdoc cref="DetailedKind.WhyNotNowAsync"/>
    protected virtual Task<ApiFault?> WhyNotNowAsync(Turn turn, TId id, CancellationToken cancellationToken) => Task.FromResult<ApiFault?>(null);

    /// <inheritdoc cref="DetailedKind.WriteAsync"/>
    protected abstract Task WriteAsync(Turn turn, TId id, string shown, string hidden, CancellationToken cancellationToken);
}

/// <summary>An entity with its details.</summary>
internal sealed record DetailedEntity
{
    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its owner; null: it is nobody's, and root administrators change it.</summary>
    public AccountId? Owner { get; init; }

    /// <summary>JSON object: the details that are shown with it.</summary>
    public required string Shown { get; init; }

    /// <summary>JSON object: the details that root administrators alone see.</summary>
    public required string Hidden { get; init; }
}
