using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Placement;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Api;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>
/// Of a zone as many hosts are read as are needed to choose well. What the planner says to them is held against what it says to all hosts of the zone: the same where they are
/// few, and a place if and only if there is one where they are many.
/// </summary>
public abstract class PlacementSearchTests
{
    // What is looked at first on one side of the ring: with no more, the whole zone is.
    private const int Few = 32;
    private readonly ApiHost _host;

    private protected PlacementSearchTests(ApiHost host) => _host = host;

    [Fact]
    public async Task Of_few_hosts_the_one_is_chosen_that_would_be_chosen_of_all()
    {
        var random = new Random(3);
        var zone = await ZoneOf(random, Few);
        var (found, nowhere) = (0, 0);
        for (var i = 0; i < 15; i++)
        {
            var (vm, facts) = await DemandIn(zone, random);
            var (some, all) = await ChooseAsync(zone, vm, facts);
            if (all is Core.Planning.Placement.Found best)
            {
                found++;
                var chosen = some.ShouldBeOfType<Core.Planning.Placement.Found>();
                chosen.Host.Id.ShouldBe(best.Host.Id);
                chosen.Pools.ShouldBe(best.Pools, ignoreOrder: true);
            }
            else
            {
                nowhere++;
                some.ShouldBeOfType<Core.Planning.Placement.Nowhere>().Fault.Kind.ShouldBe(((Core.Planning.Placement.Nowhere)all).Fault.Kind);
            }
        }

        found.ShouldBeGreaterThan(3);
        nowhere.ShouldBeGreaterThan(3);
    }

    [Theory]
    [InlineData(Few)]
    [InlineData(5 * Few)]
    public async Task Affinity_groups_are_obeyed_whatever_part_of_the_zone_is_read(int hosts)
    {
        var random = new Random(hosts);
        var zone = await ZoneOf(random, hosts);
        for (var i = 0; i < 24; i++)
        {
            var (vm, facts) = await DemandIn(zone, random);
            await GroupsAsync(zone, vm, random, i);
            var (some, all) = await ChooseAsync(zone, vm, facts);
            some.GetType().ShouldBe(all.GetType());
            if (all is not Core.Planning.Placement.Found best)
            {
                continue;
            }

            var chosen = ((Core.Planning.Placement.Found)some).Host.Id;
            if (hosts == Few)
            {
                chosen.ShouldBe(best.Host.Id);
            }

            var affinities = (await LoadAsync(vm, facts.Volumes)).Affinities;
            affinities.ShouldNotBeEmpty();
            affinities.ShouldAllBe(a => a.Objection(chosen) == null);
            var (liked, disliked) = AffinityFacts.Wishes(affinities);
            (liked.Contains(chosen), disliked.Contains(chosen)).ShouldBe((liked.Contains(best.Host.Id), disliked.Contains(best.Host.Id)));
        }
    }

    [Fact]
    public async Task A_group_that_speaks_against_every_host_is_named_and_its_hosts_are_counted()
    {
        var zone = await ZoneOf(new Random(12), 0);
        var hosts = Enumerable.Range(0, 3 * Few).Select(i => HostIn(zone, $"h{i:D3}") with { State = i % 2 == 0 ? HostState.Disconnected : HostState.Up }).ToList();
        await InsertAllAsync(hosts);
        var vm = VmIn(zone, zone.Offering);
        await AddGroupAsync(zone, vm, "apart", AffinityType.HostAntiAffinity, hosts.Where(h => h.State == HostState.Up));

        var (some, all) = await ChooseAsync(zone, vm, Starting(vm, []).Facts);

        var text = some.ShouldBeOfType<Core.Planning.Placement.Nowhere>().Fault.Text;
        text.ShouldBe(((Core.Planning.Placement.Nowhere)all).Fault.Text);
        text.ShouldContain($"{3 * Few / 2} hosts (");
        text.ShouldContain("affinity group apart");
    }

    // Groups of every type, most of them with others on some hosts.
    private async Task GroupsAsync(TestZone zone, VmRow vm, Random random, int i)
    {
        foreach (var type in Enum.GetValues<AffinityType>().Where((_, n) => n == i % 4 || random.Next(4) == 0))
        {
            await AddGroupAsync(zone, vm, $"group of {vm.Id} {type}", type, zone.Hosts.Where(_ => random.Next(type == AffinityType.HostAffinity ? 2 : 3) == 0));
        }
    }

