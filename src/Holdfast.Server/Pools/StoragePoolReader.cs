using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Pools;

/// <summary>Reads storage pools for lists and single answers: four queries a page, one more when the page is full, and one when a pool on it is being added.</summary>
internal static class StoragePoolReader
{
    /// <summary>Reads a list.</summary>
    public static async Task<Listing<StoragePoolEntry>> ReadAsync(StoreConnection db, StoragePoolFilter filter, Page page, CancellationToken cancellationToken)
    {
        var query =
            from pool in Filtered(db, filter)
            join zone in db.Zones on pool.ZoneId equals zone.Id
            from pod in db.Pods.LeftJoin(p => p.Id == pool.PodId)
            from cluster in db.Clusters.LeftJoin(c => c.Id == pool.ClusterId)
            from host in db.Hosts.LeftJoin(h => h.Id == pool.HostId)
            from first in db.StoragePools.LeftJoin(f => f.Id == pool.SameAs)
            from inventory in db.Inventories.LeftJoin(i => i.PoolId == pool.Id)
            orderby pool.Created, pool.Id
            select new StoragePoolEntry
            {
                Pool = pool,
                Zone = zone,
                Pod = pod,
                Cluster = cluster,
                Host = host,
                First = first,
                Inventory = inventory,
                Unclaimed = db.UnclaimedVolumes.Count(u => u.PoolId == pool.Id),
                StoredOverprovisioning = db.Settings.Where(s => s.Name == Setting.StorageOverprovisioning.Name).Select(s => s.Value).FirstOrDefault(),
            };
        var listing = await Listing.ReadAsync(query, page, cancellationToken);
        var ids = listing.Rows.Select(e => e.Pool.Id).ToList();
        var missing = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from volume in db.Volumes
                where chunk.Contains(volume.PoolId!.Value) && volume.Removed == null && volume.Missing != null && volume.State != VolumeState.Expunged
                group volume by volume.PoolId into g
                select new { PoolId = g.Key, Count = g.Count() },
            cancellationToken);
        var promised = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from promise in StoragePromise.All(db)
                where chunk.Contains(promise.PoolId)
                group promise by promise.PoolId into g
                select new { PoolId = g.Key, Bytes = g.Sum(p => p.Bytes) },
            cancellationToken);
        var bindings = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from binding in db.Bindings
                join host in db.Hosts on binding.HostId equals host.Id
                where chunk.Contains(binding.PoolId) && binding.Absent == null
                select new
                {
                    binding.PoolId,
                    IsPending = binding.ObservedGeneration == null || binding.ObservedGeneration != binding.Generation,
                    IsKept = binding.Desired != Desired.Absent,
                    IsQuiesced = binding.Desired == Desired.Quiesced,
                    IsServing = host.State == HostState.Up && host.IncarnationId == binding.IncarnationId && BindingVerdict.IsServing(binding),
                    IsSick = host.State == HostState.Up && host.IncarnationId == binding.IncarnationId && BindingVerdict.IsSick(binding),
                    binding.Error,
                } into b
                group b by b.PoolId into g
                select new BindingCounts
                {
                    PoolId = g.Key,
                    Pending = g.Count(b => b.IsPending),
                    Hosts = g.Count(b => b.IsKept),
                    Quiesced = g.Count(b => b.IsQuiesced),
                    Serving = g.Count(b => b.IsServing),
                    Sick = g.Count(b => b.IsSick),
                    Error = g.Max(b => b.IsSick ? b.Error : null),
                },
            cancellationToken);
        var added = listing.Rows.Where(e => e.Pool.State == PoolState.Initialized).Select(e => e.Pool.Id).ToList();
        var adding = await Listing.ChildrenAsync(
            added,
            chunk =>
                from binding in db.Bindings
                join host in db.Hosts on binding.HostId equals host.Id
                where chunk.Contains(binding.PoolId) && binding.Absent == null
                orderby host.Name
                select new { Binding = binding, Host = host },
            cancellationToken);
        var facts = adding.ToLookup(b => b.Binding.PoolId, b => BindingRowFacts.Of(b.Binding, b.Host));
        var missingOf = missing.ToDictionary(m => m.PoolId!.Value, m => m.Count);
        var promisedOf = promised.ToDictionary(p => p.PoolId, p => p.Bytes);
        var bindingsOf = bindings.ToDictionary(b => b.PoolId);
        return listing with
        {
            Rows =
            [
                .. listing.Rows.Select(e => e with
                {
                    Missing = missingOf.GetValueOrDefault(e.Pool.Id),
                    AllocatedBytes = promisedOf.GetValueOrDefault(e.Pool.Id),
                    Bindings = (bindingsOf.GetValueOrDefault(e.Pool.Id) ?? new BindingCounts { PoolId = e.Pool.Id }) with { IsTwin = e.First is not null },
                    WaitingFor = e.Pool.State == PoolState.Initialized ? AddingProgress.Describe([.. facts[e.Pool.Id]]) : null,
                }),
            ],
        };
    }

    /// <summary>Reads one pool, also one that was deleted.</summary>
    public static async Task<StoragePoolEntry?> FindAsync(StoreConnection db, PoolId id, CancellationToken cancellationToken)
    {
        var listing = await ReadAsync(db, new StoragePoolFilter { Id = id, IncludeRemoved = true }, Page.Default, cancellationToken);
        return listing.Rows.SingleOrDefault();
    }

    private static IQueryable<StoragePoolRow> Filtered(StoreConnection db, StoragePoolFilter filter)
    {
        IQueryable<StoragePoolRow> pools = db.StoragePools;
        if (!filter.IncludeRemoved)
        {
            pools = pools.Where(p => p.Removed == null);
        }

        if (filter.Id is { } id)
        {
            pools = pools.Where(p => p.Id == id);
        }

        if (filter.Name?.ToLowerInvariant() is { } name)
        {
            pools = pools.Where(p => p.Name.ToLower() == name);
        }

        if (filter.Keyword?.ToLowerInvariant() is { } keyword)
        {
            pools = pools.Where(p => p.Name.ToLower().Contains(keyword) || p.Type.ToLower().Contains(keyword) || p.Address.ToLower().Contains(keyword));
        }

        if (filter.Address is { } address)
        {
            pools = pools.Where(p => p.Address == address);
        }

        if (filter.Path is { } path)
        {
            pools = pools.Where(p => p.Path == path);
        }

        if (filter.ZoneId is { } zone)
        {
            pools = pools.Where(p => p.ZoneId == zone);
        }

        if (filter.PodId is { } pod)
        {
            pools = pools.Where(p => p.PodId == pod);
        }

        if (filter.ClusterId is { } cluster)
        {
            pools = pools.Where(p => p.ClusterId == cluster || (p.ClusterId == null && db.Clusters.Any(c => c.Id == cluster && c.ZoneId == p.ZoneId)));
        }

        if (filter.HostId is { } host)
        {
            pools = pools.Where(p => db.Bindings.Any(b => b.PoolId == p.Id && b.HostId == host && b.Absent == null));
        }

        if (filter.Scope is { } scope)
        {
            pools = pools.Where(p => p.Scope == scope);
        }

        if (filter.State is { } state)
        {
            pools = Enum.TryParse<PoolState>(state, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed)
                ? pools.Where(p => p.State == parsed)
                : pools.Where(p => false);
        }

        return pools;
    }
}
