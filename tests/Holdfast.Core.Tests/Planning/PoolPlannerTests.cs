using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class PoolPlannerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 30, 10, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Answered = Now + TimeSpan.FromSeconds(7);

    [Fact]
    public void A_pool_is_up_when_one_host_serves_it_and_knows_its_capacity()
    {
        var serving = Binding() with { IsServing = true, CapacityBytes = 1 };
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving, Binding() with { IsCurrent = false })).ShouldBe([new PoolAction.Added("h1")]);
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving with { IsCurrent = false })).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving with { CapacityBytes = null })).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized, serving with { CapacityBytes = 0 })).OfType<PoolAction.Undo>().Single().Why.ShouldContain("capacity is 0");
    }

    [Fact]
    public void Adding_a_pool_ends_badly_while_its_caller_waits_when_every_host_is_in_error()
    {
        var refused = Binding() with { Error = "controller refused the connection" };
        PoolPlanner.Plan(Pool(PoolState.Initialized, refused)).OfType<PoolAction.Undo>().Single().Why.ShouldContain("refused the connection");
        PoolPlanner.Plan(Pool(PoolState.Initialized, refused, Binding() with { IsCurrent = false })).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized)).OfType<PoolAction.Undo>().ShouldHaveSingleItem();
    }

    /// <summary>Volumes were made on hosts that could not use them, and the room of all hosts was summed up.</summary>
    [Theory]
    [InlineData(PoolScope.Zone, false)]
    [InlineData(PoolScope.Cluster, false)]
    [InlineData(PoolScope.Host, true)]
    public void A_pool_whose_volumes_one_host_alone_can_use_is_added_with_scope_host_only(PoolScope scope, bool isAdded)
    {
        var serving = Binding() with { IsServing = true, CapacityBytes = 1, NotShared = "group 'rg' has no DRBD; use scope HOST" };
        var plan = PoolPlanner.Plan(Pool(PoolState.Initialized, serving, Binding() with { HostName = "h2", IsCurrent = false }) with { Scope = scope });
        if (isAdded)
        {
            plan.ShouldBe([new PoolAction.Added("h1")]);
            return;
        }

        var why = plan.ShouldHaveSingleItem().ShouldBeOfType<PoolAction.Undo>().Why;
        why.ShouldContain("pool1");
        why.ShouldContain("scope HOST only");
        why.ShouldContain("Host h1 says: group 'rg' has no DRBD");
    }

    [Fact]
    public void A_pool_that_becomes_one_hosts_own_later_is_left_as_it_is()
    {
        var own = Binding() with { IsServing = true, CapacityBytes = 1, NotShared = "no DRBD any more" };
        PoolPlanner.Plan(Pool(PoolState.Up, own) with { Scope = PoolScope.Zone }).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.Initialized, own with { IsCurrent = false }) with { Scope = PoolScope.Zone }).ShouldBeEmpty("what answers to an older wish says nothing");
    }

    /// <summary>One LINSTOR group was added twice, by IP and by name, and its room was counted twice.</summary>
    [Fact]
    public void A_pool_that_is_another_pools_storage_is_not_added()
    {
        var serving = Binding() with { IsServing = true, CapacityBytes = 1 };
        var why = PoolPlanner.Plan(Pool(PoolState.Initialized, serving) with { Twin = Twin }).ShouldHaveSingleItem().ShouldBeOfType<PoolAction.Undo>().Why;
        why.ShouldContain("pool1 cannot be added");
        why.ShouldContain($"storage pool first ({Twin.Id})");
        why.ShouldContain(Twin.Identity);
    }

    [Theory]
    [InlineData(PoolState.Up)]
    [InlineData(PoolState.Disabled)]
    [InlineData(PoolState.Maintenance)]
    public void A_pool_that_turns_out_to_be_another_pools_storage_is_told_once_and_so_is_the_end_of_it(PoolState state)
    {
        var pool = Pool(state, Binding() with { IsServing = true, CapacityBytes = 1 });
        PoolPlanner.Plan(pool with { Twin = Twin }).ShouldBe([new PoolAction.Same(Twin)]);
        PoolPlanner.Plan(pool with { Twin = Twin, KnownTwin = Twin.Id }).ShouldBeEmpty();
        PoolPlanner.Plan(pool with { KnownTwin = Twin.Id }).ShouldBe([new PoolAction.Same(null)]);
    }

    [Fact]
    public void A_pool_on_a_slow_host_was_undone_after_seven_seconds_though_nobody_had_refused_it()
    {
        var slow = Binding() with { Remark = "the driver was not ready within 15 s" };
        var pool = Pool(PoolState.Initialized, slow, Binding() with { HostName = "h2", IsCurrent = false });
        PoolPlanner.Plan(pool with { Now = Answered }).ShouldBeEmpty();
        PoolPlanner.Plan(pool with { Now = Answered, Bindings = [slow with { Error = "the controller did not answer" }] }).ShouldBeEmpty();
        PoolPlanner.Plan(pool with { Now = Answered, Bindings = [slow with { IsServing = true, CapacityBytes = 1 }] }).ShouldBe([new PoolAction.Added("h1")]);

        var why = PoolPlanner.Plan(pool with { Now = Now + TimeSpan.FromSeconds(120) }).OfType<PoolAction.Undo>().Single().Why;
        why.ShouldContain("in time");
        why.ShouldContain("host h1: the driver was not ready within 15 s");
        why.ShouldContain("host h2: it has not answered yet");
    }

    [Fact]
    public void A_pool_whose_caller_is_answered_is_undone_when_every_host_refuses_for_good_and_not_before()
    {
        var refusal = Binding() with { Refusal = "there is no resource group rg" };
        var pool = Pool(PoolState.Initialized, refusal, Binding() with { HostName = "h2", IsCurrent = false }) with { Now = Answered };
        PoolPlanner.Plan(pool).ShouldBeEmpty("the other host may serve it");
        var both = pool with { Bindings = [refusal, refusal with { HostName = "h2" }] };
        PoolPlanner.Plan(both).OfType<PoolAction.Undo>().Single().Why.ShouldContain("hosts h1, h2: there is no resource group rg");
        PoolPlanner.Plan(pool with { Bindings = [refusal with { IsCurrent = false }] }).ShouldBeEmpty("it was told something else meanwhile");
        PoolPlanner.Plan(pool with { Bindings = [refusal with { IsHostUp = false }] }).ShouldBeEmpty("it is not there");
    }

    [Fact]
    public void Hosts_that_are_away_for_a_moment_undo_no_pool_whose_caller_is_answered()
    {
        var pool = Pool(PoolState.Initialized, Binding() with { IsHostUp = false });
        PoolPlanner.Plan(pool).OfType<PoolAction.Undo>().Single().Why.ShouldContain("no host up");
        PoolPlanner.Plan(pool with { Now = Answered }).ShouldBeEmpty();
        PoolPlanner.Plan(pool with { Now = Now + TimeSpan.FromSeconds(120) }).OfType<PoolAction.Undo>().Single().Why.ShouldContain("host h1: it does not report");
    }

    [Fact]
    public void What_many_hosts_say_of_a_pool_that_is_added_is_said_once_with_some_of_their_names()
    {
        AddingProgress.Describe([]).ShouldBe("there is no host in its scope");
        AddingProgress.Describe([Binding(), Binding() with { HostName = "h2", IsServing = true }, Binding() with { HostName = "h3" }])
            .ShouldBe("hosts h1, h3: it is starting the driver; host h2: it serves it, and has not told its capacity yet");

        var same = AddingProgress.Describe([.. Enumerable.Range(1, 5000).Select(i => Binding() with { HostName = $"h{i}", IsCurrent = false })]);
        same.ShouldBe("hosts h1, h2, h3, h4, h5, h6, h7, h8, h9, h10 and 4990 more: it has not answered yet");
        AddingProgress.Describe([.. Enumerable.Range(1, 5000).Select(i => Binding() with { HostName = $"h{i}", Error = $"no node h{i}" })])
            .ShouldEndWith("; host h10: no node h10; and 4990 more hosts say other things");
    }

    [Fact]
    public void Maintenance_stops_guests_then_quiesces_then_needs_only_the_hosts_that_are_up()
    {
        var running = new PoolVmFacts(new VmId(Guid.NewGuid()), "vm1", VmState.Running);
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding()) with { AreVmsTold = false }).ShouldBeEmpty("who tells them goes on with it");
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding()) with { ActiveVms = [running] }).ShouldBe([new PoolAction.StopVms()]);
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding()) with { ActiveVms = [running with { State = VmState.Stopping }] }).ShouldBeEmpty();
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, Binding())).ShouldBe([new PoolAction.Tell(BindingWish.Quiesced)]);
        var told = Binding() with { Wish = BindingWish.Quiesced, IsCurrent = false };
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, told)).ShouldBeEmpty();
        var quiet = told with { IsCurrent = true, IsQuiesced = true };
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, quiet, told with { IsHostUp = false })).ShouldBe([new PoolAction.MoveTo(PoolState.Maintenance)]);
    }

    [Fact]
    public void The_end_of_a_maintenance_is_done_when_every_vm_that_it_stopped_was_told_to_start_and_a_new_one_overtakes_it()
    {
        var job = new JobFacts(new JobId(Guid.NewGuid()), JobKind.CancelStorageMaintenance, Now, Now + TimeSpan.FromMinutes(1));
        var up = Pool(PoolState.Up, Binding()) with { Jobs = [job], HasVmsToStart = true };
        PoolPlanner.Plan(up).ShouldBeEmpty();
        PoolPlanner.Plan(up with { HasVmsToStart = false }).ShouldBe([new PoolAction.CompleteJob(job.Id)]);
        PoolPlanner.Plan(up with { State = PoolState.PrepareForMaintenance, AreVmsTold = false }).ShouldHaveSingleItem().ShouldBeOfType<PoolAction.FailJob>().Fault.Kind
            .ShouldBe(PlanFaultKind.Overtaken);
    }

    [Fact]
    public void Of_the_many_vms_that_hold_a_maintenance_up_some_are_named()
    {
        var job = new JobFacts(new JobId(Guid.NewGuid()), JobKind.EnableStorageMaintenance, Now, Now);
        var vms = Enumerable.Range(1, PoolPlanner.MostNames + 1).Select(i => new PoolVmFacts(new VmId(Guid.NewGuid()), $"vm{i}", VmState.Stopping)).ToList();
        var late = Pool(PoolState.PrepareForMaintenance, Binding()) with { Jobs = [job], ActiveVms = vms };
        PoolPlanner.Plan(late).ShouldHaveSingleItem().ShouldBeOfType<PoolAction.FailJob>().Fault.Text.ShouldEndWith($"{vms[^2].Name} ({vms[^2].Id}), state Stopping, and others");
    }

    [Fact]
    public void Maintenance_waits_for_what_hosts_settle_before_nobody_may_call_the_backend_any_more()
    {
        var job = new JobFacts(new JobId(Guid.NewGuid()), JobKind.EnableStorageMaintenance, Now, Now + TimeSpan.FromMinutes(1));
        var owing = Pool(PoolState.PrepareForMaintenance, Binding()) with { BeingSettled = 2, Jobs = [job] };
        PoolPlanner.Plan(owing).ShouldBeEmpty();
        PoolPlanner.Plan(owing with { BeingSettled = 0 }).ShouldBe([new PoolAction.Tell(BindingWish.Quiesced)]);
        PoolPlanner.Plan(owing with { Jobs = [job with { Deadline = Now }] }).ShouldHaveSingleItem().ShouldBeOfType<PoolAction.FailJob>().Fault.Text
            .ShouldEndWith("2 things that are owed to it are being settled");

        // Told already: what is owed then waits for the end of the maintenance.
        var quiet = Binding() with { Wish = BindingWish.Quiesced, IsQuiesced = true };
        PoolPlanner.Plan(Pool(PoolState.PrepareForMaintenance, quiet) with { BeingSettled = 2 }).ShouldBe([new PoolAction.MoveTo(PoolState.Maintenance)]);
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

    private static PoolTwin Twin { get; } = new(new PoolId(Guid.Parse("44444444-0000-7000-8000-000000000002")), "first", "linstor/0b7c/rg");

    private static PoolStateFacts Pool(PoolState state, params PoolBindingFacts[] bindings) => new()
    {
        Id = new PoolId(Guid.Parse("44444444-0000-7000-8000-000000000001")),
        Name = "pool1",
        State = state,
        Scope = PoolScope.Zone,
        AnswerBy = Answered,
        AddDeadline = Now + TimeSpan.FromSeconds(120),
        Bindings = bindings,
        Now = Now,
    };
}
