using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Inventories;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>
/// What pools really are at their backends, and which of them are the same storage once more. All pools of the installation are compared, whatever their zones: a backend knows nothing
/// of zones. Of two that are the same, the one of which it was known first is the first.
/// </summary>
internal sealed class PoolIdentities : TurnPart, ITurnPart<PoolIdentities>
{
    private PoolIdentities(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static PoolIdentities Of(Turn turn) => new(turn);

    /// <summary>
    /// A host says what a pool is, for the first time or something new. The last word of all hosts counts: it may be learnt late, and it changes when a backend is installed anew,
    /// or the pool's address leads to another. Then what is there is looked at soon.
    /// </summary>
    public async Task LearnAsync(HostRow host, StoragePoolRow pool, string identity, CancellationToken cancellationToken)
    {
        if (pool.Removed is not null || pool.Identity == identity)
        {
            return;
        }

        await Db.StoragePools.Where(p => p.Id == pool.Id).Set(p => p.Identity, identity).Set(p => p.IdentitySince, Now).UpdateAsync(cancellationToken);
        Turn.Mark(pool.Id);
        await MarkAsync(identity, cancellationToken);
        if (pool.Identity is not { } former)
        {
            return;
        }

        await MarkAsync(former, cancellationToken);
        await Turn.TellSystemAsync(
            EventTypes.PoolChanged,
            EventLevel.Warn,
            $"Storage pool {pool.Name} ({pool.Id}) is another thing at its backend: host {host.Name} ({host.Id}) says that it is {identity}; it was {former}. Its backend was installed anew, or its address leads to another one; what is there is compared with what is on record",
            ResourceTypes.StoragePool,
            pool.Id.Value,
            pool.Name,
            cancellationToken);
        await Turn.Part<Inventory>().WantInventoryAsync(pool.Id, cancellationToken);
    }

    /// <summary>Has the pools looked at that are the same as one that goes.</summary>
    public Task ForgetAsync(StoragePoolRow pool, CancellationToken cancellationToken) => pool.Identity is { } identity ? MarkAsync(identity, cancellationToken) : Task.CompletedTask;

    /// <summary>The pool that is the same storage as another and was first.</summary>
    /// <returns>Null when there is none.</returns>
    public async Task<PoolTwin?> TwinOfAsync(StoragePoolRow pool, CancellationToken cancellationToken)
    {
        if (pool is not { Removed: null, Identity: { } identity })
        {
            return null;
        }

        var first = await Db.StoragePools
            .Where(p => p.Identity == identity && p.Removed == null)
            .OrderBy(p => p.IdentitySince).ThenBy(p => p.Created).ThenBy(p => p.Id)
            .Select(p => new { p.Id, p.Name })
            .FirstAsync(cancellationToken);
        return first.Id == pool.Id ? null : new PoolTwin(first.Id, first.Name, identity);
    }

    private async Task MarkAsync(string identity, CancellationToken cancellationToken)
    {
        foreach (var other in await Db.StoragePools.Where(p => p.Identity == identity && p.Removed == null).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            Turn.Mark(other);
        }
    }
}
