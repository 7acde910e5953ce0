using Holdfast.Agent.Tasks;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>Looking at what a backend has, and telling that the source of a clone is lost.</summary>
public sealed class VolumeListingTests
{
    private static readonly Guid Look = Samples.Pool.Value;
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public VolumeListingTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
    }

    private static TaskSpec.ListVolumes List => new() { PoolId = Samples.Pool, PoolName = "fast" };

    private VolumeListing? Listing => _host.Server.Report(ItemKind.Task, Look)?.Task?.Listing;

    [Fact]
    public void What_the_backend_has_is_told_with_what_is_not_proven_ours()
    {
        _storage.Add(Samples.Volume);
        _storage.Strays = [new StrayVolume("hf-old", "it has no record beside it")];
        Send(List, 1);
        _host.Until(() => Listing is not null, "the list");
        Listing!.Volumes.Single().VolumeId.ShouldBe(Samples.Volume);
        Listing.Strays.Single().Name.ShouldBe("hf-old");
        Listing.Through.ShouldBeNull();
    }

    [Fact]
    public void Each_generation_of_the_task_is_a_new_look_also_after_a_tombstone_and_a_restart()
    {
        Send(List, 1);
        _host.Until(() => Listing is { Volumes.Count: 0 }, "an empty list");
        _host.Server.Send(Samples.Task(Look, null, 2));
        _host.Until(() => _host.Server.Report(ItemKind.Task, Look) is { Task.State: TaskState.Absent, Task.Listing: null }, "the tombstone");
        _host.Kill();
        _storage.Add(Samples.Volume);
        _host.StartAgent();
        Send(List, 3);
        _host.Until(() => Listing is { Volumes.Count: 1 }, "a new list");
    }

    [Fact]
    public void A_look_at_some_asks_about_these_alone_and_tells_which_are_there()
    {
        _storage.Add(Samples.Volume);
        Send(List with { Only = [Samples.Volume, Samples.Volume2] }, 1);
        _host.Until(() => Listing is not null, "the look");
        Listing!.Volumes.Single().VolumeId.ShouldBe(Samples.Volume);
        _storage.Calls.ShouldBe([$"get {Samples.Volume}", $"get {Samples.Volume2}"]);
    }

    [Fact]
    public void A_volume_whose_record_is_damaged_is_neither_there_nor_missing_and_costs_no_other_its_answer()
    {
        _storage.Add(Samples.Volume2);
        _storage.Damaged.Add(Samples.Volume);
        Send(List with { Only = [Samples.Volume, Samples.Volume2] }, 1);
        _host.Until(() => Listing is not null, "the look");
        Listing!.Unclear.ShouldBe([Samples.Volume]);
        Listing.Volumes.Single().VolumeId.ShouldBe(Samples.Volume2);
    }

    [Fact]
    public void A_look_that_is_not_answered_says_nothing_about_any_volume()
    {
        _storage.Add(Samples.Volume);
        _storage.Mood = BackendMood.Garbage;
        Send(List with { Only = [Samples.Volume] }, 1);
        _host.Until(() => _host.Server.Report(ItemKind.Task, Look) is { Task.State: TaskState.Failed }, "the failure");
        Listing.ShouldBeNull();
        _host.Server.Report(ItemKind.Task, Look)!.Conditions.Single().Text.ShouldContain("not JSON");
    }

    [Fact]
    public void A_long_list_is_told_in_parts_that_fit_in_a_report()
    {
        var volumes = Enumerable.Range(0, TaskSpec.ListVolumes.PageSize + 3).Select(i => new VolumeInfo
        {
            VolumeId = new VolumeId(Samples.Id(0x1000 + (i * 7919 % 5000))), Generation = Generation.First, SizeBytes = 1, BackendName = "x",
        }).ToList();
        var list = new VolumeList(volumes) { Strays = [.. Enumerable.Range(0, TaskSpec.ListVolumes.MostStrays + 5).Select(i => new StrayVolume($"s{i}", "why"))] };

        var first = VolumePages.Cut(list, null);
        first.Volumes.Count.ShouldBe(TaskSpec.ListVolumes.PageSize);
        first.MoreStrays.ShouldBe(5);
        var second = VolumePages.Cut(list, first.Through);
        second.Volumes.Count.ShouldBe(3);
        second.Through.ShouldBeNull();
        second.Strays.ShouldBeEmpty();
        first.Volumes.Concat(second.Volumes).Select(volume => volume.VolumeId).ShouldBe(volumes.Select(volume => volume.VolumeId).OrderBy(id => id.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public void A_clone_whose_source_is_gone_says_so_of_the_source()
    {
        Send(Ensure(Generation.First), 1);
        _host.Until(() => _host.Server.Report(ItemKind.Task, Look) is { Task.State: TaskState.Failed }, "the failure");
        _host.Server.Report(ItemKind.Task, Look)!.Task!.LostSource.ShouldBe("is not at the backend any more");
        _storage.Volumes.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false, 1, "is at the backend, but not sealed")]
    [InlineData(true, 2, "has generation 1 at the backend, not 2")]
    public void A_source_that_cannot_be_cloned_is_lost_although_it_is_there(bool isSealed, long wanted, string why)
    {
        _storage.Add(Samples.Volume2, isSealed);
        _storage.RefusesClones = true;
        Send(Ensure(new Generation(wanted)), 1);
        _host.Until(() => _host.Server.Report(ItemKind.Task, Look) is { Task.State: TaskState.Failed }, "the failure");
        _host.Server.Report(ItemKind.Task, Look)!.Task!.LostSource.ShouldBe(why);
    }

    [Fact]
    public void A_clone_that_fails_for_another_reason_does_not_blame_its_source()
    {
        _storage.Add(Samples.Volume2, isSealed: true);
        _storage.RefusesClones = true;
        Send(Ensure(Generation.First), 1);
        _host.Until(() => _host.Server.Report(ItemKind.Task, Look) is { Task.State: TaskState.Failed }, "the failure");
        _host.Server.Report(ItemKind.Task, Look)!.Task!.LostSource.ShouldBeNull();
    }

    private static TaskSpec.EnsureVolume Ensure(Generation source) => new()
    {
        PoolId = Samples.Pool, PoolName = "fast", VolumeId = Samples.Volume, VolumeGeneration = Generation.First, SizeBytes = 1 << 30, Label = "root",
        Source = Samples.Volume2, SourceGeneration = source,
    };

    private void Send(TaskSpec spec, long generation) => _host.Server.Send(Samples.Task(Look, spec, generation));
}