    private async Task AddGroupAsync(TestZone zone, VmRow vm, string name, AffinityType type, IEnumerable<HostRow> hosts)
    {
        var group = new AffinityGroupRow { Id = new AffinityGroupId(Guid.NewGuid()), AccountId = vm.AccountId, Name = name, Type = type, Created = Rows.Now };
        var others = hosts.Select(h => Rows.Vm(_host.Admin, zone.Id, zone.Offering, host: h) with { Cpus = 0, MemoryMib = 0 }).ToList();
        await _host.InsertAsync(group);
        await InsertAllAsync(others);
        await InsertAllAsync(others.Append(vm).Select(v => new AffinityMemberRow { GroupId = group.Id, VmId = v.Id }));
    }

    [Fact]
    public async Task Of_many_hosts_one_is_found_if_and_only_if_there_is_one()
    {
        var random = new Random(4);
        var zone = await ZoneOf(random, 5 * Few);
        for (var i = 0; i < 10; i++)
        {
            var (vm, facts) = await DemandIn(zone, random);
            var (some, all) = await ChooseAsync(zone, vm, facts);
            some.GetType().ShouldBe(all.GetType());
            if (all is Core.Planning.Placement.Found best && best.Host.Id == vm.LastHostId)
            {
                ((Core.Planning.Placement.Found)some).Host.Id.ShouldBe(best.Host.Id);
            }
        }
    }

    [Theory]
    [InlineData(VolumeState.Ready, true)]
    [InlineData(VolumeState.Creating, true)]
    [InlineData(VolumeState.Allocated, false)]
    public async Task Every_binding_counts_in_statements_as_it_does_for_the_planner(VolumeState state, bool isPlaced)
    {
        var zone = await ZoneOf(new Random(11), 0);
        var pool = Rows.Pool(zone.Id) with { Tags = "" };
        await _host.InsertAsync(pool);
        var hosts = new List<HostRow>();
        var bindings = (
            from desired in new[] { Desired.Attached, Desired.Quiesced }
            from observed in Enum.GetValues<BindingState>().Cast<BindingState?>().Append(null)
            from generation in new[] { (Generation?)null, new Generation(2), new Generation(3) }
            from plane in Enum.GetValues<PlaneHealth>()
            from more in Enumerable.Range(0, 8)
            let host = HostIn(zone, $"h{hosts.Count}")
            let row = Rows.Binding(pool, host) with
            {
                IncarnationId = host.IncarnationId!.Value,
                Desired = desired,
                Observed = observed,
                ObservedGeneration = generation,
                ControlPlane = plane,
                CanAttachLocally = (more & 1) != 0,
                Error = (more & 2) != 0 ? "refused" : null,
                NotShared = (more & 4) != 0 ? "only here" : null,
            }
            select (Host: host, Row: row)).ToList();
        hosts.AddRange(bindings.Select(b => b.Host));
        await InsertAllAsync(hosts);
        await InsertAllAsync(bindings.Select(b => b.Row));
        var volume = Volume(1) with { State = state, PoolId = isPlaced ? pool.Id : null, PoolName = pool.Name, PoolState = isPlaced ? PoolState.Up : null };
        var (vm, _) = Starting(VmIn(zone, zone.Offering), [volume]);
        var wanted = await LoadAsync(vm, [volume]);
        var all = await _host.Database.ReadAsync((db, ct) => AllAsync(db, zone, vm, wanted, ct), TestContext.Current.CancellationToken);
        var healthOf = all.Bindings.ToDictionary(b => b.IncarnationId, b => b.Health);
        var fitting = all.Hosts.Where(h => PlacementPlanner.Choose(all with { Hosts = [h] }, [volume]) is Core.Planning.Placement.Found).ToList();
        for (var worst = BindingHealth.Serving; worst < BindingHealth.Down; worst++)
        {
            var found = await _host.Database.ReadAsync((db, ct) => SearchedAsync(db, new HostDemand { Vm = vm, Wanted = wanted, Volumes = [volume] }, worst, ct), TestContext.Current.CancellationToken);

            // What is not placed yet has no pool that only serves what is there.
            found.Order().ShouldBe(fitting.Where(h => healthOf[h.IncarnationId] <= worst).Select(h => h.Name).Order());
        }
    }

