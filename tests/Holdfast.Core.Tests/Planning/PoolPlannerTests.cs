using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class PoolPlannerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 30, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_pool_is_up_when_one_host_serves_it_and_knows_its_capacity()
    {
        var serving = Binding() with { IsServing = true, CapacityBytes = 1 };
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving, Binding() with { IsCurrent = false })).ShouldBe([new PoolAction.MoveTo(PoolState.Up)]);
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving with { IsCurrent = false })).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving with { CapacityBytes = null })).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving with { CapacityBytes = 0 })).OfType<PoolAction.Undo>().Single().Why.ShouldContain("capacity is 0");
    }

    [Fact]
    public void Adding_a_pool_ends_badly_when_every_host_refused_or_time_is_up()
    {
        var refused = Binding() with { Error = "controller refused the connection" };
        PoolPlanner.Plan(Pool(PoolState.Initialized, refused)).OfType<PoolAction.Undo>().Single().Why.ShouldContain("refused the connection");
        PoolPlanner.Plan(Pool(PoolState.Initialized, refused, Binding() with { IsCurrent = false })).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized, Binding()) with { Now = Now + TimeSpan.FromSeconds(7) }).OfType<PoolAction.Undo>().ShouldHaveSingleItem();
        PoolPlanner.Plan(Pool(PoolState.Initialized)).OfType<PoolAction.Undo>().ShouldHaveSingleItem();
    }

    [Fact]
    public void Maintenance_stops_guests_then_quiesces_then_needs_only_the_hosts_that_are_up()
    {
        var running = new PoolVmFacts(new VmId(Guid.NewGuid()), "vm1", VmState.Running);
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding()) with { ActiveVms = [running] }).ShouldBe([new PoolAction.StopVm(running.Id)]);
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding()) with { ActiveVms = [running with { State = VmState.Stopping }] }).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding())).ShouldBe([new PoolAction.Tell(BindingWish.Quiesced)]);
        var told = Binding() with { Wish = BindingWish.Quiesced, IsCurrent = false };
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, told)).ShouldBeEmpty();
        var quiet = told with { IsCurrent = true, IsQuiesced = true };
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, quiet, told with { IsHostUp = false })).ShouldBe([new PoolAction.MoveTo(PoolState.Maintenance)]);
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, false, false)]
    public void A_removed_pool_is_gone_when_the_last_host_confirmed_online_or_not(bool first, bool second, bool isGone)
    {
        var facts = Pool(PoolState.Removed, Binding() with { IsAbsent = first }, Binding() with { IsAbsent = second, IsHostUp = false });
        PoolPlanner.Plan(facts).OfType<PoolAction.Gone>().Any().ShouldBe(isGone);
        PoolPlanner.Plan(facts with { IsGone = true }).ShouldBeEmpty();
    }

    [Fact]
    public void What_is_gone_says_who_confirmed_and_who_was_absolved() =>
        PoolPlanner.Plan(Pool(PoolState.Removed, Binding() with { IsAbsent = true }, Binding() with { HostName = "h2", IsAbsent = true, IsAbsolved = true }))
            .ShouldBe([new PoolAction.Gone(1, "h2")]);

    [Fact]
    public void A_hosts_maintenance_begins_when_the_last_guest_is_gone_and_only_when_it_was_asked_for()
    {
        HostPlanner.Plan(ResourceState.PrepareForMaintenance, 1).ShouldBe(ResourceState.PrepareForMaintenance);
        HostPlanner.Plan(ResourceState.PrepareForMaintenance, 0).ShouldBe(ResourceState.Maintenance);
        HostPlanner.Plan(ResourceState.Enabled, 0).ShouldBe(ResourceState.Enabled);
        HostPlanner.Plan(ResourceState.Disabled, 0).ShouldBe(ResourceState.Disabled);
        HostPlanner.Plan(ResourceState.Maintenance, 1).ShouldBe(ResourceState.Maintenance);
    }

    [Fact]
    public void Ending_maintenance_does_not_need_a_healthy_backend()
    {
        var sick = Binding() with { Error = "refused", IsServing = false };
        PoolPlanner.Plan(Pool(PoolState.CancelMaintenance, sick)).ShouldBe([new PoolAction.MoveTo(PoolState.Up), new PoolAction.RestartVms()]);
    }

    private static PoolBindingFacts Binding() => new() { HostName = "h1", IsHostUp = true, Wish = BindingWish.Attached, IsCurrent = true };

    private static PoolStateFacts Pool(PoolState state, params PoolBindingFacts[] bindings) => new()
    {
        Id = new PoolId(Guid.Parse("44444444-0000-7000-8000-000000000001")),
        Name = "pool1",
        State = state,
        AddDeadline = Now + TimeSpan.FromSeconds(7),
        Bindings = bindings,
        Now = Now,
    };
}
