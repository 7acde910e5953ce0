using Holdfast.Server.Tests.Hosts;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
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

    /// <summary>Two installations on one machine gave their first guests the same name, and libvirt has it once.</summary>
    [Fact]
    public async Task A_new_vm_is_named_as_is_set_and_one_that_is_there_keeps_its_name()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var before = await Node.SucceedAsync(await Node.DeployAsync(template));

        await SetAsync(Setting.InstanceName, "EAST");
        var after = await Node.SucceedAsync(await Node.DeployAsync(template));

        (await Node.VmAsync(before)).InstanceName.ShouldEndWith("-VM");
        (await Node.VmAsync(after)).InstanceName.ShouldEndWith("-EAST");
        agent.Items[(ItemKind.Machine, after)].Machine.ShouldNotBeNull().InstanceName.ShouldEndWith("-EAST");
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
    public async Task What_is_over_is_kept_for_the_time_that_is_set_and_not_for_ever()
    {
        var now = DateTimeOffset.UtcNow;
        var (before, since) = (now - TimeSpan.FromDays(400), now - TimeSpan.FromDays(2));
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var pool = await Node.ReadAsync(db => db.StoragePools.SingleAsync());
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.Events.DeleteAsync(ct);
                foreach (var at in new[] { before, since })
                {
                    await db.InsertAsync(Event(at), token: ct);
                    await db.InsertAsync(Alert(at), token: ct);
                    await db.InsertAsync(EndedTask(pool.Id, WorkState.Done, at), token: ct);
                    await db.InsertAsync(Obligation(pool, ObligationState.Settled, at), token: ct);
                    await db.InsertAsync(Obligation(pool, ObligationState.Orphaned, at), token: ct);
                }

                await db.InsertAsync(EndedTask(pool.Id, WorkState.Owed, null), token: ct);
            },
            Token);
        foreach (var keep in new Setting[] { Setting.EventPurge, Setting.AlertPurge, Setting.StorageHistoryPurge })
        {
            await SetAsync(keep, "0");
        }

        await Node.Database.WriteAsync((db, ct) => db.Events.Where(e => e.Type == EventTypes.ConfigurationEdit).DeleteAsync(ct), Token);
        await SweepAsync();
        (await CountsAsync()).ShouldBe((2, 2, 3, 4), "0 keeps all");

        foreach (var keep in new Setting[] { Setting.EventPurge, Setting.AlertPurge, Setting.StorageHistoryPurge })
        {
            await SetAsync(keep, "300");
        }

        await Node.Database.WriteAsync((db, ct) => db.Events.Where(e => e.Type == EventTypes.ConfigurationEdit).DeleteAsync(ct), Token);
        await SweepAsync();
        (await CountsAsync()).ShouldBe((1, 1, 2, 3), "only what is older goes; an orphan stays until somebody writes it off, and what is owed until it is done");

        Task<(int Events, int Alerts, int Tasks, int Obligations)> CountsAsync() => Node.ReadAsync(
            async db => (await db.Events.CountAsync(), await db.Alerts.CountAsync(), await db.Tasks.CountAsync(), await db.Obligations.CountAsync()));
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

    private EventRow Event(DateTimeOffset created) => new()
    {
        Id = new EventId(Guid.NewGuid()),
        Type = "VM.START",
        Level = EventLevel.Info,
        State = EventState.Completed,
        Description = "started",
        AccountId = Node.Admin.AccountId,
        UserId = Node.Admin.UserId,
        Created = created,
    };

    private static AlertRow Alert(DateTimeOffset created) => new()
    {
        Id = new AlertId(Guid.NewGuid()), Type = AlertTypes.StorageMisc, Name = AlertTypes.StorageMiscName, Description = "old", Created = created,
    };

    private static TaskRow EndedTask(PoolId pool, WorkState state, DateTimeOffset? completed) => new()
    {
        Id = new TaskId(Guid.NewGuid()),
        IncarnationId = new IncarnationId(Guid.NewGuid()),
        PoolId = pool,
        Kind = WorkKind.EnsureVolume,
        State = state,
        Created = completed ?? DateTimeOffset.UtcNow,
        Completed = completed,
    };

    private static ObligationRow Obligation(StoragePoolRow pool, ObligationState state, DateTimeOffset settled) => new()
    {
        Id = new ObligationId(Guid.NewGuid()),
        IncarnationId = new IncarnationId(Guid.NewGuid()),
        HostId = new HostId(Guid.NewGuid()),
        Kind = ObligationKind.ReleaseAttachment,
        State = state,
        PoolId = pool.Id,
        PoolName = pool.Name,
        VolumeId = new VolumeId(Guid.NewGuid()),
        Generation = Generation.First,
        Cause = "a test",
        Tries = 1,
        HostCreated = settled,
        Created = settled,
        Updated = settled,
        Settled = settled,
    };

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
