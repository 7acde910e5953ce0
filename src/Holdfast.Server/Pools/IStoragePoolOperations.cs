using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Pools;

/// <summary>What a storage pool is to be.</summary>
internal sealed record CreateStoragePool
{
    public required string Name { get; init; }

    /// <summary>
    /// For provider Linstor: <c>http(s)://controller[:port]</c>, <c>linstor(+ssl)://...</c>, or a bare name, several separated by commas, the resource group as the
    /// path or in <c>details</c>; for DefaultPrimary: <c>file:///path</c> or <c>SharedMountPoint://localhost/path</c>.
    /// </summary>
    public required string Url { get; init; }

    public required ZoneId ZoneId { get; init; }

    public PodId? PodId { get; init; }

    public ClusterId? ClusterId { get; init; }

    /// <summary>For scope HOST.</summary>
    public HostId? HostId { get; init; }

    /// <summary>ZONE, CLUSTER or HOST, any case; CLUSTER when null.</summary>
    public string? Scope { get; init; }

    /// <summary>Linstor or DefaultPrimary, any case; null: by the URL.</summary>
    public string? Provider { get; init; }

    public string? Hypervisor { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>As given; secrets among them (<c>lin.auth.apitoken</c>) are taken out and sealed.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>What is to change of a storage pool; null: nothing.</summary>
internal sealed record UpdateStoragePool
{
    public required PoolId PoolId { get; init; }

    public string? Name { get; init; }

    public IReadOnlyList<string>? Tags { get; init; }

    public bool? Enabled { get; init; }

    public string? Url { get; init; }

    public IReadOnlyDictionary<string, string>? Details { get; init; }
}

/// <summary>Storage pools. Root administrators only; the API has checked that.</summary>
internal interface IStoragePoolOperations
{
    /// <summary>
    /// createStoragePool. Synchronous within 8 s: answers when a host serves the pool with its backend healthy and its capacity known. Errors: 431 name taken,
    /// bad URL, scope (<c>invalid scope for pool X</c>, <c>cluster id can't be null, if scope is cluster</c>, <c>Missing parameter hypervisor. ...</c>), provider
    /// (<c>can't find storage provider: X</c>); 530 <c>Failed to add data store: ...</c> with the backend's words when no host can serve it: the pool is undone by
    /// tombstones and not listed.
    /// </summary>
    Task<Outcome<StoragePoolRow>> CreateAsync(Caller caller, CreateStoragePool request, CancellationToken cancellationToken);

    /// <summary>
    /// updateStoragePool. A new URL or details reach every host as a new generation of its binding. Errors: 431 unknown id, wrong state for enabled, bad URL.
    /// </summary>
    Task<Outcome<StoragePoolRow>> UpdateAsync(Caller caller, UpdateStoragePool request, CancellationToken cancellationToken);

    /// <summary>
    /// enableStorageMaintenance. VMs that use the pool are stopped, then hosts quiesce their bindings; the job is done when every host that is Up confirmed. Errors
    /// of the job: 431 wrong state, 530 already under way. Wrong state and unknown ids are refused at once.
    /// </summary>
    Task<JobOutcome> EnableMaintenanceAsync(Caller caller, PoolId poolId, CancellationToken cancellationToken);

    /// <summary>cancelStorageMaintenance. Done when a host serves it again; then the VMs that the maintenance stopped are started. Errors: 534/4385 wrong state.</summary>
    Task<JobOutcome> CancelMaintenanceAsync(Caller caller, PoolId poolId, CancellationToken cancellationToken);

    /// <summary>
    /// deleteStoragePool. Answers at once: the pool is no longer listed, and every binding of every incarnation got its tombstone. Needs nothing from the backend
    /// and no host online, nor, when forced, that its maintenance came to an end. Errors: 431 not in Maintenance, unknown id; 530/4250 naming every volume and VM that holds it. forced gives up volumes that are
    /// destroyed already (they become orphans), never one that is in use.
    /// </summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, PoolId poolId, bool forced, CancellationToken cancellationToken);

    /// <summary>
    /// absolveStoragePoolBinding: a named person takes a host out of the reckoning of a removal, with a reason, because its driver cannot be ended, say. The host
    /// goes on trying. Errors: 431 unknown id, empty reason, pool not deleted, nothing waited for there.
    /// </summary>
    Task<Outcome<Success>> AbsolveAsync(Caller caller, PoolId poolId, HostId hostId, string reason, CancellationToken cancellationToken);
}
