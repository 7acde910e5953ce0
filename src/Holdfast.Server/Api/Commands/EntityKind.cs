using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Commands;

/// <summary>
/// All that is known of a kind of entity without knowing the kind: one descriptor for each. Who needs to tell kinds apart asks the descriptor; nobody else switches over
/// kinds. Immutable.
/// </summary>
internal abstract class EntityKind
{
    private protected EntityKind(string name, string listCommand, EntityReach reach)
    {
        Name = name;
        ListCommand = listCommand;
        Reach = reach;
    }

    /// <summary>What its entities are called in jobs and events.</summary>
    public string Name { get; }

    /// <summary>The command that lists its entities, as <c>related</c> of a parameter: clients complete ids with it.</summary>
    public string ListCommand { get; }

    /// <summary>Who may learn whether an entity exists.</summary>
    public EntityReach Reach { get; }

    /// <summary>The type of its ids.</summary>
    public abstract Type IdType { get; }

    /// <summary>What tags call its entities, in CloudStack's words; null: they have no tags.</summary>
    public virtual string? TagType => null;

    /// <summary>What comments call its entities, in CloudStack's words; null: there are none on them.</summary>
    public virtual string? AnnotationType => null;

    /// <summary>What icons call its entities, in CloudStack's words; null: they have none.</summary>
    public virtual string? IconType => null;

    /// <summary>Its entities that are there and not removed. Only of kinds with icons.</summary>
    /// <param name="db">The transaction.</param>
    public virtual IQueryable<Guid> There(StoreConnection db) => throw new NotSupportedException($"{Name} has no icons.");

    /// <summary>Who owns those of some entities that are there and not removed. Only of kinds with tags.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="ids">The ids; at most some hundreds.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public virtual Task<IReadOnlyDictionary<Guid, AccountId>> OwnersAsync(StoreConnection db, IReadOnlyList<Guid> ids, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{Name} has no tags.");

    /// <summary>Finds which of some ids exist and may be seen; entities that were removed still exist.</summary>
    /// <param name="db">The store.</param>
    /// <param name="ids">The ids; at most some hundreds.</param>
    /// <param name="viewer">Who asks.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public abstract Task<IReadOnlyList<Guid>> FindAsync(StoreConnection db, IReadOnlyList<Guid> ids, EntityViewer viewer, CancellationToken cancellationToken);

    /// <summary>Writes an entity, as the result of a job shows it: one object under its key. Null: it is not there, or jobs about it have no result but that they succeeded.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="id">The entity.</param>
    /// <param name="viewer">As whom it is seen.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public virtual Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    /// <summary>The secret that a job answers with its result, to who asked for it alone. Only of kinds with jobs that have one.</summary>
    /// <param name="db">The store.</param>
    /// <param name="id">The entity.</param>
    /// <param name="job">The job.</param>
    /// <param name="secrets">Opens it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The field of the result's object, and its value; null: there is none, or another job has it by now.</returns>
    public virtual Task<(string Field, Secret Value)?> SecretAsync(StoreConnection db, Guid id, JobId job, SecretBox secrets, CancellationToken cancellationToken) =>
        Task.FromResult<(string, Secret)?>(null);
}

/// <summary>A kind of entity whose ids have a type of their own.</summary>
/// <typeparam name="TId">The type.</typeparam>
internal abstract class EntityKind<TId> : EntityKind
    where TId : struct, ITypedId<TId>
{
    /// <summary>Made once for each kind.</summary>
    /// <param name="name">What its entities are called in jobs and events.</param>
    /// <param name="listCommand">The command that lists them.</param>
    /// <param name="reach">Who may learn whether one exists.</param>
    private protected EntityKind(string name, string listCommand, EntityReach reach)
        : base(name, listCommand, reach)
    {
    }

    /// <inheritdoc/>
    public sealed override Type IdType => typeof(TId);

    /// <inheritdoc/>
    public sealed override async Task<IReadOnlyList<Guid>> FindAsync(StoreConnection db, IReadOnlyList<Guid> ids, EntityViewer viewer, CancellationToken cancellationToken) =>
        (await Find(db, [.. ids.Select(TId.From)], viewer).ToListAsync(cancellationToken)).ConvertAll(id => id.Value);

    /// <summary>The query behind <see cref="FindAsync"/>.</summary>
    /// <param name="db">The store.</param>
    /// <param name="ids">The ids.</param>
    /// <param name="viewer">Who asks.</param>
    protected abstract IQueryable<TId> Find(StoreConnection db, TId[] ids, EntityViewer viewer);
}

/// <summary>Who may learn whether an entity exists.</summary>
internal enum EntityReach
{
    /// <summary>Everybody.</summary>
    Everybody,

    /// <summary>Root administrators: it is infrastructure.</summary>
    Infrastructure,

    /// <summary>Who may see what belongs to its account.</summary>
    Owner,
}

/// <summary>Who looks for entities.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Owners">The accounts whose entities the caller may see.</param>
/// <param name="IsToChange">Whether the caller wants to change them: what is only shown to everybody is not enough then.</param>
internal sealed record EntityViewer(ApiCaller Caller, IQueryable<AccountRow> Owners, bool IsToChange);