    private static async Task<List<string>> SearchedAsync(StoreConnection db, HostDemand demand, BindingHealth worst, CancellationToken cancellationToken)
    {
        var search = new HostSearch(db, demand, worst, demand.Volumes.ToDictionary(v => v.Id, _ => new HashSet<PoolId>()));
        var found = new List<string>();
        while (search.HasMore)
        {
            found.AddRange((await search.NextAsync(cancellationToken)).Select(h => h.Name));
        }

        return found;
    }

    [Fact]
    public async Task The_only_host_that_fits_is_found_wherever_the_search_begins()
    {
        var zone = await ZoneOf(new Random(6), 0);
        var hosts = Enumerable.Range(0, 10 * Few).Select(i => HostIn(zone, $"h{i}") with { MemoryBytes = i == 123 ? 8L << 30 : 1L << 30 }).ToList();
        await InsertAllAsync(hosts);
        for (var i = 0; i < 20; i++)
        {
            var facts = await LoadAsync(VmIn(zone, zone.Offering) with { MemoryMib = 4096 }, []);
            facts.Hosts.ShouldHaveSingleItem().Name.ShouldBe("h123");
        }
    }

    [Fact]
    public async Task Many_hosts_that_fit_are_not_all_read_and_not_always_the_same()
    {
        var zone = await ZoneOf(new Random(7), 0);
        await InsertAllAsync(Enumerable.Range(0, 10 * Few).Select(i => HostIn(zone, $"h{i}")));
        var seen = new HashSet<HostId>();
        for (var i = 0; i < 40; i++)
        {
            var facts = await LoadAsync(VmIn(zone, zone.Offering), []);
            facts.Hosts.Count.ShouldBeInRange(Few, 2 * Few);
            seen.UnionWith(facts.Hosts.Select(h => h.Id));
        }

        seen.Count.ShouldBeGreaterThan(5 * Few);
    }

    [Fact]
    public async Task Pools_that_are_full_on_most_hosts_do_not_hide_the_host_with_room()
    {
        var zone = await ZoneOf(new Random(8), 0);
        var hosts = Enumerable.Range(0, 5 * Few).Select(i => HostIn(zone, $"h{i}")).ToList();
        var pools = hosts.Select(h => Rows.Pool(zone.Id, "local of " + h.Name) with { Scope = PoolScope.Host, HostId = h.Id, CapacityBytes = h.Name == "h99" ? 1L << 40 : 1L << 30, UsedBytes = 0, Tags = "" }).ToList();
        await InsertAllAsync(hosts);
        await InsertAllAsync(pools);
        await InsertAllAsync(hosts.Zip(pools, (h, p) => Rows.Binding(p, h) with { IncarnationId = h.IncarnationId!.Value }));

        var (vm, facts) = Starting(VmIn(zone, zone.Offering), [Volume(100L << 30)]);
        var (some, _) = await ChooseAsync(zone, vm, facts);

        some.ShouldBeOfType<Core.Planning.Placement.Found>().Host.Name.ShouldBe("h99");
    }

    [Fact]
    public async Task What_speaks_against_many_hosts_is_counted_as_if_each_were_looked_at()
    {
        var zone = await ZoneOf(new Random(9), 0);
        var offering = Rows.ServiceOffering("tagged") with { HostTags = "gpu,fast" };
        await _host.InsertAsync(offering);
        await InsertAllAsync(Enumerable.Range(0, 10 * Few).Select(i => HostIn(zone, $"h{i:D3}") with
        {
            State = i % 7 == 0 ? HostState.Disconnected : HostState.Up,
            ResourceState = i % 5 == 0 ? ResourceState.Maintenance : ResourceState.Enabled,
            HostTags = i % 3 == 0 ? "" : i % 3 == 1 ? "GPU" : "fast,gpu",
            Firmware = i % 11 == 0 ? "uefi" : "uefi,secure-boot",
            Cpus = i % 2 == 0 ? 1 : 4,
        }));

        var (vm, facts) = Starting(VmIn(zone, offering) with { Cpus = 2, MemoryMib = 64 << 10, Firmware = MachineFirmware.SecureBoot }, []);
        var (some, all) = await ChooseAsync(zone, vm, facts);

        var text = some.ShouldBeOfType<Core.Planning.Placement.Nowhere>().Fault.Text;
        text.ShouldBe(((Core.Planning.Placement.Nowhere)all).Fault.Text);
        foreach (var part in new[] { "it is not up", "it is disabled or in maintenance", "secure boot", "it has no tag gpu", "it has no tag fast", "fewer than 2 CPUs", "MiB of memory free" })
        {
            text.ShouldContain(part);
        }
    }

