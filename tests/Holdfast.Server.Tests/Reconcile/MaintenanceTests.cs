using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using LinqToDB.Interceptors;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>The maintenance of a storage pool that many VMs use: some are stopped in a transaction, and started again after it, and nobody reads the others.</summary>
public abstract class MaintenanceTests : NodeTests
{
    private const int AtOnce = 10;
    private readonly StatementKeeper _statements = new();
    private TestAgent _agent = null!;
    private VmId _first;
    private int _made;

    // Sweeps when a test says so. A turn that looks at many more than it may stop is taken for one that does not settle.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1), AddPoolWait = TimeSpan.FromMinutes(1), StopsAtOnce = AtOnce, StartsAtOnce = AtOnce, MostSteps = 4 * AtOnce };

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _agent = await TestAgent.StartAsync(Node);
        await Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.Cpus, 4096).Set(h => h.MemoryBytes, 1L << 42).UpdateAsync(ct), Token);
    }

    public override async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected override void Configure(IServiceCollection services) => services.AddSingleton<IInterceptor>(_statements);

    [Fact]
    public async Task A_pool_with_more_vms_than_a_transaction_has_steps_gets_into_maintenance_and_out_of_it()
    {
        const int many = 110;
        var pool = await PoolAsync(many);

        // Nobody reports between the steps.
        _agent.Behaviour = i => i.Desired == Desired.Stopped ? null : TestAgent.Obey(i);
        var enable = await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token);
        (await CountAsync(pool, VmState.Running)).ShouldBe(many - AtOnce);
        for (var left = many - (2 * AtOnce); left >= 0; left -= AtOnce)
        {
            await SweepAsync();
            (await CountAsync(pool, VmState.Running)).ShouldBe(left);
        }

        await UntilAsync(() => Task.FromResult(_agent.Items.Values.Count(i => i.Desired == Desired.Stopped) == many), () => "all stops to be known to the host");
        _agent.Behaviour = TestAgent.Obey;
        await _agent.RepeatAsync(ItemKind.Machine);
        await SweepUntilAsync(enable);
        (await Node.PoolAsync(pool)).State.ShouldBe(PoolState.Maintenance);
        (await CountAsync(pool, VmState.Stopped)).ShouldBe(many);
        (await JobsAsync(JobKind.StopVm)).ShouldBeUnique();
        (await SweepAsync()).ShouldBeFalse();

        var cancel = await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token);
        await SweepUntilAsync(cancel);
        (await Node.PoolAsync(pool)).State.ShouldBe(PoolState.Up);
        (await CountAsync(pool, VmState.Stopped)).ShouldBe(0);
        await UntilAsync(async () => await CountAsync(pool, VmState.Running) == many, () => "the VMs to be started again");
        await SweepAsync();
        (await Node.PoolAsync(pool)).Restarts.ShouldBeNull();
        (await JobsAsync(JobKind.StartVm)).ShouldBeUnique();
    }

    [Fact]
    public async Task A_step_costs_the_same_with_a_hundred_vms_and_with_a_thousand()
    {
        var small = await PoolAsync(100);
        var large = await PoolAsync(1000);

        // Nothing but the steps may ask, and nobody misses the host.
        await SweepAsync();
        await _agent.DisposeAsync();
        _agent = _agent.Again(Node);
        await Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.LastReport, DateTimeOffset.UtcNow.AddDays(1)).UpdateAsync(ct), Token);
        var few = await CostAsync(small);
        var many = await CostAsync(large);

        TestContext.Current.TestOutputHelper?.WriteLine($"Statements of a step that stops {AtOnce} VMs, of a look at a pool that waits, of a step that starts {AtOnce}: {many}");
        many.ShouldBe(few);

        async Task<(int Stop, int Wait, int Start)> CostAsync(PoolId pool)
        {
            Accepted(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));
            var stop = await CostOfSweepAsync();
            await SetAsync(pool, PoolState.PrepareForMaintenance, VmState.Stopping);
            await SweepAsync();
            var wait = await CostOfSweepAsync();
            await SetAsync(pool, PoolState.Up, VmState.Stopped);
            var start = await CostOfSweepAsync();
            await Node.Database.WriteAsync((db, ct) => db.StoragePools.Where(p => p.Id == pool).Set(p => p.Restarts, (DateTimeOffset?)null).UpdateAsync(ct), Token);
            return (stop, wait, start);
        }

        async Task<int> CostOfSweepAsync()
        {
            _statements.Clear();
            await SweepAsync();
            var cost = _statements.Count;
            await PlansAsync();
            return cost;
        }

        // As if all steps to there had been taken.
        Task<bool> SetAsync(PoolId pool, PoolState state, VmState vms) => Node.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.StoragePools.Where(p => p.Id == pool)
                    .Set(p => p.State, state)
                    .Set(p => p.StoppedTo, new VmId(Guid.Parse("ffffffff-ffff-ffff-ffff-ffffffffffff")))
                    .Set(p => p.Restarts, state == PoolState.Up ? DateTimeOffset.UtcNow : null)
                    .UpdateAsync(ct);
                await db.Vms.Where(v => db.Volumes.Any(d => d.VmId == v.Id && d.PoolId == pool))
                    .Set(v => v.State, vms)
                    .Set(v => v.HostId, v => vms == VmState.Stopped ? null : v.HostId)
                    .Set(v => v.IncarnationId, v => vms == VmState.Stopped ? null : v.IncarnationId)
                    .Set(v => v.RestartOnCancel, pool)
                    .UpdateAsync(ct);
                if (vms == VmState.Stopped)
                {
                    var gone = await db.Vms.Where(v => v.RestartOnCancel == pool).Select(v => v.Id).ToListAsync(ct);
                    var items = gone.ConvertAll(v => v.Value);
                    await db.HostItems.Where(i => i.Kind == ItemKind.Machine && items.Contains(i.Id)).DeleteAsync(ct);
                    await db.Leases.Where(l => gone.Contains(l.VmId)).DeleteAsync(ct);
                    await db.Jobs.Set(j => j.State, JobState.Failed).UpdateAsync(ct);
                }

                return true;
            },
            Token);
    }

    [Fact]
    public async Task A_maintenance_that_is_given_up_midway_starts_what_it_stopped_and_leaves_the_others_alone()
    {
        var pool = await PoolAsync(3 * AtOnce);
        var stays = new ConcurrentDictionary<Guid, bool>();
        _agent.Behaviour = i => i.Kind == ItemKind.Machine && i.Desired == Desired.Stopped && (stays.Count < AtOnce / 2 || stays.ContainsKey(i.Id)) && (stays[i.Id] = true) ? null : TestAgent.Obey(i);
        var enable = await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token);
        await UntilAsync(async () => await CountAsync(pool, VmState.Stopped) == AtOnce - (AtOnce / 2), () => "some of the guests to be gone");
        Fault(await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token)).Text.ShouldContain("PrepareForMaintenance");

        // Nobody goes on with it: its time is over before the next step.
        await Node.Database.WriteAsync((db, ct) => db.Jobs.Where(j => j.Kind == JobKind.EnableStorageMaintenance).Set(j => j.State, JobState.Failed).UpdateAsync(ct), Token);
        var cancel = await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token);
        await SweepUntilAsync(cancel);
        (await Node.PoolAsync(pool)).State.ShouldBe(PoolState.Up);
        await UntilAsync(async () => await CountAsync(pool, VmState.Running) == (3 * AtOnce) - (AtOnce / 2), () => "those that were stopped to be started again");
        (await SweepAsync()).ShouldBeFalse();
        (await CountAsync(pool, VmState.Stopping)).ShouldBe(AtOnce / 2);
        (await Node.PoolAsync(pool)).Restarts.ShouldNotBeNull("some are still being stopped");

        _agent.Behaviour = TestAgent.Obey;
        await _agent.RepeatAsync(ItemKind.Machine);
        await SweepAsync();
        await UntilAsync(async () => await CountAsync(pool, VmState.Running) == 3 * AtOnce, () => "the others to be started again, too");
        await SweepAsync();
        (await Node.PoolAsync(pool)).Restarts.ShouldBeNull();
        (await Node.ReadAsync(db => db.Vms.CountAsync(v => v.RestartOnCancel != null))).ShouldBe(0);
        (await JobsAsync(JobKind.StopVm)).Count.ShouldBe(AtOnce);
        (await JobsAsync(JobKind.StartVm)).Count.ShouldBe(AtOnce);
        Accepted(enable);
    }

    [Fact]
    public async Task A_maintenance_goes_on_when_the_server_ended_between_two_steps()
    {
        var pool = await PoolAsync(3 * AtOnce);
        var enable = await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token);
        await _agent.DisposeAsync();
        await RestartAsync();
        _agent = _agent.Again(Node);
        await _agent.StartAsync();

        await SweepUntilAsync(enable);
        (await Node.PoolAsync(pool)).State.ShouldBe(PoolState.Maintenance);
        await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token);
        await UntilAsync(async () => (await Node.PoolAsync(pool)).State == PoolState.Up, () => "the pool to be up");
        await _agent.DisposeAsync();
        await RestartAsync();
        _agent = _agent.Again(Node);
        await _agent.StartAsync();
        while (await SweepAsync())
        {
        }

        await UntilAsync(async () => await CountAsync(pool, VmState.Running) == 3 * AtOnce, () => "the VMs to be started again");
    }

    [Fact]
    public async Task Steps_that_are_taken_at_once_stop_and_start_each_vm_once()
    {
        const int many = 5 * AtOnce;
        var pool = await PoolAsync(many);
        await using var other = ConnectionString is null ? null : await StartAsync(Folder, ConnectionString, Timings, Configure);
        var enable = await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token);
        await AtOnceAsync(enable);
        (await JobsAsync(JobKind.StopVm)).ShouldBeUnique();
        (await JobsAsync(JobKind.StopVm)).Count.ShouldBe(many);

        var cancel = await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token);
        await AtOnceAsync(cancel);
        (await JobsAsync(JobKind.StartVm)).ShouldBeUnique();
        (await JobsAsync(JobKind.StartVm)).Count.ShouldBe(many);

        async Task AtOnceAsync(JobOutcome outcome)
        {
            var job = Accepted(outcome).JobId;
            await UntilAsync(
                async () =>
                {
                    await Task.WhenAll(SweepAsync(), (other ?? Node).Service<Sweeper>().SweepAsync(Token), SweepAsync());
                    return await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == job)) is { State: JobState.Succeeded };
                },
                () => "the job");
        }
    }

    [Fact]
    public async Task A_vm_is_not_started_between_two_steps_and_one_that_runs_all_the_same_is_stopped()
    {
        var pool = await PoolAsync(2 * AtOnce);
        var vms = await Node.ReadAsync(db => db.Vms.OrderBy(v => v.Id).Select(v => v.Id).ToListAsync());
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vms[^1], true, Token));
        _agent.Behaviour = i => i.Kind == ItemKind.Machine && i.Id == vms[AtOnce + 1].Value && i.Desired == Desired.Stopped ? null : TestAgent.Obey(i);
        var enable = await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token);

        await UntilAsync(async () => await CountAsync(pool, VmState.Stopped) == AtOnce + 1, () => "the first guests to be gone");
        (await Node.EndOfAsync(await Node.Vms.StartAsync(Node.Admin, vms[0], null, Token))).ResultCode.ShouldBe(534);
        (await Node.EndOfAsync(await Node.Vms.StartAsync(Node.Admin, vms[^1], null, Token))).ResultCode.ShouldBe(534);
        (await Node.EndOfAsync(await Node.DeployAsync(_template, "late", Tag(pool)))).ResultCode.ShouldBe(534);

        while (await SweepAsync())
        {
        }

        await UntilAsync(async () => await CountAsync(pool, VmState.Stopped) == (2 * AtOnce) - 1, () => "the guests to be gone but one");
        (await SweepAsync()).ShouldBeFalse("it only waits");
        await Node.Database.WriteAsync((db, ct) => db.Vms.Where(v => v.Id == vms[0]).Set(v => v.State, VmState.Running).UpdateAsync(ct), Token);
        _agent.Behaviour = TestAgent.Obey;
        await _agent.RepeatAsync(ItemKind.Machine);
        await SweepUntilAsync(enable);
        (await CountAsync(pool, VmState.Stopped)).ShouldBe(2 * AtOnce);
    }

    /// <summary>That no statement about VMs or volumes goes through all of them.</summary>
    private protected abstract Task PlansAsync();

    private protected IReadOnlyCollection<(string Text, IReadOnlyList<(string Name, object? Value)> Parameters)> Statements => _statements.All;

    private TemplateId _template;

    private static string Tag(PoolId pool) => pool.ToString()[..8] + pool.ToString()[^4..];

    private Task<bool> SweepAsync() => Node.Service<Sweeper>().SweepAsync(Token);

    private Task<int> CountAsync(PoolId pool, VmState state) => Node.ReadAsync(db => db.Vms.CountAsync(v => v.State == state && db.Volumes.Any(d => d.VmId == v.Id && d.PoolId == pool)));

    private Task<List<Guid>> JobsAsync(JobKind kind) => Node.ReadAsync(db => db.Jobs.Where(j => j.Kind == kind && j.Description.Contains("maintenance")).Select(j => j.InstanceId).ToListAsync());

    private async Task SweepUntilAsync(JobOutcome outcome)
    {
        var id = Accepted(outcome).JobId;
        JobRow? job = null;
        await UntilAsync(
            async () =>
            {
                await SweepAsync();
                return (job = await Node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == id))).State != JobState.Pending;
            },
            () => $"the end of job {job?.Kind}");
        job!.State.ShouldBe(JobState.Succeeded, job.Result);
    }

    // A pool with one VM that was deployed, and rows like its for the others.
    private async Task<PoolId> PoolAsync(int vms)
    {
        var name = $"pool{++_made}";
        var pool = await Node.AddPoolAsync(name, name);
        _template = await Node.AddTemplateAsync();
        _first = new VmId(await Node.SucceedAsync(await Node.DeployAsync(_template, name, name)));
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                var vm = await db.Vms.SingleAsync(v => v.Id == _first, ct);
                var volume = await db.Volumes.SingleAsync(v => v.VmId == _first, ct);
                var item = await db.HostItems.SingleAsync(i => i.Id == _first.Value, ct);
                List<VmRow> more = [.. Enumerable.Range(1, vms - 1).Select(i => vm with { Id = new VmId(Guid.NewGuid()), Number = 1000 + i, Name = $"{name}-{i}", InstanceName = $"i-2-{name}-{i}-VM" })];
                await db.InsertAllAsync(more, ct);
                await db.InsertAllAsync([.. more.Select(v => volume with { Id = new VolumeId(Guid.NewGuid()), VmId = v.Id, Name = $"ROOT-{v.Name}" })], ct);
                await db.InsertAllAsync([.. more.Select((v, i) => item with { Id = v.Id.Value, Revision = -(10_000 * _made) - i })], ct);
                return true;
            },
            Token);
        return pool;
    }

    private sealed class StatementKeeper : CommandInterceptor
    {
        private readonly ConcurrentQueue<(string, IReadOnlyList<(string, object?)>)> _all = new();

        public int Count => _all.Count;

        public IReadOnlyCollection<(string, IReadOnlyList<(string, object?)>)> All => _all;

        public void Clear() => _all.Clear();

        public override DbCommand CommandInitialized(CommandEventData eventData, DbCommand command)
        {
            _all.Enqueue((command.CommandText, [.. command.Parameters.Cast<DbParameter>().Select(p => (p.ParameterName, p.Value))]));
            return command;
        }
    }
}

