using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Machines;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>VMs of one affinity group that are placed at the same moment, by transactions that are both open before either is committed.</summary>
public abstract class AffinityRaceTests
{
    private static int _races;
    private readonly RaceStage _stage;

    protected AffinityRaceTests(RaceStage stage) => _stage = stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TestNode Node => _stage.Node;

    [Theory]
    [InlineData(AffinityType.HostAntiAffinity, 1)]
    [InlineData(AffinityType.NonStrictHostAntiAffinity, 2)]
    [InlineData(AffinityType.HostAffinity, 2)]
    public async Task Of_two_deployments_at_once_as_many_get_the_only_host_as_their_group_allows(AffinityType type, int wins)
    {
        _stage.SkipIfMissing();
        var group = await GroupAsync(type);
        var vms = await BothAsync(() => DeployAsync(group), () => DeployAsync(group));
        await ShouldHaveWonAsync(group, vms, wins, VmState.Error);
    }

    [Fact]
    public async Task Of_two_starts_at_once_one_gets_the_host_where_both_ran_last()
    {
        _stage.SkipIfMissing();
        var group = await GroupAsync(AffinityType.HostAntiAffinity);
        var first = new VmId(await Node.SucceedAsync(await DeployAsync(group)));
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, first, true, Token));
        var second = new VmId(await Node.SucceedAsync(await DeployAsync(group)));
        (await Node.EndOfAsync(await Node.Vms.StartAsync(Node.Admin, first, null, Token))).Result!.ShouldContain(group.Name, Case.Sensitive, "its last host is taken");
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, second, true, Token));

        var vms = await BothAsync(() => Node.Vms.StartAsync(Node.Admin, first, null, Token), () => Node.Vms.StartAsync(Node.Admin, second, null, Token));
        await ShouldHaveWonAsync(group, vms, 1, VmState.Stopped);
    }

    private async Task ShouldHaveWonAsync(AffinityGroupRow group, IReadOnlyList<JobOutcome> outcomes, int wins, VmState loser)
    {
        var jobs = new List<JobRow>();
        foreach (var outcome in outcomes)
        {
            jobs.Add(await Node.EndOfAsync(outcome));
        }

        jobs.Count(j => j.State == JobState.Succeeded).ShouldBe(wins);
        foreach (var failed in jobs.Where(j => j.State != JobState.Succeeded))
        {
            failed.ResultCode.ShouldBe(533, failed.Result);
            failed.Result!.ShouldContain(group.Name);
            (await Node.VmAsync(failed.InstanceId)).State.ShouldBe(loser);
        }

        (await Node.ReadAsync(db => db.Vms.CountAsync(v => v.HostId != null && db.AffinityMembers.Any(m => m.VmId == v.Id && m.GroupId == group.Id)))).ShouldBe(wins);
    }

    private async Task<AffinityGroupRow> GroupAsync(AffinityType type)
    {
        var name = $"group{Interlocked.Increment(ref _races)}";
        var id = await Node.SucceedAsync(await Node.Service<IAffinityGroupOperations>().CreateAsync(Node.Admin, name, type, null, Token));
        return await Node.ReadAsync(db => db.AffinityGroups.SingleAsync(g => g.Id == new AffinityGroupId(id)));
    }

    private async Task<JobOutcome> DeployAsync(AffinityGroupRow group) => await Node.Vms.DeployAsync(
        Node.Admin,
        new DeployVirtualMachine
        {
            ServiceOfferingId = (await Node.OfferingAsync("home")).Id, TemplateId = _stage.Template, ZoneId = await Node.ZoneAsync(), Affinity = new GivenAffinity { Ids = [group.Id] },
        },
        Token);

    private async Task<IReadOnlyList<JobOutcome>> BothAsync(Func<Task<JobOutcome>> first, Func<Task<JobOutcome>> second)
    {
        // What is made at its first use is not part of the race.
        await Node.OfferingAsync("home");
        _stage.Failpoints.Arm("server.step.before=delay(1000)");
        var one = first();
        await UntilAsync(() => Task.FromResult(_stage.Failpoints.Passes(Failpoint.ServerBeforeStep) >= 1), () => "the first transaction to be ready to commit");
        var two = second();
        await UntilAsync(
            async () => _stage.Failpoints.Passes(Failpoint.ServerBeforeStep) >= 2 || await _stage.IsBlockedAsync(),
            () => "the second transaction to be ready to commit, or to wait for the first");
        one.IsCompleted.ShouldBeFalse();
        two.IsCompleted.ShouldBeFalse();
        _stage.Failpoints.Arm("server.step.before=off");
        await UntilAsync(
            () =>
            {
                _stage.Held.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(one.IsCompleted && two.IsCompleted);
            },
            () => "both to end");
        return [await one, await two];
    }
}

/// <summary>On SQLite, which has one writer: the second transaction waits for the first.</summary>
public sealed class SqliteAffinityRaceTests(SqliteRaceStage stage) : AffinityRaceTests(stage), IClassFixture<SqliteRaceStage>;

/// <summary>On PostgreSQL, where both transactions are open at once, and the one that cannot be put in an order is run again.</summary>
public sealed class PostgreSqlAffinityRaceTests(PostgreSqlRaceStage stage) : AffinityRaceTests(stage), IClassFixture<PostgreSqlRaceStage>;
