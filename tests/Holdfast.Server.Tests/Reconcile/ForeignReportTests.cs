using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Pools;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>A host that lies: whatever it says, only what is its own changes.</summary>
public abstract class ForeignReportTests : NodeTests
{
    [Theory]
    [InlineData(ObligationState.Settled)]
    [InlineData(ObligationState.Forgotten)]
    [InlineData(ObligationState.Superseded)]
    [InlineData(ObligationState.Owed)]
    public async Task An_obligation_of_another_host_stays_as_that_host_told_it(ObligationState claim)
    {
        await using var honest = await TestAgent.StartAsync(Node, "host1");
        await using var liar = await TestAgent.StartAsync(Node, "host2");
        var owed = Owed(await Node.AddPoolAsync());
        await honest.ReportAsync([], [owed]);

        await liar.ReportAsync([], [owed with { State = claim, Tries = 9, LastError = "nothing of the kind" }]);

        var row = await Node.ReadAsync(db => db.Obligations.SingleAsync());
        (row.IncarnationId, row.HostId).ShouldBe((honest.Identity.IncarnationId, honest.Identity.HostId));
        (row.State, row.Tries, row.LastError).ShouldBe((ObligationState.Owed, 1, "connection refused"));
    }

    [Fact]
    public async Task What_was_owed_about_one_volume_is_never_told_as_being_about_another()
    {
        await using var liar = await TestAgent.StartAsync(Node, "host1");
        var pool = await Node.AddPoolAsync("one");
        var other = await Node.AddPoolAsync("two");
        var owed = Owed(pool);
        await liar.ReportAsync([], [owed]);

        await liar.ReportAsync([], [owed with { VolumeId = new VolumeId(Guid.NewGuid()) }]);
        await liar.ReportAsync([], [owed with { PoolId = other }]);
        await liar.ReportAsync([], [owed with { Kind = ObligationKind.DeleteVolume, State = ObligationState.Forgotten }]);

        var row = await Node.ReadAsync(db => db.Obligations.SingleAsync());
        (row.Kind, row.State, row.PoolId, row.VolumeId).ShouldBe((owed.Kind, ObligationState.Owed, owed.PoolId, owed.VolumeId));
    }

