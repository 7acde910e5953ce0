using System.Collections.Concurrent;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Inventories;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>A backend that forgot, and one that has what nobody knows: what the server makes of looks at it. The same on both databases.</summary>
public abstract class InventoryTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
    private readonly ConcurrentDictionary<VolumeId, VolumeInfo> _backend = new();
    private TestNode _node = null!;
    private TestAgent _agent = null!;
    private PoolId _pool;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await StartAsync(_folder, await ConnectionStringAsync(), new ReconcileTimings { SweepInterval = TimeSpan.FromMilliseconds(50), RetryPause = TimeSpan.Zero });
        _agent = await TestAgent.StartAsync(_node);
        _agent.Behaviour = Serve;
        _pool = await _node.AddPoolAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
        {
            await _agent.DisposeAsync();
            await _node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What the list leaves out although the volume is there, and what looks like ours.</summary>
    private ConcurrentDictionary<VolumeId, bool> Unlisted { get; } = new();

    private IReadOnlyList<StrayVolume> Strays { get; set; } = [];

    private IInventoryOperations Inventory => _node.Service<IInventoryOperations>();

    protected abstract Task<string?> ConnectionStringAsync();

    [Fact]
    public async Task A_volume_that_its_backend_lost_is_missing_after_two_looks_and_back_when_it_is_there_again()
    {
        var (vm, root) = await StoppedAsync();
        _backend.Remove(root, out var lost).ShouldBeTrue();
        var before = Starts();
        await LookAsync();

        (await _node.VolumeAsync(root.Value)).Missing.ShouldNotBeNull();
        (await EventsAsync(EventTypes.VolumeMissing)).ShouldHaveSingleItem().ShouldContain(vm.ToString());
        var alert = await _node.ReadAsync(db => db.Alerts.SingleAsync());
        (alert.ResourceId, alert.Name).ShouldBe((_pool.Value, AlertTypes.VolumesMissingName));
        alert.Description.ShouldContain("pool1");
        alert.Description.ShouldContain(root.ToString());

        var start = await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
        (start.State, start.ResultCode).ShouldBe((JobState.Failed, 534));
        start.Result!.ShouldContain("is missing");
        start.Result!.ShouldContain("pool1");
        Starts().ShouldBe(before, "no host was asked");

        await LookAsync();
        (await _node.ReadAsync(db => db.Alerts.CountAsync())).ShouldBe(1, "told once");

        _backend[root] = lost!;
        await LookAsync();
        (await _node.VolumeAsync(root.Value)).Missing.ShouldBeNull();
        (await EventsAsync(EventTypes.VolumeFound)).ShouldHaveSingleItem().ShouldContain(root.ToString());
        (await _node.ReadAsync(db => db.Alerts.CountAsync())).ShouldBe(0);
        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
    }

    [Fact]
    public async Task A_list_alone_makes_nothing_missing()
    {
        var (_, root) = await StoppedAsync();
        Unlisted[root] = true;
        await LookAsync();
        (await _node.VolumeAsync(root.Value)).Missing.ShouldBeNull();
        Looks().ShouldContain(root);
        (await _node.ReadAsync(db => db.Alerts.CountAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task A_running_vm_is_not_touched_and_is_told_of_its_missing_volume()
    {
        var vm = new VmId(await _node.SucceedAsync(await _node.DeployAsync(await _node.AddTemplateAsync())));
        var root = await RootAsync(vm);
        _backend.Remove(root, out _);
        var items = _agent.Seen.Count(i => i.Kind == ItemKind.Machine);
        await LookAsync();
        (await _node.VolumeAsync(root.Value)).Missing.ShouldNotBeNull();
        (await _node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        _agent.Seen.Count(i => i.Kind == ItemKind.Machine).ShouldBe(items);
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, false, Token));
    }

    [Fact]
    public async Task A_missing_volume_can_be_expunged_and_neither_attached_nor_grown()
    {
        var (vm, _) = await StoppedAsync();
        var data = await DataOfAsync(vm);
        _backend.Remove(data, out _);
        await LookAsync();
        (await _node.EndOfAsync(await _node.Volumes.ResizeAsync(_node.Admin, new ResizeVolume(data, 5, null, false), Token))).Result!.ShouldContain("is missing");
        await _node.SucceedAsync(await _node.Volumes.DetachAsync(_node.Admin, new DetachVolume(data, null, null), Token));
        Fault(await _node.Volumes.AttachAsync(_node.Admin, data, vm, null, Token)).Text.ShouldContain("is missing");
        Done(await _node.Volumes.DeleteAsync(_node.Admin, data, Token));
        await UntilAsync(async () => (await _node.VolumeAsync(data.Value)).State == VolumeState.Expunged, () => "the deletion");
        await LookAsync();
        (await _node.ReadAsync(db => db.Alerts.CountAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task A_volume_that_nobody_wrote_to_is_made_again_under_its_id_when_it_is_needed()
    {
        var vm = new VmId(await _node.SucceedAsync(await _node.DeployAsync(await _node.AddTemplateAsync())));
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, false, Token));
        var data = await _node.AddVolumeAsync();
        await _node.SucceedAsync(await _node.Volumes.AttachAsync(_node.Admin, data, vm, null, Token));
        var made = await _node.VolumeAsync(data.Value);
        (made.State, made.LeaseGeneration).ShouldBe((VolumeState.Ready, Generation.None));

        _backend.Remove(data, out _);
        await LookAsync();
        var again = await _node.VolumeAsync(data.Value);
        (again.State, again.Missing, again.PoolId).ShouldBe((VolumeState.Allocated, null, (PoolId?)_pool));
        again.Generation.ShouldBe(made.Generation.Next);
        (await EventsAsync(EventTypes.VolumeMadeAgain)).ShouldHaveSingleItem().ShouldContain(data.ToString());

        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
        _backend[data].Generation.ShouldBe(again.Generation);
        (await _node.VolumeAsync(data.Value)).LeaseGeneration.ShouldBe(Generation.First);
    }

    [Fact]
    public async Task A_deploy_whose_template_copy_is_lost_goes_on_with_a_new_copy()
    {
        var template = await _node.AddTemplateAsync();
        var first = await CopyAsync();
        _backend.Remove(first.Id, out _);
        await _node.SucceedAsync(await _node.DeployAsync(template));
        var second = await CopyAsync();
        second.Id.ShouldNotBe(first.Id);
        (await _node.ReadAsync(db => db.TemplateCopies.SingleAsync(c => c.Id == first.Id))).State.ShouldBe(TemplateCopyState.Gone);
        (await EventsAsync(EventTypes.TemplateCopyLost)).ShouldHaveSingleItem().ShouldContain("tiny");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_copy_that_a_look_finds_gone_or_unsealed_is_given_up_and_the_next_deploy_brings_another(bool isGone)
    {
        var template = await _node.AddTemplateAsync();
        var first = await CopyAsync();
        if (isGone)
        {
            _backend.Remove(first.Id, out _);
        }
        else
        {
            _backend[first.Id] = _backend[first.Id] with { Sealed = false };
        }

        await LookAsync();
        (await _node.ReadAsync(db => db.TemplateCopies.AnyAsync(c => c.Removed == null))).ShouldBeFalse();
        (await EventsAsync(EventTypes.TemplateCopyLost)).ShouldHaveSingleItem();
        await _node.SucceedAsync(await _node.DeployAsync(template));
        (await CopyAsync()).Id.ShouldNotBe(first.Id);
    }

    [Fact]
    public async Task A_backend_that_knows_none_of_many_volumes_is_told_once_and_nothing_is_given_up()
    {
        var (vm, _) = await StoppedAsync();
        for (var i = 0; i < 12; i++)
        {
            await DataOfAsync(vm, starts: false);
        }

        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, true, Token));
        var kept = _backend.ToArray();
        _backend.Clear();
        await LookAsync();
        (await _node.ReadAsync(db => db.Volumes.CountAsync(v => v.Missing != null))).ShouldBe(13);
        (await _node.ReadAsync(db => db.Alerts.SingleAsync())).Description.ShouldContain("13 volumes");
        (await _node.ReadAsync(db => db.Alerts.SingleAsync())).Description.ShouldContain("another backend");
        (await EventsAsync(EventTypes.VolumeMissing)).ShouldHaveSingleItem("one for the pool, not one for each");
        (await CopyAsync()).State.ShouldBe(TemplateCopyState.Ready);

        foreach (var (id, volume) in kept)
        {
            _backend[id] = volume;
        }

        await LookAsync();
        (await _node.ReadAsync(db => db.Volumes.CountAsync(v => v.Missing != null))).ShouldBe(0);
        (await EventsAsync(EventTypes.VolumeFound)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_start_that_fails_because_the_backend_does_not_know_a_volume_has_it_looked_at()
    {
        var (vm, root) = await StoppedAsync();
        await LookAsync();
        _backend.Remove(root, out _);
        var start = await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
        start.Result!.ShouldContain("no such volume");
        await UntilAsync(async () => (await _node.VolumeAsync(root.Value)).Missing is not null, () => "the volume to be missing without anybody asking");
    }

    [Fact]
    public async Task A_pool_that_was_away_for_all_is_looked_at_when_it_is_back()
    {
        var (_, root) = await StoppedAsync();
        await LookAsync();
        _agent.Behaviour = i => i.Kind == ItemKind.Binding ? TestAgent.Of(i, BindingState.Degraded, PlaneHealth.Down) : Serve(i);
        await _agent.RepeatAsync(ItemKind.Binding);
        _backend.Remove(root, out _);
        _agent.Behaviour = Serve;
        await _agent.RepeatAsync(ItemKind.Binding);
        await UntilAsync(async () => (await _node.VolumeAsync(root.Value)).Missing is not null, () => "the volume to be missing without anybody asking");
    }

    [Fact]
    public async Task What_nobody_knows_is_listed_never_removed_by_itself_and_removed_by_a_named_person()
    {
        var (_, root) = await StoppedAsync();
        var stranger = New();
        _backend[stranger.VolumeId] = stranger;
        Strays = [new StrayVolume("hf-half", "its marks name no pool")];
        await LookAsync();
        await LookAsync();
        var listed = await UnclaimedAsync();
        listed.Select(u => (u.Name, u.VolumeId, u.SizeBytes, u.Why)).ShouldBe([("hf-half", null, null, "its marks name no pool"), (stranger.BackendName, (VolumeId?)stranger.VolumeId, (long?)stranger.SizeBytes, null)]);
        (await EventsAsync(EventTypes.UnclaimedFound)).ShouldHaveSingleItem().ShouldContain(stranger.BackendName);
        _backend.ShouldContainKey(stranger.VolumeId);

        Fault(await DeleteAsync("hf-half", "old")).Text.ShouldContain("its marks name no pool");
        Fault(await DeleteAsync(stranger.BackendName, "  ")).ErrorCode.ShouldBe(431);
        Fault(await DeleteAsync("nothing", "old")).ErrorCode.ShouldBe(431);
        Done(await DeleteAsync(stranger.BackendName, "left by a test")).RemovedBy.ShouldBe("admin");
        await UntilAsync(async () => (await UnclaimedAsync()).Count == 1, () => "the deletion");
        _backend.ShouldNotContainKey(stranger.VolumeId);
        _backend.ShouldContainKey(root);
        (await EventsAsync(EventTypes.UnclaimedDelete)).ShouldContain(text => text.Contains("left by a test", StringComparison.Ordinal) && text.Contains("admin", StringComparison.Ordinal));

        Strays = [];
        await LookAsync();
        (await UnclaimedAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_something_names_meanwhile_is_not_deleted_as_nobodys()
    {
        var (_, root) = await StoppedAsync();
        var stranger = New();
        _backend[stranger.VolumeId] = stranger;
        await LookAsync();
        var row = await _node.VolumeAsync(root.Value);
        await _node.Database.WriteAsync((db, ct) => db.InsertAsync(row with { Id = stranger.VolumeId, VmId = null, DeviceId = null }, token: ct), Token);
        Fault(await DeleteAsync(stranger.BackendName, "old")).Text.ShouldContain("names volume");
        _backend.ShouldContainKey(stranger.VolumeId);
        await LookAsync();
        (await UnclaimedAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_volume_that_is_being_deleted_or_was_just_deleted_is_not_nobodys()
    {
        var (vm, root) = await StoppedAsync();
        _agent.Behaviour = i => i.Task is TaskSpec.DeleteVolume ? TestAgent.Of(i, i.Desired == Desired.Absent ? TaskState.Absent : TaskState.Owed) : Serve(i);
        await _node.Vms.DestroyAsync(_node.Admin, vm, true, [], false, Token);
        await UntilAsync(async () => (await _node.VolumeAsync(root.Value)).State == VolumeState.Expunging, () => "the deletion to be owed");
        await LookAsync();
        (await UnclaimedAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_host_that_cannot_tell_says_nothing_about_any_volume()
    {
        var (_, root) = await StoppedAsync();
        _backend.Remove(root, out _);
        _agent.Behaviour = i => i is { Task: TaskSpec.ListVolumes, Desired: Desired.Done } ? TestAgent.Of(i, TaskState.Failed, TestAgent.Failed("the controller is away")) : Serve(i);
        Done(await Inventory.TakeAsync(_node.Admin, _pool, Token));
        await UntilAsync(async () => (await RowAsync())?.Error == "the controller is away", () => "the failure");
        (await _node.VolumeAsync(root.Value)).Missing.ShouldBeNull();
        _agent.Behaviour = Serve;
        await UntilAsync(async () => (await _node.VolumeAsync(root.Value)).Missing is not null, () => "the next look");
        (await RowAsync())!.Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_long_list_is_asked_for_part_by_part()
    {
        var (_, root) = await StoppedAsync();
        var many = Enumerable.Range(0, 5).Select(_ => New()).ToList();
        many.ForEach(volume => _backend[volume.VolumeId] = volume);
        PageSize = 2;
        await LookAsync();
        (await UnclaimedAsync()).Select(u => u.VolumeId!.Value).ShouldBe(many.Select(v => v.VolumeId), ignoreOrder: true);
        (await _node.VolumeAsync(root.Value)).Missing.ShouldBeNull();
        (await RowAsync())!.Found.ShouldBe(2, "the root disk and the template's copy, each once");

        many.Take(4).ToList().ForEach(volume => _backend.Remove(volume.VolumeId, out VolumeInfo? _));
        _backend.Remove(root, out _);
        await LookAsync();
        (await UnclaimedAsync()).ShouldHaveSingleItem().VolumeId.ShouldBe(many[4].VolumeId);
        (await _node.VolumeAsync(root.Value)).Missing.ShouldNotBeNull();
    }

    private int PageSize { get; set; } = TaskSpec.ListVolumes.PageSize;

    private static VolumeInfo New()
    {
        var id = new VolumeId(Guid.NewGuid());
        return new VolumeInfo { VolumeId = id, Generation = Generation.First, SizeBytes = 7 << 20, BackendName = $"hf-{id}" };
    }

    // A host whose backend is the dictionary.
    private ItemReport? Serve(HostItem item)
    {
        switch (item.Task)
        {
            case TaskSpec.EnsureVolume { Source: { } source } when !_backend.ContainsKey(source):
                var lost = TestAgent.Of(item, TaskState.Failed, TestAgent.Failed($"no such volume {source}"));
                return lost with { Task = lost.Task! with { LostSource = "is not at the backend any more" } };
            case TaskSpec.EnsureVolume ensure:
                _backend[ensure.VolumeId] = new VolumeInfo { VolumeId = ensure.VolumeId, Generation = ensure.VolumeGeneration, SizeBytes = ensure.SizeBytes, BackendName = $"hf-{ensure.VolumeId}" };
                return TestAgent.Obey(item);
            case TaskSpec.ImportTemplate import:
                _backend[import.VolumeId] = new VolumeInfo { VolumeId = import.VolumeId, Generation = import.VolumeGeneration, SizeBytes = 1 << 30, BackendName = $"hf-{import.VolumeId}", Sealed = true };
                return TestAgent.Obey(item);
            case TaskSpec.DeleteVolume delete:
                _backend.Remove(delete.VolumeId, out _);
                return TestAgent.Obey(item);
            case TaskSpec.ListVolumes list:
                var done = TestAgent.Of(item, TaskState.Done);
                return done with { Task = done.Task! with { Listing = Tell(list) } };
            default:
                return item is { Kind: ItemKind.Machine, Desired: Desired.Running } && item.Machine!.Disks.FirstOrDefault(d => !_backend.ContainsKey(d.VolumeId)) is { } gone
                    ? TestAgent.Of(item, MachineState.Failed, new Condition { Type = ConditionType.Failed, PoolId = gone.PoolId, Code = DriverErrorCode.NotFound, Text = $"no such volume {gone.VolumeId}" })
                    : TestAgent.Obey(item);
        }
    }

    private VolumeListing Tell(TaskSpec.ListVolumes spec)
    {
        if (spec.Only.Count > 0)
        {
            return new VolumeListing { Volumes = [.. spec.Only.Where(_backend.ContainsKey).Select(id => _backend[id])] };
        }

        var rest = _backend.Values
            .Where(v => !Unlisted.ContainsKey(v.VolumeId) && (spec.After is null || string.CompareOrdinal(v.VolumeId.ToString(), spec.After.ToString()) > 0))
            .OrderBy(v => v.VolumeId.ToString(), StringComparer.Ordinal)
            .ToList();
        var page = rest.Take(PageSize).ToList();
        return new VolumeListing { Volumes = page, Through = rest.Count > page.Count ? page[^1].VolumeId : null, Strays = spec.After is null ? Strays : [] };
    }

    private async Task LookAsync()
    {
        var before = (await RowAsync())?.Completed;
        Done(await Inventory.TakeAsync(_node.Admin, _pool, Token));
        await UntilAsync(
            // The next is due later: so this one began after it was asked for.
            async () => await RowAsync() is { Completed: { } completed } row && completed != before && row.Due > completed && !await _node.ReadAsync(db => db.Tasks.AnyAsync(t => t.Kind == WorkKind.ListVolumes && t.State == WorkState.Pending)),
            () => "the look at the backend");
    }

    private Task<InventoryRow?> RowAsync() => _node.ReadAsync(db => db.Inventories.FirstOrDefaultAsync(i => i.PoolId == _pool));

    private Task<List<UnclaimedVolumeRow>> UnclaimedAsync() => _node.ReadAsync(db => db.UnclaimedVolumes.OrderBy(u => u.VolumeId != null).ThenBy(u => u.Name).ToListAsync());

    private Task<List<string>> EventsAsync(string type) => _node.ReadAsync(db => db.Events.Where(e => e.Type == type).Select(e => e.Description).ToListAsync());

    private Task<Outcome<UnclaimedVolumeRow>> DeleteAsync(string name, string reason) => Inventory.DeleteUnclaimedAsync(_node.Admin, _pool, name, reason, Token);

    private Task<TemplateCopyRow> CopyAsync() => _node.ReadAsync(db => db.TemplateCopies.SingleAsync(c => c.Removed == null));

    private Task<VolumeId> RootAsync(VmId vm) => _node.ReadAsync(db => db.Volumes.Where(v => v.VmId == vm && v.Type == VolumeType.Root).Select(v => v.Id).SingleAsync());

    private int Starts() => _agent.Seen.Count(i => i is { Kind: ItemKind.Machine, Desired: Desired.Running });

    private List<VolumeId> Looks() => [.. _agent.Seen.Select(i => i.Task).OfType<TaskSpec.ListVolumes>().SelectMany(l => l.Only)];

    private async Task<(VmId Vm, VolumeId Root)> StoppedAsync()
    {
        var vm = new VmId(await _node.SucceedAsync(await _node.DeployAsync(await _node.AddTemplateAsync())));
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, false, Token));
        return (vm, await RootAsync(vm));
    }

    // A data volume that the VM has written to.
    private async Task<VolumeId> DataOfAsync(VmId vm, bool starts = true)
    {
        var data = await _node.AddVolumeAsync();
        await _node.SucceedAsync(await _node.Volumes.AttachAsync(_node.Admin, data, vm, null, Token));
        if (starts)
        {
            await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
            await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, true, Token));
        }

        return data;
    }
}

public sealed class SqliteInventoryTests : InventoryTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlInventoryTests(PostgresServer server) : InventoryTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
