using Holdfast.Core.Planning;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class PoolHealthRuleTests
{
    [Theory]
    [InlineData(0, 0, 0, 0, PoolHealth.Unknown)]
    [InlineData(3, 0, 0, 0, PoolHealth.Unknown)]
    [InlineData(3, 0, 3, 0, PoolHealth.Up)]
    [InlineData(3, 0, 2, 1, PoolHealth.Degraded)]
    [InlineData(3, 0, 2, 0, PoolHealth.Degraded)]
    [InlineData(3, 0, 0, 1, PoolHealth.Down)]
    [InlineData(3, 0, 0, 3, PoolHealth.Down)]
    [InlineData(3, 3, 0, 0, PoolHealth.Quiesced)]
    [InlineData(3, 1, 2, 0, PoolHealth.Up)]
    [InlineData(3, 1, 0, 2, PoolHealth.Down)]
    public void Health_is_what_the_hosts_that_should_serve_say(int hosts, int quiesced, int serving, int sick, PoolHealth health) =>
        PoolHealthRule.Of(hosts, quiesced, serving, sick).ShouldBe(health);

    [Theory]
    [InlineData(3, 0, 3, 0, PoolHealth.Degraded)]
    [InlineData(3, 0, 0, 3, PoolHealth.Down)]
    [InlineData(3, 3, 0, 0, PoolHealth.Quiesced)]
    public void A_pool_that_is_another_pools_storage_is_never_well(int hosts, int quiesced, int serving, int sick, PoolHealth health) =>
        PoolHealthRule.Of(hosts, quiesced, serving, sick, isTwin: true).ShouldBe(health);
}
