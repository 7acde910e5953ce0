using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class PlacementPlannerTests
{
    private static readonly PoolId PoolA = new(Guid.Parse("44444444-0000-7000-8000-00000000000a"));
    private static readonly PoolId PoolB = new(Guid.Parse("44444444-0000-7000-8000-00000000000b"));

    public static TheoryData<string, PlanFaultKind, string> Obstacles() => new()
    {
        { "down", PlanFaultKind.NoCapacity, "not up" },
        { "disabled", PlanFaultKind.NoCapacity, "disabled" },
        { "memory", PlanFaultKind.NoCapacity, "MiB of memory free" },
        { "cpus", PlanFaultKind.NoCapacity, "CPUs" },
        { "uefi", PlanFaultKind.NoCapacity, "no UEFI firmware" },
        { "secure", PlanFaultKind.NoCapacity, "with secure boot" },
        { "other-host", PlanFaultKind.NoCapacity, "another host" },
        { "unbound", PlanFaultKind.StorageUnavailable, "is not on this host" },
        { "dead", PlanFaultKind.StorageUnavailable, "connection refused" },
        { "tag", PlanFaultKind.StorageUnavailable, "has no tag fast" },
        { "full", PlanFaultKind.StorageUnavailable, "full" },
        { "room", PlanFaultKind.StorageUnavailable, "no room" },
        { "maintenance", PlanFaultKind.StorageUnavailable, "Maintenance" },
    };

    [Theory]
    [MemberData(nameof(Obstacles))]
    public void Nothing_fits_names_the_reason(string obstacle, PlanFaultKind kind, string word)
    {
        var facts = Facts(Host(1));
        var volume = Volume();
        (facts, volume) = obstacle switch
        {
            "down" => (Facts(Host(1) with { IsUp = false }), volume),
            "disabled" => (Facts(Host(1) with { IsEnabled = false }), volume),
            "memory" => (facts with { MemoryMib = 5000 }, volume),
            "cpus" => (facts with { Cpus = 5 }, volume),
            "uefi" => (facts with { Firmware = MachineFirmware.Uefi }, volume),
            "secure" => (Facts(Host(1) with { Firmware = [MachineFirmware.Uefi] }) with { Firmware = MachineFirmware.SecureBoot }, volume),
            "other-host" => (facts with { OnlyHost = new HostId(Guid.NewGuid()) }, volume),
            "unbound" => (facts with { Bindings = [] }, volume),
            "dead" => (facts with { Bindings = [new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.Down, "connection refused")] }, volume),
            "tag" => (facts, volume with { Tags = ["fast"] }),
            "full" => (facts with { Pools = [Pool(PoolA) with { UsedBytes = 900 }] }, volume),
            "room" => (facts with { Pools = [Pool(PoolA) with { AllocatedBytes = 1999 }] }, volume),
            _ => (facts with { Pools = [Pool(PoolA) with { State = PoolState.Maintenance }] }, volume),
        };
        var fault = PlacementPlanner.Choose(facts, [volume]).ShouldBeOfType<Placement.Nowhere>().Fault;
        fault.Kind.ShouldBe(kind);
        fault.Text.ShouldContain(word);
    }

    [Theory]
    [InlineData(BindingHealth.Serving, VolumeState.Ready, true)]
    [InlineData(BindingHealth.Unclear, VolumeState.Ready, true)]
    [InlineData(BindingHealth.LocalOnly, VolumeState.Ready, true)]
    [InlineData(BindingHealth.LocalOnly, VolumeState.Allocated, false)]
    [InlineData(BindingHealth.Down, VolumeState.Ready, false)]
    public void An_existing_volume_may_start_without_a_control_plane_when_it_is_locally_there(BindingHealth health, VolumeState state, bool fits)
    {
        var facts = Facts(Host(1)) with { Bindings = [new BindingFacts(Host(1).IncarnationId, PoolA, health, "refused")] };
        (PlacementPlanner.Choose(facts, [Volume() with { State = state, PoolId = PoolA, PoolName = "a", PoolState = PoolState.Up }]) is Placement.Found).ShouldBe(fits);
    }

    [Fact]
    public void A_host_in_a_disabled_place_takes_only_what_may_be_there()
    {
        var facts = Facts(Host(1) with { DisabledPlace = "pod" });

        PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault.Text.ShouldContain("its pod is disabled");
        PlacementPlanner.Choose(facts with { MayUseDisabledPlaces = true }, [Volume()]).ShouldBeOfType<Placement.Found>();
    }

    [Fact]
    public void A_new_volume_goes_to_another_host_while_one_cannot_make_it_and_the_reason_is_told_when_none_can()
    {
        var facts = Facts(Host(1), Host(2)) with
        {
            LastHost = Host(1).Id,
            Bindings =
            [
                new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.LocalOnly, "node 'h1' is OFFLINE"),
                new BindingFacts(Host(2).IncarnationId, PoolA, BindingHealth.Serving, null),
            ],
        };
        PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(2).Id);
        PlacementPlanner.Choose(facts with { OnlyHost = Host(1).Id }, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault.Text.ShouldContain("node 'h1' is OFFLINE");
        var existing = Volume() with { State = VolumeState.Ready, PoolId = PoolA, PoolName = "a", PoolState = PoolState.Up };
        PlacementPlanner.Choose(facts, [existing]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(2).Id, "where all is well goes first");
        PlacementPlanner.Choose(facts with { OnlyHost = Host(1).Id }, [existing]).ShouldBeOfType<Placement.Found>("what is on the host starts there");
    }

    [Theory]
    [InlineData(VolumeState.Ready, true)]
    [InlineData(VolumeState.Allocated, false)]
    public void A_pool_that_takes_no_new_volumes_goes_on_with_those_it_has(VolumeState state, bool fits)
    {
        var facts = Facts(Host(1)) with { Bindings = [new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.Serving, null, "no DRBD any more")] };
        var volume = Volume() with { State = state, PoolId = PoolA, PoolName = "a", PoolState = PoolState.Up };
        (PlacementPlanner.Choose(facts, [volume]) is Placement.Found).ShouldBe(fits);
        PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault.Text.ShouldContain("no DRBD any more");
    }

    [Fact]
    public void A_dead_pool_costs_only_its_own_volumes()
    {
        var facts = Facts(Host(1)) with
        {
            Pools = [Pool(PoolA), Pool(PoolB)],
            Bindings = [new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.Down, "refused"), new BindingFacts(Host(1).IncarnationId, PoolB, BindingHealth.Serving, null)],
        };
        PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Found>().Pools.Values.ShouldBe([PoolB]);
    }

    [Fact]
    public void A_sick_binding_excludes_its_host_for_its_pool_only()
    {
        var facts = Facts(Host(1), Host(2)) with
        {
            Pools = [Pool(PoolA), Pool(PoolB)],
            LastHost = Host(1).Id,
            Bindings =
            [
                new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.Down, "refused"),
                new BindingFacts(Host(1).IncarnationId, PoolB, BindingHealth.Serving, null),
                new BindingFacts(Host(2).IncarnationId, PoolA, BindingHealth.Serving, null),
                new BindingFacts(Host(2).IncarnationId, PoolB, BindingHealth.Serving, null),
            ],
        };
        var onA = Volume() with { State = VolumeState.Ready, PoolId = PoolA, PoolName = "a", PoolState = PoolState.Up };
        var onB = onA with { Id = new VolumeId(Guid.Parse("33333333-0000-7000-8000-000000000002")), PoolId = PoolB };
        PlacementPlanner.Choose(facts, [onA]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(2).Id);
        PlacementPlanner.Choose(facts, [onB]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(1).Id);
        PlacementPlanner.Choose(facts, [onA, onB]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(2).Id);
        PlacementPlanner.Choose(facts with { OnlyHost = Host(1).Id }, [onA, onB]).ShouldBeOfType<Placement.Nowhere>().Fault.Text.ShouldContain("refused");
    }

    [Fact]
    public void The_last_host_is_taken_and_healthy_storage_goes_before_it()
    {
        var facts = Facts(Host(1), Host(2)) with { LastHost = Host(2).Id };
        PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(2).Id);
        var existing = Volume() with { State = VolumeState.Ready, PoolId = PoolA, PoolName = "a", PoolState = PoolState.Up };
        var unclear = facts with { Bindings = [new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.Serving, null), new BindingFacts(Host(2).IncarnationId, PoolA, BindingHealth.Unclear, null)] };
        PlacementPlanner.Choose(unclear, [existing]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(1).Id);
        PlacementPlanner.Choose(unclear, [Volume()]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(1).Id, "a new volume needs healthy storage as much as one that is there");
    }

    [Fact]
    public void Vms_of_a_strict_group_are_on_different_hosts_or_on_one_or_nowhere()
    {
        var facts = Facts(Host(1), Host(2)) with { LastHost = Host(1).Id };
        var apart = facts with { Affinities = [Group("apart", AffinityType.HostAntiAffinity, 1)] };
        Chosen(apart).ShouldBe(Host(2).Id, "where it ran last does not count");
        var nowhere = Fault(apart with { OnlyHost = Host(1).Id });
        nowhere.Kind.ShouldBe(PlanFaultKind.NoCapacity);
        nowhere.Text.ShouldContain("affinity group apart");
        Fault(facts with { Affinities = [Group("apart", AffinityType.HostAntiAffinity, 1, 2)] }).Text.ShouldContain("2 hosts (");

        var together = facts with { Affinities = [Group("together", AffinityType.HostAffinity, 2)] };
        Chosen(together).ShouldBe(Host(2).Id);
        Fault(together with { OnlyHost = Host(1).Id }).Text.ShouldContain("affinity group together");
        Chosen(facts with { Affinities = [Group("together", AffinityType.HostAffinity)] }).ShouldBe(Host(1).Id, "the first of a group goes anywhere");
        Fault(facts with { Affinities = [Group("apart", AffinityType.HostAntiAffinity, 1), Group("together", AffinityType.HostAffinity, 1)] }).Text.ShouldContain("affinity group together");
    }

    [Fact]
    public void Vms_of_a_group_that_is_not_strict_are_where_it_wishes_when_that_can_be()
    {
        var facts = Facts(Host(1), Host(2)) with { LastHost = Host(1).Id };
        var apart = facts with { Affinities = [Group("apart", AffinityType.NonStrictHostAntiAffinity, 1)] };
        Chosen(apart).ShouldBe(Host(2).Id);
        Chosen(apart with { OnlyHost = Host(1).Id }).ShouldBe(Host(1).Id);
        Chosen(apart with { Affinities = [Group("apart", AffinityType.NonStrictHostAntiAffinity, 1, 2)] }).ShouldBe(Host(1).Id);

        var together = facts with { Affinities = [Group("together", AffinityType.NonStrictHostAffinity, 2)] };
        Chosen(together).ShouldBe(Host(2).Id);
        Chosen(together with { OnlyHost = Host(1).Id }).ShouldBe(Host(1).Id);
        Chosen(facts with { Affinities = [Group("apart", AffinityType.NonStrictHostAntiAffinity, 2), Group("together", AffinityType.NonStrictHostAffinity, 2)] }).ShouldBe(Host(1).Id, "who wishes both wishes nothing");
        var existing = Volume() with { State = VolumeState.Ready, PoolId = PoolA, PoolName = "a", PoolState = PoolState.Up };
        var unclear = together with { Bindings = [new BindingFacts(Host(1).IncarnationId, PoolA, BindingHealth.Serving, null), new BindingFacts(Host(2).IncarnationId, PoolA, BindingHealth.Unclear, null)] };
        PlacementPlanner.Choose(unclear, [existing]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(Host(1).Id, "healthy storage goes before a wish");
    }

    private static AffinityFacts Group(string name, AffinityType type, params int[] hosts) => new(new AffinityGroupId(Guid.NewGuid()), name, type, hosts.Select(h => Host(h).Id).ToHashSet());

    private static HostId Chosen(PlacementFacts facts) => PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Found>().Host.Id;

    private static PlanFault Fault(PlacementFacts facts) => PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault;

    [Fact]
    public void The_answer_does_not_depend_on_the_order_of_rows()
    {
        var facts = Facts(Host(1), Host(2), Host(3));
        var reversed = facts with { Hosts = [.. facts.Hosts.Reverse()], Bindings = [.. facts.Bindings.Reverse()] };
        var one = PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Found>();
        PlacementPlanner.Choose(reversed, [Volume()]).ShouldBeOfType<Placement.Found>().Host.Id.ShouldBe(one.Host.Id);
    }

    [Fact]
    public void A_failed_placement_on_five_thousand_hosts_is_a_text_that_can_be_read()
    {
        var hosts = Enumerable.Range(1, 5000).Select(i => Host(1) with
        {
            Id = new HostId(Guid.NewGuid()),
            IncarnationId = new IncarnationId(Guid.NewGuid()),
            Name = $"kvm{i}",
            IsUp = i > 3,
            MemoryMib = i,
            UsedMemoryMib = i - (i % 7),
        }).ToArray();
        var facts = Facts(hosts) with { MemoryMib = 600, Bindings = [] };

        var text = PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault.Text;

        text.Length.ShouldBeLessThan(1000);
        text.ShouldContain("4997 hosts");
        text.ShouldContain("600 MiB of memory free");
        text.ShouldContain("3 hosts (");
        text.ShouldContain("it is not up");
        text.Split("kvm").Length.ShouldBeLessThanOrEqualTo(12, "at most ten hosts are named, one of them twice");
    }

    [Fact]
    public void A_failed_placement_does_not_name_every_pool_that_is_on_another_host()
    {
        var hosts = Enumerable.Range(1, 200).Select(i => Host(1) with { Id = new HostId(Guid.NewGuid()), IncarnationId = new IncarnationId(Guid.NewGuid()), Name = $"kvm{i}" }).ToArray();
        var pools = hosts.Select(h => Pool(new PoolId(Guid.NewGuid())) with { Name = $"local of {h.Name}", AllocatedBytes = 2000 }).ToArray();
        var facts = Facts(hosts) with { Pools = pools, Bindings = [.. hosts.Zip(pools, (h, p) => new BindingFacts(h.IncarnationId, p.Id, BindingHealth.Serving, null))] };

        var text = PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault.Text;

        text.Length.ShouldBeLessThan(5000);
        text.ShouldContain("199 storage pools are not on this host");
        text.ShouldContain("190 more hosts");
    }

    [Theory]
    [InlineData(1.0, 100, false, 800, false, true)]
    [InlineData(1.0, 100, false, 901, false, false)]
    [InlineData(1.0, 100, true, 801, false, false)]
    [InlineData(1.0, 100, true, 801, true, true)]
    [InlineData(2.0, 100, true, 1801, false, false)]
    [InlineData(2.0, 100, true, 1800, false, true)]
    public void A_new_volume_and_the_copy_of_its_template_that_is_not_there_yet_need_room_by_the_factor_that_is_set(
        double factor, long size, bool fromTemplate, long promised, bool isThere, bool fits)
    {
        var facts = Facts(Host(1)) with
        {
            Storage = StorageRule.Default with { Overprovisioning = (decimal)factor },
            TemplateBytes = 100,
            Pools = [Pool(PoolA) with { AllocatedBytes = promised, HasTemplate = isThere }],
        };

        (PlacementPlanner.Choose(facts, [Volume() with { SizeBytes = size, FromTemplate = fromTemplate }]) is Placement.Found).ShouldBe(fits);
    }

    [Fact]
    public void A_pool_that_is_fuller_than_the_share_that_is_set_takes_nothing()
    {
        var facts = Facts(Host(1)) with { Pools = [Pool(PoolA) with { UsedBytes = 900 }] };
        PlacementPlanner.Choose(facts, [Volume()]).ShouldBeOfType<Placement.Nowhere>().Fault.Text.ShouldContain("more than 85 % full (900 of 1000 bytes are used)");
        PlacementPlanner.Choose(facts with { Storage = StorageRule.Default with { FullShare = 0.95m } }, [Volume()]).ShouldBeOfType<Placement.Found>();
    }

    private static HostCandidate Host(int number) => new()
    {
        Id = new HostId(Guid.Parse($"66666666-0000-7000-8000-00000000000{number}")),
        IncarnationId = new IncarnationId(Guid.Parse($"11111111-0000-7000-8000-00000000000{number}")),
        ClusterId = new ClusterId(Guid.Empty),
        Name = $"h{number}",
        IsUp = true,
        IsEnabled = true,
        Cpus = 4,
        MemoryMib = 4096,
    };

    private static PoolFacts Pool(PoolId id) => new() { Id = id, Name = "a", State = PoolState.Up, CapacityBytes = 1000, UsedBytes = 10 };

    private static VolumeFacts Volume() => new()
    {
        Id = new VolumeId(Guid.Parse("33333333-0000-7000-8000-000000000001")),
        Name = "ROOT-1",
        Type = VolumeType.Root,
        State = VolumeState.Allocated,
        SizeBytes = 100,
    };

    private static PlacementFacts Facts(params HostCandidate[] hosts) => new()
    {
        Cpus = 1,
        MemoryMib = 512,
        Storage = StorageRule.Default,
        Hosts = hosts,
        Pools = [Pool(PoolA)],
        Bindings = [.. hosts.Select(h => new BindingFacts(h.IncarnationId, PoolA, BindingHealth.Serving, null))],
    };
}
