using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

public sealed class MachineLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private static readonly MachineDisk OtherDisk = Samples.Disk(Samples.Volume2, Samples.OtherPool, 1, poolName: "slow");
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;
    private readonly SimStorage _other;

    public MachineLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _other = _host.AddStorage(Samples.OtherPool, "slow", "linstor");
        _other.Add(Samples.Volume2);
        _host.StartAgent();
    }

    [Fact]
    public void A_machine_starts_and_stops_and_its_storage_is_released()
    {
        Running();
        _storage.Attached.ShouldHaveSingleItem();
        _host.Server.Machine(Samples.Vm)!.Disks.Single().VolumeId.ShouldBe(Samples.Volume);
        Stop(2);
        _host.Until(() => _storage.Attached.Count == 0, "the volume is released");
        _host.Until(() => _host.Server.Obligations.Values.Single().State == ObligationState.Settled, "the server knows");
        _host.Until(() => _host.Agent.Ledger.Tables.Obligations.Count == 0, "the ledger forgets what the server knows");
        _other.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(BackendMood.Refuses)]
    [InlineData(BackendMood.BlackHole)]
    [InlineData(BackendMood.Busy)]
    [InlineData(BackendMood.Credentials)]
    [InlineData(BackendMood.Garbage)]
    public void A_dead_foreign_storage_is_never_asked_and_costs_nothing(object mood)
    {
        _other.Mood = (BackendMood)mood;
        Running();
        var before = _host.Time.Elapsed;
        Stop(2);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1), string.Join("\n", _host.Errors.Lines.TakeLast(30)));
        _other.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(BackendMood.Refuses)]
    [InlineData(BackendMood.BlackHole)]
    [InlineData(BackendMood.Garbage)]
    public void A_machine_on_a_dead_storage_stops_and_what_is_owed_is_settled_when_it_comes_back(object mood)
    {
        Running();
        _storage.Mood = (BackendMood)mood;
        var before = _host.Time.Elapsed;
        Stop(2);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1), string.Join("\n", _host.Errors.Lines.TakeLast(30)));
        _host.Until(() => _host.Server.Obligations.Values.Any(owed => owed is { State: ObligationState.Owed, LastError: not null }), "the failure is told");
        _host.For(TimeSpan.FromMinutes(10));
        _storage.Attached.ShouldNotBeEmpty();
        _storage.Mood = BackendMood.Well;
        _host.Until(() => _storage.Attached.Count == 0, "settled by itself", TimeSpan.FromSeconds(15));
    }

    [Fact]
    public void A_hung_driver_does_not_delay_a_stop()
    {
        Running();
        _storage.DriverHangs = true;
        var before = _host.Time.Elapsed;
        Stop(2);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1), string.Join("\n", _host.Errors.Lines.TakeLast(30)));
        _host.Until(() => _storage.Attached.Count == 0, "a new driver process releases it");
        _host.Launcher.Launches.ShouldBeGreaterThan(2);
    }

    /// <summary>It waited for libvirt for as long as libvirt hung, when the last look at the guest had found nothing out.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_guest_that_was_looked_at_in_vain_while_libvirt_hung_is_stopped_all_the_same(bool isForced)
    {
        Running();
        _host.Hypervisor.PowersOffAfter = null;
        _host.Hypervisor.AnswersNothing = true;
        _host.Hypervisor.Hint(Samples.Vm);
        _host.Until(() => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Any(one => one.Type == ConditionType.HypervisorDown), "libvirt not to answer");
        var before = _host.Time.Elapsed;
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { ForcedStop = isForced, GraceSeconds = 20 }));
        _host.UntilMachine(MachineState.Stopped, 2);
        var took = _host.Time.Elapsed - before;
        took.ShouldBeLessThan(TimeSpan.FromSeconds(isForced ? 10 : 35));
        if (!isForced)
        {
            took.ShouldBeGreaterThan(TimeSpan.FromSeconds(20), "the guest has its time, for nobody knows that it is not on its way");
        }

        _host.Hypervisor.Domains.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(BackendMood.Refuses)]
    [InlineData(BackendMood.BlackHole)]
    public void Starting_on_a_dead_storage_fails_fast_and_names_it(object mood)
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _storage.Mood = (BackendMood)mood;
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        var before = _host.Time.Elapsed;
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Failed, 1);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1), string.Join("\n", _host.Errors.Lines.TakeLast(30)));
        var condition = _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Single();
        condition.Text.ShouldContain("'fast'");
        condition.Text.ShouldContain("Connection refused");
        condition.PoolId.ShouldBe(Samples.Pool);
        _host.Hypervisor.Domains.ShouldBeEmpty();
    }

    [Fact]
    public void Starting_with_a_locally_present_device_works_without_the_control_plane()
    {
        _storage.CanAttachLocally = true;
        _storage.LocallyThere.Add(Samples.Volume);
        _storage.Mood = BackendMood.Refuses;
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Single().Type.ShouldBe(ConditionType.ControlPlaneDown);
    }

    /// <summary>The pool stayed healthy while LINSTOR refused everything new on this host.</summary>
    [Fact]
    public void A_satellite_that_is_away_makes_the_pool_sick_here_and_what_is_here_starts_and_stops_all_the_same()
    {
        _storage.CanAttachLocally = true;
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _storage.SatelliteAway = "node 'kvm1' is OFFLINE";
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        _host.Server.Report(ItemKind.Binding, Samples.Pool.Value)!.Conditions.Single().Text.ShouldContain("node 'kvm1' is OFFLINE");
        var before = _host.Time.Elapsed;
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(2), "nothing is waited for");
        var task = Samples.Id(0xD7);
        _host.Server.Send(Samples.Task(task, new TaskSpec.EnsureVolume
        {
            PoolId = Samples.Pool, PoolName = "fast", VolumeId = Samples.Volume2, VolumeGeneration = Generation.First, SizeBytes = 1 << 30, Label = "new",
        }));
        _host.Until(() => _host.Server.Report(ItemKind.Task, task)?.Task?.State == TaskState.Failed, "the new volume to be refused", TimeSpan.FromSeconds(2));
        _host.Server.Report(ItemKind.Task, task)!.Conditions.Single().Text.ShouldContain("node 'kvm1' is OFFLINE");
        Stop(2);
        _host.For(TimeSpan.FromMinutes(10));
        _storage.Attached.ShouldHaveSingleItem("the release waits, and is owed");
        _storage.SatelliteAway = null;
        _host.UntilBinding(Samples.Pool, BindingState.Attached, TimeSpan.FromSeconds(15));
        _host.Until(() => _storage.Attached.Count == 0 && _host.Server.Obligations.Values.All(owed => owed.State == ObligationState.Settled), "settled by itself");
    }

    /// <summary>The guest's disk is the device, and that is larger than the 1 GiB that were asked for.</summary>
    [Fact]
    public void A_disk_is_told_as_large_as_its_device_and_still_grows()
    {
        _storage.RoundsUpBy = 4096;
        Running();
        _host.Server.Machine(Samples.Vm)!.Disks.Single().SizeBytes.ShouldBe((1L << 30) + 4096);
        _host.Server.Send(Samples.Machine(Desired.Running, 2, disks: Disk with { SizeBytes = (1L << 30) + 4096 }));
        _host.UntilMachine(MachineState.Running, 2);
        _host.Hypervisor.Effects.ShouldNotContain(effect => effect.StartsWith("resize", StringComparison.Ordinal));
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk with { SizeBytes = 2L << 30 }));
        _host.UntilMachine(MachineState.Running, 3);
        _host.Hypervisor.Effects.ShouldContain($"resize {2L << 30}");
    }

    [Fact]
    public void A_failed_start_gives_back_the_disks_that_were_attached()
    {
        _host.UntilBinding(Samples.OtherPool, BindingState.Attached);
        _other.Volumes.Clear();
        _host.Server.Send(Samples.Machine(Desired.Running, disks: [Disk, OtherDisk]));
        _host.UntilMachine(MachineState.Failed, 1);
        _host.Until(() => _storage.Attached.Count == 0 && _storage.Calls.Any(call => call.StartsWith("release", StringComparison.Ordinal)), "undone");
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Single().Text.ShouldContain("'slow'");
    }

    [Fact]
    public void A_stop_abandons_a_start_that_waits_for_a_dead_storage()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _storage.CallTakes = TimeSpan.FromSeconds(15);
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Starting, 1);
        var before = _host.Time.Elapsed;
        Stop(2);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1), string.Join("\n", _host.Errors.Lines.TakeLast(30)));
        _storage.Attached.ShouldBeEmpty();
        _host.For(TimeSpan.FromMinutes(3));
        _storage.Calls.Last().ShouldStartWith("release");
        _storage.Attached.ShouldBeEmpty();
        _host.Hypervisor.Domains.ShouldBeEmpty();
    }

    [Fact]
    public void A_stop_during_the_hypervisors_start_leaves_no_guest_behind()
    {
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Hypervisor.StartTakes = TimeSpan.FromSeconds(3);
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.Until(() => _storage.Attached.Count == 1, "attached");
        _host.For(TimeSpan.FromSeconds(1));
        Stop(2);
        _host.For(TimeSpan.FromSeconds(10));
        _host.Hypervisor.Domains.ShouldBeEmpty();
        _storage.Attached.ShouldBeEmpty();
    }

    [Fact]
    public void A_guest_that_ignores_the_button_is_destroyed_at_the_end_of_its_grace()
    {
        Running();
        _host.Hypervisor.PowersOffAfter = null;
        var before = _host.Time.Elapsed;
        Stop(2);
        (_host.Time.Elapsed - before).ShouldBeInRange(TimeSpan.FromSeconds(29), TimeSpan.FromSeconds(32));
        _host.Hypervisor.Effects.ShouldContain("destroy");
    }

    [Fact]
    public void A_forced_stop_that_comes_during_the_grace_destroys_at_once()
    {
        Running();
        _host.Hypervisor.PowersOffAfter = null;
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopping, 2);
        _host.Server.Send(Samples.Machine(Desired.Stopped, 3, change: spec => spec with { ForcedStop = true }, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 3, atMost: TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void A_guest_that_cannot_be_killed_is_reported_as_just_that_and_keeps_its_volumes()
    {
        Running();
        _host.Hypervisor.Uninterruptible.Add(Samples.Vm);
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { ForcedStop = true }, disks: Disk));
        _host.Until(() => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Any(one => one.Type == ConditionType.Uninterruptible), "told");
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Stopping);
        _host.Agent.Ledger.Tables.Attachments.ShouldHaveSingleItem();
        _host.Agent.Ledger.Tables.Obligations.ShouldBeEmpty();
        _host.Hypervisor.Uninterruptible.Clear();
        _host.UntilMachine(MachineState.Stopped, 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_guest_that_ends_by_itself_is_reported_and_not_restarted(bool losesEvents)
    {
        Running();
        _host.Hypervisor.LosesEvents = losesEvents;
        _host.Hypervisor.EndByItself(Samples.Vm);
        _host.UntilMachine(MachineState.Stopped, 1);
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Single().Type.ShouldBe(ConditionType.GuestEnded);
        _host.For(TimeSpan.FromMinutes(5));
        _host.Hypervisor.Domains.ShouldBeEmpty();
        _storage.Attached.ShouldBeEmpty();
        _host.Server.Send(Samples.Machine(Desired.Running, 2, disks: Disk));
        _host.UntilMachine(MachineState.Running, 2);
    }

    [Fact]
    public void A_restarted_machine_takes_its_volume_back_before_an_owed_release_can_fire()
    {
        Running();
        _storage.Mood = BackendMood.Refuses;
        Stop(2);
        _host.Until(() => _host.Server.Obligations.Count == 1, "owed");
        _storage.CanAttachLocally = true;
        _storage.LocallyThere.Add(Samples.Volume);
        _host.Launcher.Running[Samples.Pool].Crash();
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        _host.For(TimeSpan.FromSeconds(5));
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk));
        _host.UntilMachine(MachineState.Running, 3);
        _storage.Calls.Clear();
        _storage.Mood = BackendMood.Well;
        _host.For(TimeSpan.FromHours(5));
        _storage.Calls.ShouldBeEmpty();
        _host.Server.Obligations.Values.Single().State.ShouldBe(ObligationState.Superseded);
    }

    [Fact]
    public void A_start_that_arrives_too_late_is_not_carried_out()
    {
        _host.Hypervisor.IsDown = true;
        _host.Server.Send(Samples.Machine(Desired.Running, expiresInMs: 5_000, disks: Disk));
        _host.For(TimeSpan.FromSeconds(10));
        _host.Hypervisor.IsDown = false;
        _host.UntilMachine(MachineState.Failed, 1);
        _host.For(TimeSpan.FromMinutes(1));
        _host.Hypervisor.Effects.ShouldBeEmpty();
    }

    [Fact]
    public void Disks_come_and_go_while_the_guest_runs()
    {
        Running();
        _host.Server.Send(Samples.Machine(Desired.Running, 2, disks: [Disk, OtherDisk]));
        _host.UntilMachine(MachineState.Running, 2);
        _host.Server.Machine(Samples.Vm)!.Disks.Count.ShouldBe(2);
        _other.Attached.ShouldHaveSingleItem();
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk with { SizeBytes = 2L << 30 }));
        _host.UntilMachine(MachineState.Running, 3);
        _host.Server.Machine(Samples.Vm)!.Disks.Single().SizeBytes.ShouldBe(2L << 30);
        _host.Until(() => _other.Attached.Count == 0, "released");
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "plug vdb", "unplug", $"resize {2L << 30}"]);
    }

    [Fact]
    public void A_hot_attach_from_a_dead_storage_fails_and_leaves_the_guest_running()
    {
        Running();
        _other.Mood = BackendMood.Refuses;
        _host.UntilBinding(Samples.OtherPool, BindingState.Degraded);
        _host.Server.Send(Samples.Machine(Desired.Running, 2, disks: [Disk, OtherDisk]));
        _host.UntilMachine(MachineState.Running, 2);
        var report = _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!;
        report.Conditions.Single().Type.ShouldBe(ConditionType.Failed);
        report.Conditions.Single().Text.ShouldContain("'slow'");
        report.Machine!.Disks.ShouldHaveSingleItem();
        Stop(3);
    }

    [Fact]
    public void A_disk_that_libvirt_may_still_plug_in_is_told_as_unclear_until_libvirt_has_taken_it_out()
    {
        Running();
        _host.Hypervisor.PlugsLate = true;
        _host.Server.Send(Samples.Machine(Desired.Running, 2, disks: [Disk, OtherDisk]));
        _host.Until(() => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value) is { Generation.Value: 2, Conditions: [{ Type: ConditionType.HypervisorDown }] }, "libvirt does not answer");

        // The attach has failed, and the machine is wanted without the disk.
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk));
        _host.Until(() => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value) is { Generation.Value: 3 }, "the host has heard of it");
        _host.Server.Machine(Samples.Vm)!.Unclear.ShouldContain(Samples.Volume2);
        _host.For(TimeSpan.FromMinutes(1));
        _host.Server.Machine(Samples.Vm)!.Unclear.ShouldContain(Samples.Volume2);
        _other.Attached.ShouldHaveSingleItem();

        _host.Hypervisor.GoOn();
        _host.Until(() => _other.Attached.Count == 0 && _host.Server.Machine(Samples.Vm)!.Unclear.Count == 0, "taken out and released");
        _host.Hypervisor.Domains[Samples.Vm].Disks.Single().Volume.ShouldBe(Samples.Volume);
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "plug vdb", "unplug"]);
    }

    [Fact]
    public void A_guest_with_room_is_given_more_while_it_runs_and_nothing_is_taken_from_it()
    {
        Running(WithRoom);
        _host.Server.Machine(Samples.Vm).ShouldSatisfyAllConditions(m => m!.Cpus.ShouldBe(1), m => m!.MemoryMiB.ShouldBe(128));
        Scale(2, 3, 512);
        Scale(3, 2, 256);
        _host.StartAgent();
        _host.For(TimeSpan.FromMinutes(1));
        _host.Server.Machine(Samples.Vm).ShouldSatisfyAllConditions(m => m!.Cpus.ShouldBe(3), m => m!.MemoryMiB.ShouldBe(512));
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "memory 512", "cpus 3"]);
    }

    [Fact]
    public void A_guest_that_was_given_more_without_an_answer_is_not_given_it_twice()
    {
        Running(WithRoom);
        _host.Hypervisor.LosesGrowth = true;
        Scale(2, 2, 256);
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM", "memory 256", "cpus 2"]);
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.ShouldBeEmpty();
    }

    [Fact]
    public void A_guest_that_is_given_only_a_part_is_told_with_what_it_has_and_why()
    {
        Running(WithRoom);
        _host.Hypervisor.RefuseCpus = "cpu hotplug is not enabled by the firmware";
        Scale(2, 2, 256);
        var report = _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!;
        report.Conditions.Single().ShouldSatisfyAllConditions(c => c.Type.ShouldBe(ConditionType.Failed), c => c.Text.ShouldContain("cpu hotplug is not enabled"));
        (report.Machine!.Cpus, report.Machine.MemoryMiB).ShouldBe((1, 256));

        // The server takes it back: the failure is over.
        Scale(3, 1, 128);
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.ShouldBeEmpty();
    }

    [Fact]
    public void Of_a_guest_without_room_nothing_is_asked()
    {
        Running();
        _host.Server.Send(Samples.Machine(Desired.Running, 2, change: spec => spec with { Cpus = 4, MemoryMiB = 512 }, disks: Disk));
        _host.UntilMachine(MachineState.Running, 2);
        _host.Hypervisor.Effects.ShouldBe(["start i-2-17-VM"]);
        _host.Server.Machine(Samples.Vm)!.Cpus.ShouldBe(1);
    }

    private static MachineSpec WithRoom(MachineSpec spec) => spec with { MaxCpus = 4, MaxMemoryMiB = 1024 };

    private void Scale(long generation, int cpus, int memory)
    {
        _host.Server.Send(Samples.Machine(Desired.Running, generation, change: spec => WithRoom(spec) with { Cpus = cpus, MemoryMiB = memory }, disks: Disk));
        _host.UntilMachine(MachineState.Running, generation);
    }

    [Fact]
    public void A_reboot_happens_once_and_a_fresh_start_counts_as_one()
    {
        Running(spec => spec with { RebootSequence = 4 });
        _host.Hypervisor.Effects.ShouldNotContain("reboot");
        _host.Server.Send(Samples.Machine(Desired.Running, 2, change: spec => spec with { RebootSequence = 5 }, disks: Disk));
        _host.UntilMachine(MachineState.Running, 2);
        _host.Server.Machine(Samples.Vm)!.RebootSequence.ShouldBe(5);
        _host.For(TimeSpan.FromMinutes(2));
        _host.Hypervisor.Effects.Count(effect => effect == "reboot").ShouldBe(1);
    }

    [Fact]
    public void A_tombstone_ends_the_guest_and_leaves_nothing_but_what_is_owed()
    {
        Running();
        _host.Server.Send(Samples.Machine(Desired.Absent, 2));
        _host.UntilMachine(MachineState.Absent, 2);
        _host.Hypervisor.Domains.ShouldBeEmpty();
        _host.Until(() => _storage.Attached.Count == 0, "released");
    }

    [Fact]
    public void An_agent_restart_touches_no_guest_and_asks_no_storage_about_it()
    {
        Running();
        _host.Hypervisor.Effects.Clear();
        _storage.Calls.Clear();
        _host.StartAgent();
        _host.For(TimeSpan.FromMinutes(2));
        _host.Hypervisor.Effects.ShouldBeEmpty();
        _storage.Calls.ShouldBeEmpty();
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Running);
        Stop(2);
    }

    [Fact]
    public void With_a_full_ledger_disk_guests_stop_but_none_starts()
    {
        Running();
        _host.Store.Refuse = "database or disk is full";
        var another = new VmId(Samples.Id(0xB2));
        _host.Server.Send(Samples.Machine(Desired.Running, vm: another, disks: OtherDisk));
        _host.UntilMachine(MachineState.Failed, 1, another);
        _host.Server.Report(ItemKind.Machine, another.Value)!.Conditions.Single().Type.ShouldBe(ConditionType.LedgerUnwritable);
        _other.Calls.ShouldBeEmpty();
        Stop(2);
        _host.Server.Obligations.ShouldNotBeEmpty();
        _host.Store.Refuse = null;
        _host.For(TimeSpan.FromMinutes(1));
        _storage.Attached.ShouldBeEmpty();
    }

    /// <summary>One item of a newer version kept the whole agent from starting.</summary>
    [Fact]
    public void An_item_of_the_ledger_that_cannot_be_read_costs_no_other_and_is_told()
    {
        Running();
        var task = Samples.Id(0xE1);
        _host.Store.Write([new LedgerChange.SetAsideItem(ItemKind.Task, task, "what is 'conjureVolume'?"), new LedgerChange.SetAsideItem(ItemKind.Machine, Samples.Id(0xB2), "what is 'paused'?")]);
        _host.StartAgent();
        _host.Until(() => _host.Server.Report(ItemKind.Task, task) is not null, "it to be told");
        var told = _host.Server.Report(ItemKind.Task, task)!.Conditions.ShouldHaveSingleItem();
        (told.Type, told.Text.Contains("conjureVolume", StringComparison.Ordinal)).ShouldBe((ConditionType.NotTaken, true));
        _host.Agent.Items.IsConfirmed(Samples.Id(0xB2)).ShouldBeFalse();
        Stop(2);
        _host.Until(() => _storage.Attached.Count == 0, "the volume is released");
    }

    /// <summary>What is owed to a pool whose item cannot be read is owed, and no orphan.</summary>
    [Fact]
    public void A_pool_whose_item_cannot_be_read_is_not_taken_for_gone()
    {
        Running();
        _host.Store.Write([new LedgerChange.DropItem(ItemKind.Binding, Samples.Pool.Value), new LedgerChange.SetAsideItem(ItemKind.Binding, Samples.Pool.Value, "what is a 'vault'?")]);
        _host.StartAgent();
        Stop(2);
        _host.Until(() => _host.Server.Obligations.Count > 0, "what is owed to be told");
        _host.Server.Obligations.Values.Single().State.ShouldBe(ObligationState.Owed);
    }

    [Fact]
    public void While_the_server_is_away_a_stopped_guest_is_remembered_and_told_later()
    {
        Running();
        _host.Server.Reach(isDown: true);
        _host.Hypervisor.EndByItself(Samples.Vm);
        _host.For(TimeSpan.FromMinutes(3));
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Running);
        _host.Server.Reach(isDown: false);
        _host.UntilMachine(MachineState.Stopped, 1);
        _host.Until(() => _host.Server.Obligations.Values.Any(owed => owed.State == ObligationState.Settled), "what was settled meanwhile is told");
    }

    /// <summary>A ledger file and its write-ahead log, both cut in half, opened as an older ledger that was valid: the agent went to start a VM that had been destroyed.</summary>
    [Fact]
    public void A_ledger_of_before_starts_no_guest_that_the_server_does_not_want_any_more()
    {
        Running();
        _host.Server.Send(Samples.Machine(Desired.Absent, 2));
        _host.UntilMachine(MachineState.Absent, 2);
        GoBackTo(1);
        _host.For(TimeSpan.FromMinutes(5));
        _host.Hypervisor.Effects.ShouldBeEmpty("the server has not spoken");
        _host.Server.Reach(isDown: false);
        _host.For(TimeSpan.FromMinutes(2));
        _host.Hypervisor.Effects.ShouldBeEmpty("the server wants it gone");
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Generation.ShouldBe(new Generation(2));
    }

    [Fact]
    public void A_ledger_of_before_ends_no_guest_that_was_started_since()
    {
        Running();
        Stop(2);
        _host.Server.Send(Samples.Machine(Desired.Running, 3, disks: Disk));
        _host.UntilMachine(MachineState.Running, 3);
        GoBackTo(2);
        _host.For(TimeSpan.FromMinutes(5));
        _host.Hypervisor.Effects.ShouldBeEmpty("the server has not spoken");
        _host.Server.Reach(isDown: false);
        _host.For(TimeSpan.FromMinutes(2));
        _host.Hypervisor.Effects.ShouldBeEmpty("the server wants it to run");
        _host.UntilMachine(MachineState.Running, 3);
        _storage.Attached.ShouldHaveSingleItem();
        Stop(4);
    }

    /// <summary>A guest that should run and does not is started when the server, away at the agent's start, confirms that nothing is newer.</summary>
    [Fact]
    public void What_waited_for_the_server_goes_on_when_it_has_spoken()
    {
        Running();
        GoBackTo(1, domains: false);
        _host.For(TimeSpan.FromMinutes(1));
        _host.Hypervisor.Effects.ShouldBeEmpty("the server has not spoken");
        _host.Server.Reach(isDown: false);
        _host.Until(() => _host.Hypervisor.Domains.ContainsKey(Samples.Vm), "the guest is started");
        Stop(2);
    }

    [Fact]
    public void A_damaged_ledger_is_rebuilt_from_the_guests_and_the_server()
    {
        Running();
        var salvage = _host.Store.Load();
        _host.Kill();
        _host.Store = new MemoryLedgerStore();
        _host.Damage = new LedgerDamage("truncated", "/aside", [.. salvage.Where(change => change is LedgerChange.PutAttachment or LedgerChange.PutObligation)]);
        _host.Hypervisor.Effects.Clear();
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.For(TimeSpan.FromMinutes(1));
        _host.Hypervisor.Effects.ShouldBeEmpty();
        _host.Agent.Ledger.Tables.Attachments.Values.Single().Volume.ShouldBe(Samples.Volume);
        Stop(2);
        _host.Until(() => _storage.Attached.Count == 0, "released");
    }

    [Fact]
    public void A_domain_of_ours_that_the_server_has_not_named_is_left_alone_and_told()
    {
        var stray = new VmId(Samples.Id(0xBB));
        _host.Hypervisor.Put(new OwnDomain { Machine = stray, Name = "i-9", Generation = new Generation(7), Status = DomainStatus.Running, Disks = [] });
        _host.Until(() => _host.Server.Report(ItemKind.Machine, stray.Value) is { Generation.Value: 7 }, "told");
        _host.For(TimeSpan.FromMinutes(1));
        _host.Hypervisor.Domains.ContainsKey(stray).ShouldBeTrue();
    }

    private void Running(Func<MachineSpec, MachineSpec>? change = null)
    {
        _host.Server.Send(Samples.Machine(Desired.Running, change: change, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
    }

    private void Stop(long generation)
    {
        _host.Server.Send(Samples.Machine(Desired.Stopped, generation, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, generation);
    }

    /// <summary>The agent ends and starts with the ledger as it was just after it took in that generation of the machine, and the server is away.</summary>
    private void GoBackTo(long generation, bool domains = true)
    {
        var changes = _host.Store.Load();
        var upTo = changes.TakeWhile(change => change is not LedgerChange.PutItem { Row.Item: var item } || item.Id != Samples.Vm.Value || item.Generation.Value < generation).Count();
        _host.Kill();
        _host.Store = new MemoryLedgerStore();
        _host.Store.Write([.. changes.Take(upTo + 1)]);
        _host.Server.Reach(isDown: true);
        if (!domains)
        {
            _host.Hypervisor.EndByItself(Samples.Vm);
        }

        _host.Hypervisor.Effects.Clear();
        _host.StartAgent();
    }
}
