using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using Holdfast.Server.VmSchedules;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Schedules of VMs: what is due is done once, by an ordinary job, and not hours late. The same on both databases.</summary>
public abstract class VmScheduleTests : NodeTests
{
    // Nobody sweeps but the test.
    private protected override ReconcileTimings Timings => new() { SweepInterval = TimeSpan.FromDays(1), AddPoolWait = TimeSpan.FromMinutes(1) };

    [Fact]
    public async Task What_is_due_is_done_once_whoever_sweeps_and_then_at_its_next_time()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        var stop = await ScheduleAsync(vm, ScheduledAction.ForceStop);
        (await RowAsync(stop)).Next.ShouldNotBeNull().ShouldBeGreaterThan(DateTimeOffset.UtcNow);
        await Task.WhenAll(SweepAsync(), SweepAsync());
        (await RunsAsync(stop)).ShouldBeEmpty("it is not due");

        var due = await DueAsync(stop, TimeSpan.FromSeconds(2));
        await Task.WhenAll(SweepAsync(), SweepAsync(), SweepAsync());

        var run = (await RunsAsync(stop)).ShouldHaveSingleItem();
        (run.Due, run.Outcome).ShouldBe((due, ScheduleOutcome.Started));
        await UntilAsync(async () => (await Node.VmAsync(vm.Value)).State == VmState.Stopped, () => "the VM to stop");
        var job = await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == run.JobId));
        (job.Kind, job.State, job.AccountId).ShouldBe((JobKind.StopVm, JobState.Succeeded, Node.Admin.AccountId));
        (await Node.ReadAsync(db => db.Jobs.CountAsync(j => j.Kind == JobKind.StopVm))).ShouldBe(1);
        (await RowAsync(stop)).Next.ShouldNotBeNull().ShouldBeGreaterThan(DateTimeOffset.UtcNow);

        var start = await ScheduleAsync(vm, ScheduledAction.Start);
        await DueAsync(start, TimeSpan.FromSeconds(2));
        await SweepAsync();
        await UntilAsync(async () => (await Node.VmAsync(vm.Value)).State == VmState.Running, () => "the VM to start");
        var reboot = await ScheduleAsync(vm, ScheduledAction.Reboot);
        await DueAsync(reboot, TimeSpan.FromSeconds(2));
        await SweepAsync();
        await UntilAsync(async () => await Node.ReadAsync(db => db.Jobs.AnyAsync(j => j.Kind == JobKind.RebootVm && j.State == JobState.Succeeded)), () => "the VM to be rebooted");
        (await EventsAsync(vm, EventTypes.VmScheduleExecute)).Count.ShouldBe(3);

        await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, vm, true, [], true, Token));
        (await Node.ReadAsync(db => db.VmSchedules.CountAsync())).ShouldBe(0, "schedules end with their VM");
        (await Node.ReadAsync(db => db.VmScheduleRuns.CountAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task A_time_that_was_missed_is_told_and_not_done_hours_late()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        var stop = await ScheduleAsync(vm, ScheduledAction.Stop);
        await DueAsync(stop, TimeSpan.FromHours(3));

        await SweepAsync();

        (await RunsAsync(stop)).ShouldHaveSingleItem().Outcome.ShouldBe(ScheduleOutcome.Missed);
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        (await EventsAsync(vm, EventTypes.VmScheduleSkipped)).ShouldHaveSingleItem().Level.ShouldBe(EventLevel.Warn);
        (await RowAsync(stop)).Next.ShouldNotBeNull().ShouldBeGreaterThan(DateTimeOffset.UtcNow);
    }

    [Fact]
    public async Task A_vm_that_is_as_it_should_be_is_left_alone_and_one_of_a_disabled_account_is_not_started()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync(), starts: false)));
        var (stop, start) = (await ScheduleAsync(vm, ScheduledAction.Stop), await ScheduleAsync(vm, ScheduledAction.Start));
        await DueAsync(stop, TimeSpan.FromSeconds(2));
        await SweepAsync();
        (await RunsAsync(stop)).ShouldHaveSingleItem().Outcome.ShouldBe(ScheduleOutcome.Skipped);
        (await EventsAsync(vm, EventTypes.VmScheduleSkipped)).Single().Description.ShouldContain("state Stopped");

        await Node.Database.WriteAsync((db, ct) => db.Accounts.Set(a => a.State, AccountStates.Disabled).UpdateAsync(ct), Token);
        await DueAsync(start, TimeSpan.FromSeconds(2));
        await SweepAsync();
        (await RunsAsync(start)).ShouldHaveSingleItem().Outcome.ShouldBe(ScheduleOutcome.Skipped);
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped);
    }

    private Task SweepAsync() => Node.Service<Sweeper>().SweepAsync(Token);

    private async Task<VmScheduleId> ScheduleAsync(VmId vm, ScheduledAction action) => Done(await Node.Service<IVmScheduleOperations>().CreateAsync(
        Node.Admin, new CreateVmSchedule { VmId = vm, Schedule = "0 4 * * *", TimeZone = "UTC", Action = action }, Token));

    // As if it had come to be due a while ago.
    private async Task<DateTimeOffset> DueAsync(VmScheduleId id, TimeSpan ago)
    {
        var due = DateTimeOffset.FromUnixTimeMilliseconds((DateTimeOffset.UtcNow - ago).ToUnixTimeMilliseconds());
        await Node.Database.WriteAsync((db, ct) => db.VmSchedules.Where(s => s.Id == id).Set(s => s.Next, due).UpdateAsync(ct), Token);
        return due;
    }

    private Task<VmScheduleRow> RowAsync(VmScheduleId id) => Node.ReadAsync(db => db.VmSchedules.SingleAsync(s => s.Id == id));

    private Task<List<VmScheduleRunRow>> RunsAsync(VmScheduleId id) => Node.ReadAsync(db => db.VmScheduleRuns.Where(r => r.ScheduleId == id).ToListAsync());

    private Task<List<EventRow>> EventsAsync(VmId vm, string type) => Node.ReadAsync(db => db.Events.Where(e => e.Type == type && e.ResourceId == vm.Value).ToListAsync());
}

/// <summary>On SQLite.</summary>
public sealed class SqliteVmScheduleTests : VmScheduleTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgreSqlVmScheduleTests(PostgresServer server) : VmScheduleTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
