using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Machines;
using Holdfast.Server.Offerings;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>VMs that are given another size while they run. Its host has 4 CPUs and 16 GiB.</summary>
public sealed class ScalingTests : NodeTests
{
    private TestAgent _agent = null!;
    private TemplateId _template;
    private ServiceOfferingRow _small = null!;
    private ServiceOfferingRow _large = null!;

    private protected override ReconcileTimings Timings => new() { ChangeDeadline = TimeSpan.FromSeconds(3) };

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        _template = await Node.AddTemplateAsync();
        await Node.Database.WriteAsync((db, ct) => db.Templates.Where(t => t.Id == _template).Set(t => t.DynamicallyScalable, true).UpdateAsync(ct), Token);
        await SetAsync(Setting.DynamicScaling, "true");
        _small = await OfferingAsync("small", 1, 512);
        _large = await OfferingAsync("large", 3, 1024);
    }

    public override async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task A_running_vm_is_given_more_and_keeps_it_across_a_stop()
    {
        var vm = await DeployAsync();
        Told(vm).ShouldSatisfyAllConditions(m => m.MaxCpus.ShouldBe(4), m => m.MaxMemoryMiB.ShouldBe(16 * 1024), m => m.Cpus.ShouldBe(1));

        await Node.SucceedAsync(await ScaleAsync(vm, _large));

        await ShouldHaveAsync(vm, _large, 3, 1024);
        Told(vm).ShouldSatisfyAllConditions(m => (m.Cpus, m.MemoryMiB).ShouldBe((3, 1024)), m => m.MaxCpus.ShouldBe(4));
        (await RowAsync(vm)).ShouldSatisfyAllConditions(r => r.State.ShouldBe(VmState.Running), r => r.KeptOfferingId.ShouldBeNull(), r => r.MaxCpus.ShouldBe(4));
        (await EventsAsync(vm)).ShouldContain(e => e.State == EventState.Completed && e.Level == EventLevel.Info);

        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, false, Token));
        await ShouldHaveAsync(vm, _large, 3, 1024);
        (await RowAsync(vm)).MaxCpus.ShouldBeNull("there is no guest");
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
        Told(vm).ShouldSatisfyAllConditions(m => (m.Cpus, m.MemoryMiB).ShouldBe((3, 1024)), m => m.MaxCpus.ShouldBe(4));
    }

    [Fact]
    public async Task A_custom_size_is_given_by_its_details_and_the_operator_says_how_much_there_is_room_for()
    {
        await SetAsync(Setting.DynamicScalingCpus, "2");
        await SetAsync(Setting.DynamicScalingMemory, "800");
        var custom = Done(await Node.Service<IOfferingOperations>().CreateServiceOfferingAsync(Node.Admin, new CreateServiceOffering { Name = "custom", Customized = true }, Token));
        var vm = await DeployAsync(custom, new GivenSize(1, 500, 512));
        Told(vm).ShouldSatisfyAllConditions(m => m.MaxCpus.ShouldBe(2), m => m.MaxMemoryMiB.ShouldBe(768));

        Fault(await ScaleAsync(vm, custom, new GivenSize(2, 500, null))).Text.ShouldContain("Detail memory is missing");
        Fault(await ScaleAsync(vm, custom, new GivenSize(3, 500, 512))).ShouldSatisfyAllConditions(f => f.ErrorCode.ShouldBe(431), f => f.Text.ShouldContain("at most 2 CPUs and 768 MiB"));
        await Node.SucceedAsync(await ScaleAsync(vm, custom, new GivenSize(2, 500, 768)));
        await ShouldHaveAsync(vm, custom, 2, 768);
    }

    [Fact]
    public async Task What_does_not_allow_it_is_named_and_nothing_changes()
    {
        var vm = await DeployAsync();
        var before = await RowAsync(vm);

        await RefusedAsync(async () => await SetAsync(Setting.DynamicScaling, "false"), async () => await SetAsync(Setting.DynamicScaling, "true"), "enable.dynamic.scale.vm");
        await RefusedAsync(() => TemplateAsync(false), () => TemplateAsync(true), _template.ToString());
        await RefusedAsync(() => UpdateAsync(vm, false), () => UpdateAsync(vm, true), "the VM");
        await RefusedAsync(() => OfferingAsync(_small, false), () => OfferingAsync(_small, true), _small.Id.ToString());
        await RefusedAsync(() => OfferingAsync(_large, false), () => OfferingAsync(_large, true), _large.Id.ToString());

        Fault(await ScaleAsync(vm, await OfferingAsync("beyond", 5, 512))).Text.ShouldContain("at most 4 CPUs and 16384 MiB");
        Fault(await ScaleAsync(vm, await OfferingAsync("less", 1, 256))).Text.ShouldContain("only scaling up");
        Fault(await ScaleAsync(vm, await OfferingAsync("odd", 1, 600))).Text.ShouldContain("steps of 128 MiB");
        Fault(await ScaleAsync(vm, new ServiceOfferingId(Guid.NewGuid()))).Text.ShouldContain("serviceofferingid");
        Fault(await Node.Vms.ChangeServiceAsync(Node.Admin, vm, _large.Id, GivenSize.None, Token)).Text.ShouldContain("scaleVirtualMachine");

        // What others have on the host counts, and what it has itself does not.
        await Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.MemoryBytes, 1023L << 20).UpdateAsync(ct), Token);
        Fault(await ScaleAsync(vm, _large)).ShouldSatisfyAllConditions(f => f.ErrorCode.ShouldBe(533), f => f.Text.ShouldContain("host1"));
        await Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.MemoryBytes, 1024L << 20).UpdateAsync(ct), Token);

        (await RowAsync(vm)).ShouldBe(before);
        await Node.SucceedAsync(await ScaleAsync(vm, _large));

        async Task RefusedAsync(Func<Task> forbid, Func<Task> allow, string named)
        {
            await forbid();
            Fault(await ScaleAsync(vm, _large)).ShouldSatisfyAllConditions(f => f.ErrorCode.ShouldBe(431), f => f.Text.ShouldContain("not enabled for"), f => f.Text.ShouldContain(named));
            await allow();
        }
    }

    [Fact]
    public async Task A_guest_that_was_started_without_room_has_none_and_its_host_is_told_nothing_of_it()
    {
        await SetAsync(Setting.DynamicScaling, "false");
        var vm = await DeployAsync();
        (await Node.ReadAsync(db => db.HostItems.SingleAsync(i => i.Kind == ItemKind.Machine))).Spec!.ShouldNotContain("max", Case.Insensitive);
        await SetAsync(Setting.DynamicScaling, "true");
        Fault(await ScaleAsync(vm, _large)).Text.ShouldContain("without room");
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, false, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
        await Node.SucceedAsync(await ScaleAsync(vm, _large));
    }

    [Fact]
    public async Task What_is_given_in_part_is_taken_back_and_what_the_guest_keeps_counts_until_it_ends()
    {
        var vm = await DeployAsync();
        _agent.Behaviour = item => Holding(item, 1, 1024, item.Machine?.Cpus > 1 ? [TestAgent.Failed("cpu hotplug is not enabled by the firmware")] : []);

        var job = await Node.EndOfAsync(await ScaleAsync(vm, _large));

        job.ShouldSatisfyAllConditions(j => j.ResultCode.ShouldBe(530), j => j.Result!.ShouldContain("cpu hotplug is not enabled"));
        await UntilAsync(async () => (await RowAsync(vm)) is { MemoryMib: 1024, Condition: not null }, () => "what the guest has to be known");
        await ShouldHaveAsync(vm, _small, 1, 1024);
        (await RowAsync(vm)).Condition!.ShouldContain("from its next start on it has 1 CPUs and 512 MiB");
        (await EventsAsync(vm)).ShouldContain(e => e.Level == EventLevel.Warn && e.Description.Contains("1 CPUs and 1024 MiB"));

        // It may be scaled on from there, and when its guest has ended it has its own size again.
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        await ShouldHaveAsync(vm, _small, 1, 512);
        (await RowAsync(vm)).ShouldSatisfyAllConditions(r => r.KeptOfferingId.ShouldBeNull(), r => r.Condition.ShouldBeNull());
    }

    [Fact]
    public async Task A_host_that_says_nothing_costs_the_job_its_time_and_what_it_does_later_is_shown()
    {
        var vm = await DeployAsync();
        _agent.Behaviour = item => item.Kind == ItemKind.Machine ? null : TestAgent.Obey(item);
        var pending = await ScaleAsync(vm, _large);
        await ShouldHaveAsync(vm, _large, 3, 1024);
        Fault(await ScaleAsync(vm, await OfferingAsync("larger", 4, 2048))).Text.ShouldContain("another scaling of it is under way");

        (await Node.EndOfAsync(pending)).Result!.ShouldContain("not in time");
        await ShouldHaveAsync(vm, _small, 1, 512);

        // It had done it, and answers to the newest item.
        _agent.Behaviour = item => Holding(item, 3, 1024);
        await _agent.RepeatAsync(ItemKind.Machine);
        await UntilAsync(async () => (await RowAsync(vm)).Cpus == 3, () => "what the guest has to be known");
        await ShouldHaveAsync(vm, _small, 3, 1024);

        // Another scaling starts from what the guest has, and confirms it.
        await Node.SucceedAsync(await ScaleAsync(vm, _large));
        await ShouldHaveAsync(vm, _large, 3, 1024);
        (await RowAsync(vm)).KeptOfferingId.ShouldBeNull();
    }

    [Fact]
    public async Task A_server_that_ends_in_the_middle_goes_on_and_a_stop_takes_it_back()
    {
        var vm = await DeployAsync();
        _agent.Behaviour = item => item is { Kind: ItemKind.Machine, Desired: Desired.Running } ? null : TestAgent.Obey(item);
        var pending = await ScaleAsync(vm, _large);
        var stop = await Node.Vms.StopAsync(Node.Admin, vm, false, Token);
        await Node.SucceedAsync(stop);
        (await Node.EndOfAsync(pending)).Result!.ShouldContain("is being stopped");
        await ShouldHaveAsync(vm, _small, 1, 512);

        _agent.Behaviour = TestAgent.Obey;
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
        _agent.Behaviour = item => null;
        var id = Accepted(await ScaleAsync(vm, _large)).JobId;
        await RestartAsync();
        await using var again = _agent.Again(Node);
        again.Behaviour = TestAgent.Obey;
        await again.StartAsync();
        var job = await JobAsync(id);

        // In time or not: what the VM has is what the job says.
        var isDone = job.State == JobState.Succeeded;
        await ShouldHaveAsync(vm, isDone ? _large : _small, isDone ? 3 : 1, isDone ? 1024 : 512);
    }

    private async Task<JobRow> JobAsync(JobId id)
    {
        await UntilAsync(async () => (await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == id))).State != JobState.Pending, () => "the job to end");
        return await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == id));
    }

    private static ItemReport? Holding(HostItem item, int cpus, int memory, params Condition[] conditions) =>
        item is { Kind: ItemKind.Machine, Desired: Desired.Running } && TestAgent.Of(item, MachineState.Running, conditions) is var report
            ? report with { Machine = report.Machine! with { Cpus = cpus, MemoryMiB = memory } }
            : TestAgent.Obey(item);

    private MachineSpec Told(VmId vm) => _agent.Items[(ItemKind.Machine, vm.Value)].Machine!;

    private Task<VmRow> RowAsync(VmId vm) => Node.VmAsync(vm.Value);

    private Task<List<EventRow>> EventsAsync(VmId vm) => Node.ReadAsync(db => db.Events.Where(e => e.Type == "VM.UPGRADE" && e.ResourceId == vm.Value).ToListAsync());

    private async Task ShouldHaveAsync(VmId vm, ServiceOfferingRow offering, int cpus, int memory)
    {
        var row = await RowAsync(vm);
        (row.ServiceOfferingId, row.Cpus, row.MemoryMib).ShouldBe((offering.Id, cpus, memory));
    }

    private async Task<VmId> DeployAsync(ServiceOfferingRow? offering = null, GivenSize? size = null) => new(await Node.SucceedAsync(await Node.Vms.DeployAsync(
        Node.Admin, new DeployVirtualMachine { ServiceOfferingId = (offering ?? _small).Id, Size = size ?? GivenSize.None, TemplateId = _template, ZoneId = await Node.ZoneAsync() }, Token)));

    private Task<JobOutcome> ScaleAsync(VmId vm, ServiceOfferingRow offering, GivenSize? size = null) => Node.Vms.ScaleAsync(Node.Admin, vm, offering.Id, size ?? GivenSize.None, Token);

    private Task<JobOutcome> ScaleAsync(VmId vm, ServiceOfferingId offering) => Node.Vms.ScaleAsync(Node.Admin, vm, offering, GivenSize.None, Token);

    private async Task SetAsync(Setting setting, string value) => Done(await Node.Service<IConfigurationOperations>().UpdateAsync(Node.Admin, setting.Name, value, Token));

    private async Task UpdateAsync(VmId vm, bool isScalable) => Done(await Node.Vms.UpdateAsync(Node.Admin, new UpdateVirtualMachine { Id = vm, DynamicallyScalable = isScalable }, Token));

    private Task TemplateAsync(bool isScalable) => Node.Database.WriteAsync((db, ct) => db.Templates.Where(t => t.Id == _template).Set(t => t.DynamicallyScalable, isScalable).UpdateAsync(ct), Token);

    private Task OfferingAsync(ServiceOfferingRow offering, bool isScalable) =>
        Node.Database.WriteAsync((db, ct) => db.ServiceOfferings.Where(o => o.Id == offering.Id).Set(o => o.DynamicScaling, isScalable).UpdateAsync(ct), Token);

    private async Task<ServiceOfferingRow> OfferingAsync(string name, int cpus, int memory) => Done(await Node.Service<IOfferingOperations>().CreateServiceOfferingAsync(
        Node.Admin, new CreateServiceOffering { Name = name, Cpus = cpus, CpuMhz = 500, MemoryMib = memory }, Token));
}
