using Holdfast.Core.States;
using Holdfast.Worlds.Runs;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

/// <summary>Storage pools are added on hosts that take their time, in virtual time: no figure here depends on how fast the machine is.</summary>
public sealed class SlowHostTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(7);

    [Theory]
    [InlineData(1, 12, 60)]
    [InlineData(2, 40, 40)]
    [InlineData(3, 100, 80)]
    public void A_pool_on_hosts_that_need_long_to_start_its_driver_was_undone_after_seven_seconds(int seed, int slowness, int slowFor)
    {
        var pool = PoolOnSlowHosts.Play(seed, TimeSpan.FromSeconds(slowness), TimeSpan.FromSeconds(slowFor));

        pool.Answered.ShouldBeInRange(Wait, Wait + TimeSpan.FromSeconds(1));
        pool.Answer.ShouldBe(PoolState.Initialized);
        pool.End.ShouldBe(PoolState.Up);
        pool.Told[^1].ShouldContain("was added: host host");
    }

    [Fact]
    public void A_pool_that_no_host_ever_serves_is_undone_after_its_time_with_what_each_host_said()
    {
        var pool = PoolOnSlowHosts.Play(4, TimeSpan.FromHours(1), TimeSpan.FromHours(1));

        pool.Answer.ShouldBe(PoolState.Initialized);
        pool.End.ShouldBe(PoolState.Removed);
        pool.Ended.ShouldBeInRange(TimeSpan.FromSeconds(120), TimeSpan.FromSeconds(130));
        pool.Told[^1].ShouldContain("no host served it in time: host");
        pool.Told[^1].ShouldContain("not ready within 15 s");
    }

    [Fact]
    public void A_driver_that_ends_at_once_on_a_slow_host_after_the_answer_undoes_the_pool_with_its_reason()
    {
        var pool = PoolOnSlowHosts.Play(5, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), crashes: true);

        pool.Answer.ShouldBe(PoolState.Initialized);
        pool.End.ShouldBe(PoolState.Removed);
        pool.Ended.ShouldBeLessThan(TimeSpan.FromSeconds(15));
        pool.Told[^1].ShouldContain("exit code 1");
    }
}
