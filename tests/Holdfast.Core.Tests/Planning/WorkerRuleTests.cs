using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class WorkerRuleTests
{
    [Fact]
    public void An_import_is_done_by_a_host_that_can_hold_the_data_and_by_another_only_when_none_is_up()
    {
        var diskless = Host(1) with { HoldsData = false };
        WorkerRule.Choose([diskless, Host(2), Host(3)], Id(1)).ShouldBe(Id(2), "it is for host 1, which would only pass the bytes on");
        WorkerRule.Choose([diskless, Host(2), Host(3)], Id(3)).ShouldBe(Id(3), "the host it is for, when that can hold it");
        WorkerRule.Choose([diskless, Host(2) with { IsServing = false }, Host(3) with { IsUp = false }], Id(2)).ShouldBe(Id(1));
        WorkerRule.Choose([diskless], Id(1)).ShouldBe(Id(1));
    }

    [Fact]
    public void A_host_that_does_not_tell_counts_as_one_that_can()
    {
        WorkerRule.Choose([Host(1) with { HoldsData = null }, Host(2)], null).ShouldBe(Id(1));
        WorkerRule.Choose([Host(1) with { HoldsData = false }, Host(2) with { HoldsData = null }], Id(1)).ShouldBe(Id(2));
    }

    [Fact]
    public void Somebody_is_asked_as_long_as_anybody_has_the_pool_and_the_order_of_rows_does_not_matter()
    {
        WorkerRule.Choose([Host(2) with { IsUp = false, IsServing = false }], null).ShouldBe(Id(2));
        WorkerRule.Choose([], Id(1)).ShouldBeNull();
        WorkerRule.Choose([Host(3), Host(1), Host(2)], null).ShouldBe(Id(1));
    }

    private static IncarnationId Id(int number) => new(Guid.Parse($"55555555-0000-7000-8000-00000000000{number}"));

    private static WorkerFacts Host(int number) => new(Id(number), IsUp: true, IsServing: true, HoldsData: true);
}
