using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

public sealed class TaskLifeTests
{
    private static readonly Guid TaskId = Samples.Id(0xD1);
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public TaskLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
    }

    private static TaskSpec.EnsureVolume Ensure => new()
    {
        PoolId = Samples.Pool, PoolName = "fast", VolumeId = Samples.Volume, VolumeGeneration = Generation.First, SizeBytes = 1 << 30, Label = "root",
    };

    private static TaskSpec.DeleteVolume Delete => new()
    {
        PoolId = Samples.Pool, PoolName = "fast", VolumeId = Samples.Volume, VolumeGeneration = Generation.First, Label = "root",
    };

    private static TaskSpec.ImportTemplate Import => new()
    {
        PoolId = Samples.Pool, PoolName = "fast", TemplateId = new TemplateId(Samples.Id(0xE1)), TemplateName = "tiny", VolumeId = Samples.Volume,
        VolumeGeneration = Generation.First, Url = "http://images/tiny.qcow2", Format = "qcow2",
    };

    [Fact]
    public void A_task_that_comes_while_the_agent_starts_finds_its_pool()
    {
        _host.Kill();
        _host.Hypervisor.IsDown = true;
        Send(Ensure);
        _host.StartAgent();
        _host.For(TimeSpan.FromSeconds(3));
        _host.Server.Report(ItemKind.Task, TaskId)!.Task!.State.ShouldBe(TaskState.Running);
        _host.Hypervisor.IsDown = false;
        Until(TaskState.Done);
        _storage.Volumes.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_volume_is_made()
    {
        Send(Ensure);
        Until(TaskState.Done);
        _storage.Volumes.ShouldHaveSingleItem();
        _host.Server.Report(ItemKind.Task, TaskId)!.Task!.BackendName.ShouldBe($"hf-{Samples.Volume}");
    }

    [Fact]
    public void A_volume_whose_making_is_unclear_is_owed_to_be_removed_when_the_task_fails()
    {
        _storage.Mood = BackendMood.DoneButAnswerLost;
        Send(Ensure);
        Until(TaskState.Failed);
        _storage.Mood = BackendMood.Well;
        _host.Until(() => _storage.Volumes.Count == 0, "removed");
    }

    [Fact]
    public void A_volume_that_another_host_made_anew_meanwhile_is_not_deleted_for_what_was_owed_about_the_first_try()
    {
        var owed = OwedAfterUnclearMaking();

        // The server has it made by another host, as a newer wish; then this host reaches the backend again.
        _storage.Volumes[Samples.Volume] = _storage.Volumes[Samples.Volume] with { Generation = Generation.First.Next };
        _storage.Mood = BackendMood.Well;
        _host.Until(() => StateOf(owed) != ObligationState.Owed, "its end", TimeSpan.FromHours(5));

        StateOf(owed).ShouldBe(ObligationState.Superseded);
        _host.Server.Obligations[owed].LastError!.ShouldContain("newer");
        _storage.Volumes.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_removal_that_is_owed_is_void_when_a_newer_task_wants_the_volume_and_owed_anew_when_that_fails(bool fails)
    {
        var owed = OwedAfterUnclearMaking();
        var again = Samples.Id(0xD2);
        if (!fails)
        {
            _storage.Mood = BackendMood.Busy;
            _host.UntilBinding(Samples.Pool, BindingState.Attached);
        }

        _host.Server.Send(Samples.Task(again, Ensure with { VolumeGeneration = Generation.First.Next }));
        _host.Until(() => StateOf(owed) == ObligationState.Superseded, "the removal to be void");
        if (!fails)
        {
            _storage.Mood = BackendMood.Well;
        }

        _host.Until(() => _host.Server.Report(ItemKind.Task, again)?.Task?.State is TaskState.Done or TaskState.Failed, "its end");
        _host.Server.Report(ItemKind.Task, again)!.Task!.State.ShouldBe(fails ? TaskState.Failed : TaskState.Done);
        _storage.Mood = BackendMood.Well;
        _host.For(TimeSpan.FromHours(5));

        StateOf(owed).ShouldBe(ObligationState.Superseded);
        if (fails)
        {
            _host.Server.Obligations.Values.Where(o => o.Id != owed).ShouldHaveSingleItem().State.ShouldBe(ObligationState.Settled);
            _storage.Volumes.ShouldBeEmpty();
        }
        else
        {
            _host.Server.Obligations.ShouldHaveSingleItem();
            _storage.Volumes.Values.ShouldHaveSingleItem().Generation.ShouldBe(Generation.First.Next);
        }
    }

    [Fact]
    public void A_refused_volume_is_never_deleted()
    {
        _storage.Add(Samples.Volume);
        _storage.Mood = BackendMood.Credentials;
        Send(Ensure);
        Until(TaskState.Failed);
        _storage.Mood = BackendMood.Well;
        _host.For(TimeSpan.FromHours(1));
        _storage.Volumes.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_template_is_fetched_filled_released_and_sealed()
    {
        Send(Import);
        Until(TaskState.Done);
        _storage.Volumes[Samples.Volume].Sealed.ShouldBeTrue();
        _storage.Attached.ShouldBeEmpty();
        _host.Images.Copies.Single().ShouldStartWith("/image /dev/");
        _host.Agent.Ledger.Tables.Attachments.ShouldBeEmpty();
    }

    [Fact]
    public void A_failed_fill_leaves_nothing_behind()
    {
        _host.Images.FailCopy = "disk full";
        Send(Import);
        Until(TaskState.Failed);
        _host.Until(() => _storage.Volumes.Count == 0 && _storage.Attached.Count == 0, "undone");
        _host.Server.Report(ItemKind.Task, TaskId)!.Conditions.Single().Text.ShouldContain("disk full");
    }

    [Fact]
    public void A_refused_image_touches_no_storage()
    {
        _host.Images.RefuseFetch = "the address is not public";
        Send(Import);
        Until(TaskState.Failed);
        _storage.Calls.ShouldAllBe(call => call.StartsWith("get", StringComparison.Ordinal));
    }

    [Fact]
    public void An_image_that_has_more_content_than_its_pool_has_room_is_not_begun()
    {
        _storage.Capacity = new PoolCapacity(1L << 30, 1L << 29, _host.Time.GetUtcNow());
        _host.For(TimeSpan.FromMinutes(2));
        _host.Images.ContentBytes = (1L << 29) + 1;
        Send(Import);
        Until(TaskState.Failed);
        _host.Server.Report(ItemKind.Task, TaskId)!.Conditions.Single().Text.ShouldContain("are free");
        _storage.Calls.ShouldAllBe(call => call.StartsWith("get", StringComparison.Ordinal));
    }

    [Fact]
    public void No_more_images_are_brought_at_once_than_the_host_allows_and_the_next_follows()
    {
        _host.Images.Downloads = [];
        Guid[] tasks = [Samples.Id(0xD5), Samples.Id(0xD6), Samples.Id(0xD7), Samples.Id(0xD8)];
        foreach (var (task, number) in tasks.Select((task, number) => (task, number)))
        {
            Send(Import with { VolumeId = new VolumeId(Samples.Id(0xB0 + number)) }, task);
        }

        _host.For(TimeSpan.FromMinutes(10));
        var first = _host.Images.Downloads.Keys.ToArray();
        first.Length.ShouldBe(2);

        // One that waits is withdrawn: it takes nobody's turn.
        var waiting = tasks.Except(first).ToArray();
        _host.Server.Send(Samples.Task(waiting[0], null, 2));
        _host.Until(() => _host.Server.Report(ItemKind.Task, waiting[0])?.Task?.State == TaskState.Absent, "the withdrawal");
        _host.Images.Downloads[first[0]].End.SetResult(new Holdfast.Agent.Ingest.FetchOutcome.Refused("gone"));
        _host.Until(() => _host.Images.Downloads.ContainsKey(waiting[1]), "the next download");
        _host.Images.Downloads.ShouldNotContainKey(waiting[0]);
        _host.Images.Downloads[waiting[1]].End.SetResult(new Holdfast.Agent.Ingest.FetchOutcome.Fetched("/image"));
        Until(TaskState.Done, waiting[1]);
    }

    [Fact]
    public void A_download_tells_how_far_it_is_in_steps_and_not_for_every_per_cent()
    {
        _host.Images.Downloads = [];
        Send(Import);
        _host.Until(() => _host.Images.Downloads.Count == 1, "the download");
        var (progress, end) = _host.Images.Downloads[TaskId];
        var told = new List<int?>();
        for (var received = 0; received < 100; received++)
        {
            progress.Received(received, 100);
            _host.For(TimeSpan.FromSeconds(1));
            if (_host.Server.Report(ItemKind.Task, TaskId)?.Task?.Percent is var now && (told.Count == 0 || told[^1] != now))
            {
                told.Add(now);
            }
        }

        told.Count.ShouldBeInRange(5, 11);
        told.ShouldBe(told.Order());
        end.SetResult(new Holdfast.Agent.Ingest.FetchOutcome.Fetched("/image"));
        Until(TaskState.Done);
        _host.Server.Report(ItemKind.Task, TaskId)!.Task!.Percent.ShouldBeNull();
    }

    [Fact]
    public void A_backend_that_cannot_clone_has_its_templates_copied_by_the_host()
    {
        CannotClone();
        _storage.Add(Samples.Volume2, isSealed: true);
        Send(Ensure with { Source = Samples.Volume2 });
        Until(TaskState.Done);
        _host.Images.Copies.Single().ShouldBe($"/dev/{Samples.Volume2} /dev/{Samples.Volume}");
        _host.Until(() => _storage.Attached.Count == 0, "both released");
    }

    // LINSTOR on FILE_THIN: "cannot clone; copy instead", for ever.
    [Fact]
    public void A_clone_that_is_refused_as_unsupported_is_a_copy_at_once_and_the_next_is_not_asked_for()
    {
        _storage.ClonesAreUnsupported = true;
        _storage.Add(Samples.Volume2, isSealed: true);
        Send(Ensure with { Source = Samples.Volume2 });
        Until(TaskState.Done);
        _storage.Ensured.Select(request => request.Source is VolumeSource.FromVolume).ShouldBe([true, false]);
        _host.Images.Copies.Single().ShouldBe($"/dev/{Samples.Volume2} /dev/{Samples.Volume}");

        Send(Ensure with { Source = Samples.Volume2, VolumeId = new VolumeId(Samples.Id(0xA9)) }, Samples.Id(0xD4));
        Until(TaskState.Done, Samples.Id(0xD4));
        _storage.Ensured.Count(request => request.Source is VolumeSource.FromVolume).ShouldBe(1, "what was refused is not asked for each time");

        // Another process of the driver may be another driver.
        _storage.ClonesAreUnsupported = false;
        _host.Launcher.Running[Samples.Pool].Crash();
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        _host.UntilBinding(Samples.Pool, BindingState.Attached, TimeSpan.FromSeconds(5));
        Send(Ensure with { Source = Samples.Volume2, VolumeId = new VolumeId(Samples.Id(0xAA)) }, Samples.Id(0xD5));
        Until(TaskState.Done, Samples.Id(0xD5));
        _storage.Ensured.Count(request => request.Source is VolumeSource.FromVolume).ShouldBe(2);
    }

    // LINSTOR on LVM_THIN with DRBD: 67,108,864 bytes were asked for, and the guest sees 71,249,920.
    [Fact]
    public void A_copy_is_as_large_as_the_device_of_its_template_and_not_only_as_its_row_says()
    {
        CannotClone();
        _storage.Add(Samples.Volume2, isSealed: true);
        _storage.DeviceSizes[Samples.Volume2] = (1L << 30) + 4_141_056;
        Send(Ensure with { Source = Samples.Volume2 });
        Until(TaskState.Done);
        _storage.Ensured.Single().SizeBytes.ShouldBe((1L << 30) + 4_141_056);
        _host.Server.Report(ItemKind.Task, TaskId)!.Task!.SizeBytes.ShouldBe((1L << 30) + 4_141_056);
        _host.Images.Copies.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_copy_that_would_cut_its_template_off_is_not_begun()
    {
        CannotClone();
        _storage.Add(Samples.Volume2, isSealed: true);
        _storage.DeviceSizes[Samples.Volume2] = (1L << 30) + 4096;
        _storage.DeviceSizes[Samples.Volume] = 1L << 30;
        Send(Ensure with { Source = Samples.Volume2 });
        Until(TaskState.Failed);
        _host.Images.Copies.ShouldBeEmpty();
        _host.Server.Report(ItemKind.Task, TaskId)!.Conditions.Single().Text.ShouldContain("1073745920");
        _host.Until(() => !_storage.Volumes.ContainsKey(Samples.Volume) && _storage.Attached.Count == 0, "undone");
    }

    [Fact]
    public void What_the_host_writes_itself_is_asked_to_be_made_here_and_nothing_else_is()
    {
        Send(Import);
        Until(TaskState.Done);
        CannotClone();
        Send(Ensure with { Source = Samples.Volume, VolumeId = Samples.Volume2 }, Samples.Id(0xD3));
        Until(TaskState.Done, Samples.Id(0xD3));
        Send(Ensure with { VolumeId = new VolumeId(Samples.Id(0xA9)) }, Samples.Id(0xD4));
        Until(TaskState.Done, Samples.Id(0xD4));
        _storage.Ensured.Select(request => request.Local).ShouldBe([true, true, false]);
    }

    [Fact]
    public void A_deletion_is_owed_at_once_and_done_when_the_backend_confirms()
    {
        _storage.Add(Samples.Volume);
        _storage.Mood = BackendMood.BlackHole;
        var before = _host.Time.Elapsed;
        Send(Delete);
        Until(TaskState.Owed);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1));
        _host.For(TimeSpan.FromMinutes(30));
        _storage.Volumes.ShouldHaveSingleItem();
        _storage.Mood = BackendMood.Well;
        Until(TaskState.Done);
        _storage.Volumes.ShouldBeEmpty();
    }

    [Fact]
    public void A_named_person_can_write_a_deletion_off()
    {
        _storage.Add(Samples.Volume);
        _storage.Mood = BackendMood.Refuses;
        Send(Delete);
        Until(TaskState.Owed);
        var obligation = _host.Server.Report(ItemKind.Task, TaskId)!.Task!.ObligationId!.Value;
        _host.Until(() => _host.Server.Obligations[obligation].LastError is not null, "tried in vain");
        _host.Server.Send(Samples.Task(Samples.Id(0xD2), new TaskSpec.ForgetObligation
        {
            PoolId = Samples.Pool, PoolName = "fast", ObligationId = obligation, Reason = "the rack is gone", By = "alice",
        }));
        _host.Until(() => _host.Server.Obligations[obligation].State == ObligationState.Forgotten, "forgotten");
        _host.Server.Obligations[obligation].LastError!.ShouldContain("alice");
        _storage.Mood = BackendMood.Well;
        _host.For(TimeSpan.FromHours(5));
        _storage.Volumes.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_task_on_a_dead_pool_fails_fast_and_names_it()
    {
        _storage.Mood = BackendMood.Refuses;
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        var before = _host.Time.Elapsed;
        Send(Ensure);
        Until(TaskState.Failed);
        (_host.Time.Elapsed - before).ShouldBeLessThan(TimeSpan.FromSeconds(1));
        _host.Server.Report(ItemKind.Task, TaskId)!.Conditions.Single().Text.ShouldContain("Connection refused");
    }

    [Fact]
    public void A_task_for_an_unknown_pool_is_answered_at_once()
    {
        Send(Ensure with { PoolId = Samples.OtherPool, PoolName = "gone" });
        Until(TaskState.Failed);
        _host.Server.Report(ItemKind.Task, TaskId)!.Conditions.Single().Text.ShouldContain("'gone'");
    }

    [Fact]
    public void A_withdrawn_task_is_forgotten()
    {
        Send(Ensure);
        Until(TaskState.Done);
        _host.Server.Send(Samples.Task(TaskId, null, 2));
        Until(TaskState.Absent);
        _storage.Volumes.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_late_task_is_not_begun()
    {
        _host.Kill();
        _host.Server.Send(Samples.Task(TaskId, Ensure, expiresInMs: 0));
        _host.StartAgent();
        Until(TaskState.Failed);
        _storage.Volumes.ShouldBeEmpty();
    }

    private ObligationId OwedAfterUnclearMaking()
    {
        _storage.Mood = BackendMood.DoneButAnswerLost;
        Send(Ensure);
        _host.Until(() => _storage.Volumes.Count == 1, "made, and the answer lost");
        _storage.Mood = BackendMood.Refuses;
        Until(TaskState.Failed);
        _host.Until(() => _host.Server.Obligations.Count == 1, "owed");
        var owed = _host.Server.Obligations.Values.Single();
        (owed.Kind, owed.State, owed.Generation).ShouldBe((ObligationKind.DeleteVolume, ObligationState.Owed, Generation.First));
        return owed.Id;
    }

    private ObligationState StateOf(ObligationId id) => _host.Server.Obligations[id].State;

    // While the driver runs: the backend was changed under it.
    private void CannotClone()
    {
        _storage.CanClone = false;
        _host.Until(() => _host.Server.Binding(Samples.Pool)?.Capabilities?.CanClone == false, "the new capabilities to be told", TimeSpan.FromSeconds(10));
    }

    private void Send(TaskSpec spec, Guid? task = null) => _host.Server.Send(Samples.Task(task ?? TaskId, spec));

    private void Until(TaskState state, Guid? task = null) =>
        _host.Until(() => _host.Server.Report(ItemKind.Task, task ?? TaskId)?.Task?.State == state, $"task {state}");
}
