using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Operations;
using Holdfast.Server.Reconcile;
using Holdfast.Server.Startup;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosts;

/// <summary>A server node in this process, on ports of the system's choice.</summary>
public sealed class TestNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ServerHost _host;

    private TestNode(ServerHost host, string folder)
    {
        _host = host;
        Folder = folder;
    }

    public string Folder { get; }

    public Uri Gateway => _host.GatewayAddress;

    internal Caller Admin { get; private set; } = null!;

    internal Database Database => Service<Database>();

    internal IVirtualMachineOperations Vms => Service<IVirtualMachineOperations>();

    internal IVolumeOperations Volumes => Service<IVolumeOperations>();

    internal IStoragePoolOperations Pools => Service<IStoragePoolOperations>();

    internal static async Task<TestNode> StartAsync(string folder, string? connectionString, ReconcileTimings? timings = null)
    {
        string? file = null;
        if (connectionString is not null)
        {
            file = Path.Combine(folder, "database");
            Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync(file, connectionString);
        }

        var host = ServerHost.Build(
            new ServerOptions { Data = folder, Port = 0, AgentPort = 0, DatabaseFile = file },
            services => services.AddSingleton(timings ?? new ReconcileTimings { SweepInterval = TimeSpan.FromMilliseconds(200) }));
        await host.StartAsync(CancellationToken.None);
        var node = new TestNode(host, folder);
        var user = await node.ReadAsync(db => db.Users.FirstAsync());
        var account = await node.ReadAsync(db => db.Accounts.FirstAsync());
        node.Admin = new Caller(user.Id, user.Username, account.Id, account.DomainId, true);
        return node;
    }

    internal T Service<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    internal Task<T> ReadAsync<T>(Func<StoreConnection, Task<T>> read) => Database.ReadAsync((db, _) => read(db), TestContext.Current.CancellationToken);

    internal async Task<string> JoinTokenAsync(HostId? host = null) =>
        Done(await Service<IHostOperations>().CreateJoinTokenAsync(Admin, null, host, null, TestContext.Current.CancellationToken)).Token;

    internal static T Done<T>(Outcome<T> outcome) => outcome switch
    {
        Outcome<T>.Done done => done.Value,
        Outcome<T>.Refused refused => throw new ShouldAssertException($"Refused: {refused.Fault}"),
        _ => throw new InvalidOperationException(),
    };

    internal static ApiFault Fault<T>(Outcome<T> outcome) => outcome.ShouldBeOfType<Outcome<T>.Refused>().Fault;

    internal static JobOutcome.Accepted Accepted(JobOutcome outcome) =>
        outcome is JobOutcome.Refused refused ? throw new ShouldAssertException($"Refused: {refused.Fault}") : outcome.ShouldBeOfType<JobOutcome.Accepted>();

    internal static ApiFault Fault(JobOutcome outcome) => outcome.ShouldBeOfType<JobOutcome.Refused>().Fault;

    /// <summary>Waits for the end of a job.</summary>
    internal async Task<JobRow> EndOfAsync(JobOutcome outcome)
    {
        var id = Accepted(outcome).JobId;
        JobRow? job = null;
        await UntilAsync(
            async () => (job = await ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == id))).State != JobState.Pending,
            () => $"the end of job {job?.Kind} ({job?.Description})");
        return job!;
    }

    /// <summary>Waits for the good end of a job.</summary>
    internal async Task<Guid> SucceedAsync(JobOutcome outcome)
    {
        var job = await EndOfAsync(outcome);
        job.State.ShouldBe(JobState.Succeeded, job.Result);
        job.Result.ShouldNotBeNull();
        return Accepted(outcome).EntityId;
    }

    internal static async Task UntilAsync(Func<Task<bool>> isSo, Func<string> what)
    {
        var deadline = DateTimeOffset.UtcNow + Patience;
        while (!await isSo())
        {
            if (DateTimeOffset.UtcNow > deadline)
            {
                throw new TimeoutException($"Waited {Patience.TotalSeconds:0} s for {what()}.");
            }

            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    internal Task<VmRow> VmAsync(Guid id) => ReadAsync(db => db.Vms.SingleAsync(v => v.Id == new VmId(id)));

    internal Task<VolumeRow> VolumeAsync(Guid id) => ReadAsync(db => db.Volumes.SingleAsync(v => v.Id == new VolumeId(id)));

    internal Task<StoragePoolRow> PoolAsync(PoolId id) => ReadAsync(db => db.StoragePools.SingleAsync(p => p.Id == id));

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
