using Holdfast.Agent.Ledger;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>A guest whose killed process waits in the kernel for storage: its I/O is cut off, where that can be had, and where not everybody is told what it waits for.</summary>
public sealed class CutLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private static readonly MachineDisk OtherDisk = Samples.Disk(Samples.Volume2, Samples.OtherPool, 1, poolName: "slow");
    private static readonly DriverError Unsupported = new() { Code = DriverErrorCode.Unsupported, Text = "cannot be had here; 'fsfreeze --unfreeze' ends it" };
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;
    private readonly SimStorage _other;

    public CutLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _storage.CanCut = true;
        _storage.Ended = _ => _host.Hypervisor.Uninterruptible.Clear();
        _other = _host.AddStorage(Samples.OtherPool, "slow", "linstor");
        _other.Add(Samples.Volume2);
        _other.CanCut = true;
        _host.StartAgent();
    }

    private IEnumerable<Condition> Conditions => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions;

    private TimeSpan SinceKill => _host.Time.GetUtcNow() - _host.Hypervisor.KilledAt!.Value;

    [Fact]
    public void A_stop_is_done_within_ten_seconds_of_the_kill_where_its_driver_can_cut_and_says_what_was_cut()
    {
        Running(Disk);
        _storage.BeforeCut = volume => _host.Store.Load().OfType<LedgerChange.PutAttachment>().Last().Row.Cut.ShouldBe(new AttachmentCut(Generation.First, IsConfirmed: false));
        Stop(2);
        _host.UntilMachine(MachineState.Stopped, 2);

        SinceKill.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        var said = Conditions.Single();
        (said.Type, said.VolumeId, said.PoolId).ShouldBe((ConditionType.CutOff, Samples.Volume, Samples.Pool));
        said.Text.ShouldContain("what the guest was never told is written is lost");
        said.Text.ShouldContain("was cut off");
        _other.Calls.ShouldBeEmpty();
        _host.Until(() => _storage.Attached.Count == 0 && _storage.Cut.Count == 0, "released");
    }

    [Fact]
    public void A_stop_whose_driver_cannot_cut_is_told_within_fifteen_seconds_with_process_volume_pool_and_word_and_ends_by_itself()
    {
        _storage.CutError = Unsupported;
        Running(Disk);
        _storage.Waiting[Samples.Volume] = ("I/O is suspended: no quorum", false);
        Stop(2);
        UntilStuck();

        SinceKill.ShouldBeLessThan(TimeSpan.FromSeconds(15));
        var said = Conditions.Single();
        (said.VolumeId, said.PoolId).ShouldBe((Samples.Volume, Samples.Pool));
        string[] words = ["4711", $"{Samples.Volume}", "'fast'", $"{Samples.Pool}", "no quorum", "fsfreeze"];
        words.ShouldAllBe(word => said.Text.Contains(word));
        _host.Agent.Ledger.Tables.Attachments.ShouldHaveSingleItem();

        _host.Hypervisor.Uninterruptible.Clear();
        _host.UntilMachine(MachineState.Stopped, 2);
    }

    [Fact]
    public void A_driver_that_says_that_it_cannot_cut_leaves_no_mark_in_the_ledger()
    {
        _storage.CanCut = false;
        _storage.CutError = Unsupported;
        Running(Disk);
        Stop(2);
        UntilStuck();
        Conditions.Single().Text.ShouldContain("fsfreeze");
        _host.Agent.Ledger.Tables.Attachments.Values.Single().Cut.ShouldBeNull();
        _host.Hypervisor.Uninterruptible.Clear();
        _host.UntilMachine(MachineState.Stopped, 2);
        Conditions.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("hangs")]
    [InlineData("gone")]
    [InlineData("busy")]
    public void A_driver_that_hangs_is_gone_or_whose_workers_all_hang_does_not_keep_a_stop_from_being_told_in_time(string how)
    {
        Running(Disk);
        _storage.CutHangs = how == "hangs";
        if (how == "gone")
        {
            _host.Launcher.Executables.Remove("directory");
            _host.Launcher.Running[Samples.Pool].Crash();
        }
        else if (how == "busy")
        {
            // Every worker is at the driver with a call that hangs, one of them about this very volume: a cut goes past them.
            _storage.Mood = BackendMood.BlackHole;
            for (var i = 0; i < 8; i++)
            {
                _ = _host.Agent.Bindings.Find(Samples.Pool)!.Lane.CallAsync(
                    Samples.Volume, TimeSpan.FromMinutes(5), despiteCircuit: true, (client, left, ends) => client.GetVolumeAsync(Samples.Volume, left, ends), CancellationToken.None);
            }
        }

        Stop(2);
        if (how == "busy")
        {
            _host.UntilMachine(MachineState.Stopped, 2);
            SinceKill.ShouldBeLessThan(TimeSpan.FromSeconds(10));
            return;
        }

        UntilStuck();
        SinceKill.ShouldBeLessThan(TimeSpan.FromSeconds(15));
        Conditions.Single().Text.ShouldContain("'fast'");
        _host.Hypervisor.Uninterruptible.Clear();
        _host.UntilMachine(MachineState.Stopped, 2);
    }

    [Fact]
    public void A_cut_that_hangs_in_one_pool_delays_no_other_and_is_repeated_with_the_next_look()
    {
        Running(Disk, OtherDisk);
        _other.CutHangs = true;
        Stop(2);
        _host.UntilMachine(MachineState.Stopped, 2);
        SinceKill.ShouldBeLessThan(TimeSpan.FromSeconds(6));
        Conditions.Select(said => (said.VolumeId, said.Text.Contains("may have been", StringComparison.Ordinal))).ShouldBe(
            [(Samples.Volume, false), (Samples.Volume2, true)], ignoreOrder: true);

        Stop(4, start: 3);
        _storage.CutError = Unsupported;
        UntilStuck();
        var asked = _storage.Calls.Count(call => call.StartsWith("cut", StringComparison.Ordinal));
        _host.Until(() => _storage.Calls.Count(call => call.StartsWith("cut", StringComparison.Ordinal)) > asked, "asked again");
        _storage.CutError = null;
        _host.UntilMachine(MachineState.Stopped, 4);
    }

    [Fact]
    public void A_new_stop_of_a_guest_that_cannot_be_killed_is_a_new_try_and_is_not_answered_with_the_old_one()
    {
        _storage.CutError = Unsupported;
        Running(Disk);
        Stop(2);
        UntilStuck();
        _storage.CutError = null;
        _host.Server.Send(Item(Desired.Stopped, 3, Disk));
        _host.UntilMachine(MachineState.Stopped, 3, atMost: TimeSpan.FromSeconds(5));
        _host.Server.Reports.SelectMany(report => report.Items).Where(item => item.Id == Samples.Vm.Value && item.Generation.Value == 3)
            .ShouldAllBe(item => item.Conditions.All(said => said.Type != ConditionType.Uninterruptible));
    }

    [Fact]
    public void A_machine_that_runs_is_never_cut_off()
    {
        Running(Disk);
        _storage.Waiting[Samples.Volume] = ("I/O is suspended: no quorum", false);
        _host.For(TimeSpan.FromMinutes(10));
        _storage.Calls.ShouldNotContain(call => call.StartsWith("cut", StringComparison.Ordinal));
    }

    [Fact]
    public void A_guest_that_was_cut_off_ends_after_a_restart_of_the_agent_whatever_its_item_says()
    {
        Running(Disk);
        _host.Failpoints.Arm($"{Failpoint.CutRecorded.Name}=1*panic");
        Stop(2);
        _host.Until(() => _host.Store.Load().OfType<LedgerChange.PutAttachment>().Any(put => put.Row.Cut is not null), "written down");

        // As from a backup of the server: the newest item says that it is to run.
        _host.Server.Send(Item(Desired.Running, 3, Disk));
        _host.Launcher.Running[Samples.Pool].Kill();
        _host.StartAgent();
        _host.UntilMachine(MachineState.Stopped, 3);
        _host.Hypervisor.Domains.ShouldBeEmpty();
        Conditions.ShouldContain(said => said.Type == ConditionType.CutOff);
    }

    [Fact]
    public void What_was_cut_off_is_released_before_it_is_attached_again_and_a_start_that_cannot_have_that_says_so()
    {
        Running(Disk);
        _storage.Ended = _ =>
        {
            _host.Hypervisor.Uninterruptible.Clear();
            _storage.Mood = BackendMood.Refuses;
        };
        Stop(2);
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Until(() => _host.Agent.Ledger.Tables.Obligations.Values.Any(row => row is { IsOpen: true, IsCut: true, Tries: > 0 }), "owed");

        _host.Server.Send(Item(Desired.Running, 3, Disk));
        _host.UntilMachine(MachineState.Failed, 3);
        Conditions.First().Text.ShouldContain("has to be released first");
        Conditions.First().Text.ShouldContain("Connection refused");
        _host.Agent.Ledger.Tables.OwedCuts([Samples.Volume]).ShouldHaveSingleItem();

        _storage.Mood = BackendMood.Well;
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Server.Send(Item(Desired.Running, 4, Disk));
        _host.UntilMachine(MachineState.Running, 4);
        _storage.Cut.ShouldBeEmpty();
        _host.For(TimeSpan.FromMinutes(2));
        _storage.Attached.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_device_that_resumed_just_before_the_cut_costs_nothing_and_the_guest_ends()
    {
        Running(Disk);
        _storage.CutError = new DriverError { Code = DriverErrorCode.NotFound, Text = "not attached" };
        _storage.CanCut = true;
        Stop(2);
        _host.Until(() => _storage.Calls.Any(call => call.StartsWith("cut", StringComparison.Ordinal)), "asked");
        _host.Hypervisor.Uninterruptible.Clear();
        _host.UntilMachine(MachineState.Stopped, 2, atMost: TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void With_a_ledger_that_cannot_be_written_nothing_is_cut_off_and_that_is_told()
    {
        Running(Disk);
        _host.Store.Refuse = "disk full";
        Stop(2);
        _host.For(TimeSpan.FromSeconds(20));
        _storage.Calls.ShouldNotContain(call => call.StartsWith("cut", StringComparison.Ordinal));
        Conditions.Single().Text.ShouldContain("disk full");
        _host.Store.Refuse = null;
        _host.UntilMachine(MachineState.Stopped, 2);
    }

    [Theory]
    [InlineData("agent.cut.recorded")]
    [InlineData("agent.cut.asked")]
    [InlineData("agent.ledger.written")]
    public void An_agent_that_ends_around_a_cut_leaves_the_next_one_what_it_needs(string point)
    {
        Running(Disk);
        Stop(2);
        _host.Until(() => _host.Hypervisor.KilledAt is not null, "killed");
        _host.Failpoints.Arm($"{point}=1*panic");
        _host.For(TimeSpan.FromSeconds(15));
        _host.Failpoints.Disarm();
        _host.StartAgent();
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Until(() => _storage.Attached.Count == 0 && _storage.Cut.Count == 0, "released");
        _host.Server.Send(Item(Desired.Running, 3, Disk));
        _host.UntilMachine(MachineState.Running, 3);
    }

    private static HostItem Item(Desired desired, long generation, params MachineDisk[] disks) =>
        Samples.Machine(desired, generation, change: spec => spec with { ForcedStop = true }, disks: disks);

    private void Running(params MachineDisk[] disks)
    {
        _host.Server.Send(Item(Desired.Running, 1, disks));
        _host.UntilMachine(MachineState.Running, 1);
    }

    private void Stop(long generation, long? start = null)
    {
        if (start is { } first)
        {
            _other.CutHangs = false;
            _host.Server.Send(Item(Desired.Running, first, Disk));
            _host.UntilMachine(MachineState.Running, first);
        }

        _host.Hypervisor.Uninterruptible.Add(Samples.Vm);
        _host.Server.Send(Item(Desired.Stopped, generation, Disk));
    }

    private void UntilStuck() => _host.Until(() => Conditions.Any(one => one.Type == ConditionType.Uninterruptible), "told that it cannot be killed");
}
