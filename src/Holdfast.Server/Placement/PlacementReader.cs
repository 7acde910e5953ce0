using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Placement;

/// <summary>What there is to place VMs and volumes on.</summary>
internal sealed class PlacementReader : TurnPart, ITurnPart<PlacementReader>
{
    private static readonly IReadOnlySet<HostId> NoHosts = new HashSet<HostId>();

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
        var rule = (await SettingValues.ReadAsync(Turn, cancellationToken)).Storage;
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

    /// <summary>
    /// What a VM can be placed on: as many hosts as are needed to choose well and never all of a large zone. When none can take it, what stands against them, counted.
    /// </summary>
    /// <param name="vm">The VM.</param>
    /// <param name="facts">What the planner knows of it already.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<PlacementFacts> LoadPlacementAsync(VmRow vm, VmFacts facts, CancellationToken cancellationToken)
    {
        var wanted = await WantedAsync(vm, cancellationToken);
        if (facts.State == VmState.Running)
        {
            // The guest has its place; only what its volumes find there is asked.
            var here = await Db.Hosts
                .Where(h => h.IncarnationId == vm.IncarnationId && h.ZoneId == vm.ZoneId && h.Removed == null)
                .Select(HostOffer.Of(Db, vm.Id))
                .ToListAsync(cancellationToken);
            return await WithAllPoolsAsync(vm, wanted with { Hosts = [.. here.Select(h => h.ToCandidate())], MayUseDisabledPlaces = true }, [.. here.Select(h => h.IncarnationId!.Value)], cancellationToken);
        }

        // A VM that starts needs a host for all its volumes; one that is stopped has new ones made, each wherever it can be.
        var demands = facts.State == VmState.Starting
            ? [new HostDemand { Vm = vm, Wanted = wanted, Volumes = facts.Volumes }]
            : facts.Volumes.Where(VmPlanner.IsWaitingForPlace).Concat(facts.Replacement is { } disk && VmPlanner.NeedsPlace(disk) ? [disk] : []).Select(v => new HostDemand
            {
                Vm = vm, Wanted = wanted with { Cpus = 0, MemoryMib = 0, HostTags = [], Affinities = [], Firmware = MachineFirmware.Bios }, Volumes = [v],
            }).ToList();
        var found = new List<PlacementFacts>();
        foreach (var demand in demands.Where(d => PlacementPlanner.UnservedPool(d.Volumes) is null))
        {
            if (await SearchAsync(demand, cancellationToken) is not { } some)
            {
                return await ExplainAsync(vm, wanted, demand, found, cancellationToken);
            }

            found.Add(some);
        }

        return Joined(wanted, found);
    }

    private static PlacementFacts Joined(PlacementFacts wanted, IReadOnlyList<PlacementFacts> found) => found is [var only]
        ? wanted with { Hosts = only.Hosts, Pools = only.Pools, Bindings = only.Bindings }
        : wanted with
        {
            Hosts = [.. found.SelectMany(f => f.Hosts).DistinctBy(h => h.Id).OrderBy(h => h.Id.Value)],
            Pools = [.. found.SelectMany(f => f.Pools).DistinctBy(p => p.Id).OrderBy(p => p.Id.Value)],
            Bindings = [.. found.SelectMany(f => f.Bindings).DistinctBy(b => (b.IncarnationId, b.PoolId))],
        };

    private async Task<PlacementFacts> WantedAsync(VmRow vm, CancellationToken cancellationToken)
    {
        var (template, owner) = (vm.TemplateId, vm.AccountId);
        var wanted = await Db.ServiceOfferings
            .Where(o => o.Id == vm.ServiceOfferingId)
            .Select(o => new
            {
                o.HostTags,
                IsInGroups = Db.AffinityMembers.Any(m => m.VmId == vm.Id),
                IsOfRootAdmin = Db.Accounts.Any(a => a.Id == owner && a.Type == AccountRow.RootAdmin),
                TemplateBytes = Db.Templates.Where(t => t.Id == template).Select(t => t.SizeBytes).FirstOrDefault(),
                Overprovisioning = Db.Settings.Where(s => s.Name == Setting.StorageOverprovisioning.Name).Select(s => s.Value).FirstOrDefault(),
                FullShare = Db.Settings.Where(s => s.Name == Setting.StorageFullShare.Name).Select(s => s.Value).FirstOrDefault(),
            })
            .FirstOrDefaultAsync(cancellationToken);
        return new PlacementFacts
        {
            Cpus = vm.Cpus,
            Firmware = vm.Firmware,
            MemoryMib = vm.MemoryMib,
            HostTags = Csv.Split(wanted?.HostTags),
            Affinities = wanted?.IsInGroups == true ? await AffinitiesAsync(vm.Id, cancellationToken) : [],
            Storage = new StorageRule(Setting.StorageOverprovisioning.Of(wanted?.Overprovisioning), Setting.StorageFullShare.Of(wanted?.FullShare)),
            TemplateBytes = wanted?.TemplateBytes ?? 0,
            LastHost = vm.LastHostId,
            OnlyHost = vm.OnlyHostId,
            OnlyCluster = vm.OnlyClusterId,
            MayUseDisabledPlaces = wanted?.IsOfRootAdmin ?? false,
            Hosts = [],
            Pools = [],
            Bindings = [],
        };
    }

