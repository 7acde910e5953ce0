using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class VmPlannerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 30, 10, 0, 0, TimeSpan.Zero);
    private static readonly IncarnationId Incarnation = new(Guid.Parse("11111111-0000-7000-8000-000000000001"));

    public static TheoryData<VmState, MachinePhase, bool> GoneReports()
    {
        var data = new TheoryData<VmState, MachinePhase, bool>();
        foreach (var state in new[] { VmState.Starting, VmState.Running, VmState.Stopping })
        {
            foreach (var phase in Enum.GetValues<MachinePhase>())
            {
                data.Add(state, phase, true);
                data.Add(state, phase, false);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(GoneReports))]
    public void A_guest_counts_as_gone_only_when_its_host_says_so_of_the_newest_generation(VmState state, MachinePhase phase, bool isCurrent)
    {
        var wish = state == VmState.Stopping ? MachineWish.Stopped : MachineWish.Running;
        var facts = Vm(state) with { Incarnation = Incarnation, Machine = Machine(wish, Seen(phase, isCurrent ? 5 : 4)) };
        var isGone = isCurrent && phase is MachinePhase.Absent or MachinePhase.Stopped or MachinePhase.Failed && isCurrent;
        VmPlanner.Plan(facts).OfType<VmAction.GuestGone>().Any().ShouldBe(isGone);
    }

    [Fact]
    public void A_destroy_that_failed_because_the_guest_cannot_be_ended_was_done_later_without_a_word()
    {
        const string said = "; when it has ended it is destroyed, as was asked";
        var facts = Stuck(Job(JobKind.DestroyVm) with { Generation = new Generation(5) }) with { Removal = VmRemoval.Destroy, EverRan = true };
        var told = VmPlanner.Plan(facts);
        told.OfType<VmAction.FailJob>().ShouldHaveSingleItem().Fault.Text.ShouldEndWith(said);
        var condition = told.OfType<VmAction.Note>().ShouldHaveSingleItem().Condition;
        condition.ShouldNotBeNull().ShouldEndWith(said);
        VmPlanner.Plan(facts with { IsStuck = true, Jobs = [], Condition = condition }).ShouldBeEmpty();

        var ended = facts with { IsStuck = true, Jobs = [], Machine = Machine(MachineWish.Stopped, Seen(MachinePhase.Stopped, 5)) };
        VmPlanner.Plan(ended).OfType<VmAction.Tell>().ShouldHaveSingleItem().Text.ShouldEndWith(said);
    }

    private static VmFacts Stuck(params JobFacts[] jobs) => Vm(VmState.Stopping) with
    {
        Incarnation = Incarnation,
        Jobs = jobs,
        Machine = Machine(MachineWish.Stopped, Seen(MachinePhase.Stopping, 5) with { Stuck = "QEMU 4711 waits for a disk" }),
    };

    [Fact]
    public void That_a_guest_stands_still_is_told_once_and_noted_whatever_else_is_under_way()
    {
        var facts = Paused("Machine 'vm1' is paused: no room.") with { Jobs = [Job(JobKind.RebootVm) with { Generation = new Generation(5) }], RebootSequence = 1 };
        var told = VmPlanner.Plan(facts);
        told.OfType<VmAction.TellPaused>().ShouldHaveSingleItem().Text.ShouldBe($"VM vm1 ({facts.Id}) on host h1 stands still: Machine 'vm1' is paused: no room.");
        told.OfType<VmAction.Note>().ShouldHaveSingleItem().Condition.ShouldBe("Machine 'vm1' is paused: no room.");
        VmPlanner.Plan(facts with { IsPaused = true, Condition = "Machine 'vm1' is paused: no room." }).ShouldBeEmpty();
        VmPlanner.Plan(facts with { Now = Now.AddMinutes(2), IsPaused = true }).OfType<VmAction.FailJob>().ShouldHaveSingleItem().Fault.Text.ShouldContain("is paused: no room");
    }

    [Fact]
    public void That_a_guest_goes_on_is_told_when_its_host_says_so_of_the_newest_generation()
    {
        var facts = Paused(null) with { IsPaused = true, Condition = "Machine 'vm1' is paused: no room." };
        var told = VmPlanner.Plan(facts);
        told.OfType<VmAction.TellResumed>().ShouldHaveSingleItem().Text.ShouldContain("goes on");
        told.OfType<VmAction.Note>().ShouldHaveSingleItem().Condition.ShouldBeNull();
        VmPlanner.Plan(facts with { Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 4)) }).ShouldBeEmpty();
    }

    private static VmFacts Paused(string? why) => Vm(VmState.Running) with
    {
        Incarnation = Incarnation,
        Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5) with { Paused = why }),
    };

    public static TheoryData<VmState, string> EveryStateAndJob()
    {
        var data = new TheoryData<VmState, string>();
        foreach (var state in Enum.GetValues<VmState>())
        {
            foreach (var kind in new[] { JobKind.DeployVm, JobKind.StartVm, JobKind.StopVm, JobKind.RebootVm, JobKind.DestroyVm, JobKind.ExpungeVm })
            {
                data.Add(state, kind.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(EveryStateAndJob))]
    public void No_job_outlives_its_deadline(VmState state, string kind)
    {
        var job = Job(new JobKind(kind)) with { Deadline = Now };
        var facts = Vm(state) with { Incarnation = Incarnation, Jobs = [job], Machine = Machine(MachineWish.Stopped, null), MachineItems = 1 };
        VmPlanner.Plan(facts).ShouldContain(a => (a is VmAction.FailJob && ((VmAction.FailJob)a).Job == job.Id) || (a is VmAction.CompleteJob && ((VmAction.CompleteJob)a).Job == job.Id));
    }

    [Theory]
    [MemberData(nameof(EveryStateAndJob))]
    public void What_the_storage_does_never_changes_what_follows_from_a_stop(VmState state, string kind)
    {
        if (state is not (VmState.Stopping or VmState.Running))
        {
            return;
        }

        var sick = Volume() with { PoolState = PoolState.Maintenance, Task = new TaskFacts(WorkKind.DeleteVolume, WorkState.Owed, "refused") };
        var well = Volume();
        var facts = Vm(state) with { Incarnation = Incarnation, Jobs = [Job(new JobKind(kind))], Machine = Machine(MachineWish.Stopped, Seen(MachinePhase.Stopped, 5)) };
        VmPlanner.Plan(facts with { Volumes = [sick] }).ShouldBe(VmPlanner.Plan(facts with { Volumes = [well] }));
    }

    [Fact]
    public void A_start_that_missed_its_deadline_is_withdrawn()
    {
        var job = Job(JobKind.StartVm) with { Deadline = Now };
        var facts = Vm(VmState.Starting) with { Incarnation = Incarnation, Jobs = [job], Machine = Machine(MachineWish.Running, null) };
        var actions = VmPlanner.Plan(facts);
        actions.OfType<VmAction.FailJob>().Single().Fault.Kind.ShouldBe(PlanFaultKind.TimedOut);
        actions.ShouldContain(action => action is VmAction.StopMachine);
        actions.OfType<VmAction.MoveTo>().Single().State.ShouldBe(VmState.Stopping);
    }

    [Fact]
    public void A_stop_that_missed_its_deadline_stands_and_names_the_blocking_host()
    {
        var job = Job(JobKind.StopVm) with { Deadline = Now };
        var facts = Vm(VmState.Stopping) with { Incarnation = Incarnation, Jobs = [job], Machine = Machine(MachineWish.Stopped, null) with { IsHostUp = false } };
        var action = VmPlanner.Plan(facts).ShouldHaveSingleItem().ShouldBeOfType<VmAction.FailJob>();
        action.Fault.Text.ShouldContain("host h1 does not report");
    }

    [Theory]
    [InlineData(nameof(JobKind.StopVm))]
    [InlineData(nameof(JobKind.DestroyVm))]
    [InlineData(nameof(JobKind.ExpungeVm))]
    public void A_qemu_that_cannot_be_killed_keeps_its_leases_is_told_of_once_and_ends_the_jobs_that_wait_for_it(string kind)
    {
        var facts = Stuck(Job(new JobKind(kind)) with { Generation = new Generation(5) });
        var actions = VmPlanner.Plan(facts);
        actions.Select(action => action.GetType().Name).ShouldBe([nameof(VmAction.TellStuck), nameof(VmAction.Note), nameof(VmAction.FailJob)]);
        actions.OfType<VmAction.FailJob>().Single().Fault.Text.ShouldContain("QEMU 4711 waits for a disk");
        VmPlanner.Plan(facts with { IsStuck = true }).Select(action => action.GetType().Name).ShouldBe([nameof(VmAction.Note), nameof(VmAction.FailJob)]);
        VmPlanner.Plan(facts with { IsStuck = true, Jobs = [], Condition = "QEMU 4711 waits for a disk" }).ShouldBeEmpty();
    }

    [Fact]
    public void A_stop_waits_for_the_generation_that_it_made_and_one_that_comes_later_for_the_same()
    {
        var job = Job(JobKind.StopVm);
        var running = Vm(VmState.Stopping) with { Incarnation = Incarnation, Jobs = [job], Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5)) };
        VmPlanner.Plan(running).ShouldHaveSingleItem().ShouldBeOfType<VmAction.StopMachine>().Jobs.ShouldBe([job.Id]);
        VmPlanner.Plan(running with { Machine = Machine(MachineWish.Stopped, Seen(MachinePhase.Stopping, 5)) }).ShouldHaveSingleItem().ShouldBeOfType<VmAction.JoinStop>().Jobs.ShouldBe([job.Id]);
    }

    [Fact]
    public void A_stop_of_a_vm_whose_qemu_cannot_be_killed_is_a_new_try_and_not_answered_by_the_report_of_before()
    {
        var job = Job(JobKind.StopVm);
        VmPlanner.Plan(Stuck(job) with { IsStuck = true }).ShouldHaveSingleItem().ShouldBeOfType<VmAction.StopMachine>().Jobs.ShouldBe([job.Id]);

        // Told, and the host still says what it said of the generation before.
        var waiting = Stuck(job with { Generation = new Generation(5) }) with { IsStuck = true, Condition = "QEMU 4711 waits for a disk" };
        VmPlanner.Plan(waiting with { Machine = waiting.Machine! with { Observed = waiting.Machine.Observed! with { Generation = new Generation(4) } } }).ShouldBeEmpty();
    }

    [Fact]
    public void A_guest_that_could_not_be_killed_and_ends_at_last_is_stopped_by_itself_and_told()
    {
        var facts = Stuck() with { IsStuck = true, EverRan = true, Machine = Machine(MachineWish.Stopped, Seen(MachinePhase.Stopped, 5) with { CutOff = "I/O of volume 1 was cut off." }) };
        var actions = VmPlanner.Plan(facts);
        actions.ShouldContain(new VmAction.MoveTo(VmState.Stopped, "I/O of volume 1 was cut off."));
        actions.ShouldContain(action => action is VmAction.GuestGone);
        actions.OfType<VmAction.Tell>().Select(tell => (tell.Type, tell.Level)).ShouldBe([("VM.STOP", EventLevel.Info), ("VM.IO.CUT", EventLevel.Warn)]);
    }

    [Theory]
    [InlineData(VmState.Running)]
    [InlineData(VmState.Starting)]
    [InlineData(VmState.Stopping)]
    public void What_was_cut_off_is_told_however_the_guest_ended(VmState state)
    {
        var wish = state == VmState.Stopping ? MachineWish.Stopped : MachineWish.Running;
        var facts = Vm(state) with { EverRan = true, Incarnation = Incarnation, Machine = Machine(wish, Seen(MachinePhase.Stopped, 5) with { CutOff = "I/O of volume 1 was cut off." }) };
        var actions = VmPlanner.Plan(facts);
        actions.OfType<VmAction.Tell>().ShouldContain(tell => tell.Type == "VM.IO.CUT" && tell.Text.Contains("volume 1"));
        actions.OfType<VmAction.MoveTo>().Single().Condition!.ShouldContain("volume 1");
    }

    [Fact]
    public void A_start_makes_its_volumes_before_it_runs_the_machine()
    {
        var facts = Vm(VmState.Starting) with { Incarnation = Incarnation, Jobs = [Job(JobKind.StartVm)] };
        var allocated = Volume() with { State = VolumeState.Allocated, FromTemplate = true };
        VmPlanner.Plan(facts with { Volumes = [allocated] }).ShouldBe([new VmAction.WantTemplate(allocated.Id, Incarnation)]);
        VmPlanner.Plan(facts with { Volumes = [allocated with { Copy = Copy(TemplateCopyState.Importing) }] }).ShouldBeEmpty();
        VmPlanner.Plan(facts with { Volumes = [allocated with { Copy = Copy(TemplateCopyState.Ready) }] }).ShouldBe([new VmAction.MakeVolume(allocated.Id, Incarnation)]);
        var making = allocated with { State = VolumeState.Creating, Task = new TaskFacts(WorkKind.EnsureVolume, WorkState.Pending, null) };
        VmPlanner.Plan(facts with { Volumes = [making] }).ShouldBeEmpty();
        VmPlanner.Plan(facts with { Volumes = [making with { Task = making.Task with { State = WorkState.Done } }] }).ShouldBe([new VmAction.VolumeMade(allocated.Id)]);
        VmPlanner.Plan(facts with { Volumes = [Volume()] }).ShouldBe([new VmAction.RunMachine()]);
    }

    [Fact]
    public void A_vm_without_a_root_volume_never_starts()
    {
        var facts = Vm(VmState.Starting) with { EverRan = true, Jobs = [Job(JobKind.StartVm)] };
        foreach (IReadOnlyList<VolumeFacts> volumes in new IReadOnlyList<VolumeFacts>[] { [], [Volume() with { Type = VolumeType.DataDisk }] })
        {
            var actions = VmPlanner.Plan(facts with { Incarnation = Incarnation, Volumes = volumes });
            actions.OfType<VmAction.FailJob>().ShouldHaveSingleItem().Fault.Text.ShouldContain("no root volume");
            actions.OfType<VmAction.MoveTo>().ShouldHaveSingleItem().State.ShouldBe(VmState.Stopped);
            actions.OfType<VmAction.RunMachine>().ShouldBeEmpty();
        }
    }

    [Fact]
    public void A_failed_import_fails_the_start_naming_the_pool()
    {
        var facts = Vm(VmState.Starting) with
        {
            Incarnation = Incarnation,
            Jobs = [Job(JobKind.DeployVm)],
            Volumes = [Volume() with { State = VolumeState.Allocated, FromTemplate = true, Copy = Copy(TemplateCopyState.Failed) }],
        };
        var actions = VmPlanner.Plan(facts);
        actions.OfType<VmAction.FailJob>().Single().Fault.Text.ShouldContain("pool1");
        actions.OfType<VmAction.MoveTo>().Single().State.ShouldBe(VmState.Error);
    }

    [Theory]
    [InlineData(VmState.Stopped, VmRemoval.Destroy, VmState.Destroyed)]
    [InlineData(VmState.Stopped, VmRemoval.Expunge, VmState.Destroyed)]
    [InlineData(VmState.Destroyed, VmRemoval.Expunge, VmState.Expunging)]
    [InlineData(VmState.Error, VmRemoval.Destroy, VmState.Expunging)]
    public void Removal_goes_on_by_itself(VmState state, VmRemoval removal, VmState next) =>
        VmPlanner.Plan(Vm(state) with { Removal = removal }).OfType<VmAction.MoveTo>().Single().State.ShouldBe(next);

    [Theory]
    [InlineData(0, false, false, true)]
    [InlineData(0, true, false, false)]
    [InlineData(0, true, true, true)]
    [InlineData(1, false, false, false)]
    [InlineData(1, true, true, false)]
    public void An_expunge_waits_for_the_host_and_a_little_for_the_backend(int items, bool isOwed, bool isTried, bool isRemoved)
    {
        var facts = Vm(VmState.Expunging) with
        {
            Removal = VmRemoval.Expunge,
            MachineItems = items,
            Jobs = [Job(JobKind.ExpungeVm)],
            Volumes = isOwed ? [Volume() with { State = VolumeState.Expunging, Task = new TaskFacts(WorkKind.DeleteVolume, WorkState.Owed, null, isTried) }] : [],
        };
        VmPlanner.Plan(facts).OfType<VmAction.Remove>().Any().ShouldBe(isRemoved);
        if (items == 0)
        {
            VmPlanner.Plan(facts with { Now = Now + VmPlanner.ExpungeGrace }).ShouldContain(new VmAction.Remove());
        }
    }

    [Fact]
    public void An_expunge_waited_for_deletions_that_no_host_could_begin()
    {
        TaskFacts?[] idle = [null, new TaskFacts(WorkKind.DeleteVolume, WorkState.Pending, null, CanBeTried: false), new TaskFacts(WorkKind.DeleteVolume, WorkState.Failed, "refused")];
        foreach (var task in idle)
        {
            var actions = VmPlanner.Plan(Vm(VmState.Expunging) with
            {
                Removal = VmRemoval.Expunge,
                Jobs = [Job(JobKind.ExpungeVm)],
                Volumes = [Volume() with { State = VolumeState.Expunging, Task = task }],
            });
            actions.ShouldContain(new VmAction.Remove(), $"{task}");
            actions.OfType<VmAction.Tell>().Single().Text.ShouldContain("still owed");
        }
    }

    [Fact]
    public void A_disk_is_attached_when_the_guest_has_it_and_free_again_when_the_host_says_no()
    {
        var job = Job(JobKind.AttachVolume) with { Generation = new Generation(5) };
        var volume = Volume() with { Type = VolumeType.DataDisk, IsAttaching = true, Jobs = [job] };
        var facts = Vm(VmState.Running) with { Incarnation = Incarnation, Volumes = [volume], Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5)) };
        VmPlanner.Plan(facts).ShouldBeEmpty();
        var has = facts with { Machine = facts.Machine! with { Observed = Seen(MachinePhase.Running, 5) with { Disks = new Dictionary<VolumeId, long> { [volume.Id] = 1 } } } };
        VmPlanner.Plan(has).ShouldBe([new VmAction.FinishAttach(volume.Id), new VmAction.CompleteJob(job.Id)]);
        var refused = facts with { Machine = facts.Machine with { Observed = Seen(MachinePhase.Running, 5) with { Failure = "no quorum" } } };
        VmPlanner.Plan(refused).OfType<VmAction.UndoAttach>().ShouldHaveSingleItem();
        VmPlanner.Plan(refused).OfType<VmAction.UpdateMachine>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_start_with_a_volume_that_its_backend_does_not_know_fails_before_anybody_is_asked()
    {
        var facts = Vm(VmState.Starting) with { Jobs = [Job(JobKind.StartVm)], EverRan = true, Volumes = [Volume() with { Missing = Now.AddHours(-1) }] };
        var actions = VmPlanner.Plan(facts);
        var text = actions.OfType<VmAction.FailJob>().Single().Fault.Text;
        text.ShouldContain("is missing");
        text.ShouldContain("pool1");
        text.ShouldContain("2026-01-30 09:00");
        actions.OfType<VmAction.MoveTo>().Single().State.ShouldBe(VmState.Stopped);
        actions.ShouldNotContain(a => a is VmAction.RunMachine || a is VmAction.Place || a is VmAction.MakeVolume);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_start_whose_template_was_lost_goes_on_with_a_new_copy_once(bool isFirst)
    {
        var lost = Volume() with
        {
            State = VolumeState.Creating,
            FromTemplate = true,
            IsFirstTry = isFirst,
            Copy = Copy(TemplateCopyState.Gone),
            Task = new TaskFacts(WorkKind.EnsureVolume, WorkState.Failed, "no such source"),
        };
        var facts = Vm(VmState.Starting) with { Jobs = [Job(JobKind.DeployVm)], Incarnation = Incarnation, Volumes = [lost] };
        var actions = VmPlanner.Plan(facts);
        actions.OfType<VmAction.VolumeNotMade>().Count().ShouldBe(1);
        actions.OfType<VmAction.FailJob>().Any().ShouldBe(!isFirst);
    }

    [Fact]
    public void A_detach_is_not_done_while_the_guest_may_still_have_the_disk()
    {
        var volume = Volume() with { Type = VolumeType.DataDisk, IsDetaching = true, Jobs = [Job(JobKind.DetachVolume) with { Generation = new Generation(5) }] };
        var seen = Seen(MachinePhase.Running, 5);
        var facts = Vm(VmState.Running) with { Volumes = [volume], Machine = Machine(MachineWish.Running, seen with { Unclear = new HashSet<VolumeId> { volume.Id } }) };
        VmPlanner.Plan(facts).OfType<VmAction.FinishDetach>().ShouldBeEmpty();
        VmPlanner.Plan(facts with { Machine = Machine(MachineWish.Running, seen) }).OfType<VmAction.FinishDetach>().ShouldHaveSingleItem();
    }

    [Fact]
    public void A_new_root_disk_takes_the_place_of_the_old_one_only_when_it_is_made_and_the_guest_is_gone()
    {
        var disk = Volume() with { Id = new VolumeId(Guid.Parse("33333333-0000-7000-8000-000000000002")) };
        var restoring = Vm(VmState.Stopped) with { Volumes = [Volume()], Replacement = disk, Jobs = [Job(JobKind.RestoreVm)] };
        var stopped = VmPlanner.Plan(restoring);
        stopped[0].ShouldBe(new VmAction.ReplaceRoot(Volume().Id, disk.Id, Job(JobKind.RestoreVm).Id));
        stopped[1].ShouldBeOfType<VmAction.CompleteJob>();
        VmPlanner.Plan(restoring with { StartsAgain = true })[1].ShouldBe(new VmAction.MoveTo(VmState.Starting));
        VmPlanner.Plan(restoring with { Volumes = [Volume() with { State = VolumeState.Resizing, Task = new TaskFacts(WorkKind.ResizeVolume, WorkState.Pending, null) }] }).ShouldBeEmpty("the old one is busy");
        VmPlanner.Plan(restoring with { Replacement = disk with { State = VolumeState.Creating, Task = new TaskFacts(WorkKind.EnsureVolume, WorkState.Pending, null) } }).ShouldBeEmpty();

        var running = restoring with { State = VmState.Running, Incarnation = Incarnation, Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5)) };
        VmPlanner.Plan(running).ShouldHaveSingleItem().ShouldBeOfType<VmAction.StopToReplace>();
        VmPlanner.Plan(running with { State = VmState.Starting, Machine = Machine(MachineWish.Running, null) }).ShouldBeEmpty();
        VmPlanner.Plan(running with { State = VmState.Stopping, StartsAgain = true }).OfType<VmAction.FailJob>().ShouldBeEmpty("its own stop does not end it");
        VmPlanner.Plan(running with { State = VmState.Starting, Replacement = null }).OfType<VmAction.CompleteJob>().ShouldHaveSingleItem("it runs with the new disk");
    }

    [Fact]
    public void A_new_root_disk_that_is_not_to_be_had_is_given_up_and_nothing_else_happens_to_the_vm()
    {
        var disk = Volume() with { Id = new VolumeId(Guid.Parse("33333333-0000-7000-8000-000000000002")), State = VolumeState.Creating, Task = new TaskFacts(WorkKind.EnsureVolume, WorkState.Failed, "full") };
        var restoring = Vm(VmState.Running) with
        {
            Volumes = [Volume()], Replacement = disk, Jobs = [Job(JobKind.RestoreVm)], Incarnation = Incarnation, Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5)),
        };
        var failed = VmPlanner.Plan(restoring);
        failed.Select(a => a.GetType()).ShouldBe([typeof(VmAction.VolumeNotMade), typeof(VmAction.FailJob), typeof(VmAction.DropReplacement)]);
        failed.OfType<VmAction.FailJob>().Single().Fault.Text.ShouldContain("full");
        var silent = restoring with { Replacement = disk with { State = VolumeState.Ready, Task = null }, Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5)) with { IsHostUp = false } };
        VmPlanner.Plan(silent).OfType<VmAction.DropReplacement>().ShouldHaveSingleItem();
        VmPlanner.Plan(silent with { Jobs = [] }).ShouldHaveSingleItem().ShouldBeOfType<VmAction.DropReplacement>("nobody waits for it");
        VmPlanner.Plan(silent with { Removal = VmRemoval.Destroy }).OfType<VmAction.DropReplacement>().ShouldHaveSingleItem();
        VmPlanner.Plan(restoring with { Replacement = disk with { Task = new TaskFacts(WorkKind.EnsureVolume, WorkState.Pending, null) }, Now = Now.AddMinutes(2) })
            .ShouldHaveSingleItem().ShouldBeOfType<VmAction.FailJob>().Fault.Text.ShouldContain("in state Creating");
        VmPlanner.Plan(restoring with { Replacement = disk with { Copy = Copy(TemplateCopyState.Gone), IsFirstTry = true } }).ShouldHaveSingleItem().ShouldBeOfType<VmAction.VolumeNotMade>("its template is brought anew, once");
    }

    [Fact]
    public void A_scaling_is_told_to_the_host_and_done_when_the_guest_has_it()
    {
        VmPlanner.Plan(Scaling(2, 512) with { Jobs = [Job(JobKind.ScaleVm)] }).ShouldHaveSingleItem().ShouldBeOfType<VmAction.UpdateMachine>().Jobs.ShouldHaveSingleItem();
        VmPlanner.Plan(Scaling(2, 512)).ShouldBeEmpty("the host is at it");
        VmPlanner.Plan(Scaling(4, 1024)).Select(a => a.GetType()).ShouldBe([typeof(VmAction.Scaled), typeof(VmAction.CompleteJob)]);
        var older = Scaling(4, 1024);
        VmPlanner.Plan(older with { Machine = older.Machine! with { Observed = older.Machine.Observed! with { Generation = new Generation(4) } } }).ShouldBeEmpty("it answers to what it was told before");
    }

    [Theory]
    [InlineData(2, 1024, "no memory slot")]
    [InlineData(null, null, null)]
    public void A_scaling_that_the_host_does_not_carry_out_is_taken_back(int? cpus, int? memory, string? failure)
    {
        var facts = Scaling(cpus, memory);
        var failed = VmPlanner.Plan(facts with { Machine = facts.Machine! with { Observed = facts.Machine.Observed! with { Failure = failure } }, Condition = failure });
        failed.Select(a => a.GetType()).ShouldBe([typeof(VmAction.FailJob), typeof(VmAction.ScaleBack), typeof(VmAction.UpdateMachine)]);
        ((VmAction.FailJob)failed[0]).Fault.Text.ShouldContain(failure ?? "host h1 does not say");
    }

    [Fact]
    public void A_scaling_that_missed_its_time_or_whose_guest_ends_is_taken_back()
    {
        var late = VmPlanner.Plan(Scaling(2, 512) with { Now = Now.AddMinutes(2) });
        late.Select(a => a.GetType()).ShouldBe([typeof(VmAction.FailJob), typeof(VmAction.ScaleBack), typeof(VmAction.UpdateMachine)]);
        var facts = Scaling(2, 512);
        VmPlanner.Plan(facts with { State = VmState.Stopping }).OfType<VmAction.FailJob>().ShouldHaveSingleItem().Fault.Kind.ShouldBe(PlanFaultKind.Overtaken);
        var gone = VmPlanner.Plan(facts with { Machine = Machine(MachineWish.Running, Seen(MachinePhase.Stopped, 5)) });
        gone.OfType<VmAction.FailJob>().ShouldHaveSingleItem();
        gone.OfType<VmAction.GuestGone>().ShouldHaveSingleItem();
    }

    [Fact]
    public void What_a_guest_holds_beyond_its_size_counts_and_is_told_once()
    {
        var facts = Scaling(4, 512) with { Cpus = 2, MemoryMib = 512, Kept = null, Jobs = [] };
        var told = VmPlanner.Plan(facts);
        told.OfType<VmAction.HoldMore>().ShouldHaveSingleItem().Amounts.ShouldBe(new VmAmounts(4, 512));
        told.OfType<VmAction.Tell>().ShouldHaveSingleItem().Text.ShouldContain("4 CPUs and 512 MiB");
        var holding = facts with { Cpus = 4, Kept = new VmAmounts(2, 512) };
        var note = VmPlanner.Plan(holding).ShouldHaveSingleItem().ShouldBeOfType<VmAction.Note>();
        note.Condition!.ShouldContain("from its next start on it has 2 CPUs and 512 MiB");
        VmPlanner.Plan(holding with { Condition = note.Condition }).ShouldBeEmpty();
        VmPlanner.Plan(facts with { Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5)) }).ShouldBeEmpty("a host of before says nothing of it");
    }

    private static VmFacts Scaling(int? cpus, int? memory) => Vm(VmState.Running) with
    {
        Incarnation = Incarnation,
        Cpus = 4,
        MemoryMib = 1024,
        Kept = new VmAmounts(2, 512),
        Jobs = [Job(JobKind.ScaleVm) with { Generation = new Generation(5) }],
        Machine = Machine(MachineWish.Running, Seen(MachinePhase.Running, 5) with { Cpus = cpus, MemoryMib = memory }),
    };

    private static VmFacts Vm(VmState state) => new() { Id = new VmId(Guid.Parse("22222222-0000-7000-8000-000000000001")), Name = "vm1", State = state, Now = Now };

    private static VolumeFacts Volume() => new()
    {
        Id = new VolumeId(Guid.Parse("33333333-0000-7000-8000-000000000001")),
        Name = "ROOT-1",
        Type = VolumeType.Root,
        State = VolumeState.Ready,
        PoolId = new PoolId(Guid.Parse("44444444-0000-7000-8000-000000000001")),
        PoolName = "pool1",
        PoolState = PoolState.Up,
        SizeBytes = 1,
    };

    private static CopyFacts Copy(TemplateCopyState state) => new(new VolumeId(Guid.Parse("33333333-0000-7000-8000-0000000000ff")), state, "checksum differs");

    private static JobFacts Job(JobKind kind) => new(new JobId(Guid.Parse("55555555-0000-7000-8000-000000000001")), kind, Now, Now + TimeSpan.FromMinutes(1));

    private static MachineFacts Machine(MachineWish wish, MachineObservation? observed) => new()
    {
        Generation = new Generation(5),
        Wish = wish,
        Observed = observed,
        HostName = "h1",
        IsHostUp = true,
    };

    private static MachineObservation Seen(MachinePhase phase, long generation) => new() { Generation = new Generation(generation), Phase = phase };
}
