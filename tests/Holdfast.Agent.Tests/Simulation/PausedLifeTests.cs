using Holdfast.Agent.Hypervisor;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>A guest that is to run and stands still.</summary>
public sealed class PausedLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private static readonly GuestPause ByHand = new(PauseReason.ByHand, "it was suspended on its host by hand");
    private static readonly GuestPause Full = new(PauseReason.NoSpace, "a disk has no room") { Disks = [new FailedDisk("vda", Samples.Volume, true)] };
    private static readonly GuestPause Sick = new(PauseReason.IoError, "a disk failed") { Disks = [new FailedDisk("vda", Samples.Volume, false)] };
    private readonly SimHost _host = new();

    public PausedLifeTests()
    {
        _host.AddStorage(Samples.Pool).Add(Samples.Volume);
        _host.StartAgent();
        _host.Server.Send(Samples.Machine(Desired.Running, 1, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
    }

    private ItemReport Said => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!;

    private IEnumerable<Condition> Told => Said.Conditions.Where(one => one.Type == ConditionType.Paused);

    // How often it turned, in all that was reported.
    private int Turns => _host.Server.Reports.SelectMany(report => report.Items).Where(item => item.Id == Samples.Vm.Value)
        .Select(item => item.Conditions.Any(one => one.Type == ConditionType.Paused)).Aggregate((Last: false, Count: 0), (all, now) => (now, all.Count + (now == all.Last ? 0 : 1))).Count;

    [Fact]
    public void A_guest_that_was_suspended_by_hand_is_told_and_left_alone_until_a_person_lets_it_go_on()
    {
        _host.Hypervisor.Pause(Samples.Vm, ByHand);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        Said.Machine!.State.ShouldBe(MachineState.Running);
        string[] words = ["'web'", "by hand", "reboot"];
        words.ShouldAllBe(word => Told.Single().Text.Contains(word));

        _host.For(TimeSpan.FromHours(1));
        _host.Hypervisor.Resumes.ShouldBe(0);

        _host.Hypervisor.Unpause(Samples.Vm);
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromSeconds(10));
        Turns.ShouldBe(2);
    }

    [Fact]
    public void A_pause_whose_event_was_lost_is_found_by_the_list()
    {
        _host.Hypervisor.LosesEvents = true;
        _host.Hypervisor.Pause(Samples.Vm, Full, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(25));
    }

    [Fact]
    public void A_guest_whose_disk_is_full_is_let_go_on_ever_more_seldom_and_told_once_until_there_is_room()
    {
        _host.Hypervisor.Pause(Samples.Vm, Full, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        (Told.Single().VolumeId, Told.Single().PoolId).ShouldBe((Samples.Volume, Samples.Pool));
        _host.For(TimeSpan.FromMinutes(10));
        _host.Hypervisor.Resumes.ShouldBeInRange(9, 14);
        Turns.ShouldBe(1);

        _host.Hypervisor.Held.Clear();
        _host.Until(() => _host.Hypervisor.Domains[Samples.Vm].Status == DomainStatus.Running, "it to go on", TimeSpan.FromSeconds(61));
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromSeconds(20));
        Turns.ShouldBe(2);
    }

    [Fact]
    public void A_guest_whose_disk_failed_goes_on_when_the_device_is_back()
    {
        _host.Hypervisor.Pause(Samples.Vm, Sick, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        Told.Single().Text.ShouldContain($"I/O failed of volume {Samples.Volume} (vda) on storage pool 'fast'");
        _host.Hypervisor.Held.Clear();
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromSeconds(20));
        _host.Hypervisor.Resumes.ShouldBe(1);
    }

    [Fact]
    public void The_setting_of_the_server_keeps_a_guest_from_going_on_by_itself_and_holds_at_once()
    {
        _host.Server.Guests = new GuestRules { ResumeSeconds = 0 };
        _host.Server.Reach(false);
        _host.Hypervisor.Pause(Samples.Vm, Full);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        Told.Single().Text.ShouldContain("vm.paused.resume.interval");
        _host.For(TimeSpan.FromMinutes(10));
        _host.Hypervisor.Resumes.ShouldBe(0);

        _host.Server.Guests = new GuestRules { ResumeSeconds = 60 };
        _host.Server.Reach(false);
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromSeconds(45));
    }

    [Fact]
    public void What_the_hypervisor_holds_for_a_moment_is_nobodys_business_and_what_it_holds_for_long_is()
    {
        var passing = new GuestPause(PauseReason.Passing, "a snapshot of it is made on its host");
        _host.Hypervisor.Pause(Samples.Vm, passing);
        _host.For(TimeSpan.FromSeconds(20));
        _host.Hypervisor.Unpause(Samples.Vm);
        _host.For(TimeSpan.FromMinutes(1));
        Turns.ShouldBe(0);

        _host.Hypervisor.Pause(Samples.Vm, passing);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(31));
        Told.Single().Text.ShouldContain("snapshot");
    }

    [Fact]
    public void An_agent_that_was_started_anew_says_neither_that_it_goes_on_nor_lets_it_before_the_server_was_heard()
    {
        _host.Hypervisor.Pause(Samples.Vm, Full, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Server.IsDown = true;
        _host.Kill();
        _host.StartAgent();
        _host.For(TimeSpan.FromMinutes(5));
        _host.Hypervisor.Resumes.ShouldBe(0);
        _host.Server.Reach(false);
        _host.Hypervisor.Held.Clear();
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromSeconds(40));
        Turns.ShouldBe(2);
    }

    [Fact]
    public void While_libvirt_does_not_answer_a_paused_guest_stays_told_as_paused()
    {
        _host.Hypervisor.Pause(Samples.Vm, ByHand);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Hypervisor.AnswersNothing = true;
        _host.Hypervisor.Hint(Samples.Vm);
        _host.Until(() => Said.Conditions.Any(one => one.Type == ConditionType.HypervisorDown), "told that libvirt does not answer");
        Told.Count().ShouldBe(1);
        _host.Hypervisor.AnswersNothing = false;
        _host.Until(() => Said.Conditions.All(one => one.Type != ConditionType.HypervisorDown), "told that it answers");
        Turns.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reboot_of_a_paused_guest_resets_it_and_lets_it_go_on(bool forced)
    {
        _host.Hypervisor.Pause(Samples.Vm, ByHand);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        Reboot(2, forced);
        _host.UntilMachine(MachineState.Running, 2);
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "reset", "resume"]);
        Said.Machine!.RebootSequence.ShouldBe(1);
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_reboot_of_a_guest_that_stands_still_again_fails_and_says_why_and_is_not_made_up_for_later()
    {
        _host.Hypervisor.Pause(Samples.Vm, Sick, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Server.Guests = new GuestRules { ResumeSeconds = 0 };
        _host.Server.Reach(false);
        Reboot(2);
        _host.UntilMachine(MachineState.Running, 2);
        var why = Said.Conditions.Single(one => one.Type == ConditionType.Failed).Text;
        string[] words = ["was not rebooted", $"{Samples.Volume}", "'fast'"];
        words.ShouldAllBe(word => why.Contains(word));
        Said.Machine!.RebootSequence.ShouldBe(0);

        _host.Hypervisor.Held.Clear();
        _host.Hypervisor.Unpause(Samples.Vm);
        _host.Until(() => Said.Conditions.Count == 0, "nothing of it to be told any more", TimeSpan.FromSeconds(20));
        _host.Server.Send(Samples.Machine(Desired.Running, 3, change: spec => spec with { RebootSequence = 1, GraceSeconds = 10 }, disks: Disk));
        _host.UntilMachine(MachineState.Running, 3);
        _host.Kill();
        _host.StartAgent();
        _host.For(TimeSpan.FromMinutes(1));
        _host.Hypervisor.Effects.Count(effect => effect is "reset" or "reboot").ShouldBe(1);

        Reboot(4, sequence: 2);
        _host.UntilMachine(MachineState.Running, 4);
        Said.Machine!.RebootSequence.ShouldBe(2);
    }

    [Fact]
    public void A_reboot_that_cannot_be_let_go_on_fails_and_says_why()
    {
        _host.Hypervisor.Pause(Samples.Vm, ByHand);
        _host.Hypervisor.RefuseResume = "cannot acquire state change lock";
        Reboot(2);
        _host.UntilMachine(MachineState.Running, 2);
        Said.Conditions.Single(one => one.Type == ConditionType.Failed).Text.ShouldContain("cannot acquire state change lock");
        Told.Count().ShouldBe(1);
    }

    [Fact]
    public void A_guest_that_was_suspended_by_hand_is_let_go_on_to_hear_that_it_is_to_shut_down()
    {
        _host.Hypervisor.Pause(Samples.Vm, ByHand);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2, atMost: TimeSpan.FromSeconds(5));
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "resume", "button"]);
    }

    [Fact]
    public void A_stop_of_a_guest_that_stands_still_again_does_not_wait_out_its_grace()
    {
        _host.Hypervisor.Pause(Samples.Vm, Full, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2, atMost: TimeSpan.FromSeconds(5));
        _host.Hypervisor.Effects.ShouldContain("destroy");
        _host.Hypervisor.Resumes.ShouldBe(1);
    }

    [Fact]
    public void A_stop_of_a_paused_guest_whose_QEMU_does_not_answer_takes_no_longer_than_its_grace()
    {
        _host.Hypervisor.Pause(Samples.Vm, Sick, isHeld: true);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Hypervisor.ResumeHangs = TimeSpan.FromMinutes(1);
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { GraceSeconds = 2 }, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2, atMost: TimeSpan.FromSeconds(4));
    }

    [Fact]
    public void A_forced_stop_of_a_paused_guest_ends_it_at_once()
    {
        _host.Hypervisor.Pause(Samples.Vm, ByHand);
        _host.Until(() => Told.Any(), "told", TimeSpan.FromSeconds(1));
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { ForcedStop = true }, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2, atMost: TimeSpan.FromSeconds(1));
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "destroy"]);
        Told.ShouldBeEmpty();
    }

    [Fact]
    public void A_guest_that_runs_full_again_soon_is_let_go_on_as_seldom_as_before()
    {
        _host.Hypervisor.Pause(Samples.Vm, Full, isHeld: true);
        _host.For(TimeSpan.FromMinutes(10));
        _host.Hypervisor.Held.Clear();
        _host.Until(() => !Told.Any(), "told that it goes on", TimeSpan.FromMinutes(2));
        var before = _host.Hypervisor.Resumes;
        _host.Hypervisor.Pause(Samples.Vm, Full, isHeld: true);
        _host.For(TimeSpan.FromSeconds(50));
        _host.Hypervisor.Resumes.ShouldBe(before);
        _host.For(TimeSpan.FromSeconds(15));
        _host.Hypervisor.Resumes.ShouldBe(before + 1);
    }

    private void Reboot(long generation, bool forced = false, long sequence = 1) =>
        _host.Server.Send(Samples.Machine(Desired.Running, generation, change: spec => spec with { RebootSequence = sequence, ForcedReboot = forced }, disks: Disk));
}
