using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>
/// Row 43 of the fault matrix: what needs a storage pool races its removal. Each race is run four times: one after the other in both orders, and with the
/// transaction of either held open just before its commit until the other's is open as well. Nothing is left to the scheduler.
/// </summary>
public abstract class RemovalRaceTests
{
    private static int _races;
    private readonly RaceStage _stage;

    protected RemovalRaceTests(RaceStage stage) => _stage = stage;

    /// <summary>How the two meet.</summary>
    public enum Meeting
    {
        OtherFirst,
        RemovalFirst,
        OtherHeldOpen,
        RemovalHeldOpen,
    }

    public static TheoryData<Meeting> Meetings => [.. Enum.GetValues<Meeting>()];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TestNode Node => _stage.Node;

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task A_start_never_has_a_volume_taken_from_it(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"vm-{doomed}", doomed)));
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        var (start, removal) = await RaceAsync(meeting, () => Node.Vms.StartAsync(Node.Admin, vm, null, Token), () => Node.Pools.DeleteAsync(Node.Admin, pool, true, Token));

        Fault(removal).Text.ShouldContain(vm.ToString());
        var job = await Node.EndOfAsync(start);
        job.ResultCode.ShouldBe(534, job.Result);
        job.Result!.ShouldContain(doomed);
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped);
        await ShouldBeWholeAsync(pool, isRemoved: false);
        await Node.SucceedAsync(await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task Of_a_recovery_of_a_destroyed_vm_and_a_forced_removal_exactly_one_wins(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"vm-{doomed}", doomed)));
        await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, vm, false, [], true, Token));
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        var (recovery, removal) = await RaceAsync(meeting, () => Node.Vms.RecoverAsync(Node.Admin, vm, Token), () => Node.Pools.DeleteAsync(Node.Admin, pool, true, Token));

        var isRemoved = await ExactlyOneAsync(pool, recovery is Outcome<VmRow>.Done, removal);
        if (isRemoved)
        {
            // A VM without its root disk must not come back: it would start with nothing.
            Fault(recovery).Text.ShouldContain(vm.ToString());
            (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Destroyed);
            (await Node.EndOfAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token))).ResultCode.ShouldBe(431);
            await Node.SucceedAsync(await Node.Vms.ExpungeAsync(Node.Admin, vm, Token));
        }
        else
        {
            Fault(removal).Text.ShouldContain(vm.ToString());
            await Node.SucceedAsync(await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token));
            await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
        }
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task Of_the_end_of_maintenance_and_a_removal_exactly_one_wins(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        var (cancel, removal) = await RaceAsync(meeting, () => Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token), () => Node.Pools.DeleteAsync(Node.Admin, pool, false, Token));

        var isRemoved = await ExactlyOneAsync(pool, cancel is JobOutcome.Accepted, removal);
        if (isRemoved)
        {
            Fault(cancel).Text.ShouldContain(pool.ToString());
            (await Node.EndOfAsync(await Node.DeployAsync(_stage.Template, $"late-{doomed}", doomed))).ResultCode.ShouldBe(534);
        }
        else
        {
            Fault(removal).Text.ShouldContain("is not in Maintenance state");
            await Node.SucceedAsync(cancel);
            await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"late-{doomed}", doomed));
        }
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task A_deployment_finds_no_place_on_a_pool_that_is_removed(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));
        await Node.OfferingAsync(doomed);

        var (deploy, removal) = await RaceAsync(meeting, () => Node.DeployAsync(_stage.Template, $"vm-{doomed}", doomed), () => Node.Pools.DeleteAsync(Node.Admin, pool, false, Token));

        Done(removal);
        var job = await Node.EndOfAsync(deploy);
        job.ResultCode.ShouldBe(534, job.Result);
        (await Node.VmAsync(job.InstanceId)).State.ShouldBe(VmState.Error);
        await ShouldBeWholeAsync(pool, isRemoved: true);
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task An_attachment_of_a_new_volume_finds_no_place_on_a_pool_that_is_removed(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"vm-{doomed}", "home")));
        var volume = await Node.AddVolumeAsync(doomed);
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        var (attach, removal) = await RaceAsync(meeting, () => Node.Volumes.AttachAsync(Node.Admin, volume, vm, null, Token), () => Node.Pools.DeleteAsync(Node.Admin, pool, false, Token));

        Done(removal);
        (await Node.EndOfAsync(attach)).ResultCode.ShouldBe(534);
        var row = await Node.VolumeAsync(volume.Value);
        (row.State, row.PoolId, row.VmId).ShouldBe((VolumeState.Allocated, null, null));
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        await ShouldBeWholeAsync(pool, isRemoved: true);
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task An_attachment_of_a_volume_that_has_data_is_never_half(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"vm-{doomed}", "home")));
        var volume = await Node.AddVolumeAsync(doomed);
        await Node.SucceedAsync(await Node.Volumes.AttachAsync(Node.Admin, volume, vm, null, Token));
        await Node.SucceedAsync(await Node.Volumes.DetachAsync(Node.Admin, new DetachVolume(volume, null, null), Token));
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        var (attach, removal) = await RaceAsync(meeting, () => Node.Volumes.AttachAsync(Node.Admin, volume, vm, null, Token), () => Node.Pools.DeleteAsync(Node.Admin, pool, true, Token));

        Fault(removal).Text.ShouldContain(volume.ToString());
        Fault(attach).Text.ShouldContain(doomed);
        (await Node.VolumeAsync(volume.Value)).State.ShouldBe(VolumeState.Ready);
        await ShouldBeWholeAsync(pool, isRemoved: false);
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task Of_a_deletion_of_the_last_volume_and_a_removal_nothing_is_forgotten(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"vm-{doomed}", "home")));
        var volume = await Node.AddVolumeAsync(doomed);
        await Node.SucceedAsync(await Node.Volumes.AttachAsync(Node.Admin, volume, vm, null, Token));
        await Node.SucceedAsync(await Node.Volumes.DetachAsync(Node.Admin, new DetachVolume(volume, null, null), Token));
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));
        _stage.Agent.Behaviour = i => i.Task is TaskSpec.DeleteVolume && i.Desired == Desired.Done ? TestAgent.Of(i, TaskState.Owed) : TestAgent.Obey(i);

        var (deletion, removal) = await RaceAsync(meeting, () => Node.Volumes.DeleteAsync(Node.Admin, volume, Token), () => Node.Pools.DeleteAsync(Node.Admin, pool, false, Token));

        Done(deletion);
        if (removal is Outcome<Success>.Done)
        {
            await ShouldBeWholeAsync(pool, isRemoved: true);
            var orphan = await Node.ReadAsync(db => db.Obligations.SingleAsync(o => o.VolumeId == volume));
            (orphan.State, orphan.PoolId, orphan.BackendName).ShouldBe((ObligationState.Orphaned, pool, "hf-x"));
        }
        else
        {
            Fault(removal).Text.ShouldContain(volume.ToString());
            (await Node.VolumeAsync(volume.Value)).State.ShouldBe(VolumeState.Expunging);
            await ShouldBeWholeAsync(pool, isRemoved: false);
        }
    }

    [Theory]
    [MemberData(nameof(Meetings))]
    public async Task A_guest_never_comes_to_run_on_a_pool_that_went_into_maintenance_meanwhile(Meeting meeting)
    {
        var (pool, doomed) = await BeginAsync();
        await Node.SucceedAsync(await Node.DeployAsync(_stage.Template, $"warm-{doomed}", doomed));

        var (deploy, maintenance) = await RaceAsync(meeting, () => Node.DeployAsync(_stage.Template, $"vm-{doomed}", doomed), () => Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));

        await Node.SucceedAsync(maintenance);
        if ((await Node.EndOfAsync(deploy)).State == JobState.Succeeded)
        {
            meeting.ShouldNotBe(Meeting.RemovalFirst);
        }

        (await Node.PoolAsync(pool)).State.ShouldBe(PoolState.Maintenance);
        (await Node.ReadAsync(db => db.Vms.CountAsync(v => v.State == VmState.Running && db.Volumes.Any(d => d.VmId == v.Id && d.PoolId == pool)))).ShouldBe(0);
        (await Node.ReadAsync(db => db.Leases.CountAsync(l => db.Volumes.Any(d => d.Id == l.VolumeId && d.PoolId == pool)))).ShouldBe(0);
        await ShouldBeWholeAsync(pool, isRemoved: false);
        Fault(await Node.Pools.DeleteAsync(Node.Admin, pool, false, Token)).Text.ShouldContain($"warm-{doomed}");
    }

    private async Task<(PoolId Pool, string Name)> BeginAsync()
    {
        _stage.SkipIfMissing();
        _stage.Agent.Behaviour = TestAgent.Obey;
        var name = $"doomed{Interlocked.Increment(ref _races)}";
        return (await Node.AddPoolAsync(name, name), name);
    }

    // The other's transaction and the removal's, in one of the four ways.
    private async Task<(TOther Other, TRemoval Removal)> RaceAsync<TOther, TRemoval>(Meeting meeting, Func<Task<TOther>> other, Func<Task<TRemoval>> removal)
    {
        switch (meeting)
        {
            case Meeting.OtherFirst:
            {
                var first = await other();
                return (first, await removal());
            }

            case Meeting.RemovalFirst:
            {
                var first = await removal();
                return (await other(), first);
            }

            case Meeting.OtherHeldOpen:
                return await BothOpenAsync(other, removal);
            default:
            {
                var (first, second) = await BothOpenAsync(removal, other);
                return (second, first);
            }
        }
    }

    private async Task<(TFirst First, TSecond Second)> BothOpenAsync<TFirst, TSecond>(Func<Task<TFirst>> first, Func<Task<TSecond>> second)
    {
        _stage.Failpoints.Arm("server.commit.before=delay(1000)");
        var one = first();
        await UntilAsync(() => Task.FromResult(_stage.Failpoints.Passes(Failpoint.ServerBeforeCommit) >= 1), () => "the first transaction to be ready to commit");
        var two = second();
        await UntilAsync(
            async () => _stage.Failpoints.Passes(Failpoint.ServerBeforeCommit) >= 2 || await _stage.IsBlockedAsync(),
            () => "the second transaction to be ready to commit, or to wait for the first");
        one.IsCompleted.ShouldBeFalse();
        two.IsCompleted.ShouldBeFalse();
        _stage.Failpoints.Arm("server.commit.before=off");
        await UntilAsync(
            () =>
            {
                _stage.Held.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(one.IsCompleted && two.IsCompleted);
            },
            () => "both to end");
        return (await one, await two);
    }

    private async Task<bool> ExactlyOneAsync(PoolId pool, bool otherWon, Outcome<Success> removal)
    {
        var isRemoved = removal is Outcome<Success>.Done;
        (otherWon, isRemoved).ShouldBeOneOf((true, false), (false, true));
        await ShouldBeWholeAsync(pool, isRemoved);
        return isRemoved;
    }

    // Either all of the pool is gone, on the server and on its way on every host, or all of it is there.
    private async Task ShouldBeWholeAsync(PoolId pool, bool isRemoved)
    {
        if (isRemoved)
        {
            await UntilAsync(async () => (await Node.PoolAsync(pool)).Absent is not null, () => "every host to confirm the removal");
        }

        await UntilAsync(async () => await Node.ReadAsync(db => db.Jobs.CountAsync(j => j.State == JobState.Pending)) == 0, () => "every job to end");
        var text = pool.ToString();
        var (row, volumes, copies, tasks, items, bindings, leases) = await Node.ReadAsync(async db => (
            await db.StoragePools.SingleAsync(p => p.Id == pool),
            await db.Volumes.Where(v => v.PoolId == pool && v.Removed == null).ToListAsync(Token),
            await db.TemplateCopies.CountAsync(c => c.PoolId == pool && c.Removed == null),
            await db.Tasks.CountAsync(t => t.PoolId == pool && (t.State == WorkState.Pending || t.State == WorkState.Owed)),
            await db.HostItems.Where(i => i.Id == pool.Value || (i.Spec != null && i.Spec.Contains(text))).ToListAsync(Token),
            await db.Bindings.Where(b => b.PoolId == pool).ToListAsync(Token),
            await db.Leases.CountAsync(l => db.Volumes.Any(v => v.Id == l.VolumeId && v.PoolId == pool))));
        bindings.ShouldNotBeEmpty();
        if (isRemoved)
        {
            row.State.ShouldBe(PoolState.Removed);
            volumes.ShouldBeEmpty();
            copies.ShouldBe(0);
            tasks.ShouldBe(0);
            leases.ShouldBe(0);
            items.Where(i => i.Desired != Desired.Absent).ShouldBeEmpty("a host is still told to use the pool");
            bindings.ShouldAllBe(b => b.Desired == Desired.Absent && b.Absent != null);
            _stage.Agent.Items[(ItemKind.Binding, pool.Value)].Desired.ShouldBe(Desired.Absent);
        }
        else
        {
            row.Removed.ShouldBeNull();
            row.State.ShouldBeOneOf(PoolState.Maintenance, PoolState.Up);
            bindings.ShouldAllBe(b => b.Desired != Desired.Absent && b.Absent == null);
            _stage.Agent.Items[(ItemKind.Binding, pool.Value)].Desired.ShouldNotBe(Desired.Absent);
        }

        // No volume of a VM is anywhere but on a pool that is there.
        (await Node.ReadAsync(db => db.Volumes.CountAsync(v => v.Removed == null && v.PoolId != null && db.StoragePools.Any(p => p.Id == v.PoolId && p.Removed != null)))).ShouldBe(0);
        (await Node.PoolAsync(_stage.Home)).State.ShouldBe(PoolState.Up);
    }
}

/// <summary>On SQLite, which has one writer: the second transaction waits for the first.</summary>
public sealed class SqliteRemovalRaceTests(SqliteRaceStage stage) : RemovalRaceTests(stage), IClassFixture<SqliteRaceStage>;

/// <summary>On PostgreSQL, where both transactions are open at once, and the one that cannot be put in an order is run again.</summary>
public sealed class PostgreSqlRemovalRaceTests(PostgreSqlRaceStage stage) : RemovalRaceTests(stage), IClassFixture<PostgreSqlRaceStage>;