    [Fact]
    public async Task Hosts_whose_storage_is_not_looked_at_one_by_one_are_counted()
    {
        var zone = await ZoneOf(new Random(10), 0);
        await InsertAllAsync(Enumerable.Range(0, 250).Select(i => HostIn(zone, $"h{i:D3}")));
        await _host.InsertAsync(Rows.Pool(zone.Id, "elsewhere"), Rows.Pool(zone.Id, "elsewhere, too"));

        var (vm, facts) = Starting(VmIn(zone, zone.Offering), [Volume(1)]);
        var (some, _) = await ChooseAsync(zone, vm, facts);

        var fault = some.ShouldBeOfType<Core.Planning.Placement.Nowhere>().Fault;
        fault.Kind.ShouldBe(PlanFaultKind.StorageUnavailable);
        fault.Text.ShouldContain("200 hosts (");
        fault.Text.ShouldContain("2 storage pools are not on this host");
        fault.Text.ShouldContain("50 more hosts: their storage cannot take it either");
    }

    private Task InsertAllAsync<T>(IEnumerable<T> rows)
        where T : class => _host.Database.WriteAsync((db, ct) => db.InsertAllAsync(rows.ToList(), ct), TestContext.Current.CancellationToken);

    private static VolumeFacts Volume(long size, params string[] tags) => new()
    {
        Id = new VolumeId(Guid.NewGuid()), Name = "ROOT", Type = VolumeType.Root, State = VolumeState.Allocated, SizeBytes = size, Tags = tags,
    };

    private static (VmRow Vm, VmFacts Facts) Starting(VmRow vm, IReadOnlyList<VolumeFacts> volumes) =>
        (vm, new VmFacts { Id = vm.Id, Name = vm.Name, State = VmState.Starting, Volumes = volumes, Now = Rows.Now });

    private static HostRow HostIn(TestZone zone, string name) =>
        Rows.Host(zone.Clusters[0], name) with { IncarnationId = new IncarnationId(Guid.NewGuid()), Cpus = 8, MemoryBytes = 16L << 30 };

    private VmRow VmIn(TestZone zone, ServiceOfferingRow offering) => Rows.Vm(_host.Admin, zone.Id, offering) with { State = VmState.Starting };

    private async Task<PlacementFacts> LoadAsync(VmRow vm, IReadOnlyList<VolumeFacts> volumes)
    {
        var facts = Starting(vm, volumes).Facts;
        return await _host.Service<TurnFactory>().RunAsync((turn, ct) => turn.Part<PlacementReader>().LoadPlacementAsync(vm, facts, ct), TestContext.Current.CancellationToken);
    }

    private async Task<(Core.Planning.Placement Some, Core.Planning.Placement All)> ChooseAsync(TestZone zone, VmRow vm, VmFacts facts)
    {
        var some = await LoadAsync(vm, facts.Volumes);
        var all = await _host.Database.ReadAsync((db, ct) => AllAsync(db, zone, vm, some, ct), TestContext.Current.CancellationToken);
        return (PlacementPlanner.Choose(some, facts.Volumes), PlacementPlanner.Choose(all, facts.Volumes));
    }

