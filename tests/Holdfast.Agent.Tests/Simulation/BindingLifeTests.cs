using Holdfast.Agent.Bindings;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

public sealed class BindingLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private static readonly DriverBuild Second = new("second");
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public BindingLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _host.StartAgent();
    }

    [Theory]
    [InlineData(BackendMood.Well)]
    [InlineData(BackendMood.Refuses)]
    [InlineData(BackendMood.BlackHole)]
    [InlineData(BackendMood.Garbage)]
    public void A_removed_pool_has_no_process_no_folder_and_is_confirmed(object mood)
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _storage.Mood = (BackendMood)mood;
        Remove(2);
        _host.UntilBinding(Samples.Pool, BindingState.Absent, TimeSpan.FromSeconds(20));
        _host.Launcher.Running[Samples.Pool].Ended.IsCompleted.ShouldBeTrue();
        _host.Launcher.FoldersThere.ShouldBeEmpty();
        _host.Server.Binding(Samples.Pool)!.Unload!.ShouldContain("process 101 ended");
        _storage.Calls.Clear();
        _host.For(TimeSpan.FromHours(1));
        _storage.Calls.ShouldBeEmpty();
    }

    /// <summary>It was, and an agent that started anew from what was on the disk started the driver of a pool that every host had confirmed gone.</summary>
    [Fact]
    public void A_removal_is_not_confirmed_before_it_is_on_disk()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Store.Refuse = "database or disk is full";
        Remove(2);
        _host.Until(() => Conditions().Any(one => one.Type == ConditionType.LedgerUnwritable), "the reason to be told");
        _host.For(TimeSpan.FromMinutes(1));
        _host.Server.Binding(Samples.Pool)!.State.ShouldBe(BindingState.Draining);
        _host.Launcher.FoldersThere.ShouldBeEmpty();
        _host.Store.Refuse = null;
        _host.UntilBinding(Samples.Pool, BindingState.Absent, TimeSpan.FromSeconds(10));

        // It was told as "no driver was running".
        _host.Server.Binding(Samples.Pool)!.Unload!.ShouldContain("process 101 ended");
    }

    /// <summary>A report waited for the end of a pause of up to five seconds although the watch had long reached the server.</summary>
    [Fact]
    public void What_happened_while_the_server_was_away_is_told_as_soon_as_the_watch_reaches_it()
    {
        Run();
        for (var i = 0; i < 8; i++)
        {
            _host.Server.Reach(isDown: true);
            _host.For(TimeSpan.FromMinutes(1) + TimeSpan.FromMilliseconds(700 * i));
            var (told, watches) = (_host.Server.Reports.Count, _host.Server.Watches);
            _host.Server.Reach(isDown: false);
            _host.Until(() => _host.Server.Watches > watches, "the watch to stand", TimeSpan.FromSeconds(6));
            _host.Until(() => _host.Server.Reports.Count > told, "a report", TimeSpan.FromMilliseconds(100));
        }
    }

    [Fact]
    public void A_hung_driver_is_removed_too()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _storage.DriverHangs = true;
        Remove(2);
        _host.UntilBinding(Samples.Pool, BindingState.Absent, TimeSpan.FromSeconds(30));
        _host.Launcher.Running[Samples.Pool].Ended.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public void What_is_owed_to_a_dead_pool_is_orphaned_when_it_is_removed()
    {
        RunAndStop();
        _storage.Mood = BackendMood.Refuses;
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk));
        _host.Until(() => _host.Server.Machine(Samples.Vm) is not null, "seen");
        _host.Server.Send(Samples.Machine(Desired.Absent, 4));
        _host.UntilMachine(MachineState.Absent, 4);
        Remove(2);
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
        _host.Until(() => _host.Server.Obligations.Values.All(owed => owed.State is not ObligationState.Owed), "nothing is silently owed");
        _host.Agent.Ledger.Tables.OwedTo(Samples.Pool).ShouldBeEmpty();
    }

    [Fact]
    public void A_healthy_pool_gets_what_it_is_owed_before_it_goes()
    {
        Run();
        _host.Server.Send(Samples.Machine(Desired.Absent, 2));
        Remove(2);
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
        _host.Until(() => _host.Server.Obligations.Values.SingleOrDefault()?.State == ObligationState.Settled, "settled, not orphaned");
    }

    [Fact]
    public void A_missing_driver_is_told_and_the_pool_is_removable_all_the_same()
    {
        _host.AddStorage(Samples.OtherPool, "odd", "odd");
        _host.UntilBinding(Samples.OtherPool, BindingState.Degraded);
        _host.Server.Report(ItemKind.Binding, Samples.OtherPool.Value)!.Conditions.Single().Type.ShouldBe(ConditionType.DriverMissing);
        _host.Server.Send(Samples.Binding(Samples.OtherPool, 2, Desired.Absent));
        _host.UntilBinding(Samples.OtherPool, BindingState.Absent);
    }

    [Fact]
    public void A_driver_that_is_installed_later_is_found()
    {
        _host.Launcher.Executables.Remove("linstor");
        _host.AddStorage(Samples.OtherPool, "late", "linstor");
        _host.UntilBinding(Samples.OtherPool, BindingState.Degraded);
        _host.Launcher.Executables.Add("linstor");
        _host.UntilBinding(Samples.OtherPool, BindingState.Attached, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_crashed_driver_is_started_again()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Launcher.Running[Samples.Pool].Crash();
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        _host.UntilBinding(Samples.Pool, BindingState.Attached, TimeSpan.FromSeconds(5));
        _host.Launcher.Launches.ShouldBe(2);
    }

    [Fact]
    public void Another_build_that_starts_takes_the_place_of_the_one_before()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Launcher.Build = Second;
        _host.Until(() => _host.Server.Binding(Samples.Pool) is { State: BindingState.Attached, DriverVersion: "second" }, "the new one serves", TimeSpan.FromSeconds(30));
        _host.Launcher.TriedOut.ShouldBe([Second]);
        _host.Launcher.Trial!.Ended.IsCompleted.ShouldBeTrue();
        _host.Launcher.Launches.ShouldBe(2);
        Conditions().ShouldBeEmpty();
    }

    [Fact]
    public void Another_build_that_does_not_start_leaves_the_one_before_serving_and_says_so()
    {
        Run();
        _host.Launcher.Build = Second;
        _host.Launcher.Broken.Add(Second);
        _host.Until(() => Conditions().Any(one => one.Type == ConditionType.DriverNotUpgraded), "it is told");
        Conditions().Single().Text.ShouldContain("exit code 134");
        _host.Launcher.Launches.ShouldBe(1);
        _host.Server.Binding(Samples.Pool)!.State.ShouldBe(BindingState.Attached);
        _host.Launcher.Build = new DriverBuild("third");
        _host.Until(() => _host.Server.Binding(Samples.Pool) is { State: BindingState.Attached, DriverVersion: "third" }, "a mended one serves", TimeSpan.FromSeconds(30));
        Conditions().ShouldBeEmpty();
    }

    [Fact]
    public void Another_build_that_ends_soon_is_rolled_back_and_stays_so()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        var first = _host.Launcher.Build;
        _host.For(TimeSpan.FromSeconds(70));
        _host.Launcher.Build = Second;
        _host.Until(() => _host.Server.Binding(Samples.Pool) is { State: BindingState.Attached, DriverVersion: "second" }, "the new one serves", TimeSpan.FromSeconds(30));
        _host.Launcher.Running[Samples.Pool].Crash();
        _host.Until(() => _host.Server.Binding(Samples.Pool) is { State: BindingState.Attached, DriverVersion: "first" }, "the one before serves", TimeSpan.FromSeconds(5));
        _host.For(TimeSpan.FromHours(1));
        _host.Launcher.Launched[Samples.Pool].ShouldBe(first);
        Conditions().Single().Text.ShouldContain("signal 11");
    }

    [Fact]
    public void An_agent_that_starts_with_a_broken_build_goes_back_to_the_proven_one()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.For(TimeSpan.FromSeconds(70));
        _host.Launcher.Build = Second;
        _host.Launcher.Broken.Add(Second);
        _host.StartAgent();
        _host.Until(() => Conditions().Any(one => one.Type == ConditionType.DriverNotUpgraded), "it is told");
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Server.Binding(Samples.Pool)!.DriverVersion.ShouldBe("first");
    }

    [Fact]
    public void A_tried_driver_that_cannot_be_killed_stands_in_the_way_of_a_confirmed_removal_only()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Launcher.TrialCannotBeKilled = true;
        _host.Launcher.Build = Second;
        _host.Until(() => Conditions().Any(one => one.Type == ConditionType.DriverNotUpgraded), "it is told", TimeSpan.FromSeconds(60));
        Conditions().Single().Text.ShouldContain("cannot be killed");
        _host.Server.Binding(Samples.Pool)!.State.ShouldBe(BindingState.Attached);
        _host.For(TimeSpan.FromHours(1));
        _host.Launcher.TriedOut.Count.ShouldBe(1);
        Remove(2);
        _host.Until(() => Conditions().Any(one => one.Type == ConditionType.DriverStuck), "it is shown as stuck", TimeSpan.FromSeconds(60));
        _host.Server.Binding(Samples.Pool)!.State.ShouldBe(BindingState.Draining);
        _host.Launcher.Trial!.CannotBeKilled = false;
        _host.UntilBinding(Samples.Pool, BindingState.Absent, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void A_driver_that_cannot_be_killed_is_shown_and_no_second_one_is_started()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Launcher.Running[Samples.Pool].CannotBeKilled = true;
        _storage.DriverHangs = true;
        _host.Until(() => _host.Server.Report(ItemKind.Binding, Samples.Pool.Value)!.Conditions.Any(one => one.Type == ConditionType.DriverStuck), "stuck is told");
        _host.For(TimeSpan.FromMinutes(10));
        _host.Launcher.Launches.ShouldBe(1);
        _host.Launcher.Running[Samples.Pool].CannotBeKilled = false;
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Launcher.Launches.ShouldBe(2);
    }

    [Fact]
    public void Maintenance_ends_the_driver_and_survives_a_restart_of_the_agent()
    {
        RunAndStop();
        _host.Server.Send(Samples.Binding(Samples.Pool, 2, Desired.Quiesced));
        _host.UntilBinding(Samples.Pool, BindingState.Quiesced);
        _host.Launcher.Running[Samples.Pool].Ended.IsCompleted.ShouldBeTrue();
        _storage.Calls.Clear();
        var launches = _host.Launcher.Launches;
        _host.StartAgent();
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk));
        _host.UntilMachine(MachineState.Failed, 3);
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Single().Text.ShouldContain("maintenance");
        _host.For(TimeSpan.FromHours(1));
        _storage.Calls.ShouldBeEmpty();
        _host.Launcher.Launches.ShouldBe(launches);
        _host.Server.Send(Samples.Binding(Samples.Pool, 3));
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
    }

    [Fact]
    public void A_pool_added_again_loads_its_driver_again()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        Remove(2);
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
        _host.Server.Send(Samples.Binding(Samples.Pool, 3));
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Launcher.Launches.ShouldBe(2);
    }

    [Fact]
    public void A_removal_that_waited_while_the_agent_was_away_is_carried_out_on_its_return()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Kill();
        Remove(2);
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
        _host.Launcher.FoldersThere.ShouldBeEmpty();
    }

    [Fact]
    public void A_removal_is_told_again_by_a_restarted_agent()
    {
        Remove(2);
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
        _host.Server.Items.Clear();
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
    }

    [Fact]
    public void A_machine_deployed_in_the_same_second_as_another_pool_is_removed_works()
    {
        var other = _host.AddStorage(Samples.OtherPool, "new", "linstor");
        other.Add(Samples.Volume2);
        Remove(2);
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Samples.Disk(Samples.Volume2, Samples.OtherPool)));
        _host.UntilMachine(MachineState.Running, 1, atMost: TimeSpan.FromSeconds(2));
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
    }

    [Fact]
    public void A_new_configuration_restarts_the_driver_and_nothing_else()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        var item = Samples.Binding(Samples.Pool, 2);
        _host.Server.Send(item with { Binding = item.Binding! with { Config = new Dictionary<string, string> { ["path"] = "/elsewhere" } } });
        _host.Until(() => _host.Launcher.Launches == 2, "restarted");
        _host.Server.Send(Samples.Binding(Samples.Pool, 3) with { Binding = item.Binding! with { Config = new Dictionary<string, string> { ["path"] = "/elsewhere" } } });
        _host.For(TimeSpan.FromMinutes(1));
        _host.Launcher.Launches.ShouldBe(2);
    }

    private void Run()
    {
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
    }

    private void RunAndStop()
    {
        Run();
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2);
    }

    private void Remove(long generation) => _host.Server.Send(Samples.Binding(Samples.Pool, generation, Desired.Absent));

    private IReadOnlyList<Condition> Conditions() => _host.Server.Report(ItemKind.Binding, Samples.Pool.Value)?.Conditions ?? [];
}
