using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Store;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Commands;

/// <summary>Which ids exist for a caller, from the store.</summary>
internal sealed class EntityDirectory : IEntityDirectory
{
    private const int IdsPerQuery = 500;

    private readonly Database _database;

    /// <summary>Made once.</summary>
    public EntityDirectory(Database database) => _database = database;

    /// <inheritdoc/>
    public async Task<IReadOnlySet<Guid>> FindAsync(EntityKind kind, IReadOnlyCollection<Guid> ids, ApiCaller caller, CancellationToken cancellationToken)
    {
        var found = new HashSet<Guid>();
        if (kind.IsInfrastructure() && !caller.IsRootAdmin)
        {
            return found;
        }

        return await _database.ReadAsync(
            async (db, ct) =>
            {
                foreach (var chunk in ids.Distinct().Chunk(IdsPerQuery))
                {
                    found.UnionWith(await FindAsync(db, kind, chunk, caller, ct));
                }

                return found;
            },
            cancellationToken);
    }

    private static Task<List<Guid>> FindAsync(StoreConnection db, EntityKind kind, Guid[] ids, ApiCaller caller, CancellationToken ct)
    {
        var owners = Ownership.Visible(db, caller);
        switch (kind)
        {
            case EntityKind.Zone:
                return FoundAsync(ids, ZoneId.From, set => db.Zones.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.Pod:
                return FoundAsync(ids, PodId.From, set => db.Pods.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.Cluster:
                return FoundAsync(ids, ClusterId.From, set => db.Clusters.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.Host:
                return FoundAsync(ids, HostId.From, set => db.Hosts.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.StoragePool:
                return FoundAsync(ids, PoolId.From, set => db.StoragePools.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.ServiceOffering:
                return FoundAsync(ids, ServiceOfferingId.From, set => db.ServiceOfferings.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.DiskOffering:
                return FoundAsync(ids, DiskOfferingId.From, set => db.DiskOfferings.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.OsType:
                return FoundAsync(ids, OsTypeId.From, set => db.OsTypes.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.Network:
                return FoundAsync(ids, NetworkId.From, set => db.Networks.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.Obligation:
                return FoundAsync(ids, ObligationId.From, set => db.Obligations.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.Template:
                return FoundAsync(
                    ids,
                    TemplateId.From,
                    set => db.Templates.Where(r => set.Contains(r.Id) && (r.IsPublic || owners.Any(a => a.Id == r.AccountId))).Select(r => r.Id),
                    ct);
            case EntityKind.OwnTemplate:
                return FoundAsync(ids, TemplateId.From, set => db.Templates.Where(r => set.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id), ct);
            case EntityKind.VirtualMachine:
                return FoundAsync(ids, VmId.From, set => db.Vms.Where(r => set.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id), ct);
            case EntityKind.Volume:
                return FoundAsync(ids, VolumeId.From, set => db.Volumes.Where(r => set.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id), ct);
            case EntityKind.Job:
                return FoundAsync(ids, JobId.From, set => db.Jobs.Where(r => set.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id), ct);
            case EntityKind.Event:
                return FoundAsync(ids, EventId.From, set => db.Events.Where(r => set.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id), ct);
            case EntityKind.Account:
                return FoundAsync(ids, AccountId.From, set => owners.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            case EntityKind.User:
                return FoundAsync(ids, UserId.From, set => db.Users.Where(r => set.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id), ct);
            case EntityKind.Domain:
                var domains = Ownership.VisibleDomains(db, caller);
                return FoundAsync(ids, DomainId.From, set => domains.Where(r => set.Contains(r.Id)).Select(r => r.Id), ct);
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, null);
        }
    }

    private static async Task<List<Guid>> FoundAsync<TId>(Guid[] ids, Func<Guid, TId> from, Func<TId[], IQueryable<TId>> query, CancellationToken ct)
        where TId : struct, ITypedId<TId> =>
        (await query([.. ids.Select(from)]).ToListAsync(ct)).ConvertAll(id => id.Value);
}
