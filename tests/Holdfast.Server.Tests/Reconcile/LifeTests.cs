using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Hosts;
using Holdfast.Server.Machines;
using Holdfast.Server.Obligations;
using Holdfast.Server.Offerings;
using Holdfast.Server.Pools;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Templates;
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

/// <summary>The server with a host over real TLS: what follows from commands and reports. The same on both databases.</summary>
public abstract class LifeTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-server-").FullName;
    private TestNode _node = null!;
    private string? _connectionString;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _connectionString = await ConnectionStringAsync();
        _node = await TestNode.StartAsync(_folder, _connectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected abstract Task<string?> ConnectionStringAsync();

    [Fact]
    public async Task Deploy_stop_start_destroy_and_expunge_leave_nothing()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var template = await AddTemplateAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(template));
        (await _node.VmAsync(vm)).State.ShouldBe(VmState.Running);
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(1);

        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, new VmId(vm), false, Token));
        (await _node.VmAsync(vm)).State.ShouldBe(VmState.Stopped);
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(0);

        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, new VmId(vm), null, Token));
        await _node.SucceedAsync(await _node.Vms.RebootAsync(_node.Admin, new VmId(vm), false, Token));
        await _node.SucceedAsync(await _node.Vms.DestroyAsync(_node.Admin, new VmId(vm), true, [], false, Token));
        (await _node.VmAsync(vm)).Removed.ShouldNotBeNull();
        (await _node.ReadAsync(db => db.Volumes.CountAsync(v => v.Removed == null))).ShouldBe(0);
        await UntilAsync(async () => await _node.ReadAsync(db => db.HostItems.CountAsync(i => i.Kind != ItemKind.Binding)) == 0, () => "the host document to be empty");
        (await _node.PoolAsync(pool)).State.ShouldBe(PoolState.Up);
    }

    [Fact]
    public async Task A_stop_succeeds_when_the_guest_is_gone_while_every_backend_is_dead()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync()));
        agent.Behaviour = i => i.Kind == ItemKind.Binding ? TestAgent.Of(i, BindingState.Degraded, PlaneHealth.Down) : TestAgent.Obey(i);
        await agent.RepeatAsync(ItemKind.Binding);

        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, new VmId(vm), false, Token));
        (await _node.ReadAsync(db => db.Hosts.SingleAsync())).State.ShouldBe(HostState.Up);

        var start = await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, new VmId(vm), null, Token));
        start.State.ShouldBe(JobState.Failed);
        start.ResultCode.ShouldBe(534);
        start.Result!.ShouldContain("controller refused the connection");
        start.Result!.ShouldContain("pool1");
        (await _node.VmAsync(vm)).State.ShouldBe(VmState.Stopped);
    }

    [Fact]
    public async Task A_start_that_the_host_refuses_ends_with_its_words()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var template = await AddTemplateAsync();
        agent.Behaviour = i => i is { Kind: ItemKind.Machine, Desired: Desired.Running } ? TestAgent.Of(i, MachineState.Failed, TestAgent.Failed("storage pool pool1: no quorum")) : TestAgent.Obey(i);

        var job = await _node.EndOfAsync(await DeployAsync(template));
        job.State.ShouldBe(JobState.Failed);
        job.ResultCode.ShouldBe(530);
        job.Result!.ShouldContain("no quorum");
        (await _node.VmAsync(job.InstanceId)).State.ShouldBe(VmState.Error);
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(0);

        agent.Behaviour = TestAgent.Obey;
        await _node.SucceedAsync(await _node.Vms.DestroyAsync(_node.Admin, new VmId(job.InstanceId), false, [], false, Token));
        (await _node.VmAsync(job.InstanceId)).Removed.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_guest_that_ends_by_itself_is_stopped_and_its_leases_end()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync()));
        var item = agent.Items[(ItemKind.Machine, vm)];
        await agent.ReportAsync([TestAgent.Of(item, MachineState.Stopped, new Condition { Type = ConditionType.GuestEnded, Text = "powered off" })]);
        (await _node.VmAsync(vm)).State.ShouldBe(VmState.Stopped);
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(0);
        (await _node.ReadAsync(db => db.Events.AnyAsync(e => e.Type == "VM.STOP" && e.ResourceId == vm && e.Level == EventLevel.Warn))).ShouldBeTrue();
    }

    [Fact]
    public async Task A_stop_of_a_guest_that_cannot_be_killed_fails_at_once_with_what_it_waits_for_and_is_done_by_itself()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var volume = await _node.ReadAsync(db => db.Volumes.Where(v => v.VmId == vm).Select(v => v.Id).SingleAsync());
        var stuck = new Condition { Type = ConditionType.Uninterruptible, PoolId = pool, VolumeId = volume, Text = $"QEMU process 4711 cannot be killed. It waits for volume {volume} on storage pool 'pool1': no quorum." };
        agent.Behaviour = i => i.Kind == ItemKind.Machine && i.Desired == Desired.Stopped ? TestAgent.Of(i, MachineState.Stopping, stuck) : TestAgent.Obey(i);

        for (var tries = 1; tries <= 2; tries++)
        {
            var stop = await _node.EndOfAsync(await _node.Vms.StopAsync(_node.Admin, vm, forced: true, Token));
            stop.State.ShouldBe(JobState.Failed);
            string[] words = ["4711", $"{volume}", "pool1", "no quorum"];
            words.ShouldAllBe(word => stop.Result!.Contains(word));
        }

        var generations = agent.Seen.Where(i => i.Kind == ItemKind.Machine && i.Desired == Desired.Stopped).Select(i => i.Generation).Distinct().ToList();
        generations.Count.ShouldBe(2, "a new stop is a new try");
        var row = await _node.VmAsync(vm.Value);
        (row.State, row.Stuck is null).ShouldBe((VmState.Stopping, false));
        row.Condition!.ShouldContain("no quorum");
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(1);
        (await _node.ReadAsync(db => db.Alerts.CountAsync(a => a.ResourceId == vm.Value))).ShouldBe(1);
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.VmStuck))).ShouldBe(1);
        (await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token))).State.ShouldBe(JobState.Failed);

        var cut = new Condition { Type = ConditionType.CutOff, PoolId = pool, VolumeId = volume, Text = $"I/O of volume {volume} on storage pool 'pool1' was cut off: what the guest was never told is written is lost." };
        agent.Behaviour = i => i.Kind == ItemKind.Machine && i.Desired == Desired.Stopped ? TestAgent.Of(i, MachineState.Stopped, cut) : TestAgent.Obey(i);
        await agent.RepeatAsync(ItemKind.Machine);
        await UntilAsync(async () => (await _node.VmAsync(vm.Value)).State == VmState.Stopped, () => "it to be stopped by itself");
        row = await _node.VmAsync(vm.Value);
        row.Stuck.ShouldBeNull();
        row.Condition!.ShouldContain("is lost");
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(0);
        (await _node.ReadAsync(db => db.Events.Where(e => e.Type == "VM.IO.CUT").Select(e => e.Description).SingleAsync())).ShouldContain($"{volume}");
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "VM.STOP" && e.Description.Contains("has ended")))).ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_destroy_of_a_guest_that_cannot_be_killed_fails_at_once_and_is_done_by_itself(bool expunge)
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var stuck = new Condition { Type = ConditionType.Uninterruptible, Text = "QEMU process 4711 cannot be killed." };
        agent.Behaviour = i => i.Kind == ItemKind.Machine && i.Desired == Desired.Stopped ? TestAgent.Of(i, MachineState.Stopping, stuck) : TestAgent.Obey(i);
        var destroy = await _node.EndOfAsync(await _node.Vms.DestroyAsync(_node.Admin, vm, expunge, [], false, Token));
        (destroy.State, destroy.Result!.Contains("4711", StringComparison.Ordinal)).ShouldBe((JobState.Failed, true));

        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync(ItemKind.Machine);
        await UntilAsync(
            async () => await _node.VmAsync(vm.Value) is var row && (expunge ? row.Removed is not null : row.State == VmState.Destroyed), () => "it to be destroyed by itself");
    }

    [Fact]
    public async Task I_O_that_does_not_go_on_is_an_event_and_an_alert_once_and_shown_with_the_vm_while_it_lasts()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var volume = await _node.ReadAsync(db => db.Volumes.Where(v => v.VmId == vm).Select(v => v.Id).SingleAsync());
        var waits = new Condition { Type = ConditionType.IoSuspended, PoolId = pool, VolumeId = volume, Text = $"I/O of volume {volume} on storage pool 'pool1' does not go on." };
        agent.Behaviour = i => i.Kind is ItemKind.Binding or ItemKind.Machine && TestAgent.Obey(i) is { } report ? report with { Conditions = [waits] } : TestAgent.Obey(i);
        await agent.RepeatAsync();
        await agent.RepeatAsync();
        (await _node.VmAsync(vm.Value)).Condition!.ShouldContain("does not go on");
        (await _node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.IoSuspended && e.Description.Contains("pool1")))).ShouldBe(1);
        (await _node.ReadAsync(db => db.Alerts.CountAsync(a => a.ResourceId == volume.Value))).ShouldBe(1);

        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync();
        (await _node.VmAsync(vm.Value)).Condition.ShouldBeNull();
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.IoResumed))).ShouldBe(1);
    }

    [Fact]
    public async Task A_guest_that_stands_still_is_an_event_and_an_alert_once_shown_while_it_lasts_and_named_when_its_vm_is_to_be_started()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var volume = await _node.ReadAsync(db => db.Volumes.Where(v => v.VmId == vm).Select(v => v.Id).SingleAsync());
        var said = $"Machine 'vm' is paused: there is no room for what it writes to volume {volume} (vda) on storage pool 'pool1' ({pool}).";
        var paused = new Condition { Type = ConditionType.Paused, PoolId = pool, VolumeId = volume, Text = said };
        agent.Behaviour = i => i.Kind == ItemKind.Machine && TestAgent.Obey(i) is { Machine.State: MachineState.Running } report ? report with { Conditions = [paused] } : TestAgent.Obey(i);
        await agent.RepeatAsync();
        await agent.RepeatAsync();
        (await _node.VmAsync(vm.Value)).ShouldSatisfyAllConditions(row => row.State.ShouldBe(VmState.Running), row => row.Condition.ShouldBe(said), row => row.Paused.ShouldNotBeNull());
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.VmPaused && e.Description.Contains(said) && e.ResourceId == vm.Value))).ShouldBe(1);
        (await _node.ReadAsync(db => db.Alerts.CountAsync(a => a.ResourceId == vm.Value && a.Description.Contains(said)))).ShouldBe(1);
        var start = await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
        start.State.ShouldBe(JobState.Failed);
        start.Result!.ShouldSatisfyAllConditions(text => text.ShouldContain("already running"), text => text.ShouldContain($"{volume}"));

        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync();
        (await _node.VmAsync(vm.Value)).ShouldSatisfyAllConditions(row => row.Condition.ShouldBeNull(), row => row.Paused.ShouldBeNull());
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.VmResumed && e.ResourceId == vm.Value))).ShouldBe(1);
        (await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token))).Result!.ShouldNotContain("stands still");
    }

    [Fact]
    public async Task What_was_told_of_a_guest_that_stands_still_ends_with_it()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var paused = new Condition { Type = ConditionType.Paused, Text = "Machine 'vm' is paused: it was suspended on its host by hand." };
        agent.Behaviour = i => i.Kind == ItemKind.Machine && TestAgent.Obey(i) is { Machine.State: MachineState.Running } report ? report with { Conditions = [paused] } : TestAgent.Obey(i);
        await agent.RepeatAsync();
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, false, Token));
        (await _node.VmAsync(vm.Value)).ShouldSatisfyAllConditions(row => row.Condition.ShouldBeNull(), row => row.Paused.ShouldBeNull());
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.VmResumed))).ShouldBe(0);
    }

    [Fact]
    public async Task A_pool_that_cannot_serve_is_refused_with_the_backends_words_and_undone()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        agent.Behaviour = i => i is { Kind: ItemKind.Binding, Desired: Desired.Attached } ? TestAgent.Of(i, BindingState.Degraded, PlaneHealth.Down) : TestAgent.Obey(i);
        var fault = Fault(await CreatePoolAsync("dead"));
        fault.ErrorCode.ShouldBe(530);
        fault.Text.ShouldStartWith("Failed to add data store:");
        fault.Text.ShouldContain("controller refused the connection");
        (await _node.ReadAsync(db => db.StoragePools.CountAsync(p => p.Removed == null))).ShouldBe(0);
        await UntilAsync(async () => await _node.ReadAsync(db => db.Bindings.AllAsync(b => b.Absent != null)), () => "the binding to go");
    }

    [Fact]
    public async Task A_pool_on_a_slow_host_was_undone_it_is_Initialized_and_becomes_Up_by_itself_also_after_a_restart_of_the_server()
    {
        var agent = await TestAgent.StartAsync(_node);
        await SetAsync("storage.pool.add.wait", "1");
        agent.Behaviour = i => i is { Kind: ItemKind.Binding, Desired: Desired.Attached } ? Unserved(i, BindingState.Starting) : TestAgent.Obey(i);
        var pool = Done(await CreatePoolAsync("slow"));
        pool.State.ShouldBe(PoolState.Initialized);

        string? waitingFor = null;
        await UntilAsync(
            async () => (waitingFor = (await _node.ReadAsync(db => StoragePoolReader.FindAsync(db, pool.Id, Token)))!.WaitingFor) == "host host1: it is starting the driver",
            () => $"the host's answer to be told; it waits for {waitingFor}");
        Fault(await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool.Id, Token)).Text.ShouldContain("Initialized");
        Fault(await _node.Pools.UpdateAsync(_node.Admin, new UpdateStoragePool { PoolId = pool.Id, Enabled = false }, Token)).Text.ShouldContain("Initialized");

        await agent.DisposeAsync();
        await _node.DisposeAsync();
        _node = await TestNode.StartAsync(_folder, _connectionString);
        agent.Behaviour = TestAgent.Obey;
        await using var again = agent.Again(_node);
        await again.StartAsync();
        await again.ReportAsync([TestAgent.Of(agent.Items[(ItemKind.Binding, pool.Id.Value)], BindingState.Attached)]);

        await UntilAsync(async () => (await _node.PoolAsync(pool.Id)).State == PoolState.Up, () => "the pool to be up");
        (await PoolEventsAsync(pool.Id)).ShouldContain(e => e.Contains("was added: host host1 serves it"));
        (await _node.ReadAsync(db => StoragePoolReader.FindAsync(db, pool.Id, Token)))!.WaitingFor.ShouldBeNull();
    }

    [Fact]
    public async Task A_pool_that_is_still_being_added_takes_no_volume_and_goes_with_an_event_when_a_host_refuses_it_for_good_or_time_is_over()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var template = await AddTemplateAsync();
        await SetAsync("storage.pool.add.wait", "1");
        await SetAsync("storage.pool.add.timeout", "4");
        agent.Behaviour = i => i is { Kind: ItemKind.Binding, Desired: Desired.Attached } ? Unserved(i, BindingState.Starting) : TestAgent.Obey(i);
        var late = Done(await CreatePoolAsync("late"));
        await UntilAsync(async () => (await _node.PoolAsync(late.Id)).State == PoolState.Removed, () => "the pool to be undone when its time is over");
        (await PoolEventsAsync(late.Id)).ShouldContain(e => e.Contains("could not be added: no host served it in time: host host1: it is starting the driver"));

        await SetAsync("storage.pool.add.timeout", "600");
        var wrong = Done(await _node.CreatePoolAsync("wrong", "slow"));
        var deploy = await _node.EndOfAsync(await _node.DeployAsync(template, tag: "slow"));
        deploy.State.ShouldBe(JobState.Failed);
        deploy.Result!.ShouldContain("Initialized");

        await UntilAsync(() => Task.FromResult(agent.Items.ContainsKey((ItemKind.Binding, wrong.Id.Value))), () => "the pool to be told to its host");
        var item = agent.Items[(ItemKind.Binding, wrong.Id.Value)];
        await agent.ReportAsync([Unserved(item, BindingState.Degraded, new Condition { Type = ConditionType.DriverRestarting, Text = "it was not ready within 15 s" })]);
        (await _node.PoolAsync(wrong.Id)).State.ShouldBe(PoolState.Initialized, "a slow host is no refusal");
        await agent.ReportAsync([Unserved(item, BindingState.Degraded, new Condition { Type = ConditionType.DriverNotStarting, Text = "it ended at once: exit code 134" })]);
        (await _node.PoolAsync(wrong.Id)).State.ShouldBe(PoolState.Removed);
        (await PoolEventsAsync(wrong.Id)).ShouldContain(e => e.Contains("could not be added: host host1:") && e.Contains("exit code 134"));
    }

    [Fact]
    public async Task A_driver_that_does_not_start_while_the_caller_waits_fails_the_call_with_its_reason()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await SetAsync("storage.pool.add.wait", "7");
        agent.Behaviour = i => i is { Kind: ItemKind.Binding, Desired: Desired.Attached }
            ? Unserved(i, BindingState.Degraded, new Condition { Type = ConditionType.DriverNotStarting, Text = "it ended at once: exit code 134" })
            : TestAgent.Obey(i);
        Fault(await CreatePoolAsync("crashing")).Text.ShouldContain("exit code 134");
        (await _node.ReadAsync(db => db.StoragePools.CountAsync(p => p.Removed == null))).ShouldBe(0);
    }

    [Fact]
    public async Task A_pool_that_is_still_being_added_can_be_deleted()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await SetAsync("storage.pool.add.wait", "1");
        agent.Behaviour = i => i is { Kind: ItemKind.Binding, Desired: Desired.Attached } ? Unserved(i, BindingState.Starting) : TestAgent.Obey(i);
        var pool = Done(await CreatePoolAsync("unwanted")).Id;

        Done(await _node.Pools.DeleteAsync(_node.Admin, pool, false, Token));

        await UntilAsync(async () => (await _node.PoolAsync(pool)).Absent is not null, () => "the host to confirm");
        (await _node.ReadAsync(db => db.Obligations.CountAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task A_vm_whose_host_is_lost_was_Running_without_a_word_and_stop_and_start_said_nothing_of_the_host()
    {
        var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        (await ConditionAsync(vm)).ShouldBeNull();

        await agent.DisposeAsync();
        var silent = new DateTimeOffset(2026, 1, 30, 10, 0, 0, TimeSpan.Zero);
        await _node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.LastReport, silent).UpdateAsync(ct), Token);
        await UntilAsync(async () => (await HostAsync(agent.Identity.HostId)).State == HostState.Alert, () => "the host to be missed");
        const string known = "host host1 is Alert and has not reported since 2026-01-30 10:00:00 UTC";
        (await _node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        (await ConditionAsync(vm)).ShouldNotBeNull().ShouldContain(known);

        var start = await EndedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
        start.State.ShouldBe(JobState.Failed);
        start.Result!.ShouldContain(known);
        var stop = await EndedAsync(await _node.Vms.StopAsync(_node.Admin, vm, true, Token));
        stop.State.ShouldBe(JobState.Failed);
        stop.Result!.ShouldContain(known);
        (await _node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopping);
        (await EndedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token))).Result!.ShouldContain(known);

        await using var again = agent.Again(_node);
        await again.StartAsync();
        await UntilAsync(async () => (await _node.VmAsync(vm.Value)).State == VmState.Stopped, () => "the stop to be carried out");
        (await ConditionAsync(vm)).ShouldBeNull();
        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
    }

    [Fact]
    public async Task A_deleted_pool_goes_by_tombstones_that_wait_for_every_host()
    {
        await using var first = await TestAgent.StartAsync(_node, "host1");
        await using var second = await TestAgent.StartAsync(_node, "host2");
        var pool = await AddPoolAsync();
        Fault(await _node.Pools.DeleteAsync(_node.Admin, pool, false, Token)).ErrorCode.ShouldBe(431);
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token));
        (await _node.PoolAsync(pool)).State.ShouldBe(PoolState.Maintenance);

        second.Behaviour = _ => null;
        Done(await _node.Pools.DeleteAsync(_node.Admin, pool, false, Token));
        await UntilAsync(async () => await _node.ReadAsync(db => db.Bindings.CountAsync(b => b.Absent == null)) == 1, () => "host1 to confirm");
        (await _node.PoolAsync(pool)).Absent.ShouldBeNull();

        second.Behaviour = TestAgent.Obey;
        await second.RepeatAsync(ItemKind.Binding);
        (await _node.PoolAsync(pool)).Absent.ShouldNotBeNull();
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "STORAGE.BINDING.ABSENT"))).ShouldBe(2);
    }

    [Fact]
    public async Task Deleting_a_pool_in_use_is_refused_naming_volume_and_vm()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync(), "vm1"));
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token));
        (await _node.VmAsync(vm)).State.ShouldBe(VmState.Stopped);

        var fault = Fault(await _node.Pools.DeleteAsync(_node.Admin, pool, true, Token));
        fault.ErrorCode.ShouldBe(530);
        fault.Text.ShouldContain("ROOT-");
        fault.Text.ShouldContain("vm1");
        fault.Text.ShouldContain(vm.ToString());

        var start = await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, new VmId(vm), null, Token));
        start.ResultCode.ShouldBe(534);

        await _node.SucceedAsync(await _node.Pools.CancelMaintenanceAsync(_node.Admin, pool, Token));
        await UntilAsync(async () => (await _node.VmAsync(vm)).State == VmState.Running, () => "the VM to be started again");
    }

    [Fact]
    public async Task An_expunge_with_a_dead_backend_ends_and_the_deletion_stays_owed_until_settled()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync()));
        agent.Behaviour = i => i.Task is TaskSpec.DeleteVolume && i.Desired == Desired.Done ? TestAgent.Of(i, TaskState.Owed) : TestAgent.Obey(i);
        var destroy = await _node.Vms.DestroyAsync(_node.Admin, new VmId(vm), true, [], false, Token);
        HostItem? task = null;
        await UntilAsync(() => Task.FromResult((task = agent.Items.Values.FirstOrDefault(i => i.Task is TaskSpec.DeleteVolume)) is not null), () => "the deletion");
        var volume = ((TaskSpec.DeleteVolume)task!.Task!).VolumeId;
        var owed = Obligation(task, ObligationState.Owed, 1);
        await agent.ReportAsync([], [owed]);
        await _node.SucceedAsync(destroy);
        (await _node.VmAsync(vm)).Removed.ShouldNotBeNull();
        (await _node.VolumeAsync(volume.Value)).State.ShouldBe(VolumeState.Expunging);

        await agent.ReportAsync([TestAgent.Of(task, TaskState.Done)], [owed with { State = ObligationState.Settled, Tries = 2 }]);
        (await _node.VolumeAsync(volume.Value)).State.ShouldBe(VolumeState.Expunged);
        (await _node.ReadAsync(db => db.Events.Where(e => e.Type.StartsWith("OBLIGATION.")).Select(e => e.Type).ToListAsync())).ShouldBe(["OBLIGATION.CREATED", "OBLIGATION.SETTLED"], ignoreOrder: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Maintenance_gives_hosts_that_reach_the_backend_time_for_what_they_owe_it_and_others_none(bool reachesIt)
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync()));
        agent.Behaviour = i => i.Task is TaskSpec.DeleteVolume && i.Desired == Desired.Done ? TestAgent.Of(i, TaskState.Owed) : TestAgent.Obey(i);
        var destroy = await _node.Vms.DestroyAsync(_node.Admin, new VmId(vm), true, [], false, Token);
        HostItem? task = null;
        await UntilAsync(() => Task.FromResult((task = agent.Items.Values.FirstOrDefault(i => i.Task is TaskSpec.DeleteVolume)) is not null), () => "the deletion");
        var owed = Obligation(task!, ObligationState.Owed, 1);
        await agent.ReportAsync([], [owed]);
        await _node.SucceedAsync(destroy);
        if (!reachesIt)
        {
            await agent.ReportAsync([TestAgent.Of(agent.Items[(ItemKind.Binding, pool.Value)], BindingState.Degraded, PlaneHealth.Down)], []);
        }

        var maintenance = await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token);
        if (reachesIt)
        {
            (await _node.ReadAsync(db => db.Bindings.Where(b => b.PoolId == pool).Select(b => b.Desired).SingleAsync())).ShouldBe(Desired.Attached);
            await agent.ReportAsync([TestAgent.Of(task!, TaskState.Done)], [owed with { State = ObligationState.Settled, Tries = 2 }]);
        }

        await _node.SucceedAsync(maintenance);
        Done(await _node.Pools.DeleteAsync(_node.Admin, pool, true, Token));
        var left = await _node.ReadAsync(db => db.Obligations.CountAsync(o => o.VolumeId == owed.VolumeId && o.State != ObligationState.Settled));
        left.ShouldBe(reachesIt ? 0 : 1);
    }

    [Fact]
    public async Task A_disk_that_no_host_was_told_to_make_is_expunged_without_one()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync("seed");
        var template = await AddTemplateAsync();
        var pool = Done(await _node.CreatePoolAsync("unmade", "unmade")).Id;
        agent.Behaviour = i => i.Task is TaskSpec.ImportTemplate && i.Desired == Desired.Done ? null : TestAgent.Obey(i);
        var deploy = await _node.DeployAsync(template, tag: "unmade");
        await UntilAsync(() => Task.FromResult(agent.Items.Values.Any(i => i.Task is TaskSpec.ImportTemplate { PoolId: var on } && on == pool)), () => "the import");
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token));
        var vm = new VmId((await _node.EndOfAsync(deploy)).InstanceId);

        await _node.SucceedAsync(await _node.Vms.DestroyAsync(_node.Admin, vm, true, [], false, Token));

        (await _node.ReadAsync(db => db.Volumes.SingleAsync(v => v.Type == VolumeType.Root))).State.ShouldBe(VolumeState.Expunged);
        agent.Seen.ShouldNotContain(i => i.Task is TaskSpec.DeleteVolume);
    }

    [Fact]
    public async Task Volumes_are_made_attached_grown_and_detached_on_a_running_guest()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var offering = Done(await _node.Service<IOfferingOperations>().CreateDiskOfferingAsync(_node.Admin, new CreateDiskOffering { Name = "any", Customized = true }, Token));
        var zone = (await _node.VmAsync(vm.Value)).ZoneId;
        var volume = new VolumeId(await _node.SucceedAsync(await _node.Volumes.CreateAsync(_node.Admin, new CreateVolume { Name = "data", DiskOfferingId = offering.Id, SizeGib = 2, ZoneId = zone }, Token)));
        (await _node.VolumeAsync(volume.Value)).State.ShouldBe(VolumeState.Allocated);

        await _node.SucceedAsync(await _node.Volumes.AttachAsync(_node.Admin, volume, vm, null, Token));
        var attached = await _node.VolumeAsync(volume.Value);
        attached.State.ShouldBe(VolumeState.Ready);
        attached.DeviceId.ShouldBe(1);
        Fault(await _node.Volumes.AttachAsync(_node.Admin, volume, vm, null, Token)).Text.ShouldBe("Please specify a volume that is not attached to any VM.");
        Fault(await _node.Volumes.DeleteAsync(_node.Admin, volume, Token)).ErrorCode.ShouldBe(431);

        await _node.SucceedAsync(await _node.Volumes.ResizeAsync(_node.Admin, new ResizeVolume(volume, 3, null, false), Token));
        (await _node.VolumeAsync(volume.Value)).SizeBytes.ShouldBe(3L << 30);
        agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.Single(d => d.VolumeId == volume).SizeBytes.ShouldBe(3L << 30);

        await _node.SucceedAsync(await _node.Volumes.DetachAsync(_node.Admin, new DetachVolume(volume, null, null), Token));
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(1);
        Done(await _node.Volumes.DeleteAsync(_node.Admin, volume, Token));
        await UntilAsync(async () => (await _node.VolumeAsync(volume.Value)).State == VolumeState.Expunged, () => "the volume to be deleted");
    }

    [Fact]
    public async Task A_volume_that_a_guest_may_still_get_from_a_libvirt_that_does_not_answer_is_given_to_nobody_else()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var template = await AddTemplateAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(template)));
        var other = new VmId(await _node.SucceedAsync(await DeployAsync(template, "other")));
        var offering = Done(await _node.Service<IOfferingOperations>().CreateDiskOfferingAsync(_node.Admin, new CreateDiskOffering { Name = "any", Customized = true }, Token));
        var zone = (await _node.VmAsync(vm.Value)).ZoneId;
        var volume = new VolumeId(await _node.SucceedAsync(await _node.Volumes.CreateAsync(_node.Admin, new CreateVolume { Name = "data", DiskOfferingId = offering.Id, SizeGib = 2, ZoneId = zone }, Token)));
        ItemReport Silent(HostItem item)
        {
            var report = TestAgent.Of(item, MachineState.Running, new Condition { Type = ConditionType.HypervisorDown, Text = "the hypervisor did not answer" });
            return report with { Machine = report.Machine! with { Disks = [], Unclear = [volume] } };
        }

        agent.Behaviour = i => i is { Kind: ItemKind.Machine, Desired: Desired.Running } && i.Id == vm.Value ? Silent(i) : TestAgent.Obey(i);
        (await _node.EndOfAsync(await _node.Volumes.AttachAsync(_node.Admin, volume, vm, null, Token))).State.ShouldBe(JobState.Failed);
        await UntilAsync(() => Task.FromResult(agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.All(d => d.VolumeId != volume)), () => "the machine to be wanted without it");
        await agent.RepeatAsync(ItemKind.Machine);
        (await _node.ReadAsync(db => db.Leases.AnyAsync(l => l.VolumeId == volume && l.VmId == vm))).ShouldBeTrue();
        Fault(await _node.Volumes.AttachAsync(_node.Admin, volume, other, null, Token)).Text.ShouldContain("still being given up by VM");

        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync(ItemKind.Machine);
        await UntilAsync(async () => !await _node.ReadAsync(db => db.Leases.AnyAsync(l => l.VolumeId == volume)), () => "the lease to end");
        await _node.SucceedAsync(await _node.Volumes.AttachAsync(_node.Admin, volume, other, null, Token));
    }

    [Fact]
    public async Task A_server_that_starts_again_on_the_same_database_goes_on()
    {
        var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var template = await AddTemplateAsync();
        agent.Behaviour = i => i.Kind == ItemKind.Task && i.Desired == Desired.Done ? null : TestAgent.Obey(i);
        var deploy = await DeployAsync(template);
        await UntilAsync(() => Task.FromResult(agent.Items.Values.Any(i => i.Task is TaskSpec.EnsureVolume)), () => "the volume's task");

        await agent.DisposeAsync();
        await _node.DisposeAsync();
        _node = await TestNode.StartAsync(_folder, _connectionString);
        agent.Behaviour = TestAgent.Obey;
        await using var again = agent.Again(_node);
        await again.StartAsync();
        again.Seen.ShouldAllBe(i => i.Revision > agent.Revision);
        foreach (var pending in agent.Items.Values.Where(i => i is { Kind: ItemKind.Task, Desired: Desired.Done }))
        {
            await again.ReportAsync([TestAgent.Of(pending, TaskState.Done)]);
        }

        await _node.SucceedAsync(deploy);
    }

    [Fact]
    public async Task A_vm_deployed_in_the_second_in_which_another_pool_is_deleted_runs()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var doomed = await AddPoolAsync("doomed");
        await AddPoolAsync("good");
        var template = await AddTemplateAsync();
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, doomed, Token));
        agent.Behaviour = i => i.Kind == ItemKind.Binding && i.Id == doomed.Value ? null : TestAgent.Obey(i);
        Done(await _node.Pools.DeleteAsync(_node.Admin, doomed, false, Token));
        await _node.SucceedAsync(await DeployAsync(template));
    }

    [Fact]
    public async Task A_template_says_how_far_its_download_is_while_it_is_under_way()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        agent.Behaviour = i => i.Task is TaskSpec.ImportTemplate && i.Desired == Desired.Done ? null : TestAgent.Obey(i);
        var registered = Done(await _node.Service<ITemplateOperations>().RegisterAsync(
            _node.Admin,
            new RegisterTemplate { Name = "tiny", Url = "https://images.example.org/tiny.qcow2", Format = "QCOW2", Hypervisor = "KVM" },
            Token));
        await UntilAsync(() => Task.FromResult(agent.Items.Values.Any(i => i.Task is TaskSpec.ImportTemplate)), () => "the import");
        var import = agent.Items.Values.Single(i => i.Task is TaskSpec.ImportTemplate);
        (await StatusAsync()).ShouldStartWith("Importing to storage pool");

        foreach (var (percent, status) in ((int, string)[])[(0, "0% Downloaded"), (40, "40% Downloaded"), (100, "Installing Template")])
        {
            var report = TestAgent.Of(import, TaskState.Running);
            await agent.ReportAsync([report with { Task = report.Task! with { SizeBytes = null, BackendName = null, Percent = percent } }]);
            (await StatusAsync()).ShouldBe(status);
        }

        await agent.ReportAsync([TestAgent.Of(import, TaskState.Done)]);
        (await StatusAsync()).ShouldBe("Download Complete");

        Task<string> StatusAsync() => _node.ReadAsync(db => db.Templates.Where(t => t.Id == registered.Id).Select(t => t.Status).SingleAsync());
    }

    [Fact]
    public async Task Concurrent_deploys_share_one_import()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var seed = await AddPoolAsync("seed");
        var template = await AddTemplateAsync();
        Done(await _node.Pools.UpdateAsync(_node.Admin, new UpdateStoragePool { PoolId = seed, Enabled = false }, Token));
        await AddPoolAsync("other");
        var deploys = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => DeployAsync(template, $"vm{i}")));
        foreach (var deploy in deploys)
        {
            await _node.SucceedAsync(deploy);
        }

        agent.Seen.Count(i => i.Task is TaskSpec.ImportTemplate).ShouldBe(2);
    }

    [Fact]
    public async Task A_reinstalled_host_absolves_the_old_installation()
    {
        var old = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync()));
        await old.DisposeAsync();
        await using var agent = await TestAgent.JoinAsync(_node, "host1", old.Identity.HostId);
        agent.Identity.HostId.ShouldBe(old.Identity.HostId);
        agent.Identity.IncarnationId.ShouldNotBe(old.Identity.IncarnationId);
        (await _node.VmAsync(vm)).State.ShouldBe(VmState.Stopped);
        (await _node.ReadAsync(db => db.Bindings.SingleAsync(b => b.IncarnationId == old.Identity.IncarnationId))).Absolved.ShouldNotBeNull();
        using var refused = await old.Again(_node).SendReportAsync(new HostReport { AgentEpoch = 5, Sequence = 1 });
        ((int)refused.StatusCode).ShouldBe(403);
        await agent.StartAsync();
        await UntilAsync(async () => await _node.ReadAsync(db => db.Bindings.AnyAsync(b => b.PoolId == pool && b.Absent == null && b.Observed == BindingState.Attached)), () => "the new binding");
        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, new VmId(vm), null, Token));
    }

    [Fact]
    public async Task A_retired_host_is_absolved_by_name_and_the_pool_is_gone_exactly_once()
    {
        await using var first = await TestAgent.StartAsync(_node, "host1");
        await using var second = await TestAgent.StartAsync(_node, "host2");
        var pool = await AddPoolAsync();
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token));
        second.Behaviour = _ => null;
        Done(await _node.Pools.DeleteAsync(_node.Admin, pool, false, Token));
        await UntilAsync(async () => await _node.ReadAsync(db => db.Bindings.CountAsync(b => b.Absent == null)) == 1, () => "host1 to confirm");
        (await _node.PoolAsync(pool)).Absent.ShouldBeNull();
        (await GoneEventsAsync(pool)).ShouldBeEmpty();

        Fault(await Hosts.DeleteAsync(_node.Admin, second.Identity.HostId, false, Token)).Text.ShouldContain("is not in maintenance mode and no forced deletion was requested");
        Done(await Hosts.DeleteAsync(_node.Admin, second.Identity.HostId, true, Token));

        (await _node.PoolAsync(pool)).Absent.ShouldNotBeNull();
        (await GoneEventsAsync(pool)).ShouldHaveSingleItem().ShouldEndWith("1 confirmed, absolved were host2");
        var absolved = await _node.ReadAsync(db => db.Bindings.SingleAsync(b => b.IncarnationId == second.Identity.IncarnationId));
        absolved.AbsolvedBy.ShouldBe(_node.Admin.UserName);
        absolved.Absolved.ShouldNotBeNull().ShouldContain("deleted by force");
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "STORAGE.BINDING.ABSOLVED"))).ShouldBe(1);
        using var refused = await second.SendReportAsync(new HostReport { AgentEpoch = 9, Sequence = 1 });
        ((int)refused.StatusCode).ShouldBe(403);
        Fault(await Hosts.DeleteAsync(_node.Admin, second.Identity.HostId, true, Token)).Text.ShouldContain("entity does not exist");
    }

    /// <summary>Maintenance never ended while one host had a driver that no signal ends, and a removal waited for the maintenance.</summary>
    [Fact]
    public async Task A_driver_that_no_signal_ends_keeps_no_removal_waiting_and_is_shown_until_a_person_absolves_its_host()
    {
        await using var first = await TestAgent.StartAsync(_node, "host1");
        await using var second = await TestAgent.StartAsync(_node, "host2");
        var pool = await AddPoolAsync();
        var stuck = new Condition { Type = ConditionType.DriverStuck, PoolId = pool, Text = "Driver process 4711 cannot be killed." };
        second.Behaviour = i => i.Kind == ItemKind.Binding ? TestAgent.Of(i, BindingState.Draining, PlaneHealth.Down, stuck) : TestAgent.Obey(i);
        await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token);
        await UntilAsync(async () => (await BindingOfAsync(second)).Error is not null, () => "host2 to say what keeps it");
        (await _node.PoolAsync(pool)).State.ShouldNotBe(PoolState.Up);

        Done(await _node.Pools.DeleteAsync(_node.Admin, pool, true, Token));

        await UntilAsync(async () => (await BindingOfAsync(first)).Absent is not null, () => "host1 to confirm");
        var waiting = await BindingOfAsync(second);
        (waiting.Desired, waiting.Absent).ShouldBe((Desired.Absent, null));
        waiting.Error.ShouldNotBeNull().ShouldContain("4711");
        (await _node.PoolAsync(pool)).Removed.ShouldNotBeNull("nobody sees it as a pool any more");
        (await _node.PoolAsync(pool)).Absent.ShouldBeNull("and yet it is not said to be gone from everywhere");
        (await GoneEventsAsync(pool)).ShouldBeEmpty();

        Done(await _node.Pools.AbsolveAsync(_node.Admin, pool, second.Identity.HostId, "host2 is switched off tomorrow", Token));

        (await _node.PoolAsync(pool)).Absent.ShouldNotBeNull();
        (await GoneEventsAsync(pool)).ShouldHaveSingleItem().ShouldEndWith("1 confirmed, absolved were host2");
        var absolved = await BindingOfAsync(second);
        (absolved.AbsolvedBy, absolved.Absolved).ShouldBe((_node.Admin.UserName, "host2 is switched off tomorrow"));

        Task<BindingRow> BindingOfAsync(TestAgent agent) => _node.ReadAsync(db => db.Bindings.SingleAsync(b => b.IncarnationId == agent.Identity.IncarnationId && b.PoolId == pool));
    }

    [Fact]
    public async Task A_host_in_maintenance_takes_no_vm_and_lets_pools_go_as_any_other()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var doomed = await AddPoolAsync("doomed");
        await AddPoolAsync("good");
        var template = await AddTemplateAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(template)));
        var host = agent.Identity.HostId;

        await _node.SucceedAsync(await Hosts.PrepareForMaintenanceAsync(_node.Admin, host, Token));
        (await HostAsync(host)).ResourceState.ShouldBe(ResourceState.PrepareForMaintenance);
        Fault(await Hosts.DeleteAsync(_node.Admin, host, true, Token)).Text.ShouldContain(vm.ToString());
        (await _node.EndOfAsync(await DeployAsync(template, "late"))).ResultCode.ShouldBe(533);
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, true, Token));
        (await HostAsync(host)).ResourceState.ShouldBe(ResourceState.Maintenance);
        (await HostAsync(host)).State.ShouldBe(HostState.Up);
        Fault(await Hosts.PrepareForMaintenanceAsync(_node.Admin, host, Token)).ErrorCode.ShouldBe(530);

        var used = (await _node.ReadAsync(db => db.Volumes.FirstAsync(v => v.VmId == vm))).PoolId!.Value;
        var unused = used == doomed ? (await _node.ReadAsync(db => db.StoragePools.SingleAsync(p => p.Name == "good"))).Id : doomed;
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, unused, Token));
        Done(await _node.Pools.DeleteAsync(_node.Admin, unused, false, Token));
        await UntilAsync(async () => (await _node.PoolAsync(unused)).Absent is not null, () => "the host in maintenance to confirm the removal");

        await _node.SucceedAsync(await Hosts.CancelMaintenanceAsync(_node.Admin, host, Token));
        Fault(await Hosts.CancelMaintenanceAsync(_node.Admin, host, Token)).ErrorCode.ShouldBe(530);
        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
    }

    [Fact]
    public async Task A_pool_forgotten_with_its_backend_leaves_orphans_by_name_and_its_namesake_owes_nothing()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        var volume = await _node.ReadAsync(db => db.Volumes.SingleAsync(v => v.VmId == vm));
        await _node.SucceedAsync(await _node.Vms.DestroyAsync(_node.Admin, vm, false, [], false, Token));
        await _node.SucceedAsync(await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token));
        Fault(await _node.Pools.DeleteAsync(_node.Admin, pool, false, Token)).Text.ShouldContain(volume.Id.ToString());
        var before = agent.Seen.Count(i => i.Kind == ItemKind.Task);

        Done(await _node.Pools.DeleteAsync(_node.Admin, pool, true, Token));

        await UntilAsync(async () => (await _node.PoolAsync(pool)).Absent is not null, () => "the driver to be unloaded");
        var orphans = await _node.ReadAsync(db => db.Obligations.Where(o => o.PoolId == pool).ToListAsync());
        orphans.ShouldAllBe(o => o.State == ObligationState.Orphaned && o.Kind == ObligationKind.DeleteVolume && o.BackendName == "hf-x" && o.HostId == agent.Identity.HostId);
        orphans.Count.ShouldBe(2); // The volume, and the template's copy that it was made from.
        orphans.ShouldContain(o => o.VolumeId == volume.Id);
        agent.Seen.Skip(before).Where(i => i is { Kind: ItemKind.Task, Desired: Desired.Done }).ShouldAllBe(i => i.Task!.PoolId != pool);

        var namesake = await AddPoolAsync();
        namesake.ShouldNotBe(pool);
        (await _node.ReadAsync(db => db.Obligations.CountAsync(o => o.PoolId == namesake))).ShouldBe(0);
        (await GoneEventsAsync(pool)).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_a_start_and_a_maintenance_that_race_exactly_one_has_its_way(bool startFirst)
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var pool = await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, true, Token));
        var start = startFirst ? await _node.Vms.StartAsync(_node.Admin, vm, null, Token) : null;
        var maintenance = await _node.Pools.EnableMaintenanceAsync(_node.Admin, pool, Token);
        start ??= await _node.Vms.StartAsync(_node.Admin, vm, null, Token);

        await _node.SucceedAsync(maintenance);
        var started = await _node.EndOfAsync(start);
        if (!startFirst)
        {
            started.State.ShouldBe(JobState.Failed);
            started.ResultCode.ShouldBe(534);
        }

        (await _node.PoolAsync(pool)).State.ShouldBe(PoolState.Maintenance);
        (await _node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped);
        (await _node.ReadAsync(db => db.Leases.CountAsync())).ShouldBe(0);
        Fault(await _node.Pools.DeleteAsync(_node.Admin, pool, true, Token)).Text.ShouldContain(vm.ToString());
    }

    [Fact]
    public async Task An_old_obligation_is_an_alert_once_and_forgetting_it_is_audited()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync()));
        agent.Behaviour = i => i.Task is TaskSpec.DeleteVolume or TaskSpec.ForgetObligation && i.Desired == Desired.Done ? TestAgent.Of(i, TaskState.Owed) : TestAgent.Obey(i);
        var destroy = await _node.Vms.DestroyAsync(_node.Admin, new VmId(vm), true, [], false, Token);
        HostItem? task = null;
        await UntilAsync(() => Task.FromResult((task = agent.Items.Values.FirstOrDefault(i => i.Task is TaskSpec.DeleteVolume)) is not null), () => "the deletion");
        var owed = Obligation(task!, ObligationState.Owed, 1);
        await agent.ReportAsync([], [owed]);
        await _node.SucceedAsync(destroy);
        await _node.Service<Sweeper>().SweepAsync(Token);
        (await _node.ReadAsync(db => db.Alerts.CountAsync())).ShouldBe(0);

        Done(await _node.Service<IConfigurationOperations>().UpdateAsync(_node.Admin, "obligation.alert.age", "0", Token));
        await UntilAsync(async () => await _node.ReadAsync(db => db.Alerts.AnyAsync()), () => "the alert");
        await agent.ReportAsync([], [owed with { Tries = 2, LastError = "still refused" }]);
        await _node.Service<Sweeper>().SweepAsync(Token);
        await _node.Service<Sweeper>().SweepAsync(Token);
        var alert = await _node.ReadAsync(db => db.Alerts.SingleAsync());
        alert.Type.ShouldBe(12);
        alert.Description.ShouldContain(owed.Id.ToString());
        alert.Description.ShouldContain("connection refused");
        (await _node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "OBLIGATION.OLD"))).ShouldBe(1);

        var obligations = _node.Service<IObligationOperations>();
        Fault(await obligations.ForgetAsync(_node.Admin, owed.Id, "  ", Token)).ErrorCode.ShouldBe(431);
        Done(await obligations.ForgetAsync(_node.Admin, owed.Id, "the backend was scrapped", Token));
        var audit = await _node.ReadAsync(db => db.Events.SingleAsync(e => e.Type == "OBLIGATION.FORGET"));
        audit.UserId.ShouldBe(_node.Admin.UserId);
        audit.Description.ShouldContain("the backend was scrapped");
        await agent.ReportAsync([], [owed with { State = ObligationState.Forgotten }]);
        (await _node.ReadAsync(db => db.Obligations.SingleAsync())).State.ShouldBe(ObligationState.Forgotten);
        await agent.ReportAsync([], [owed with { Tries = 9 }]);
        (await _node.ReadAsync(db => db.Obligations.SingleAsync())).State.ShouldBe(ObligationState.Forgotten, "a late report of an earlier state changes nothing");
    }

    [Fact]
    public async Task Wrong_states_are_CloudStacks_own_errors()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        await AddPoolAsync();
        var vm = new VmId(await _node.SucceedAsync(await DeployAsync(await AddTemplateAsync())));
        (await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token))).ResultCode.ShouldBe(431);
        (await _node.EndOfAsync(await _node.Vms.ExpungeAsync(_node.Admin, vm, Token))).ResultCode.ShouldBe(431);
        Fault(await _node.Vms.RecoverAsync(_node.Admin, vm, Token)).ErrorCode.ShouldBe(431);
        var stranger = new AccountId(Guid.NewGuid());
        Fault(await _node.Vms.StopAsync(_node.Admin with { IsRootAdmin = false, UserId = new UserId(Guid.NewGuid()), AccountId = stranger, Own = stranger }, vm, false, Token)).Text.ShouldContain("entity does not exist");
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, true, Token));
        await _node.SucceedAsync(await _node.Vms.StopAsync(_node.Admin, vm, false, Token));
        (await _node.EndOfAsync(await _node.Vms.RebootAsync(_node.Admin, vm, false, Token))).ResultCode.ShouldBe(431);
        await _node.SucceedAsync(await _node.Vms.DestroyAsync(_node.Admin, vm, false, [], false, Token));
        (await _node.VmAsync(vm.Value)).State.ShouldBe(VmState.Destroyed);
        (await _node.EndOfAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token))).ResultCode.ShouldBe(431);
        Done(await _node.Vms.RecoverAsync(_node.Admin, vm, Token));
        await _node.SucceedAsync(await _node.Vms.StartAsync(_node.Admin, vm, null, Token));
    }

    private IHostOperations Hosts => _node.Service<IHostOperations>();

    private Task<HostRow> HostAsync(HostId id) => _node.ReadAsync(db => db.Hosts.SingleAsync(h => h.Id == id));

    private Task<List<string>> GoneEventsAsync(PoolId pool) =>
        _node.ReadAsync(db => db.Events.Where(e => e.Type == "STORAGE.POOL.GONE" && e.ResourceId == pool.Value).Select(e => e.Description).ToListAsync());

    private async Task<string?> ConditionAsync(VmId vm) =>
        (await _node.ReadAsync(db => VirtualMachineRows.ReadAsync(db, AskedOwners.All(db), new VirtualMachineFilter { Ids = [vm] }, Page.Default, Token))).Rows.Single().Condition;

    // Ended with the transaction that accepted it.
    private Task<JobRow> EndedAsync(JobOutcome outcome)
    {
        var id = Accepted(outcome).JobId;
        return _node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == id && j.State != JobState.Pending));
    }

    private Task<List<string>> PoolEventsAsync(PoolId pool) =>
        _node.ReadAsync(db => db.Events.Where(e => e.Type == "STORAGE.POOL.CREATE" && e.ResourceId == pool.Value).Select(e => e.Description).ToListAsync());

    private async Task SetAsync(string setting, string value) =>
        Done(await _node.Service<IConfigurationOperations>().UpdateAsync(_node.Admin, setting, value, Token));

    // No driver has said anything of the backend yet.
    private static ItemReport Unserved(HostItem item, BindingState state, params Condition[] conditions) =>
        TestAgent.Of(item, state, PlaneHealth.Unknown, conditions) with { Binding = new BindingStatus { State = state } };

    private static ObligationReport Obligation(HostItem task, ObligationState state, int tries) => new()
    {
        Id = new ObligationId(Guid.NewGuid()),
        Kind = ObligationKind.DeleteVolume,
        State = state,
        PoolId = task.Task!.PoolId,
        PoolName = task.Task.PoolName,
        VolumeId = ((TaskSpec.DeleteVolume)task.Task).VolumeId,
        Generation = Generation.First,
        Cause = "expunged",
        LastError = "connection refused",
        Tries = tries,
        CreatedAt = DateTimeOffset.UtcNow,
    };

    private Task<Outcome<StoragePoolRow>> CreatePoolAsync(string name) => _node.CreatePoolAsync(name);

    private Task<PoolId> AddPoolAsync(string name = "pool1") => _node.AddPoolAsync(name);

    private Task<TemplateId> AddTemplateAsync() => _node.AddTemplateAsync();

    private Task<JobOutcome> DeployAsync(TemplateId template, string? name = null) => _node.DeployAsync(template, name);
}

public sealed class SqliteLifeTests : LifeTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlLifeTests : LifeTests
{
    private readonly PostgresServer _server;

    public PostgreSqlLifeTests(PostgresServer server) => _server = server;

    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await _server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
