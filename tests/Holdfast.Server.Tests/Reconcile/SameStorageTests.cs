using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Pools;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>One storage added as two pools. What is the same is decided by what the backend says of itself.</summary>
public abstract class SameStorageTests : NodeTests
{
    private const string Group = "linstor/0b7c/rg";
    private const string Other = "linstor/9d31/rg";
    private static readonly DriverCapabilities Shared = new() { CanClone = true, CanSnapshot = true, CanResize = true, IsShared = true, CanAttachLocally = true };

    // What hosts say, and nothing else, is what happens.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1), AddPoolWait = TimeSpan.FromMinutes(1) };

    /// <summary>The same controller and resource group, by IP and by name: both pools were Up, and their room was counted twice.</summary>
    [Fact]
    public async Task The_same_storage_as_a_second_pool_is_refused_naming_the_first()
    {
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        agent.Behaviour = item => Told(item, Group);
        var first = await Node.AddPoolAsync("first");
        var fault = TestNode.Fault(await Node.CreatePoolAsync("second")).Text;
        fault.ShouldContain("storage pool second cannot be added");
        fault.ShouldContain($"storage pool first ({first})");
        fault.ShouldContain(Group);
        await TestNode.UntilAsync(async () => await Node.ReadAsync(db => db.Bindings.CountAsync(b => b.Absent == null)) == 1, () => "the host to have let it go");
        (await Node.PoolAsync(first)).ShouldSatisfyAllConditions(pool => pool.State.ShouldBe(PoolState.Up), pool => pool.SameAs.ShouldBeNull());

        // Another group, and one that nobody can name, are other storage.
        agent.Behaviour = item => Told(item, Other);
        await Node.AddPoolAsync("other");
        agent.Behaviour = item => Told(item, null);
        await Node.AddPoolAsync("unnamed");
        await Node.AddPoolAsync("unnamed too");
    }

