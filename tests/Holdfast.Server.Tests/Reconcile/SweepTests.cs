using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Sweeps of two nodes on one PostgreSQL.</summary>
public sealed class SweepTests(PostgresServer server) : NodeTests
{
    // Each node sweeps when the test says so.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1) };

    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(+60)]
    [InlineData(-60)]
    public async Task A_node_whose_clock_is_wrong_takes_no_host_for_lost_and_no_deadline_for_missed(int minutes)
    {
        await using var other = await TestNode.StartAsync(Folder, ConnectionString, Timings, services => services.AddSingleton<TimeProvider>(new WrongClock(TimeSpan.FromMinutes(minutes))));
        await using var agent = await TestAgent.StartAsync(other);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        agent.Behaviour = i => i.Kind == ItemKind.Machine ? null : TestAgent.Obey(i);
        var deploy = await Node.DeployAsync(template);
        var machine = (ItemKind.Machine, TestNode.Accepted(deploy).EntityId);
        await TestNode.UntilAsync(() => Task.FromResult(agent.Items.ContainsKey(machine)), () => "the start to reach the host");
        agent.Items[machine].ExpiresInMs!.Value.ShouldBeInRange(60_000, (long)Timings.DeployDeadline.TotalMilliseconds, "a start is neither late on arrival nor good for ever");

        await other.Service<Sweeper>().SweepAsync(Token);

        (await Node.ReadAsync(db => db.Hosts.SingleAsync())).State.ShouldBe(HostState.Up);
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "HOST.LOST"))).ShouldBe(0);
        (await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == TestNode.Accepted(deploy).JobId))).State.ShouldBe(JobState.Pending);

        // What that node writes bears the database's time as well.
        var vm = new VmId(TestNode.Accepted(deploy).EntityId);
        var stop = TestNode.Accepted(await other.Vms.StopAsync(other.Admin, vm, true, Token));
        var job = await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == stop.JobId));
        (job.Created - DateTimeOffset.UtcNow).Duration().ShouldBeLessThan(TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task Two_nodes_that_sweep_at_once_do_each_thing_once()
    {
        const int many = 12;
        await using var other = await TestNode.StartAsync(Folder, ConnectionString, Timings);
        await using var agent = await TestAgent.StartAsync(Node);
        var pool = await Node.AddPoolAsync();
        TestNode.Done(await Node.Service<IConfigurationOperations>().UpdateAsync(Node.Admin, Setting.ObligationAlertAge.Name, "0", Token));
        await agent.ReportAsync(
            [],
            [
                .. Enumerable.Range(0, many).Select(_ => new ObligationReport
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
                }),
            ]);
        await Node.Database.WriteAsync((db, ct) => db.InsertAllAsync([.. Enumerable.Range(0, many).Select(_ => MissedJob())], ct), Token);

        await Task.WhenAll(
            Node.Service<Sweeper>().SweepAsync(Token),
            other.Service<Sweeper>().SweepAsync(Token),
            Node.Service<Sweeper>().SweepAsync(Token),
            other.Service<Sweeper>().SweepAsync(Token));

        var alerts = await Node.ReadAsync(db => db.Alerts.Select(a => a.ResourceId).ToListAsync());
        alerts.Count.ShouldBe(many);
        alerts.ShouldBeUnique();
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "OBLIGATION.OLD"))).ShouldBe(many);
        (await Node.ReadAsync(db => db.Jobs.CountAsync(j => j.State == JobState.Failed))).ShouldBe(many);
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "VM.REBOOT" && e.State == EventState.Completed))).ShouldBe(many);
    }

    private JobRow MissedJob() => new()
    {
        Id = new JobId(Guid.NewGuid()),
        Kind = JobKind.RebootVm,
        AccountId = Node.Admin.AccountId,
        UserId = Node.Admin.UserId,
        InstanceType = ResourceTypes.VirtualMachine,
        InstanceId = Guid.NewGuid(),
        State = JobState.Pending,
        ResultCode = 0,
        Description = "rebooting",
        Created = DateTimeOffset.UtcNow.AddHours(-2),
        Deadline = DateTimeOffset.UtcNow.AddHours(-1),
    };

    private sealed class WrongClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
