using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Store;

namespace Holdfast.Server.Api.Commands;

/// <summary>Which ids exist for a caller, from the store.</summary>
internal sealed class EntityDirectory : IEntityDirectory
{
    private const int IdsPerQuery = 500;

    private readonly Database _database;
    private readonly EntityKinds _kinds;

    /// <summary>Made once.</summary>
    public EntityDirectory(Database database, EntityKinds kinds) => (_database, _kinds) = (database, kinds);

    /// <inheritdoc/>
    public async Task<IReadOnlySet<Guid>> FindAsync(EntityReference reference, IReadOnlyCollection<Guid> ids, ApiCaller caller, CancellationToken cancellationToken)
    {
        var kind = _kinds.Of(reference);
        var found = new HashSet<Guid>();
        if (kind.Reach == EntityReach.Infrastructure && !caller.IsRootAdmin)
        {
            return found;
        }

        return await _database.ReadAsync(
            async (db, ct) =>
            {
                var viewer = new EntityViewer(caller, Ownership.Visible(db, caller), reference.IsToChange);
                foreach (var chunk in ids.Distinct().Chunk(IdsPerQuery))
                {
                    found.UnionWith(await kind.FindAsync(db, chunk, viewer, ct));
                }

                return found;
            },
            cancellationToken);
    }
}
