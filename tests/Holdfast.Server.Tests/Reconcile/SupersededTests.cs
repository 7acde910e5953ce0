using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Templates;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>What is owed and has become void by something newer ends as just that, and nothing of it is done; what nobody can do any more is listed by name.</summary>
public abstract class SupersededTests : NodeTests
{
    [Fact]
    public async Task A_volume_whose_making_failed_is_made_anew_with_a_newer_generation_so_that_the_first_host_cannot_delete_it()
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        await using var second = await TestAgent.StartAsync(Node, "host2");
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template, "vm1", starts: false)));
        first.Behaviour = i => i is { Task: TaskSpec.EnsureVolume, Desired: Desired.Done } ? TestAgent.Of(i, TaskState.Failed, TestAgent.Failed("connection reset")) : TestAgent.Obey(i);
        var failed = await Node.EndOfAsync(await Node.Vms.StartAsync(Node.Admin, vm, first.Identity.HostId, Token));
        failed.State.ShouldBe(JobState.Failed, "the first host does not know whether the volume was made, and owes its removal");
        var tried = MakingOf(first);

        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, second.Identity.HostId, Token));

        var made = MakingOf(second);
        made.VolumeId.ShouldBe(tried.VolumeId);
        made.VolumeGeneration.ShouldBeGreaterThan(tried.VolumeGeneration);
        second.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.Single().VolumeGeneration.ShouldBe(made.VolumeGeneration);
        await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, vm, true, [], true, Token));
        var deletion = first.Seen.Concat(second.Seen).Select(i => i.Task).OfType<TaskSpec.DeleteVolume>().Single(t => t.VolumeId == made.VolumeId);
        deletion.VolumeGeneration.ShouldBeGreaterThanOrEqualTo(made.VolumeGeneration);
    }

    /// <summary>It stayed Deleting for ever, or, with no other host there at that moment, was taken for gone, and its object stayed at the backend.</summary>
    [Fact]
    public async Task A_template_copy_whose_deletion_went_with_its_host_is_deleted_by_the_next()
    {
        await using var old = await TestAgent.StartAsync(Node, "host1");
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        await Node.SucceedAsync(await Node.DeployAsync(template, "vm1", starts: false));
        var copy = await Node.ReadAsync(db => db.TemplateCopies.Where(c => c.TemplateId == template).Select(c => c.Id).SingleAsync());
        old.Behaviour = i => i.Task is TaskSpec.DeleteVolume ? null : TestAgent.Obey(i);
        await Node.SucceedAsync(await Node.Service<ITemplateOperations>().DeleteAsync(Node.Admin, template, Token));
        await UntilAsync(async () => old.Seen.Any(i => i.Task is TaskSpec.DeleteVolume { VolumeId: var id } && id == copy) && await StateAsync() == TemplateCopyState.Deleting, () => "the first host to be told");

        await using var renewed = await TestAgent.JoinAsync(Node, "host1", old.Identity.HostId);
        (await StateAsync()).ShouldBe(TemplateCopyState.Deleting, "nobody has said that it is gone");
        await renewed.StartAsync();
        await Node.Service<Sweeper>().SweepAsync(Token);

        await UntilAsync(async () => await StateAsync() == TemplateCopyState.Gone, () => "the copy to be gone");
        renewed.Seen.ShouldContain(i => i.Task is TaskSpec.DeleteVolume && ((TaskSpec.DeleteVolume)i.Task).VolumeId == copy);

        Task<TemplateCopyState> StateAsync() => Node.ReadAsync(db => db.TemplateCopies.Where(c => c.Id == copy).Select(c => c.State).SingleAsync());
    }

    [Fact]
    public async Task A_release_made_void_by_a_newer_start_on_its_host_is_over_and_told_where_it_was_told_as_owed()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        var volume = await Node.ReadAsync(db => db.Volumes.SingleAsync(v => v.VmId == vm));
        var owed = Release(volume.PoolId!.Value, volume.Id) with { VmId = vm };
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        await agent.ReportAsync([], [owed]);
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));

        await agent.ReportAsync([], [owed with { State = ObligationState.Superseded, LastError = null }]);
        await agent.ReportAsync([], [owed with { Tries = 7 }]);

        var row = await Node.ReadAsync(db => db.Obligations.SingleAsync());
        (row.State, row.Tries, row.NextTry).ShouldBe((ObligationState.Superseded, 1, null), "a late report of an earlier state changes nothing");
        (await EventsAsync()).ShouldBe(["OBLIGATION.CREATED", "OBLIGATION.SUPERSEDED"]);
        Fault(await Node.Service<IObligationOperations>().RetryAsync(Node.Admin, owed.Id, Token)).Text.ShouldContain("Superseded");
        agent.Seen.ShouldNotContain(i => i.Task is TaskSpec.RetryObligation);
    }

    [Fact]
    public async Task What_a_retired_installation_owed_is_void_once_another_host_has_deleted_the_volume()
    {
        var old = await TestAgent.StartAsync(Node, "host1");
        await using var other = await TestAgent.StartAsync(Node, "host2");
        var pool = await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync(), host: old.Identity.HostId)));
        var volume = await Node.ReadAsync(db => db.Volumes.SingleAsync(v => v.VmId == vm));
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        var release = Release(pool, volume.Id) with { VmId = vm };
        var foreign = Release(pool, new VolumeId(Guid.NewGuid()));
        await old.ReportAsync([], [release, foreign]);
        await old.DisposeAsync();
        await using var renewed = await TestAgent.JoinAsync(Node, "host1", old.Identity.HostId);
        (await StateAsync(release)).ShouldBe(ObligationState.Owed, "nobody has done it yet");
        Fault(await Node.Service<IObligationOperations>().RetryAsync(Node.Admin, release.Id, Token)).Text.ShouldContain("can only be forgotten");

        await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, vm, true, [], true, Token));

        await UntilAsync(async () => await StateAsync(release) != ObligationState.Owed, () => "the release of a volume that is gone to be over");
        (await StateAsync(release)).ShouldBe(ObligationState.Superseded);
        (await StateAsync(foreign)).ShouldBe(ObligationState.Owed);
        (await Node.VolumeAsync(volume.Id.Value)).State.ShouldBe(VolumeState.Expunged);
        (await EventsAsync()).Count(e => e == "OBLIGATION.SUPERSEDED").ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_installed_anew_while_a_removal_waits_for_it_absolves_itself_and_leaves_orphans_by_name(bool poolFirst)
    {
        await using var first = await TestAgent.StartAsync(Node, "host1");
        var old = await TestAgent.StartAsync(Node, "host2");
        var pool = await Node.AddPoolAsync();
        await UntilAsync(async () => await Node.ReadAsync(db => db.Bindings.CountAsync(b => b.Observed == BindingState.Attached)) == 2, () => "both hosts to serve");
        var release = Release(pool, new VolumeId(Guid.NewGuid())) with { BackendName = "hf-left-on-host2" };
        await old.ReportAsync([], [release]);
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));
        await old.DisposeAsync();
        if (poolFirst)
        {
            Done(await Node.Pools.DeleteAsync(Node.Admin, pool, false, Token));
            await UntilAsync(async () => await Node.ReadAsync(db => db.Bindings.CountAsync(b => b.Absent == null)) == 1, () => "host1 to confirm");
            (await Node.PoolAsync(pool)).Absent.ShouldBeNull();
            (await StateAsync(release)).ShouldBe(ObligationState.Owed, "its ledger may still be there");
        }

        await using var renewed = await TestAgent.JoinAsync(Node, "host2", old.Identity.HostId);
        await renewed.StartAsync();
        if (!poolFirst)
        {
            (await StateAsync(release)).ShouldBe(ObligationState.Owed);
            Done(await Node.Pools.DeleteAsync(Node.Admin, pool, false, Token));
        }

        await UntilAsync(async () => (await Node.PoolAsync(pool)).Absent is not null, () => "the removal to be complete");
        var orphan = await Node.ReadAsync(db => db.Obligations.SingleAsync(o => o.Id == release.Id));
        (orphan.State, orphan.BackendName, orphan.IncarnationId).ShouldBe((ObligationState.Orphaned, "hf-left-on-host2", old.Identity.IncarnationId));
        var binding = await Node.ReadAsync(db => db.Bindings.SingleAsync(b => b.PoolId == pool && b.IncarnationId == old.Identity.IncarnationId));
        binding.AbsolvedBy.ShouldBe(Node.Admin.UserName);
        binding.Absolved.ShouldNotBeNull().ShouldContain("join token");
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "STORAGE.POOL.GONE" && e.ResourceId == pool.Value))).ShouldBe(1);
        (await Node.ReadAsync(db => db.Events.CountAsync(e => e.Type == "OBLIGATION.ORPHANED" && e.ResourceId == release.Id.Value))).ShouldBe(1);
        if (poolFirst)
        {
            renewed.Seen.ShouldNotContain(i => i.Id == pool.Value, "the new installation never had the pool");
        }

        // The same storage again is another pool: nothing of the former is owed to it.
        var again = await Node.AddPoolAsync();
        (await Node.ReadAsync(db => db.Obligations.CountAsync(o => o.PoolId == again))).ShouldBe(0);
        (await StateAsync(release)).ShouldBe(ObligationState.Orphaned);
    }

    private static TaskSpec.EnsureVolume MakingOf(TestAgent agent) => agent.Seen.Select(i => i.Task).OfType<TaskSpec.EnsureVolume>().Last();

    private static ObligationReport Release(PoolId pool, VolumeId volume) => new()
    {
        Id = new ObligationId(Guid.NewGuid()),
        Kind = ObligationKind.ReleaseAttachment,
        State = ObligationState.Owed,
        PoolId = pool,
        PoolName = "pool1",
        VolumeId = volume,
        BackendName = $"hf-{volume}",
        Generation = Generation.First,
        Cause = "the VM stopped",
        LastError = "connection refused",
        Tries = 1,
        CreatedAt = DateTimeOffset.UtcNow,
    };

    private Task<ObligationState> StateAsync(ObligationReport report) => Node.ReadAsync(db => db.Obligations.Where(o => o.Id == report.Id).Select(o => o.State).SingleAsync());

    private Task<List<string>> EventsAsync() =>
        Node.ReadAsync(db => db.Events.Where(e => e.Type.StartsWith("OBLIGATION.")).OrderBy(e => e.Created).ThenBy(e => e.Id).Select(e => e.Type).ToListAsync());
}

public sealed class SqliteSupersededTests : SupersededTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

public sealed class PostgreSqlSupersededTests(PostgresServer server) : SupersededTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
