using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor;

internal sealed partial class LinstorDriver
{
    /// <summary>Capacity is not asked for more often; LINSTOR's users learnt that it hurts.</summary>
    private static readonly TimeSpan CapacityAge = TimeSpan.FromSeconds(60);

    // The kit probes one at a time, so these need no guard.
    private PoolCapacity? _capacity;
    private DriverError? _capacityError;
    private long? _capacityAt;
    private readonly GroupRoom _room = new();
    private IReadOnlyList<string> _silent = [];
    private DriverError? _roomError;
    private string? _identity;
    private DriverError? _identityError;

    private bool IsCapacityOld => _capacityAt is not { } at || _time.GetElapsedTime(at) >= CapacityAge;

    /// <inheritdoc/>
    public async Task<PoolStatus> ProbeAsync(DriverCall call, CancellationToken cancellationToken)
    {
        var deadline = Deadline(call, cancellationToken);
        var doing = $"Asking about {Pool}";
        var host = await LookAtHostAsync(doing, cancellationToken);
        if (IsCapacityOld)
        {
            await _linstor.Controllers.LookAgainAsync(deadline);
        }

        if (!(await LookUpNodeAsync(deadline)).Has(out var node, out var problem))
        {
            return new PoolStatus
            {
                ControlPlane = PlaneHealth.Down,
                DataPlane = host.DataPlane,
                Waiting = host.Waiting,
                Error = Fail(problem, doing),
                Capacity = _capacity,
                Identity = _identity,
                AsOf = _time.GetUtcNow(),
            };
        }

        if (IsCapacityOld || await IsSilentNodeBackAsync(deadline))
        {
            var (capacity, failed) = await CapacityAsync(doing, deadline);
            _capacity = capacity ?? _capacity;
            _capacityError = failed;
            _capacityAt = failed is null ? _time.GetTimestamp() : null;
        }

        // The controller is well, and all the same nothing new can be made or attached on this host: for this host that is what counts. What is attached goes on, and
        // what is here is attached by its device.
        var hindrance = ErrorOf(node, doing) ?? (_capacityError is { Code: DriverErrorCode.Invalid } ? _capacityError : null) ?? WithoutPool(doing);
        return new PoolStatus
        {
            ControlPlane = hindrance is null ? PlaneHealth.Up : PlaneHealth.Down,
            DataPlane = host.DataPlane,
            Waiting = host.Waiting,
            Error = hindrance ?? _capacityError ?? await ComplaintAsync(doing, deadline) ?? host.Complaint ?? UnusedSettings(doing) ?? await LateAsync(doing, deadline) ?? _roomError ?? _identityError,
            Capacity = _capacity,
            Identity = _identity,
            AsOf = _time.GetUtcNow(),
        };
    }

    /// <summary>Whether a node whose room was not told has a satellite by now: one small question at each probe in place of all that tells capacity.</summary>
    private async Task<bool> IsSilentNodeBackAsync(CallDeadline deadline) =>
        _silent.Count > 0 && (await _linstor.NodesAsync(_silent, deadline)).Has(out var nodes, out _) && nodes.Exists(static node => node.IsOnline);

    private static DriverError? ErrorOf(Node node, string doing) => node.IsOnline
        ? null
        : DriverFailure.Unreachable(
            $"{doing}: LINSTOR's satellite on this host, node '{node.Name}', is {node.ConnectionStatus ?? "in an unknown state"}: no volume can be made or newly attached on this host; what is here stays.");

    private DriverError? WithoutPool(string doing) => _traits is { IsDrbd: false, HoldsData: false }
        ? DriverFailure.Invalid(
            $"{doing}: LINSTOR's node '{NodeName}' has no storage pool of the group, and the group has no DRBD by which data elsewhere could be used; nothing can be made on this host.")
        : null;

    private DriverError? UnusedSettings(string doing) => _settings.Unused.Count == 0
        ? null
        : DriverFailure.Invalid($"{doing}: the pool's setting '{string.Join("' and '", _settings.Unused)}' is not used: what names a program or path of this host is taken from its own configuration.");

    /// <summary>Nodes that were away when something was changed, and still are.</summary>
    private async Task<DriverError?> LateAsync(string doing, CallDeadline deadline)
    {
        if (_late.IsEmpty || !(await _linstor.NodesAsync(_late.Keys, deadline)).Has(out var nodes, out _))
        {
            return null;
        }

        foreach (var name in _late.Keys.Where(name => !nodes.Exists(node => string.Equals(node.Name, name, StringComparison.OrdinalIgnoreCase) && !node.IsOnline)))
        {
            _late.TryRemove(name, out _);
        }

        var away = nodes.FindAll(static node => !node.IsOnline);
        return away.Count == 0
            ? null
            : DriverFailure.Busy(
                $"{doing}: {string.Join(", ", away.Select(node => $"node {node.Name} is {node.ConnectionStatus}"))}; what was changed since {_late.Values.DefaultIfEmpty(_time.GetUtcNow()).Min():u} reaches it when it is back, and nobody had to wait for it.");
    }