    // The whole zone, as simply as can be.
    private static async Task<PlacementFacts> AllAsync(StoreConnection db, TestZone zone, VmRow vm, PlacementFacts wanted, CancellationToken cancellationToken)
    {
        var hosts = await db.Hosts.Where(h => h.ZoneId == zone.Id && h.Removed == null && h.IncarnationId != null).ToListAsync(cancellationToken);
        var vms = await db.Vms.Where(v => v.ZoneId == zone.Id && v.Removed == null && v.HostId != null && v.Id != vm.Id).ToListAsync(cancellationToken);
        var pools = await db.StoragePools.Where(p => p.ZoneId == zone.Id && p.Removed == null).ToListAsync(cancellationToken);
        var volumes = await db.Volumes.Where(v => v.ZoneId == zone.Id && v.Removed == null && v.PoolId != null).ToListAsync(cancellationToken);
        var ids = pools.Select(p => p.Id).ToList();
        var twins = await PoolTwins.OfAsync(db, pools, cancellationToken);
        var bindings = await db.Bindings.Where(b => b.Absent == null && ids.Contains(b.PoolId)).ToListAsync(cancellationToken);
        return wanted with
        {
            MorePools = 0,
            MoreHosts = 0,
            Hosts =
            [
                .. hosts.OrderBy(h => h.Id.Value.ToString("D"), StringComparer.Ordinal).Select(h => new HostCandidate
                {
                    Id = h.Id,
                    IncarnationId = h.IncarnationId!.Value,
                    ClusterId = h.ClusterId,
                    Name = h.Name,
                    IsUp = h.State == HostState.Up,
                    IsEnabled = h.ResourceState == ResourceState.Enabled,
                    DisabledPlace = h.ClusterId == zone.Clusters[2].Id && zone.Clusters[2].AllocationState == AllocationStates.Disabled ? "cluster" : null,
                    Cpus = h.Cpus,
                    MemoryMib = h.MemoryBytes >> 20,
                    UsedCpus = vms.Where(v => v.HostId == h.Id).Sum(v => v.Cpus),
                    UsedMemoryMib = vms.Where(v => v.HostId == h.Id).Sum(v => v.MemoryMib),
                    Tags = Csv.Split(h.HostTags),
                    Firmware = FirmwareNames.Read(h.Firmware),
                }),
            ],
            Pools = [.. pools.OrderBy(p => p.Id.Value).Select(p => PlacementReader.PoolFactsOf(p, volumes.Where(v => v.PoolId == p.Id).Sum(v => v.SizeBytes), hasTemplate: false))],
            Bindings =
            [
                .. bindings.Select(b => new BindingFacts(
                    b.IncarnationId, b.PoolId, BindingRule.HealthOf(b), b.Error, twins.GetValueOrDefault(b.PoolId)?.Objection ?? ScopeRule.Objection(pools.First(p => p.Id == b.PoolId).Scope, b.NotShared))),
            ],
        };
    }

    private async Task<TestZone> ZoneOf(Random random, int hostCount)
    {
        var zone = _host.Zone with { Id = new ZoneId(Guid.NewGuid()), Name = "zone" };
        var clusters = Enumerable.Range(0, 3)
            .Select(i => _host.Cluster with { Id = new ClusterId(Guid.NewGuid()), ZoneId = zone.Id, Name = $"c{i}", AllocationState = i == 2 && hostCount > 0 ? AllocationStates.Disabled : AllocationStates.Enabled })
            .ToList();
        var offering = Rows.ServiceOffering();
        await _host.InsertAsync(zone);
        await InsertAllAsync(clusters);
        await _host.InsertAsync(offering);
        var hosts = Enumerable.Range(0, hostCount).Select(i => Rows.Host(clusters[random.Next(3)], $"h{i}") with
        {
            IncarnationId = new IncarnationId(Guid.NewGuid()),
            State = random.Next(5) == 0 ? HostState.Disconnected : HostState.Up,
            ResourceState = random.Next(5) == 0 ? ResourceState.Disabled : ResourceState.Enabled,
            Cpus = random.Next(1, 5),
            MemoryBytes = random.Next(1, 9) * (1L << 30),
            HostTags = Subset(random, "a", "B", "ö"),
            Firmware = Subset(random, "uefi", "secure-boot", "later"),
        }).ToList();
        var pools = Enumerable.Range(0, hostCount == 0 ? 0 : 8).Select(i => Rows.Pool(zone.Id, $"p{i}") with
        {
            Scope = random.Next(3) == 0 ? PoolScope.Host : PoolScope.Zone,
            State = random.Next(6) == 0 ? PoolState.Maintenance : PoolState.Up,
            Tags = Subset(random, "fast", "Slow", "größer"),
            CapacityBytes = random.Next(8) == 0 ? null : random.Next(1, 100) * (1L << 30),
            UsedBytes = random.Next(1, 10) * (1L << 29),
        }).ToList();
        if (pools.Count > 0)
        {
            pools[^1] = pools[^1] with { SameAs = pools[0].Id, Identity = "the same" };
        }

        await InsertAllAsync(hosts);
        await InsertAllAsync(pools);
        await InsertAllAsync(from h in hosts from p in pools where random.Next(3) != 0 select AnyBinding(random, p, h));
        await InsertAllAsync(Enumerable.Range(0, hostCount * 2).Select(_ => Rows.Vm(_host.Admin, zone.Id, offering, host: hosts[random.Next(hosts.Count)]) with
        {
            Cpus = random.Next(1, 12),
            MemoryMib = random.Next(1, 8) * 256,
            Removed = random.Next(6) == 0 ? Rows.Now : null,
        }));
        await InsertAllAsync(Enumerable.Range(0, pools.Count * 3).Select(_ => Rows.Volume(_host.Admin, zone.Id, pool: pools[random.Next(pools.Count)])));
        return new TestZone(zone.Id, clusters, offering, hosts, pools);
    }