/// <summary>On SQLite.</summary>
public sealed class SqliteMaintenanceTests : MaintenanceTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    private protected override async Task PlansAsync()
    {
        foreach (var (text, parameters) in Statements.Where(s => s.Text.Contains("vms", StringComparison.Ordinal) || s.Text.Contains("volumes", StringComparison.Ordinal)).ToList())
        {
            if (text.Contains("INSERT", StringComparison.Ordinal))
            {
                continue;
            }

            var plan = await Node.Database.ReadAsync(
                async (db, ct) =>
                {
                    var lines = new List<string>();
                    await using var explain = ((SqliteConnection)db.OpenDbConnection()).CreateCommand();
                    explain.CommandText = "EXPLAIN QUERY PLAN " + text;
                    explain.Transaction = (SqliteTransaction?)db.Transaction;
                    foreach (var (name, what) in parameters)
                    {
                        explain.Parameters.AddWithValue(name, what ?? DBNull.Value);
                    }

                    await using var reader = await explain.ExecuteReaderAsync(ct);
                    while (await reader.ReadAsync(ct))
                    {
                        lines.Add(reader.GetString(3));
                    }

                    return lines;
                },
                Token);
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text}\n  {string.Join("\n  ", plan)}"));
            plan.ShouldNotContain(l => l.StartsWith("SCAN vm", StringComparison.Ordinal) || l.StartsWith("SCAN vol", StringComparison.Ordinal), text);
        }
    }
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgreSqlMaintenanceTests(PostgresServer server) : MaintenanceTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }

    private protected override Task PlansAsync() => Task.CompletedTask;
}
