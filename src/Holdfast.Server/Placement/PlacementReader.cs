using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Placement;

/// <summary>What there is to place VMs and volumes on.</summary>
internal sealed class PlacementReader : TurnPart, ITurnPart<PlacementReader>
{
    private PlacementReader(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static PlacementReader Of(Turn turn) => new(turn);

    /// <summary>Why a pool cannot promise more; null when it can. The rule that new volumes are placed by.</summary>
    public async Task<string?> NoRoomAsync(PoolId id, long bytes, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.SingleAsync(p => p.Id == id, cancellationToken);
        var promised = await StoragePromise.All(Db).Where(p => p.PoolId == id).SumAsync(p => p.Bytes, cancellationToken);
        var rule = (await SettingValues.ReadAsync(Db, Turn.Timings, cancellationToken)).Storage;
        return rule.Objection(PoolFactsOf(pool, promised, hasTemplate: false), bytes) is { } objection ? $"storage pool {pool.Name} ({pool.Id}) {objection}" : null;
    }

    /// <summary>What the rules need to know of a pool.</summary>
    public static PoolFacts PoolFactsOf(StoragePoolRow pool, long promised, bool hasTemplate) => new()
    {
        Id = pool.Id,
        Name = pool.Name,
        State = pool.State,
        Tags = Csv.Split(pool.Tags),
        CapacityBytes = pool.CapacityBytes,
        UsedBytes = pool.UsedBytes,
        AllocatedBytes = promised,
        HasTemplate = hasTemplate,
    };

    /// <summary>Everything that a VM could be placed on.</summary>
    public async Task<PlacementFacts> LoadPlacementAsync(VmRow vm, CancellationToken cancellationToken)
    {
        var hosts = await Db.Hosts
            .Where(h => h.ZoneId == vm.ZoneId && h.Removed == null && h.IncarnationId != null)
            .OrderBy(h => h.Id)
            .ToListAsync(cancellationToken);
        var used = await Db.Vms
            .Where(v => v.Removed == null && v.HostId != null && v.Id != vm.Id)
            .GroupBy(v => v.HostId)
            .Select(g => new { g.Key, Cpus = g.Sum(v => v.Cpus), Memory = g.Sum(v => v.MemoryMib) })
            .ToListAsync(cancellationToken);
        var pools = await Db.StoragePools.Where(p => p.ZoneId == vm.ZoneId && p.Removed == null).OrderBy(p => p.Id).ToListAsync(cancellationToken);
        var twins = await PoolTwins.OfAsync(Db, pools, cancellationToken);
        var template = vm.TemplateId;
        var allocated = await StoragePromise.All(Db)
            .GroupBy(p => p.PoolId)
            .Select(g => new { g.Key, Bytes = g.Sum(p => p.Bytes), Copies = g.Sum(p => p.TemplateId == template ? 1 : 0) })
            .ToDictionaryAsync(a => a.Key, cancellationToken);
        var poolIds = pools.Select(p => p.Id).ToList();
        var bindings = await Db.Bindings.Where(b => b.Absent == null && poolIds.Contains(b.PoolId)).ToListAsync(cancellationToken);
        var wanted = await Db.ServiceOfferings
            .Where(o => o.Id == vm.ServiceOfferingId)
            .Select(o => new
            {
                o.HostTags,
                TemplateBytes = Db.Templates.Where(t => t.Id == template).Select(t => t.SizeBytes).FirstOrDefault(),
                Overprovisioning = Db.Settings.Where(s => s.Name == Setting.StorageOverprovisioning.Name).Select(s => s.Value).FirstOrDefault(),
                FullShare = Db.Settings.Where(s => s.Name == Setting.StorageFullShare.Name).Select(s => s.Value).FirstOrDefault(),
            })
            .FirstOrDefaultAsync(cancellationToken);
        return new PlacementFacts
        {
            Cpus = vm.Cpus,
            MemoryMib = vm.MemoryMib,
            HostTags = Csv.Split(wanted?.HostTags),
            Storage = new StorageRule(Setting.StorageOverprovisioning.Of(wanted?.Overprovisioning), Setting.StorageFullShare.Of(wanted?.FullShare)),
            TemplateBytes = wanted?.TemplateBytes ?? 0,
            LastHost = vm.LastHostId,
            OnlyHost = vm.OnlyHostId,
            OnlyCluster = vm.OnlyClusterId,
            Hosts =
            [
                .. hosts.Select(h => new HostCandidate
                {
                    Id = h.Id,
                    IncarnationId = h.IncarnationId!.Value,
                    ClusterId = h.ClusterId,
                    Name = h.Name,
                    IsUp = h.State == HostState.Up,
                    IsEnabled = h.ResourceState == ResourceState.Enabled,
                    Cpus = h.Cpus,
                    MemoryMib = h.MemoryBytes >> 20,
                    UsedCpus = used.FirstOrDefault(u => u.Key == h.Id)?.Cpus ?? 0,
                    UsedMemoryMib = used.FirstOrDefault(u => u.Key == h.Id)?.Memory ?? 0,
                    Tags = Csv.Split(h.HostTags),
                }),
            ],
            Pools =
            [
                .. pools.Select(p => PoolFactsOf(p, allocated.GetValueOrDefault(p.Id)?.Bytes ?? 0, allocated.GetValueOrDefault(p.Id)?.Copies > 0)),
            ],
            Bindings =
            [
                .. bindings.Select(b => new BindingFacts(
                    b.IncarnationId, b.PoolId, HealthOf(b), b.Error, twins.GetValueOrDefault(b.PoolId)?.Objection ?? ScopeRule.Objection(pools.First(p => p.Id == b.PoolId).Scope, b.NotShared))),
            ],
        };
    }

    private static BindingHealth HealthOf(BindingRow binding)
    {
        if (binding.Desired != Desired.Attached)
        {
            return BindingHealth.Down;
        }

        if (binding.Observed is not { } observed || binding.ObservedGeneration is not { } generation || generation < binding.Generation)
        {
            return BindingHealth.Unclear;
        }

        // Attached and Degraded differ only in what stands behind them: the planes say it apart. A data plane counts as down when one device of many is broken:
        // that makes the host the last choice, and it is asked, but it does not take the pool from every other VM.
        return observed switch
        {
            BindingState.Attached or BindingState.Degraded when binding.ControlPlane == PlaneHealth.Down =>
                binding.CanAttachLocally ? BindingHealth.LocalOnly : BindingHealth.Down,
            BindingState.Attached when binding.ControlPlane == PlaneHealth.Up => BindingHealth.Serving,
            BindingState.Degraded when binding.ControlPlane == PlaneHealth.Unknown && binding.Error is not null => BindingHealth.Down,
            BindingState.Starting when binding.Error is not null => BindingHealth.Down,
            BindingState.Attached or BindingState.Degraded or BindingState.Starting => BindingHealth.Unclear,
            _ => BindingHealth.Down,
        };
    }
}
