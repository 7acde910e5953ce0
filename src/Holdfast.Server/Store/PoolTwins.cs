using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;

namespace Holdfast.Server.Store;

/// <summary>Pools that are on record as the same storage as another one.</summary>
internal static class PoolTwins
{
    /// <summary>The firsts of those among some pools that are not the first themselves. One query, and only when there are such.</summary>
    public static async Task<IReadOnlyDictionary<PoolId, PoolTwin>> OfAsync(StoreConnection db, IReadOnlyCollection<StoragePoolRow> pools, CancellationToken cancellationToken)
    {
        var later = pools.Where(p => p.SameAs is not null).ToList();
        if (later.Count == 0)
        {
            return new Dictionary<PoolId, PoolTwin>();
        }

        var ids = later.Select(p => p.SameAs!.Value).Distinct().ToList();
        var firsts = await db.StoragePools.Where(p => ids.Contains(p.Id)).ToDictionaryAsync(p => p.Id, cancellationToken);
        return later.ToDictionary(p => p.Id, p => Of(p, firsts[p.SameAs!.Value]));
    }

    /// <summary>What a pool has to do with the one that is the same and was first.</summary>
    public static PoolTwin Of(StoragePoolRow pool, StoragePoolRow first) => new(first.Id, first.Name, pool.Identity ?? "what is not told any more");
}
