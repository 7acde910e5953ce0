using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Pools;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Which hosts can use the data of a pool, which can hold it, and how large it is.</summary>
public abstract class WhereDataIsTests : NodeTests
{
    private const string Why = "resource group 'rg' has no DRBD in its layer list";
    private static readonly DriverCapabilities Shared = new() { CanClone = true, CanSnapshot = true, CanResize = true, IsShared = true, CanAttachLocally = true };
    private static readonly DriverCapabilities OneHosts = Shared with { IsShared = false, NotSharedReason = Why };

    // What hosts are is as the test says.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1) };

    /// <summary>It was added, and LINSTOR put volumes where the host that needed them could not use them.</summary>
    [Fact]
    public async Task Storage_that_one_host_alone_can_use_is_refused_with_a_wider_scope_and_taken_with_scope_host()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        first.Behaviour = second.Behaviour = item => Told(item, OneHosts);

        var fault = TestNode.Fault(await Node.CreatePoolAsync("wide")).Text;
        fault.ShouldContain("storage pool wide");
        fault.ShouldContain("scope HOST only, not ZONE");
        fault.ShouldContain(Why);
        await TestNode.UntilAsync(async () => await Node.ReadAsync(db => db.Bindings.AllAsync(b => b.Absent != null)), () => "every host to have let it go");

        var pool = TestNode.Done(await Node.Pools.CreateAsync(
            Node.Admin,
            new CreateStoragePool
            {
                Name = "narrow", Url = "http://127.0.0.1:3370", ZoneId = await Node.ZoneAsync(), Scope = "HOST", HostId = second.Identity.HostId, Provider = "Linstor", Hypervisor = "KVM", Tags = ["narrow"],
            },
            Token));
        pool.State.ShouldBe(PoolState.Up);
        var placed = await Node.VmAsync(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync(), "a", "narrow")));
        placed.HostId.ShouldBe(second.Identity.HostId);
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.PoolNotShared))).ShouldBe(0);
    }

    [Fact]
    public async Task A_pool_that_becomes_one_hosts_own_later_is_told_once_goes_on_and_takes_no_new_volumes()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        first.Behaviour = second.Behaviour = item => Told(item, Shared);
        var pool = await Node.AddPoolAsync("pool", "tag");
        var template = await Node.AddTemplateAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template, "a", "tag")));
        await SayAsync(first, pool, OneHosts);
        await SayAsync(second, pool, OneHosts);
        await SayAsync(first, pool, OneHosts);

        var bindings = await Node.ReadAsync(db => db.Bindings.Where(b => b.PoolId == pool).ToListAsync(Token));
        bindings.ShouldAllBe(binding => binding.Observed == BindingState.Attached && binding.Conditions.Contains("not-shared"));
        (await EventsAsync()).ShouldBe([EventTypes.PoolNotShared]);
        var refused = await Node.EndOfAsync(await Node.DeployAsync(template, "b", "tag"));
        refused.ResultCode.ShouldBe(534);
        refused.Result!.ShouldContain("takes no new volumes");
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, forced: true, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));

        await SayAsync(first, pool, Shared);
        (await EventsAsync()).ShouldBe([EventTypes.PoolNotShared], "one host says otherwise still");
        await SayAsync(second, pool, Shared);
        (await EventsAsync()).ShouldBe([EventTypes.PoolNotShared, EventTypes.PoolShared]);
        await Node.SucceedAsync(await Node.DeployAsync(template, "c", "tag"));

        Task<List<string>> EventsAsync() => Node.ReadAsync(db => db.Events
            .Where(e => e.ResourceId == pool.Value && (e.Type == EventTypes.PoolNotShared || e.Type == EventTypes.PoolShared))
            .OrderBy(e => e.Created).ThenBy(e => e.Id).Select(e => e.Type).ToListAsync(Token));
    }

    /// <summary>A host without a replica was given the import, and the bytes went over the network.</summary>
    [Fact]
    public async Task Imports_are_given_to_a_host_that_can_hold_the_data_for_whomever_they_are()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        first.Behaviour = item => Told(item, Shared with { HoldsData = false, CanClone = false });
        second.Behaviour = item => Told(item, Shared with { HoldsData = true, CanClone = false });
        var pools = new[] { await Node.AddPoolAsync("one", "one"), await Node.AddPoolAsync("two", "two") };
        await TestNode.UntilAsync(async () => await Node.ReadAsync(db => db.Bindings.CountAsync(b => b.HoldsData != null)) == 4, () => "every host to tell");
        var template = await Node.AddTemplateAsync();
        foreach (var tag in new[] { "one", "two" })
        {
            var vm = await Node.VmAsync(await Node.SucceedAsync(await Node.DeployAsync(template, tag, tag, first.Identity.HostId)));
            vm.HostId.ShouldBe(first.Identity.HostId);
        }

        var tasks = await Node.ReadAsync(db => db.Tasks.Where(t => t.Kind == WorkKind.ImportTemplate || t.Kind == WorkKind.EnsureVolume).ToListAsync(Token));
        tasks.Select(task => $"{task.Kind} {task.PoolId}").Order().ShouldBe(
            pools.SelectMany(pool => new[] { $"{WorkKind.ImportTemplate} {pool}", $"{WorkKind.EnsureVolume} {pool}" }).Order(), "one import and one copy for each pool");
        tasks.ShouldAllBe(task => task.IncarnationId == second.Identity.IncarnationId);
    }

    /// <summary>listVolumes showed what was asked for, and a copy by that would have cut off the end of what the guest writes.</summary>
    [Fact]
    public async Task A_volume_is_shown_as_large_as_its_guest_sees_it()
    {
        const long Device = (1L << 30) + 4_141_056;
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        agent.Behaviour = item => TestAgent.Obey(item) is { Machine: { Disks.Count: > 0 } machine } report
            ? report with { Machine = machine with { Disks = [.. machine.Disks.Select(disk => disk with { SizeBytes = Math.Max(disk.SizeBytes, Device) })] } }
            : TestAgent.Obey(item);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync(), "a")));
        await TestNode.UntilAsync(async () => (await RootAsync(vm)).SizeBytes == Device, () => "the volume's size to be the device's");

        // What the guest sees less of, later or on another host, does not make the volume smaller.
        agent.Behaviour = TestAgent.Obey;
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, forced: true, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
        (await RootAsync(vm)).SizeBytes.ShouldBe(Device);
        await Node.SucceedAsync(await Node.Volumes.ResizeAsync(Node.Admin, new ResizeVolume((await RootAsync(vm)).Id, 3, null, false), Token));
        (await RootAsync(vm)).SizeBytes.ShouldBe(3L << 30);
    }

    private Task<VolumeRow> RootAsync(VmId vm) => Node.ReadAsync(db => db.Volumes.SingleAsync(v => v.VmId == vm && v.Type == VolumeType.Root, Token));

    private static ItemReport? Told(HostItem item, DriverCapabilities capabilities) =>
        TestAgent.Obey(item) is { Binding: { State: BindingState.Attached } binding } report ? report with { Binding = binding with { Capabilities = capabilities } } : TestAgent.Obey(item);

    private static Task SayAsync(TestAgent agent, PoolId pool, DriverCapabilities capabilities)
    {
        agent.Behaviour = item => Told(item, capabilities);
        return agent.ReportAsync([Told(agent.Items[(ItemKind.Binding, pool.Value)], capabilities)!]);
    }
}

public sealed class SqliteWhereDataIsTests : WhereDataIsTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlWhereDataIsTests(PostgresServer server) : WhereDataIsTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
