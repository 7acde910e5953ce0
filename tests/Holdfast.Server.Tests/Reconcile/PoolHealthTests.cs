using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Pools;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>A pool that is sick on a host costs that pool on that host, and is told as just that.</summary>
public abstract class PoolHealthTests : NodeTests
{
    // What hosts are is as the test says.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1) };

    [Fact]
    public async Task A_sick_binding_excludes_its_host_for_its_pool_only()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        var sick = await Node.AddPoolAsync("sick", "sick");
        var well = await Node.AddPoolAsync("well", "well");
        var template = await Node.AddTemplateAsync();
        await ShouldServeAsync(2, sick, well);

        await SayAsync(first, sick, BindingState.Degraded, PlaneHealth.Down);

        foreach (var name in new[] { "a", "b", "c" })
        {
            var placed = await Node.VmAsync(await Node.SucceedAsync(await Node.DeployAsync(template, name, "sick")));
            placed.HostId.ShouldBe(second.Identity.HostId, name);
        }

        var there = await Node.VmAsync(await Node.SucceedAsync(await Node.DeployAsync(template, "d", "well", first.Identity.HostId)));
        there.HostId.ShouldBe(first.Identity.HostId);
        var refused = await Node.EndOfAsync(await Node.DeployAsync(template, "e", "sick", first.Identity.HostId));
        refused.ResultCode.ShouldBe(534);
        refused.Result!.ShouldContain("host1");
        refused.Result!.ShouldContain("storage pool sick");
        refused.Result!.ShouldContain("controller refused the connection");
        (await Node.ReadAsync(db => db.Hosts.CountAsync(h => h.State == HostState.Up))).ShouldBe(2);
        await ShouldBeAsync(sick, PoolHealth.Degraded, serving: 1, sick: 1, "controller refused the connection");
        await ShouldBeAsync(well, PoolHealth.Up, serving: 2, sick: 0, null);

