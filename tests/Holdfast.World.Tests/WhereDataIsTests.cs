using Holdfast.Worlds.Runs;
using Xunit;

namespace Holdfast.Worlds.Tests;

public sealed class WhereDataIsTests
{
    public static TheoryData<int> AllSeeds => [.. Enumerable.Range(1, Seeds.OfARow)];

    /// <summary>The pool stayed healthy, placement went on choosing the host, and LINSTOR refused each new volume.</summary>
    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void A_satellite_away_during_deploys_sends_new_volumes_elsewhere_and_comes_back_by_itself(int seed) => WhereDataIs.SatelliteAway(seed);

    /// <summary>The bytes of a template went over the network from a host that holds no data.</summary>
    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void An_import_is_done_by_a_host_that_can_hold_the_data(int seed) => WhereDataIs.Import(seed);

    /// <summary>LINSTOR put the data on one node and the VM was started on another, which could not use it.</summary>
    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void Storage_that_one_host_alone_can_use_is_added_with_scope_host_and_used_there_only(int seed) => WhereDataIs.OneHostsOwn(seed);

    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void A_pool_that_becomes_one_hosts_own_while_in_use_goes_on_and_takes_no_new_volumes(int seed) => WhereDataIs.BecomesOneHostsOwn(seed);

    /// <summary>One LINSTOR group by IP and by name was two pools, and its room was counted twice.</summary>
    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void The_storage_of_a_pool_in_use_is_not_added_as_another_one(int seed) => WhereDataIs.SameStorageAgain(seed);

    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void Of_two_pools_that_turn_out_to_be_one_storage_the_later_goes_on_and_takes_no_new_volumes(int seed) => WhereDataIs.TurnsOutTheSame(seed);
}