    private async Task<DriverError?> ComplaintAsync(string doing, CallDeadline deadline) =>
        await _linstor.Controllers.FindAsync(deadline) is RestReply<ActiveController>.Ok({ Complaint: { } complaint } active)
            ? DriverFailure.Busy($"{doing}: the controller at {active.Address} answers but says that it is not well.", complaint)
            : null;

    private async Task<(PoolCapacity? Capacity, DriverError? Failed)> CapacityAsync(string doing, CallDeadline deadline)
    {
        if (!(await _linstor.GroupAsync(_settings.ResourceGroup, deadline)).Has(out var group, out var problem) && problem is not null)
        {
            return (null, Fail(problem, doing));
        }

        if (group is null)
        {
            return (null, DriverFailure.Invalid(
                $"{doing}: LINSTOR at {_linstor.Controllers.Names} has no resource group '{_settings.ResourceGroup}' (setting 'resourceGroup')"
                    + ((await _linstor.GroupsAsync(deadline)).Has(out var groups, out _) ? $"; it has {NamesOf(groups.Select(static one => one.Name))}." : ".")));
        }

        if (!(await _linstor.StoragePoolsAsync(deadline)).Has(out var pools, out var unread))
        {
            return (null, Fail(unread, doing));
        }

        // Without DRBD a volume is on one node, and this driver makes it on its own: what others have is no room of this host's.
        var usable = pools.FindAll(pool => (group.IsDrbd || IsHere(pool)) && group.Allows(pool.NodeName));
        if (!(await _linstor.VersionAsync(deadline)).Has(out var version, out var silent))
        {
            return (null, Fail(silent, doing));
        }

        if (await IdentifyAsync(group, version, doing, deadline) is { } unidentified)
        {
            return (null, unidentified);
        }

        Learn(group, usable, version);
        var room = _room.Count(usable, group.IsDrbd ? group.SelectFilter : group.SelectFilter! with { PlaceCount = 1 });
        _silent = room.Silent;
        _roomError = room.Silent.Count == 0
            ? null
            : DriverFailure.Unreachable($"{doing}: LINSTOR does not tell the room of {NamesOf(room.Silent)}, whose satellites are away; it is not counted{(room.TotalKib is null ? ", and without it nothing fits" : string.Empty)}.");
        return (room.TotalKib is { } totalKib ? new PoolCapacity(totalKib * 1024, room.UsedKib * 1024, _time.GetUtcNow()) : null, null);
    }

    /// <summary>
    /// Learns which group of which cluster this is, whatever address led there. Without DRBD each node has volumes of its own in it. Told with the capacity and never after it: a
    /// pool that is being added is not taken before it is known whose storage it is.
    /// </summary>
    /// <returns>Null when it is known, or never will be; else why it could not be read now.</returns>
    private async Task<DriverError?> IdentifyAsync(ResourceGroup group, RestVersion version, string doing, CallDeadline deadline)
    {
        if (!version.HasClusterId)
        {
            (_identity, _identityError) = (null, null);
            return null;
        }

        if (!(await _linstor.ClusterPropertiesAsync(deadline)).Has(out var cluster, out var problem))
        {
            if (problem.Code is DriverErrorCode.Unreachable or DriverErrorCode.Busy or DriverErrorCode.Unknown)
            {
                return Fail(problem, doing);
            }

            _identityError = Fail(problem, $"{doing}: whether another storage pool is the same resource group cannot be told");
            return null;
        }

        var identity = cluster.Id is { Length: > 0 } id ? $"linstor/{id}/{group.Name ?? _settings.ResourceGroup}{(group.IsDrbd ? string.Empty : "/" + NodeName)}".ToLowerInvariant() : null;
        if (identity != _identity && _identity is not null)
        {
            LogIdentityChanged(_identity, identity ?? "not told any more");
        }

        (_identity, _identityError) = (identity, null);
        return null;
    }

    private bool IsHere(StoragePool pool) => string.Equals(pool.NodeName, NodeName, StringComparison.OrdinalIgnoreCase);

    private void Learn(ResourceGroup group, List<StoragePool> pools, RestVersion version)
    {
        var names = group.SelectFilter?.StoragePoolList ?? [];
        var used = pools.Where(pool => !string.Equals(pool.ProviderKind, "DISKLESS", StringComparison.OrdinalIgnoreCase)
            && (names.Count == 0 || names.Contains(pool.StoragePoolName, StringComparer.OrdinalIgnoreCase))).ToList();
        var traits = new PoolTraits(
            IsDrbd: group.IsDrbd,
            CanClone: version.HasCloneProperties && !used.Exists(static pool => NoClone.Contains(pool.ProviderKind, StringComparer.OrdinalIgnoreCase)),
            CanSnapshot: used.Count == 0 || used.Exists(static pool => pool.SupportsSnapshots != false),
            HoldsData: used.Exists(IsHere));
        if (traits != _traits)
        {
            _traits = traits;
            _store.WriteTraits(traits);
        }
    }
}
