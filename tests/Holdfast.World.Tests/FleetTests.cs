using Holdfast.Worlds.Runs;
using Holdfast.Worlds.Storage;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

/// <summary>Promises about many hosts and about time, all of it virtual: no figure here depends on how fast the machine is.</summary>
public sealed class FleetTests
{
    private const int Worlds = 2;
    private const int Stops = 50;

    [Fact]
    public void A_pool_is_removed_from_every_host_that_is_there_at_once_and_from_the_others_when_they_are_back()
    {
        var result = FleetRemoval.Play(seed: 1, hosts: 40);

        (result.Offline, result.InMaintenance, result.Reimaged).ShouldBe((2, 1, 1));
        result.Confirmed.ShouldBeLessThanOrEqualTo(FleetRemoval.Bound);
        result.Settled.ShouldBeLessThanOrEqualTo(FleetRemoval.Bound);
    }

    [Fact]
    public void A_sick_storage_of_others_makes_no_stop_slower_and_its_driver_hears_nothing_of_it()
    {
        var healthy = StopTimes.Play(BackendMood.Well, 1, Worlds, Stops);
        foreach (var mood in new[] { BackendMood.Refuses, BackendMood.BlackHole, BackendMood.Silent })
        {
            var sick = StopTimes.Play(mood, 1, Worlds, Stops);

            sick.ForeignCalls.ShouldBe(0, mood.ToString());
            // The goal is 1.05; two healthy runs of a hundred stops differ by 2 to 9 % themselves, a stop that waits for storage by a factor of a hundred.
            (sick.Percentile(0.99) / healthy.Percentile(0.99)).ShouldBeLessThanOrEqualTo(1.1, mood.ToString());
        }
    }
}