    /// <summary>A backend knows nothing of zones.</summary>
    [Fact]
    public async Task The_same_storage_in_another_zone_of_this_installation_is_refused_too()
    {
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        agent.Behaviour = item => Told(item, Group);
        var first = await Node.AddPoolAsync("first");
        var elsewhere = new ZoneId(Guid.CreateVersion7());
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                var zone = await db.Zones.FirstAsync(ct);
                await db.InsertAsync(zone with { Id = elsewhere, Number = 2, Name = "elsewhere" }, token: ct);
                return await db.StoragePools.Where(p => p.Id == first).Set(p => p.ZoneId, elsewhere).UpdateAsync(ct);
            },
            Token);
        TestNode.Fault(await Node.CreatePoolAsync("second")).Text.ShouldContain($"storage pool first ({first})");
    }

    [Fact]
    public async Task A_storage_can_be_added_again_once_its_pool_is_deleted()
    {
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        agent.Behaviour = item => Told(item, Group);
        var first = await Node.AddPoolAsync("first");
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, first, Token));
        TestNode.Fault(await Node.CreatePoolAsync("second")).Text.ShouldContain("first", customMessage: "in maintenance it is there still");

        // A host that has not let go of it yet holds nothing up.
        agent.Behaviour = item => item.Id == first.Value ? null : Told(item, Group);
        TestNode.Done(await Node.Pools.DeleteAsync(Node.Admin, first, forced: false, Token));
        (await Node.PoolAsync(await Node.AddPoolAsync("second"))).State.ShouldBe(PoolState.Up);
    }

    /// <summary>The id was not to be had when the pools were added: an older driver, say.</summary>
    [Fact]
    public async Task Two_pools_that_turn_out_to_be_the_same_go_on_and_the_later_one_takes_no_new_volumes()
    {
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        agent.Behaviour = item => Told(item, null);
        var (first, second) = (await Node.AddPoolAsync("first", "one"), await Node.AddPoolAsync("second", "two"));
        var template = await Node.AddTemplateAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template, "a", "two")));
        await SayAsync(agent, first, Group);
        await SayAsync(agent, second, Group);
        await SayAsync(agent, first, Group);

        (await Node.PoolAsync(first)).SameAs.ShouldBeNull();
        (await Node.PoolAsync(second)).SameAs.ShouldBe(first);
        (await EventsAsync(second)).ShouldBe([EventTypes.PoolSame]);
        (await EventsAsync(first)).ShouldBeEmpty();
        var refused = await Node.EndOfAsync(await Node.DeployAsync(template, "b", "two"));
        refused.ResultCode.ShouldBe(534);
        refused.Result!.ShouldContain($"the same storage as storage pool first ({first})");
        await Node.SucceedAsync(await Node.DeployAsync(template, "c", "one"));
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, forced: true, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));

        // The first goes: the other is the only one now.
        await SayAsync(agent, first, Other);
        (await Node.PoolAsync(second)).SameAs.ShouldBeNull();
        (await EventsAsync(second)).ShouldBe([EventTypes.PoolSame, EventTypes.PoolUnique]);
        await Node.SucceedAsync(await Node.DeployAsync(template, "d", "two"));
    }

    /// <summary>A controller was installed anew, or its name leads to another cluster.</summary>
    [Fact]
    public async Task A_backend_that_is_another_one_is_told_once_and_looked_at()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        first.Behaviour = second.Behaviour = item => Told(item, Group);
        var pool = await Node.AddPoolAsync("pool");
        await TestNode.UntilAsync(async () => await Node.ReadAsync(db => db.Bindings.CountAsync(b => b.Identity == Group)) == 2, () => "both hosts to tell");
        (await EventsAsync(pool)).ShouldBeEmpty();

        await SayAsync(first, pool, Other);
        await SayAsync(second, pool, Other);
        (await Node.PoolAsync(pool)).Identity.ShouldBe(Other);
        (await EventsAsync(pool)).ShouldBe([EventTypes.PoolChanged]);
        var told = await Node.ReadAsync(db => db.Events.SingleAsync(e => e.Type == EventTypes.PoolChanged));
        told.Description.ShouldContain($"it was {Group}");
        told.Description.ShouldContain(Other);
        (await Node.ReadAsync(db => db.Inventories.SingleAsync(i => i.PoolId == pool))).Due.ShouldBeLessThanOrEqualTo(told.Created, "what is there is compared with what is on record by the next sweep");

        // Silence changes nothing: a driver that was started anew has not asked yet.
        await SayAsync(first, pool, null);
        (await Node.PoolAsync(pool)).Identity.ShouldBe(Other);
        first.Behaviour = second.Behaviour = item => Told(item, Other);
        TestNode.Fault(await Node.CreatePoolAsync("again")).Text.ShouldContain($"storage pool pool ({pool})");
    }

    /// <summary>Of a group without DRBD each host has its own part: that is two storages, and each is added with scope HOST.</summary>
    [Fact]
    public async Task What_each_host_has_for_itself_is_not_the_same_storage()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        var own = Shared with { IsShared = false, NotSharedReason = "no DRBD" };
        first.Behaviour = item => Told(item, Group + "/host1", own);
        second.Behaviour = item => Told(item, Group + "/host2", own);
        await CreateAsync("one", first);
        await CreateAsync("two", second);
        (await Node.ReadAsync(db => db.StoragePools.CountAsync(p => p.State == PoolState.Up && p.SameAs == null))).ShouldBe(2);

        async Task CreateAsync(string name, TestAgent host) => TestNode.Done(await Node.Pools.CreateAsync(
            Node.Admin,
            new CreateStoragePool
            {
                Name = name, Url = "http://127.0.0.1:3370", ZoneId = await Node.ZoneAsync(), Scope = "HOST", HostId = host.Identity.HostId, Provider = "Linstor", Hypervisor = "KVM", Tags = [],
            },
            Token));
    }

    private Task<List<string>> EventsAsync(PoolId pool) => Node.ReadAsync(db => db.Events
        .Where(e => e.ResourceId == pool.Value && (e.Type == EventTypes.PoolSame || e.Type == EventTypes.PoolUnique || e.Type == EventTypes.PoolChanged))
        .OrderBy(e => e.Created).ThenBy(e => e.Id).Select(e => e.Type).ToListAsync(Token));

    private static ItemReport? Told(HostItem item, string? identity, DriverCapabilities? capabilities = null) =>
        TestAgent.Obey(item) is { Binding: { State: BindingState.Attached, Status: { } status } binding } report
            ? report with { Binding = binding with { Status = status with { Identity = identity }, Capabilities = capabilities ?? Shared } }
            : TestAgent.Obey(item);

    private static Task SayAsync(TestAgent agent, PoolId pool, string? identity) => agent.ReportAsync([Told(agent.Items[(ItemKind.Binding, pool.Value)], identity)!]);
}

public sealed class SqliteSameStorageTests : SameStorageTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlSameStorageTests(PostgresServer server) : SameStorageTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