    [Fact]
    public async Task Nothing_is_owed_to_a_storage_pool_that_the_host_never_had()
    {
        await using var honest = await TestAgent.StartAsync(Node, "host1");
        var pool = Done(await Node.Pools.CreateAsync(
            Node.Admin,
            new CreateStoragePool { Name = "its own", Url = $"file:///srv/own", ZoneId = await Node.ZoneAsync(), Scope = "HOST", HostId = honest.Identity.HostId, Hypervisor = "KVM" },
            Token)).Id;
        await using var liar = await TestAgent.StartAsync(Node, "host2");

        await liar.ReportAsync([], [Owed(pool), Owed(new PoolId(Guid.NewGuid()))]);

        (await Node.ReadAsync(db => db.Obligations.CountAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task A_deletion_that_another_host_has_is_not_written_off_by_a_claim()
    {
        await using var honest = await TestAgent.StartAsync(Node, "host1");
        await using var liar = await TestAgent.StartAsync(Node, "host2");
        var pool = await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        var volume = await Node.ReadAsync(db => db.Volumes.Where(v => v.VmId == vm).Select(v => v.Id).SingleAsync());
        foreach (var agent in new[] { honest, liar })
        {
            agent.Behaviour = i => i.Task is TaskSpec.DeleteVolume ? TestAgent.Of(i, TaskState.Running) : TestAgent.Obey(i);
        }

        Accepted(await Node.Vms.DestroyAsync(Node.Admin, vm, true, [], true, Token));
        IncarnationId? worker = null;
        await UntilAsync(
            async () => (worker = await Node.ReadAsync(db => (from v in db.Volumes join t in db.Tasks on v.TaskId equals t.Id where v.Id == volume && t.Kind == WorkKind.DeleteVolume select (IncarnationId?)t.IncarnationId).SingleOrDefaultAsync())) is not null,
            () => "a host to have the deletion");
        var other = worker == honest.Identity.IncarnationId ? liar : honest;

        foreach (var state in new[] { ObligationState.Forgotten, ObligationState.Orphaned })
        {
            await other.ReportAsync([], [Owed(pool) with { Kind = ObligationKind.DeleteVolume, VolumeId = volume, State = state }]);
        }

        var row = await Node.VolumeAsync(volume.Value);
        (row.State, row.Removed).ShouldBe((VolumeState.Expunging, null), "nobody has deleted it, and nobody who had to has written it off");
    }

    [Fact]
    public async Task A_condition_that_names_a_pool_of_others_has_no_backend_looked_at()
    {
        await using var honest = await TestAgent.StartAsync(Node, "host1");
        var pool = Done(await Node.Pools.CreateAsync(
            Node.Admin,
            new CreateStoragePool { Name = "its own", Url = $"file:///srv/own", ZoneId = await Node.ZoneAsync(), Scope = "HOST", HostId = honest.Identity.HostId, Hypervisor = "KVM" },
            Token)).Id;
        await using var liar = await TestAgent.StartAsync(Node, "host2");
        var mine = await Node.AddPoolAsync("mine");
        await UntilAsync(async () => liar.Items.ContainsKey((ItemKind.Binding, mine.Value)) && await Node.ReadAsync(db => db.Inventories.CountAsync()) == 2, () => "both pools to be looked at in turn");
        var before = await Node.ReadAsync(db => db.Inventories.Where(i => i.PoolId == pool).Select(i => i.Due).SingleAsync());
        var report = TestAgent.Of(liar.Items[(ItemKind.Binding, mine.Value)], BindingState.Attached);

        await liar.ReportAsync([report with { Conditions = [.. new[] { pool, new PoolId(Guid.NewGuid()) }.Select(id => new Condition { Type = ConditionType.Failed, Text = "gone", PoolId = id, Code = DriverErrorCode.NotFound })] }]);

        (await Node.ReadAsync(db => db.Inventories.CountAsync())).ShouldBe(2, "there is nothing to look at in a pool that does not exist");
        (await Node.ReadAsync(db => db.Inventories.Where(i => i.PoolId == pool).Select(i => i.Due).SingleAsync())).ShouldBe(before);
    }

    [Fact]
    public async Task IO_that_is_said_to_wait_is_told_only_of_volumes_that_are_on_that_pool()
    {
        await using var liar = await TestAgent.StartAsync(Node, "host1");
        var mine = await Node.AddPoolAsync("mine", "mine");
        var other = await Node.AddPoolAsync("other", "other");
        var elsewhere = await Node.AddVolumeAsync("other");
        var here = await Node.AddVolumeAsync("mine");
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.Volumes.Where(v => v.Id == elsewhere).Set(v => v.PoolId, other).UpdateAsync(ct);
                await db.Volumes.Where(v => v.Id == here).Set(v => v.PoolId, mine).UpdateAsync(ct);
            },
            Token);
        var report = TestAgent.Of(liar.Items[(ItemKind.Binding, mine.Value)], BindingState.Attached);

        await liar.ReportAsync([report with { Conditions = [.. new[] { elsewhere, here, new VolumeId(Guid.NewGuid()) }.Select(id => new Condition { Type = ConditionType.IoSuspended, Text = $"I/O of volume {id} waits", PoolId = mine, VolumeId = id })] }]);

        (await Node.ReadAsync(db => db.Alerts.Where(a => a.Description.Contains("waits")).Select(a => a.ResourceId).ToListAsync())).ShouldBe([here.Value]);
    }

    /// <summary>An item that a host still has of a VM that runs elsewhere by now is no ground to let go of what the VM has there.</summary>
    [Fact]
    public async Task A_lease_that_the_VM_has_on_another_host_does_not_end_by_what_this_host_says_of_the_VM()
    {
        await using var honest = await TestAgent.StartAsync(Node, "host1");
        await using var liar = await TestAgent.StartAsync(Node, "host2");
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync(), host: honest.Identity.HostId)));
        var item = honest.Items[(ItemKind.Machine, vm.Value)];
        await Node.Database.WriteAsync(
            (db, ct) => db.InsertAsync(
                new HostItemRow
                {
                    IncarnationId = liar.Identity.IncarnationId, Kind = ItemKind.Machine, Id = vm.Value, Revision = 0, Generation = item.Generation, Desired = Desired.Running, Created = DateTimeOffset.UtcNow,
                },
                token: ct),
            Token);

        var report = TestAgent.Of(item, MachineState.Running);
        await liar.ReportAsync([report with { Machine = report.Machine! with { Disks = [.. item.Machine!.Disks.Select(d => new MachineDiskStatus(d.VolumeId, 1L << 50, null))], Networks = ["nowhere"] } }]);
        await liar.ReportAsync([report with { Machine = report.Machine! with { Disks = [] } }]);

        (await Node.ReadAsync(db => db.Leases.Where(l => l.VmId == vm).CountAsync())).ShouldBe(1);
        (await Node.ReadAsync(db => db.Volumes.Where(v => v.VmId == vm).Select(v => v.SizeBytes).SingleAsync())).ShouldBe(1L << 30);
        (await Node.VmAsync(vm.Value)).Networks.ShouldNotContain("nowhere");
    }

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
        LastError = "connection refused",
        Tries = 1,
        CreatedAt = DateTimeOffset.UtcNow,
    };
}

public sealed class SqliteForeignReportTests : ForeignReportTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlForeignReportTests(PostgresServer server) : ForeignReportTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
