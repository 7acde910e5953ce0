using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Security;
using Holdfast.Server.Inventories;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <inheritdoc/>
internal sealed class StoragePoolOperations : IStoragePoolOperations
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly TurnFactory _turns;
    private readonly Database _database;
    private readonly WakeupHub _wakeups;
    private readonly SecretBox _secrets;

    /// <summary>Made once per node.</summary>
    public StoragePoolOperations(TurnFactory turns, Database database, WakeupHub wakeups, SecretBox secrets)
    {
        _turns = turns;
        _database = database;
        _wakeups = wakeups;
        _secrets = secrets;
    }

    /// <inheritdoc/>
    public async Task<Outcome<StoragePoolRow>> CreateAsync(Caller caller, CreateStoragePool request, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(request.Name) || request.Name.Length > 255)
        {
            return Refused(Faults.Invalid("The storage pool's name must have 1 to 255 characters"));
        }

        if (!PoolLocation.TryRead(request.Url, request.Provider, request.Details, out var location, out var fault))
        {
            return Refused(fault);
        }

        var added = await _turns.RunAsync((turn, ct) => AddAsync(turn, caller, request, location, ct), cancellationToken);
        if (added is not Outcome<StoragePoolRow>.Done { Value.Id: var id })
        {
            return added;
        }

        // What the hosts say arrives by their reports, on any node; whether they said enough, or too late, is the planner's to say. It goes on being added when nobody waits any more.
        using var changes = _wakeups.Subscribe(id.Value);
        while (true)
        {
            var (pool, left) = await _turns.RunAsync(
                async (turn, ct) =>
                {
                    turn.Mark(id);
                    await turn.SettleAsync(ct);
                    var settled = await turn.Db.StoragePools.SingleAsync(p => p.Id == id, ct);
                    return (settled, await turn.Part<PoolSettler>().AnswerByAsync(settled, ct) - turn.Now);
                },
                cancellationToken);
            switch (pool.State)
            {
                case PoolState.Initialized when left > TimeSpan.Zero:
                    await changes.WaitAsync(left < Poll ? left : Poll, cancellationToken);
                    break;
                case PoolState.Removed:
                    return Refused(Faults.PoolNotAdded(pool.LastError ?? "it was removed meanwhile"));
                default:
                    return new Outcome<StoragePoolRow>.Done(pool);
            }
        }
    }

    /// <inheritdoc/>
    public Task<Outcome<StoragePoolRow>> UpdateAsync(Caller caller, UpdateStoragePool request, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var pool = await FindAsync(turn, request.PoolId, ct);
            if (pool is null)
            {
                return Refused(Faults.NoSuchEntity("updateStoragePool", "id", request.PoolId));
            }

            var changed = pool;
            if (request.Enabled is { } enabled && pool.State != (enabled ? PoolState.Up : PoolState.Disabled))
            {
                if (pool.State is not (PoolState.Up or PoolState.Disabled))
                {
                    return Refused(enabled ? Faults.PoolNotEnablable(pool.Id, pool.Name, pool.State) : Faults.PoolNotDisablable(pool.Id, pool.Name, pool.State));
                }

                changed = changed with { State = enabled ? PoolState.Up : PoolState.Disabled, StateSince = turn.Now };
            }

            if (request.Name is { } name && name != pool.Name)
            {
                if (string.IsNullOrWhiteSpace(name))
                {
                    return Refused(Faults.Invalid("The storage pool's name must have 1 to 255 characters"));
                }

                if (await IsTakenAsync(turn, pool.ZoneId, name, ct))
                {
                    return Refused(NameTaken(name));
                }

                changed = changed with { Name = name.Trim() };
            }

            if (request.Tags is { } tags)
            {
                changed = changed with { Tags = Csv.Join(tags) };
            }

            if (request.Url is { } url && string.IsNullOrWhiteSpace(url))
            {
                return Refused(Faults.Invalid("The storage pool's url must not be empty"));
            }

            if (request.Url is not null || request.Details is not null)
            {
                var details = request.Details ?? StoredText.Map(pool.Details);
                if (!PoolLocation.TryRead(request.Url ?? pool.Url, pool.Provider, details, out var location, out var fault))
                {
                    return Refused(fault);
                }

                // The folder is the storage: another one does not have what is on the pool, and may be another pool's.
                if (location.Driver == PoolLocation.DirectoryDriver && (location.Path != pool.Path || location.Type != pool.Type))
                {
                    return Refused(Faults.Invalid($"Storage pool {pool.Name} ({pool.Id}) is the {pool.Type} {pool.Path} and stays it; another folder is another storage pool: createStoragePool"));
                }

                changed = changed with
                {
                    Url = location.Url,
                    Address = location.Address,
                    Path = location.Path,
                    Config = StoredText.Of(location.Config),
                    Details = StoredText.Of(location.Details),
                    Secrets = location.Secrets.Count > 0 ? Seal(pool.Id, location.Secrets) : location.ClearsSecrets ? null : pool.Secrets,
                };
            }

            if (changed == pool)
            {
                return new Outcome<StoragePoolRow>.Done(pool);
            }

            await turn.Db.UpdateAsync(changed, token: ct);
            if (changed.Name != pool.Name || changed.Config != pool.Config || changed.Secrets != pool.Secrets)
            {
                // What hosts hold of a pool never changes without a new generation.
                await turn.Part<PoolBindings>().TellBindingsAsync(pool.Id, pool.State is PoolState.Maintenance or PoolState.PrepareForMaintenance ? Desired.Quiesced : Desired.Attached, ct);

                if (changed.Config != pool.Config || changed.Secrets != pool.Secrets)
                {
                    // With another address or other credentials it may be seen what was missing, or not be there what was.
                    await turn.Part<Inventory>().WantInventoryAsync(pool.Id, ct);
                }
            }

            await TellAsync(turn, caller, EventTypes.PoolUpdate, changed, $"Storage pool {changed.Name} ({changed.Id}) was changed", ct);
            return new Outcome<StoragePoolRow>.Done(changed);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> EnableMaintenanceAsync(Caller caller, PoolId poolId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var pool = await FindAsync(turn, poolId, ct);
            if (pool is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("enableStorageMaintenance", "id", poolId));
            }

            var isPreparing = pool.State == PoolState.PrepareForMaintenance;
            if (isPreparing && await turn.Db.Jobs.AnyAsync(j => j.InstanceId == poolId.Value && j.State == JobState.Pending, ct))
            {
                return new JobOutcome.Refused(Faults.PoolMaintenanceUnderWay(pool.Id, pool.Name));
            }

            if (!isPreparing && pool.State is not (PoolState.Up or PoolState.Disabled))
            {
                return new JobOutcome.Refused(Faults.PoolNotReadyForMaintenance(pool.Id, pool.Name, pool.State));
            }

            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, JobKind.EnableStorageMaintenance, ResourceTypes.StoragePool, poolId.Value, $"preparing storage pool {pool.Name} ({pool.Id}) for maintenance", turn.Timings.Of(JobKind.EnableStorageMaintenance), ct);
            await turn.Db.UpdateAsync(
                pool with { State = PoolState.PrepareForMaintenance, StateSince = turn.Now, StoppedTo = null, WaitsFor = null, GuestsGone = null, Restarts = null },
                token: ct);
            await turn.Part<PoolMaintenance>().StopNextAsync(poolId, ct);
            return new JobOutcome.Accepted(job.Id, poolId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> CancelMaintenanceAsync(Caller caller, PoolId poolId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var pool = await FindAsync(turn, poolId, ct);
            if (pool is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("cancelStorageMaintenance", "id", poolId));
            }

            // A preparation whose job failed may be given up, too: nobody else could end it.
            var isStranded = pool.State == PoolState.PrepareForMaintenance
                && !await turn.Db.Jobs.AnyAsync(j => j.InstanceId == poolId.Value && j.State == JobState.Pending, ct);
            if (pool.State is not (PoolState.Maintenance or PoolState.CancelMaintenance) && !isStranded)
            {
                return new JobOutcome.Refused(Faults.PoolNotReadyToCancel(pool.Id, pool.Name, pool.State));
            }

            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, JobKind.CancelStorageMaintenance, ResourceTypes.StoragePool, poolId.Value, $"ending the maintenance of storage pool {pool.Name} ({pool.Id})", turn.Timings.Of(JobKind.CancelStorageMaintenance), ct);
            await turn.Db.UpdateAsync(pool with { State = PoolState.CancelMaintenance, StateSince = turn.Now }, token: ct);
            turn.Mark(poolId);
            return new JobOutcome.Accepted(job.Id, poolId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, PoolId poolId, bool forced, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var pool = await FindAsync(turn, poolId, ct);
            if (pool is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteStoragePool", "id", poolId));
            }

            // One that never was Up has no volumes, and nothing to be maintained. A removal by force does not wait for maintenance, which a driver that cannot be
            // killed would hold up for ever: the tombstones end what maintenance was to end.
            if (!(pool.State is PoolState.Maintenance or PoolState.Initialized || (forced && pool.State == PoolState.PrepareForMaintenance)))
            {
                return new Outcome<Success>.Refused(Faults.PoolNotInMaintenance(pool.Id, pool.Name, pool.State));
            }

            // A deletion that is owed already has no holder: it becomes an orphan with the pool.
            var holders = await (from v in turn.Db.Volumes
                                 from vm in turn.Db.Vms.LeftJoin(vm => vm.Id == v.VmId)
                                 where v.PoolId == poolId && v.Removed == null && v.State != VolumeState.Expunging
                                 orderby v.Name
                                 select new { v.Id, v.Name, v.State, VmId = (VmId?)vm.Id, VmName = vm.Name, VmState = (VmState?)vm.State }).ToListAsync(ct);
            var blocking = holders.Where(h => !(forced && h.State == VolumeState.Destroy && h.VmState is not (VmState.Running or VmState.Starting or VmState.Stopping))).ToList();
            if (blocking.Count > 0)
            {
                var names = string.Join("; ", blocking.Select(h =>
                    $"volume {h.Name} ({h.Id}), state {h.State}" + (h.VmId is { } vm ? $", of VM {h.VmName} ({vm}), state {h.VmState}" : ", attached to no VM")));
                return new Outcome<Success>.Refused(Faults.PoolHasVolumes(pool.Id, pool.Name, names));
            }

            await TellAsync(turn, caller, EventTypes.PoolDelete, pool, $"Storage pool {pool.Name} ({pool.Id}) was deleted", ct);
            await turn.Part<PoolRemoval>().RemovePoolAsync(pool, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> AbsolveAsync(Caller caller, PoolId poolId, HostId hostId, string reason, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            const string command = "absolveStoragePoolBinding";
            var pool = await turn.Db.StoragePools.FirstOrDefaultAsync(p => p.Id == poolId, ct);
            if (pool is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity(command, "storageid", poolId));
            }

            var host = await turn.Db.Hosts.FirstOrDefaultAsync(h => h.Id == hostId, ct);
            if (host is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity(command, "hostid", hostId));
            }

            if (string.IsNullOrWhiteSpace(reason))
            {
                return new Outcome<Success>.Refused(Faults.Missing(command, "reason"));
            }

            if (pool.Removed is null)
            {
                return new Outcome<Success>.Refused(Faults.Invalid($"Storage pool {pool.Name} ({pool.Id}) is not deleted: its hosts have it, and none can be taken out of the reckoning"));
            }

            var bindings = await turn.Db.Bindings.Where(b => b.PoolId == poolId && b.HostId == hostId && b.Absent == null).ToListAsync(ct);
            if (bindings.Count == 0)
            {
                return new Outcome<Success>.Refused(Faults.Invalid($"Nothing of storage pool {pool.Name} ({pool.Id}) is waited for on host {host.Name} ({host.Id})"));
            }

            foreach (var binding in bindings)
            {
                await turn.Part<PoolBindings>().AbsolveAsync(pool, host, binding, caller.UserName, reason.Trim(), ct);
            }

            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Outcome<StoragePoolRow> Refused(ApiFault fault) => new Outcome<StoragePoolRow>.Refused(fault);

    private static ApiFault NameTaken(string name) => Faults.Invalid($"A storage pool named {name} exists already in the zone");

    private static Task<bool> IsTakenAsync(Turn turn, ZoneId zone, string name, CancellationToken cancellationToken)
    {
        var wanted = name.Trim();
        return turn.Db.StoragePools.AnyAsync(p => p.ZoneId == zone && p.Name == wanted && p.Removed == null, cancellationToken);
    }

    private static Task<StoragePoolRow?> FindAsync(Turn turn, PoolId id, CancellationToken cancellationToken) =>
        turn.Db.StoragePools.FirstOrDefaultAsync(p => p.Id == id && p.Removed == null, cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, StoragePoolRow pool, string text, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.StoragePool, pool.Id.Value, pool.Name, null, cancellationToken);

    private string? Seal(PoolId pool, SortedDictionary<string, Secret> secrets) => secrets.Count == 0
        ? null
        : _secrets.Seal(SecretPurpose.PoolSecrets(pool), new Secret(JsonSerializer.Serialize(secrets, StoredText.Default.SortedDictionaryStringSecret)));

    private async Task<Outcome<StoragePoolRow>> AddAsync(Turn turn, Caller caller, CreateStoragePool request, PoolLocation location, CancellationToken cancellationToken)
    {
        var (scope, cluster, fault) = await ScopeAsync(turn, request, cancellationToken);
        if (fault is not null)
        {
            return Refused(fault);
        }

        if (await IsTakenAsync(turn, request.ZoneId, request.Name, cancellationToken))
        {
            return Refused(NameTaken(request.Name));
        }

        var id = new PoolId(turn.NewId());
        var pool = new StoragePoolRow
        {
            Id = id,
            ZoneId = request.ZoneId,
            PodId = cluster?.PodId,
            ClusterId = cluster?.Id,
            HostId = scope == PoolScope.Host ? request.HostId : null,
            Name = request.Name.Trim(),
            Scope = scope,
            Provider = location.Provider,
            Driver = location.Driver,
            Type = location.Type,
            Url = location.Url,
            Address = location.Address,
            Path = location.Path,
            Config = StoredText.Of(location.Config),
            Secrets = Seal(id, location.Secrets),
            Details = StoredText.Of(location.Details),
            Tags = Csv.Join(request.Tags),
            State = PoolState.Initialized,
            StateSince = turn.Now,
            AddDeadline = turn.Now + (await SettingValues.ReadAsync(turn, cancellationToken))[Setting.PoolAddTimeout],
            Created = turn.Now,
        };
        await turn.Db.InsertAsync(pool, token: cancellationToken);
        var hosts = await turn.Db.Hosts
            .Where(h => h.ZoneId == pool.ZoneId && h.Removed == null && h.IncarnationId != null
                && (pool.ClusterId == null || h.ClusterId == pool.ClusterId)
                && (pool.HostId == null || h.Id == pool.HostId))
            .OrderBy(h => h.Id)
            .Select(h => new { h.Id, h.IncarnationId })
            .ToListAsync(cancellationToken);
        await turn.Part<PoolBindings>().AddBindingsAsync(pool, [.. hosts.Select(h => (h.Id, h.IncarnationId!.Value))], cancellationToken);

        await TellAsync(turn, caller, EventTypes.PoolCreate, pool, $"Storage pool {pool.Name} ({pool.Id}) is being added", cancellationToken);
        return new Outcome<StoragePoolRow>.Done(pool);
    }

    private static async Task<(PoolScope Scope, ClusterRow? Cluster, ApiFault? Fault)> ScopeAsync(Turn turn, CreateStoragePool request, CancellationToken cancellationToken)
    {
        const string command = "createStoragePool";
        var zone = await turn.Db.Zones.FirstOrDefaultAsync(z => z.Id == request.ZoneId && z.Removed == null, cancellationToken);
        if (zone is null)
        {
            return Refused(Faults.NoSuchEntity(command, "zoneid", request.ZoneId));
        }

        if (request.Hypervisor is { } hypervisor && !hypervisor.Equals("KVM", StringComparison.OrdinalIgnoreCase))
        {
            return Refused(Faults.Invalid($"Invalid hypervisor {hypervisor}: the only hypervisor is KVM"));
        }

        switch (request.Scope?.ToUpperInvariant() ?? "CLUSTER")
        {
            case "ZONE" when request is { PodId: not null } or { ClusterId: not null } or { HostId: not null }:
                return Refused(Faults.Invalid("With scope ZONE a storage pool is on every host of the zone: it takes neither podid nor clusterid nor hostid"));
            case "ZONE":
                return request.Hypervisor is null
                    ? Refused(Faults.Invalid("Missing parameter hypervisor. Hypervisor type is required to create zone wide primary storage."))
                    : (PoolScope.Zone, null, null);
            case "CLUSTER" when request.ClusterId is null:
                return Refused(Faults.Invalid("cluster id can't be null, if scope is cluster"));
            case "CLUSTER" when request.HostId is not null:
                return Refused(Faults.Invalid("With scope CLUSTER a storage pool is on every host of the cluster: hostid goes with scope HOST"));
            case "CLUSTER":
                var clusterId = request.ClusterId!.Value;
                var cluster = await turn.Db.Clusters.FirstOrDefaultAsync(c => c.Id == clusterId && c.ZoneId == request.ZoneId && c.Removed == null, cancellationToken);
                return cluster switch
                {
                    null => Refused(Faults.NoSuchEntity(command, "clusterid", clusterId)),
                    _ when request.PodId is { } pod && pod != cluster.PodId => Refused(Faults.NotWithin($"Cluster {cluster.Name} ({cluster.Id})", $"pod {pod}")),
                    _ => (PoolScope.Cluster, cluster, null),
                };
            case "HOST" when !zone.LocalStorage:
                return Refused(Faults.Invalid($"Zone {zone.Name} ({zone.Id}) has no storage of one host alone; updateZone localstorageenabled=true lets it have some"));
            case "HOST":
                if (request.HostId is not { } hostId)
                {
                    return Refused(Faults.Invalid("host id can't be null, if scope is host"));
                }

                var host = await turn.Db.Hosts.FirstOrDefaultAsync(h => h.Id == hostId && h.ZoneId == request.ZoneId && h.Removed == null, cancellationToken);
                return host switch
                {
                    null => Refused(Faults.NoSuchEntity(command, "hostid", hostId)),
                    _ when request.ClusterId is { } named && named != host.ClusterId => Refused(Faults.NotWithin($"Host {host.Name} ({host.Id})", $"cluster {named}")),
                    _ when request.PodId is { } pod && pod != host.PodId => Refused(Faults.NotWithin($"Host {host.Name} ({host.Id})", $"pod {pod}")),
                    _ => (PoolScope.Host, await turn.Db.Clusters.FirstOrDefaultAsync(c => c.Id == host.ClusterId, cancellationToken), null),
                };
            default:
                return Refused(Faults.Invalid($"invalid scope for pool {request.Scope}"));
        }

        static (PoolScope Scope, ClusterRow? Cluster, ApiFault? Fault) Refused(ApiFault fault) => (default, null, fault);
    }
}