    // Read in the transaction that places the VM, which writes what others of the group read: of two that are placed at once, one is placed again and sees the other.
    private async Task<IReadOnlyList<AffinityFacts>> AffinitiesAsync(VmId vm, CancellationToken cancellationToken)
    {
        var places = await (
            from own in Db.AffinityMembers
            join g in Db.AffinityGroups on own.GroupId equals g.Id
            from other in Db.AffinityMembers.LeftJoin(m => m.GroupId == g.Id && m.VmId != own.VmId)
            from there in Db.Vms.LeftJoin(v => v.Id == other.VmId && v.Removed == null && v.HostId != null)
            where own.VmId == vm
            orderby g.Created, g.Id
            select new { g.Id, g.Name, g.Type, there.HostId }).Distinct().ToListAsync(cancellationToken);
        return [.. places.GroupBy(p => p.Id).Select(g => new AffinityFacts(g.Key, g.First().Name, g.First().Type, g.Where(p => p.HostId is not null).Select(p => p.HostId!.Value).ToHashSet()))];
    }

    // Healthy storage goes before what affinity groups wish and where the VM ran last, and these before all else: so the hosts whose storage serves are asked first, of these those
    // that the groups wish for, then the last one, and those that the groups would rather not have at the end.
    private async Task<PlacementFacts?> SearchAsync(HostDemand demand, CancellationToken cancellationToken)
    {
        var full = demand.Volumes.Where(v => v.PoolId is null).ToDictionary(v => v.Id, _ => new HashSet<PoolId>());

        // Only what is made already can be used without a control plane.
        var (liked, disliked) = AffinityFacts.Wishes(demand.Wanted.Affinities);
        var last = demand.Volumes.Any(v => v.PoolId is not null && v.State is not (VolumeState.Allocated or VolumeState.Creating)) ? BindingHealth.LocalOnly : BindingHealth.Unclear;
        for (var worst = BindingHealth.Serving; worst <= last; worst++)
        {
            HostSearch Search(IReadOnlySet<HostId> among, IReadOnlySet<HostId> butNot) => new(Db, demand, worst, full) { Among = among, ButNot = butNot };
            if (liked.Count > 0 && await FirstAsync(demand, Search(liked, disliked), full, cancellationToken) is { } wished)
            {
                return wished;
            }

            if (await FirstAsync(demand, Search(NoHosts, disliked), full, cancellationToken) is { } some)
            {
                return some;
            }

            if (disliked.Count > 0 && await FirstAsync(demand, Search(disliked, NoHosts), full, cancellationToken) is { } unwished)
            {
                return unwished;
            }
        }

        return null;
    }

    // The last host first, then the others.
    private async Task<PlacementFacts?> FirstAsync(HostDemand demand, HostSearch search, Dictionary<VolumeId, HashSet<PoolId>> full, CancellationToken cancellationToken)
    {
        if (demand.Wanted.LastHost is { } before && demand.Wanted.OnlyHost is null && await FittingAsync(demand, await search.OnlyAsync(before, cancellationToken), full, cancellationToken) is { } there)
        {
            return there;
        }

        while (search.HasMore)
        {
            if (await FittingAsync(demand, await search.NextAsync(cancellationToken), full, cancellationToken) is { } some)
            {
                return some;
            }
        }

        return null;
    }

