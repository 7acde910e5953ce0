using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Inventories;

/// <inheritdoc/>
internal sealed class InventoryOperations : IInventoryOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public InventoryOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<Success>> TakeAsync(Caller caller, PoolId poolId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var pool = await turn.Db.StoragePools.FirstOrDefaultAsync(p => p.Id == poolId && p.Removed == null, ct);
            if (pool is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("takeStoragePoolInventory", "id", poolId));
            }

            if (pool.State is not (PoolState.Up or PoolState.Disabled))
            {
                return new Outcome<Success>.Refused(Faults.Invalid($"Storage pool {pool.Name} ({pool.Id}) is in state {pool.State}: no host calls its backend"));
            }

            await turn.Part<Inventory>().TakeInventoryAsync(poolId, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<UnclaimedVolumeRow>> DeleteUnclaimedAsync(Caller caller, PoolId poolId, string name, string reason, CancellationToken cancellationToken) =>
        _turns.RunAsync<Outcome<UnclaimedVolumeRow>>(
            async (turn, ct) =>
            {
                const string command = "deleteUnclaimedVolume";
                var pool = await turn.Db.StoragePools.FirstOrDefaultAsync(p => p.Id == poolId, ct);
                if (pool is null)
                {
                    return Refuse(Faults.NoSuchEntity(command, "storageid", poolId));
                }

                var row = await turn.Db.UnclaimedVolumes.FirstOrDefaultAsync(u => u.PoolId == poolId && u.Name == name, ct);
                if (row is null)
                {
                    return Refuse(Faults.Invalid($"{name} is not listed as unclaimed on storage pool {pool.Name} ({pool.Id}): something here names it, it is gone, or no inventory has seen it yet (listUnclaimedVolumes, takeStoragePoolInventory)"));
                }

                if (string.IsNullOrWhiteSpace(reason))
                {
                    return Refuse(Faults.Missing(command, "reason"));
                }

                if (pool.Removed is not null || pool.State is not (PoolState.Up or PoolState.Disabled))
                {
                    return Refuse(Faults.Invalid($"{name} cannot be deleted: storage pool {pool.Name} ({pool.Id}) is in state {pool.State}, no host calls its backend"));
                }

                if (row.VolumeId is not { } volume || row.Generation is not { } generation)
                {
                    return Refuse(Faults.Invalid($"{name} on storage pool {pool.Name} ({pool.Id}) is not proven to be this pool's ({row.Why}): no driver touches it. Remove it at the backend by hand, if it is to go"));
                }

                if (row.TaskId is not null)
                {
                    return Refuse(Faults.Invalid($"{name} on storage pool {pool.Name} ({pool.Id}) is being deleted already, as {row.RemovedBy} asked; see listObligations volumeid={volume}"));
                }

                if ((await turn.Part<Inventory>().NamedAsync([volume], turn.Now, ct)).Count > 0)
                {
                    return Refuse(Faults.Invalid($"{name} on storage pool {pool.Name} ({pool.Id}) does not belong to nobody any more: a volume, a template's copy, a task or an obligation names volume {volume}"));
                }

                var host = await turn.Part<TaskDesk>().ChooseWorkerAsync(poolId, null, ct);
                if (host is null)
                {
                    return Refuse(Faults.StorageUnavailable($"{name} cannot be deleted: no host serves storage pool {pool.Name} ({pool.Id})"));
                }

                var task = await turn.Part<TaskDesk>().AddTaskAsync(
                    host.Value,
                    WorkKind.DeleteVolume,
                    volume,
                    new TaskSpec.DeleteVolume { PoolId = pool.Id, PoolName = pool.Name, VolumeId = volume, VolumeGeneration = generation, Label = name },
                    null,
                    ct);
                var deleted = row with { TaskId = task, RemovedBy = caller.UserName, Reason = reason.Trim(), Error = null };
                await turn.Db.UpdateAsync(deleted, token: ct);
                await turn.TellAsync(
                    EventTypes.UnclaimedDelete,
                    EventLevel.Warn,
                    EventState.Started,
                    $"{caller.UserName} has {name}, which belongs to nobody, deleted from storage pool {pool.Name} ({pool.Id}): {deleted.Reason}",
                    caller.AccountId,
                    caller.UserId,
                    ResourceTypes.StoragePool,
                    pool.Id.Value,
                    pool.Name,
                    null,
                    ct);
                return new Outcome<UnclaimedVolumeRow>.Done(deleted);
            },
            cancellationToken);

    private static Outcome<UnclaimedVolumeRow>.Refused Refuse(ApiFault fault) => new(fault);
}