        // The healthy host's next word about the pool takes nothing away from what the sick one says.
        await second.RepeatAsync(ItemKind.Binding);
        await ShouldBeAsync(sick, PoolHealth.Degraded, serving: 1, sick: 1, "controller refused the connection");
        await SayAsync(second, sick, BindingState.Degraded, PlaneHealth.Down);
        await ShouldBeAsync(sick, PoolHealth.Down, serving: 0, sick: 2, "controller refused the connection");
        (await Node.PoolAsync(sick)).State.ShouldBe(PoolState.Up, "the state is the operator's word");
        await SayAsync(first, sick, BindingState.Attached, PlaneHealth.Up);
        await SayAsync(second, sick, BindingState.Attached, PlaneHealth.Up);
        await ShouldBeAsync(sick, PoolHealth.Up, serving: 2, sick: 0, null);
        await Node.SucceedAsync(await Node.DeployAsync(template, "f", "sick", first.Identity.HostId));
    }

    [Fact]
    public async Task A_host_with_a_broken_device_is_the_last_choice_and_told_as_sick()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        var pool = await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        await ShouldServeAsync(2, pool);
        var report = TestAgent.Of(first.Items[(ItemKind.Binding, pool.Value)], BindingState.Degraded);
        var status = report.Binding!.Status! with { DataPlane = PlaneHealth.Down, Error = new DriverError { Code = DriverErrorCode.Unreachable, Text = "/dev/drbd1000 is no block device" } };

        await first.ReportAsync([report with { Binding = report.Binding with { Status = status } }]);

        await ShouldBeAsync(pool, PoolHealth.Degraded, serving: 1, sick: 1, "/dev/drbd1000 is no block device");
        for (var i = 0; i < 3; i++)
        {
            (await Node.VmAsync(await Node.SucceedAsync(await Node.DeployAsync(template, $"vm{i}")))).HostId.ShouldBe(second.Identity.HostId);
        }

        // One broken device of many does not take the pool from every other VM.
        await Node.SucceedAsync(await Node.DeployAsync(template, "asked", host: first.Identity.HostId));
    }

    [Fact]
    public async Task Events_tell_transitions_and_stay_few_when_a_pool_flaps()
    {
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        var pool = await Node.AddPoolAsync();
        for (var i = 0; i < 5; i++)
        {
            await SayAsync(agent, pool, BindingState.Degraded, PlaneHealth.Down);
        }

        (await EventsAsync(pool)).ShouldBe(["STORAGE.BINDING.DEGRADED"]);
        for (var i = 0; i < 5; i++)
        {
            await SayAsync(agent, pool, BindingState.Attached, PlaneHealth.Up);
        }

        (await EventsAsync(pool)).ShouldBe(["STORAGE.BINDING.DEGRADED", "STORAGE.BINDING.RECOVERED"]);
        for (var i = 0; i < 40; i++)
        {
            await SayAsync(agent, pool, i % 2 == 0 ? BindingState.Degraded : BindingState.Attached, i % 2 == 0 ? PlaneHealth.Down : PlaneHealth.Up);
        }

        var told = await EventsAsync(pool);
        told.Count.ShouldBe(FlapRule.ToldOneByOne + 1);
        told[^1].ShouldBe("STORAGE.POOL.FLAPPING");
        await ShouldBeAsync(pool, PoolHealth.Up, serving: 1, sick: 0, null);
    }

    [Fact]
    public async Task A_driver_that_is_not_upgraded_is_told_once_and_the_pool_serves_all_the_same()
    {
        await using var agent = await TestAgent.StartAsync(Node, "host1");
        var pool = await Node.AddPoolAsync();
        await ShouldServeAsync(1, pool);
        const string Why = "The driver of storage pool 'pool' that is installed (build 17) does not start: exit code 134. The one before it serves.";
        var kept = new Condition { Type = ConditionType.DriverNotUpgraded, PoolId = pool, Text = Why };
        await SayVersionAsync("1.0");
        await SayVersionAsync("1.0", kept);
        await SayVersionAsync("1.0", kept, kept);
        await ShouldBeAsync(pool, PoolHealth.Up, serving: 1, sick: 0, null);
        await SayVersionAsync("1.1");

        var told = await Node.ReadAsync(db => db.Events.Where(e => e.ResourceId == pool.Value && e.Type.StartsWith("STORAGE.DRIVER.")).OrderBy(e => e.Created).ThenBy(e => e.Id).ToListAsync(Token));
        told.Select(one => one.Type).ShouldBe(["STORAGE.DRIVER.NOTUPGRADED", "STORAGE.DRIVER.UPGRADED"]);
        told[0].Description.ShouldContain(Why);
        told[0].Description.ShouldContain("host1");
        told[1].Description.ShouldContain("version 1.1");
        told[1].Description.ShouldContain("before it was 1.0");

        async Task SayVersionAsync(string version, params Condition[] conditions)
        {
            var report = TestAgent.Of(agent.Items[(ItemKind.Binding, pool.Value)], BindingState.Attached, PlaneHealth.Up, conditions);
            await agent.ReportAsync([report with { Binding = report.Binding! with { DriverVersion = version } }]);
        }
    }

    [Fact]
    public async Task A_host_that_is_not_heard_of_serves_nothing_and_a_pool_in_maintenance_is_quiesced()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        var pool = await Node.AddPoolAsync();
        await ShouldServeAsync(2, pool);
        await Node.Database.WriteAsync(
            (db, ct) => db.Hosts.Where(h => h.Id == second.Identity.HostId).Set(h => h.State, HostState.Disconnected).UpdateAsync(ct),
            Token);
        await ShouldBeAsync(pool, PoolHealth.Degraded, serving: 1, sick: 0, null);

        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        await ShouldBeAsync(pool, PoolHealth.Quiesced, serving: 0, sick: 0, null);
    }

    private static Task SayAsync(TestAgent agent, PoolId pool, BindingState state, PlaneHealth control) =>
        agent.ReportAsync([TestAgent.Of(agent.Items[(ItemKind.Binding, pool.Value)], state, control)]);

    private async Task ShouldServeAsync(int hosts, params PoolId[] pools)
    {
        foreach (var pool in pools)
        {
            await TestNode.UntilAsync(async () => (await EntryAsync(pool)).Bindings.Serving == hosts, () => $"{hosts} hosts to serve pool {pool}");
        }
    }

    private async Task ShouldBeAsync(PoolId pool, PoolHealth health, int serving, int sick, string? error)
    {
        var shown = (await EntryAsync(pool)).Bindings;
        (shown.Health, shown.Serving, shown.Sick).ShouldBe((health, serving, sick));
        if (error is null)
        {
            shown.Error.ShouldBeNull();
        }
        else
        {
            shown.Error.ShouldNotBeNull().ShouldContain(error);
        }
    }

    private Task<StoragePoolEntry> EntryAsync(PoolId pool) =>
        Node.ReadAsync(async db => (await StoragePoolReader.ReadAsync(db, new StoragePoolFilter { Id = pool }, Page.Default, Token)).Rows.Single());

    private Task<List<string>> EventsAsync(PoolId pool) => Node.ReadAsync(db => db.Events
        .Where(e => e.ResourceId == pool.Value && (e.Type.StartsWith("STORAGE.BINDING.") || e.Type == "STORAGE.POOL.FLAPPING"))
        .OrderBy(e => e.Created).ThenBy(e => e.Id)
        .Select(e => e.Type)
        .ToListAsync(Token));
}

public sealed class SqlitePoolHealthTests : PoolHealthTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlPoolHealthTests(PostgresServer server) : PoolHealthTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
