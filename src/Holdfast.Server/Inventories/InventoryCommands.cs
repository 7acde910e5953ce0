using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Inventories;

/// <summary>What backends really have, and what of it belongs to nobody.</summary>
internal static class InventoryCommands
{
    private const string Key = "unclaimedvolume";

    private static readonly ValueParameter<PoolId> FilterPool = Id<PoolId>("storageid", "the storage pool; also one that was deleted");
    private static readonly ValueParameter<PoolId> Pool = Id<PoolId>("storageid", "the storage pool", required: true);
    private static readonly ValueParameter<PoolId> Looked = Id<PoolId>("id", "the id of the storage pool", required: true);
    private static readonly TextParameter FilterName = Text("name", "its exact name at the backend");
    private static readonly TextParameter Name = Text("name", "its name at the backend, as listUnclaimedVolumes shows it", required: true);
    private static readonly TextParameter Reason = Text("reason", "why it is deleted", required: true, length: 1024);

    private static readonly View<UnclaimedEntry> View = Api.Commands.View<UnclaimedEntry>.Build(v => v
        .Id("storageid", "the id of the storage pool", e => e.Volume.PoolId)
        .Text("storagename", "the name of the storage pool", e => e.Pool.Name)
        .Text("storagestate", "the state of the storage pool", e => e.Pool.State.ToString())
        .Text("name", "its name at the backend", e => e.Volume.Name)
        .OptionalId("volumeid", "the id of the volume that it is marked as; not there when it is not proven to be this storage pool's", e => e.Volume.VolumeId)
        .Long("size", "its size in bytes", e => e.Volume.SizeBytes)
        .Long("generation", "the generation that the backend has of it", e => e.Volume.Generation?.Value)
        .Text("why", "why it is not proven to be this storage pool's; no driver touches it then", e => e.Volume.Why)
        .Date("since", "when it was first seen", e => e.Volume.Since)
        .Bool("deleting", "true while its deletion is owed; see listObligations", e => e.Volume.TaskId is not null && e.Pool.Removed is null)
        .Text("deletedby", "who had it deleted", e => e.Volume.RemovedBy)
        .Text("reason", "why it was to be deleted", e => e.Volume.Reason)
        .Text("lasterror", "why it was not deleted when that was tried", e => e.Volume.Error));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listUnclaimedVolumes",
            Description = "Lists what the backends of storage pools have that belongs to nobody: no volume, template, task or obligation names it. Nothing of it is removed by itself",
            Roles = Roles.RootAdmin,
            Parameters = [FilterPool, FilterName, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "deleteUnclaimedVolume",
            Description = "Has something deleted that belongs to nobody, in the caller's name and with a reason; refused when anything names it meanwhile",
            Roles = Roles.RootAdmin,
            Parameters = [Pool, Name, Reason],
            Response = ResponseShape.Of(Key, View),
            Handler = DeleteAsync,
        },
        new()
        {
            Name = "takeStoragePoolInventory",
            Description = "Has a host look now at what the backend of a storage pool has; answers at once, listStoragePools shows when it was done",
            Roles = Roles.RootAdmin,
            Parameters = [Looked],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IInventoryOperations>().TakeAsync(call.Caller.ForOperations, call.Require(Looked), ct)).ToResult(),
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var pool = call.Get(FilterPool);
        var name = call.Get(FilterName);
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                Entries(db)
                    .Where(e => (pool == null || e.Volume.PoolId == pool)
                        && (name == null || e.Volume.Name == name)
                        && (keyword == null || e.Volume.Name.ToLower().Contains(keyword) || e.Pool.Name.ToLower().Contains(keyword)))
                    .OrderBy(e => e.Volume.Since)
                    .ThenBy(e => e.Volume.PoolId)
                    .ThenBy(e => e.Volume.Name),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> DeleteAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var reason = call.Require(Reason);
        if (string.IsNullOrWhiteSpace(reason))
        {
            return ApiError.Missing(call.Command.Name, Reason.Name);
        }

        var outcome = await call.Services.Of<IInventoryOperations>().DeleteUnclaimedAsync(call.Caller.ForOperations, call.Require(Pool), call.Require(Name), reason, cancellationToken);
        return await outcome.ToResultAsync(async row =>
        {
            var pool = await call.Services.Database.ReadAsync((db, ct) => db.StoragePools.FirstOrDefaultAsync(p => p.Id == row.PoolId, ct), cancellationToken);
            return pool is null ? call.UnknownEntity(Pool, row.PoolId) : ApiResult.Object(Key, View, new UnclaimedEntry { Volume = row, Pool = pool });
        });
    }

    private static IQueryable<UnclaimedEntry> Entries(StoreConnection db) =>
        from volume in db.UnclaimedVolumes
        join pool in db.StoragePools on volume.PoolId equals pool.Id
        select new UnclaimedEntry { Volume = volume, Pool = pool };

    private sealed record UnclaimedEntry
    {
        public required UnclaimedVolumeRow Volume { get; init; }

        public required StoragePoolRow Pool { get; init; }
    }
}