    private static BindingRow AnyBinding(Random random, StoragePoolRow pool, HostRow host)
    {
        var isWell = random.Next(2) == 0;
        var row = Rows.Binding(pool, host) with { IncarnationId = host.IncarnationId!.Value };
        return isWell ? row : row with
        {
            Desired = random.Next(5) == 0 ? Desired.Quiesced : Desired.Attached,
            Observed = random.Next(6) == 0 ? null : Enum.GetValues<BindingState>()[random.Next(Enum.GetValues<BindingState>().Length)],
            ObservedGeneration = random.Next(6) switch { 0 => null, 1 => new Generation(2), _ => new Generation(3) },
            ControlPlane = Enum.GetValues<PlaneHealth>()[random.Next(Enum.GetValues<PlaneHealth>().Length)],
            CanAttachLocally = random.Next(2) == 0,
            Error = random.Next(3) == 0 ? "refused" : null,
            NotShared = random.Next(6) == 0 ? "only here" : null,
            Absent = random.Next(8) == 0 ? Rows.Now : null,
        };
    }

    private async Task<(VmRow Vm, VmFacts Facts)> DemandIn(TestZone zone, Random random)
    {
        var offering = Rows.ServiceOffering() with { HostTags = Subset(random, "A", "b", "Ö") };
        await _host.InsertAsync(offering);
        var vm = VmIn(zone, offering) with
        {
            AccountId = random.Next(2) == 0 ? _host.Admin.Account.Id : _host.User.Account.Id,
            Cpus = random.Next(1, 4),
            MemoryMib = random.Next(1, 8) * 512,
            Firmware = random.Next(6) == 0 ? MachineFirmware.Uefi : MachineFirmware.Bios,
            LastHostId = random.Next(2) == 0 ? zone.Hosts[random.Next(zone.Hosts.Count)].Id : null,
            OnlyHostId = random.Next(8) == 0 ? zone.Hosts[random.Next(zone.Hosts.Count)].Id : null,
            OnlyClusterId = random.Next(5) == 0 ? zone.Clusters[random.Next(zone.Clusters.Count)].Id : null,
        };
        var volumes = Enumerable.Range(0, random.Next(1, 4)).Select(i =>
        {
            var volume = Volume(random.Next(1, 40) * (1L << 30), [.. Csv.Split(Subset(random, "FAST", "slow", "GRÖSSER"))]);
            var pool = zone.Pools[random.Next(zone.Pools.Count)];
            return random.Next(2) == 0 ? volume : volume with { PoolId = pool.Id, PoolName = pool.Name, PoolState = PoolState.Up, State = random.Next(2) == 0 ? VolumeState.Ready : VolumeState.Creating };
        }).ToList();
        return Starting(vm, volumes);
    }

    // Most often nothing: what asks for everything is found nowhere.
    private static string Subset(Random random, params string[] of) => Csv.Join(of.Where(_ => random.Next(4) == 0));

    private sealed record TestZone(ZoneId Id, IReadOnlyList<ClusterRow> Clusters, ServiceOfferingRow Offering, IReadOnlyList<HostRow> Hosts, IReadOnlyList<StoragePoolRow> Pools);

    public sealed class OnSqlite(ApiHost host) : PlacementSearchTests(host), IClassFixture<ApiHost>;

    public sealed class OnPostgreSql(PostgreSqlApiHost host) : PlacementSearchTests(host), IClassFixture<PostgreSqlApiHost>;
}
