using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;

namespace Holdfast.Server.Transactions;

/// <summary>Rows that many look at in one turn, by their ids: asked for once, unless the turn writes to their table.</summary>
internal sealed class KeptRows : TurnPart, ITurnPart<KeptRows>
{
    private KeptRows(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static KeptRows Of(Turn turn) => new(turn);

    /// <summary>A host; null: there is none of that id.</summary>
    public Task<HostRow?> HostAsync(HostId id, CancellationToken cancellationToken) =>
        Turn.KeptAsync("host", id, () => Db.Hosts.FirstOrDefaultAsync(h => h.Id == id, cancellationToken), typeof(HostRow));

    /// <summary>Storage pools, those that are there.</summary>
    public async Task<IReadOnlyList<StoragePoolRow>> PoolsAsync(IEnumerable<PoolId> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.Distinct().OrderBy(id => id.Value).ToList();
        return wanted.Count == 0
            ? []
            : await Turn.KeptAsync(
                "pools", string.Join(',', wanted), () => Db.StoragePools.Where(p => wanted.Contains(p.Id)).ToListAsync(cancellationToken), typeof(StoragePoolRow));
    }
}
