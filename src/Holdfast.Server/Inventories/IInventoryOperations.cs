using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Inventories;

/// <summary>What backends really have. Root administrators only; the API has checked that.</summary>
internal interface IInventoryOperations
{
    /// <summary>takeStoragePoolInventory: the pool's backend is looked at now. Answers at once. 431 unknown id, or no host may call its backend.</summary>
    Task<Outcome<Success>> TakeAsync(Caller caller, PoolId poolId, CancellationToken cancellationToken);

    /// <summary>
    /// deleteUnclaimedVolume: a named person has something deleted that belongs to nobody, with a reason. A host owes it from then on. 431 unknown, empty reason, not
    /// proven to be the pool's, or named by something meanwhile; 534 no host serves the pool.
    /// </summary>
    Task<Outcome<UnclaimedVolumeRow>> DeleteUnclaimedAsync(Caller caller, PoolId poolId, string name, string reason, CancellationToken cancellationToken);
}
