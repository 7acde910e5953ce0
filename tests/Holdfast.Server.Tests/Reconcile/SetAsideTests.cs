using System.Net;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reports;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>
/// One thing in a report that meets a bug costs itself and nothing else. The bug is played by a row that cannot be read: whatever settles it throws.
/// </summary>
public abstract class SetAsideTests : NodeTests
{
    // What is tried again is tried when the test says.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1) };

    [Fact]
    public async Task A_machine_that_cannot_be_settled_does_not_keep_the_rest_of_its_report_from_being_taken()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        var pool = await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var broken = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template, "broken")));
        var well = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template, "well")));
        agent.Behaviour = i => i.Kind == ItemKind.Machine ? null : TestAgent.Obey(i);
        Accepted(await Node.Vms.StopAsync(Node.Admin, broken, true, Token));
        var stop = await Node.Vms.StopAsync(Node.Admin, well, true, Token);
        await UntilAsync(() => Task.FromResult(agent.Items[(ItemKind.Machine, well.Value)].Desired == Desired.Stopped && agent.Items[(ItemKind.Machine, broken.Value)].Desired == Desired.Stopped), () => "both stops to arrive");
        var spec = await PlantAsync(broken, agent, "{");
        await Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.State, HostState.Disconnected).Set(h => h.LastReport, DateTimeOffset.UnixEpoch).UpdateAsync(ct), Token);
        var owed = Owed(pool);

        await agent.ReportAsync([Stopped(agent, broken), Stopped(agent, well)], [owed]);

        (await Node.EndOfAsync(stop)).State.ShouldBe(JobState.Succeeded);
        (await Node.VmAsync(well.Value)).State.ShouldBe(VmState.Stopped);
        (await Node.ReadAsync(db => db.Obligations.SingleAsync())).Id.ShouldBe(owed.Id);
        var host = await Node.ReadAsync(db => db.Hosts.SingleAsync());
        (host.State, host.SetAside).ShouldBe((HostState.Up, 1), "a bug is no reason to take a host that speaks for lost");
        var aside = await AsideAsync();
        (aside.Subject, aside.Id, aside.Tries).ShouldBe((ReportSubject.Machine, broken.Value, 1));
        aside.Error.ShouldContain("Json");
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.HostReportSetAside && e.Description.Contains(broken.Value.ToString())))).ShouldBe(1);

        await AgainAsync();
        (await AsideAsync()).Tries.ShouldBe(2, "the bug is still there");
        await PlantAsync(broken, agent, spec!);
        await AgainAsync();

        (await Node.VmAsync(broken.Value)).State.ShouldBe(VmState.Stopped);
        (await Node.ReadAsync(db => db.SetAside.CountAsync())).ShouldBe(0);
        (await Node.ReadAsync(db => db.Hosts.SingleAsync())).SetAside.ShouldBe(0);
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == EventTypes.HostReportTaken))).ShouldBe(1);
    }

    [Fact]
    public async Task Something_newer_that_can_be_taken_ends_what_was_set_aside()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        var pool = await Node.AddPoolAsync();
        await Node.Database.WriteAsync((db, ct) => db.Bindings.Set(b => b.Conditions, "{").UpdateAsync(ct), Token);
        var report = TestAgent.Of(agent.Items[(ItemKind.Binding, pool.Value)], BindingState.Degraded, Protocol.Driver.PlaneHealth.Down);
        await agent.ReportAsync([report]);
        (await AsideAsync()).Subject.ShouldBe(ReportSubject.Binding);
        await Node.Database.WriteAsync((db, ct) => db.Bindings.Set(b => b.Conditions, "[]").UpdateAsync(ct), Token);

        await agent.RepeatAsync(ItemKind.Binding);
        await AgainAsync();

        (await Node.ReadAsync(db => db.SetAside.CountAsync())).ShouldBe(0);
        (await Node.ReadAsync(db => db.Bindings.SingleAsync())).Observed.ShouldBe(BindingState.Attached, "what was set aside was of before");
    }

    [Fact]
    public async Task A_part_that_cannot_be_read_costs_only_itself()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        var first = await Node.AddPoolAsync("one");
        var second = await Node.AddPoolAsync("two");
        var reports = new[] { first, second }.Select(p => TestAgent.Of(agent.Items[(ItemKind.Binding, p.Value)], BindingState.Degraded)).ToArray();

        using var answer = await agent.SendTextAsync(text => Replace(text, "\"state\":\"degraded\"", "\"state\":\"shining\""), reports);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Token));
        (await Node.ReadAsync(db => db.Bindings.SingleAsync(b => b.PoolId == second))).Observed.ShouldBe(BindingState.Degraded);
        (await Node.ReadAsync(db => db.Bindings.SingleAsync(b => b.PoolId == first))).Observed.ShouldBe(BindingState.Attached, "a state is never guessed");
        var aside = await AsideAsync();
        (aside.Subject, aside.Id).ShouldBe((ReportSubject.Binding, first.Value));
        aside.Said.ShouldContain("shining");
        using var none = await agent.SendTextAsync(_ => "{\"agentEpoch\":1}");
        none.StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        static string Replace(string text, string what, string by)
        {
            var at = text.IndexOf(what, StringComparison.Ordinal);
            at.ShouldBePositive();
            return text[..at] + by + text[(at + what.Length)..];
        }
    }

    [Fact]
    public async Task What_a_host_says_of_itself_and_no_row_can_hold_does_not_keep_it_from_being_heard()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.LastReport, DateTimeOffset.UnixEpoch).UpdateAsync(ct), Token);

        using var answer = await agent.SendReportAsync(new HostReport { AgentEpoch = 5, Sequence = 1, Facts = agent.Facts with { Accelerator = null!, Cpus = 64 } });

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Token));
        var host = await Node.ReadAsync(db => db.Hosts.SingleAsync());
        (host.SetAside, host.Cpus).ShouldBe((1, 4));
        host.LastReport!.Value.ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
        (await AsideAsync()).Subject.ShouldBe(ReportSubject.Facts);
    }

    /// <summary>What is not the host's to say is shown at the host, and there is an end to how much of it is kept.</summary>
    [Fact]
    public async Task A_host_that_lies_without_end_fills_nothing()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        for (var i = 0; i < 2; i++)
        {
            await agent.ReportAsync([], [.. Enumerable.Range(0, 300).Select(_ => Owed(new PoolId(Guid.NewGuid())))]);
        }

        (await Node.ReadAsync(db => db.SetAside.CountAsync())).ShouldBe(SetAsideRule.Most);
        (await Node.ReadAsync(db => db.Obligations.CountAsync())).ShouldBe(0);
        (await Node.ReadAsync(db => db.Hosts.SingleAsync())).State.ShouldBe(HostState.Up);
    }

    private static ItemReport Stopped(TestAgent agent, VmId vm) => TestAgent.Of(agent.Items[(ItemKind.Machine, vm.Value)], MachineState.Stopped);

    private static ObligationReport Owed(PoolId pool) => new()
    {
        Id = new ObligationId(Guid.NewGuid()),
        Kind = ObligationKind.ReleaseAttachment,
        State = ObligationState.Owed,
        PoolId = pool,
        PoolName = "pool1",
        VolumeId = new VolumeId(Guid.NewGuid()),
        Generation = Generation.First,
        Cause = "the VM stopped",
        CreatedAt = DateTimeOffset.UtcNow,
    };

    private Task<SetAsideRow> AsideAsync() => Node.ReadAsync(db => db.SetAside.SingleAsync());

    private async Task AgainAsync()
    {
        await Node.Database.WriteAsync((db, ct) => db.SetAside.Set(s => s.NextTry, DateTimeOffset.UnixEpoch).UpdateAsync(ct), Token);
        await Node.Service<Sweeper>().SweepAsync(Token);
    }

    private Task<string?> PlantAsync(VmId vm, TestAgent agent, string spec) => Node.Database.WriteAsync(
        async (db, ct) =>
        {
            var items = db.HostItems.Where(i => i.IncarnationId == agent.Identity.IncarnationId && i.Kind == ItemKind.Machine && i.Id == vm.Value);
            var before = await items.Select(i => i.Spec).SingleAsync(ct);
            await items.Set(i => i.Spec, spec).UpdateAsync(ct);
            return before;
        },
        Token);
}

public sealed class SqliteSetAsideTests : SetAsideTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlSetAsideTests(PostgresServer server) : SetAsideTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
