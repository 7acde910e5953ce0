using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Settings change what the server does while it runs.</summary>
public sealed class SettingTests : NodeTests
{
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1) };

    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task A_destroyed_vm_is_expunged_after_the_delay_that_is_set_meanwhile()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync()));
        await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, new VmId(vm), false, [], true, Token));
        await SweepAsync();
        (await Node.VmAsync(vm)).State.ShouldBe(VmState.Destroyed);

        await SetAsync(Setting.ExpungeDelay, "0");
        await SweepAsync();

        (await Node.VmAsync(vm)).Removal.ShouldBe(VmRemoval.Expunge);
    }

    [Fact]
    public async Task Ended_jobs_are_kept_for_the_time_that_is_set_meanwhile()
    {
        var now = DateTimeOffset.UtcNow;
        await Node.Database.WriteAsync((db, ct) => db.InsertAsync(Job(now - TimeSpan.FromMinutes(3)), token: ct), Token);
        await SweepAsync();
        (await Node.ReadAsync(db => db.Jobs.CountAsync())).ShouldBe(1);

        await SetAsync(Setting.JobExpire, "2");
        await SweepAsync();

        (await Node.ReadAsync(db => db.Jobs.CountAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task A_stored_value_that_no_command_would_take_counts_as_not_set()
    {
        await Node.Database.WriteAsync((db, ct) => db.InsertAsync(new SettingRow { Name = Setting.ExpungeDelay.Name, Value = "soon" }, token: ct), Token);

        var values = await Node.ReadAsync(db => SettingValues.ReadAsync(db, Timings, Token));

        values[Setting.ExpungeDelay].ShouldBe(Timings.ExpungeDelay);
    }

    private Task SweepAsync() => Node.Service<Sweeper>().SweepAsync(Token);

    private async Task SetAsync(Setting setting, string value) =>
        TestNode.Done(await Node.Service<IConfigurationOperations>().UpdateAsync(Node.Admin, setting.Name, value, Token));

    private JobRow Job(DateTimeOffset completed) => new()
    {
        Id = new JobId(Guid.NewGuid()),
        Kind = JobKind.StopVm,
        AccountId = Node.Admin.AccountId,
        UserId = Node.Admin.UserId,
        InstanceType = ResourceTypes.VirtualMachine,
        InstanceId = Guid.NewGuid(),
        State = JobState.Succeeded,
        ResultCode = 0,
        Result = "{}",
        Description = "stopping",
        Created = completed,
        Deadline = completed,
        Completed = completed,
    };
}