    // The planner has the last word: statements leave out no host that it would take, and let pass some that it would not.
    private async Task<PlacementFacts?> FittingAsync(HostDemand demand, IReadOnlyList<HostOffer> hosts, Dictionary<VolumeId, HashSet<PoolId>> full, CancellationToken cancellationToken)
    {
        if (hosts.Count == 0)
        {
            return null;
        }

        var facts = demand.Wanted with { Hosts = [.. hosts.OrderBy(h => h.Id.Value).Select(h => h.ToCandidate())] };
        facts = await WithPoolsAsync(demand.Vm, facts, [.. hosts.Select(h => h.IncarnationId!.Value)], demand.Volumes, cancellationToken);
        foreach (var volume in demand.Volumes.Where(v => v.PoolId is null))
        {
            full[volume.Id].UnionWith(facts.Pools.Where(p => !PlacementPlanner.CanTake(facts, p, volume)).Select(p => p.Id));
        }

        return PlacementPlanner.Choose(facts, demand.Volumes) is Core.Planning.Placement.Found ? facts : null;
    }

    private async Task<PlacementFacts> ExplainAsync(VmRow vm, PlacementFacts wanted, HostDemand demand, IReadOnlyList<PlacementFacts> found, CancellationToken cancellationToken)
    {
        var refusals = await HostObstacles.ReadAsync(Db, demand, cancellationToken);
        var explained = await WithAllPoolsAsync(vm, wanted with { Hosts = refusals.Hosts }, refusals.Storage, cancellationToken);
        var known = refusals.Hosts.Select(h => h.Id).ToHashSet();
        var others = found.SelectMany(f => f.Hosts).Select(h => h.Id).Where(id => !known.Contains(id)).Distinct().Count();
        return Joined(wanted, [explained, .. found]) with { MorePools = explained.MorePools, MoreHosts = Math.Max(0, refusals.MoreStorage - others) };
    }

    private async Task<PlacementFacts> WithAllPoolsAsync(VmRow vm, PlacementFacts facts, IReadOnlyList<IncarnationId> incarnations, CancellationToken cancellationToken)
    {
        if (incarnations.Count == 0)
        {
            return facts;
        }

        var with = await WithPoolsAsync(vm, facts, incarnations, null, cancellationToken);
        var all = await Db.StoragePools.CountAsync(p => p.ZoneId == vm.ZoneId && p.Removed == null, cancellationToken);
        return with with { MorePools = all - with.Pools.Count };
    }

    // Which pools are on the hosts, and what these have promised; only those that the volumes may go to, unless all are wanted.
    private async Task<PlacementFacts> WithPoolsAsync(
        VmRow vm, PlacementFacts facts, IReadOnlyList<IncarnationId> incarnations, IReadOnlyList<VolumeFacts>? volumes, CancellationToken cancellationToken)
    {
        var (zone, template) = (vm.ZoneId, vm.TemplateId);
        var needsNew = volumes is null || volumes.Any(v => v.PoolId is null);
        var used = volumes?.Where(v => v.PoolId is not null).Select(v => v.PoolId!.Value).Distinct().ToList() ?? [];
        var bindings = await Listing.ChildrenAsync(
            incarnations,
            chunk =>
                from binding in Db.Bindings
                join pool in Db.StoragePools on binding.PoolId equals pool.Id
                where chunk.Contains(binding.IncarnationId) && binding.Absent == null && pool.ZoneId == zone && pool.Removed == null
                    && (needsNew || used.Contains(pool.Id))
                select binding,
            cancellationToken);
        var pools = await Listing.ChildrenAsync(bindings.Select(b => b.PoolId), chunk => Db.StoragePools.Where(p => chunk.Contains(p.Id)), cancellationToken);
        var twins = await PoolTwins.OfAsync(Db, pools, cancellationToken);
        var promised = needsNew
            ? await Listing.ChildrenAsync(
                pools.Select(p => p.Id),
                chunk => StoragePromise.Of(Db, chunk)
                    .GroupBy(p => p.PoolId)
                    .Select(g => new { g.Key, Bytes = g.Sum(p => p.Bytes), Copies = g.Sum(p => p.TemplateId == template ? 1 : 0) }),
                cancellationToken)
            : [];
        var promisedOf = promised.ToDictionary(p => p.Key);
        var scopeOf = pools.ToDictionary(p => p.Id, p => p.Scope);
        return facts with
        {
            Pools = [.. pools.OrderBy(p => p.Id.Value).Select(p => PoolFactsOf(p, promisedOf.GetValueOrDefault(p.Id)?.Bytes ?? 0, promisedOf.GetValueOrDefault(p.Id)?.Copies > 0))],
            Bindings =
            [
                .. bindings.Select(b => new BindingFacts(b.IncarnationId, b.PoolId, BindingRule.HealthOf(b), b.Error, twins.GetValueOrDefault(b.PoolId)?.Objection ?? ScopeRule.Objection(scopeOf[b.PoolId], b.NotShared))),
            ],
        };
    }
}
