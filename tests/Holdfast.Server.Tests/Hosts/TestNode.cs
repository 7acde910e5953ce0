using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Hosts;
using Holdfast.Server.Machines;
using Holdfast.Server.Offerings;
using Holdfast.Server.Pools;
using Holdfast.Server.Startup;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosts;

/// <summary>A server node in this process, on ports of the system's choice.</summary>
public sealed class TestNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly ServerHost _host;

    private TestNode(ServerHost host, string folder)
    {
        _host = host;
        Folder = folder;
    }

    public string Folder { get; }

    public Uri Gateway => _host.GatewayAddress;

    public Uri Api => _host.ApiAddress;

    internal Caller Admin { get; private set; } = null!;

    internal Database Database => Service<Database>();

    internal IVirtualMachineOperations Vms => Service<IVirtualMachineOperations>();

    internal IVolumeOperations Volumes => Service<IVolumeOperations>();

    internal IStoragePoolOperations Pools => Service<IStoragePoolOperations>();

    internal static async Task<TestNode> StartAsync(string folder, string? connectionString, ReconcileTimings? timings = null, Action<IServiceCollection>? configure = null)
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
            services =>
            {
                // A pool that is added waits for its host, however busy the machine is; tests of slow hosts set it shorter.
                services.AddSingleton(timings ?? new ReconcileTimings { SweepInterval = TimeSpan.FromMilliseconds(200), AddPoolWait = TimeSpan.FromMinutes(1) });
                configure?.Invoke(services);
            });
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

    internal async Task<Outcome<StoragePoolRow>> CreatePoolAsync(string name, params string[] tags) => await Pools.CreateAsync(
        Admin,
        new CreateStoragePool
        {
            Name = name,
            Url = "http://127.0.0.1:3370",
            ZoneId = await ZoneAsync(),
            Scope = "ZONE",
            Provider = "Linstor",
            Hypervisor = "KVM",
            Tags = tags,
        },
        TestContext.Current.CancellationToken);

    internal async Task<PoolId> AddPoolAsync(string name = "pool1", params string[] tags) => Done(await CreatePoolAsync(name, tags)).Id;

    internal async Task<TemplateId> AddTemplateAsync()
    {
        var template = Done(await Service<ITemplateOperations>().RegisterAsync(
            Admin,
            new RegisterTemplate { Name = "tiny", Url = "https://images.example.org/tiny.qcow2", Format = "QCOW2", Hypervisor = "KVM", IsPublic = true },
            TestContext.Current.CancellationToken));
        await UntilAsync(async () => (await ReadAsync(db => db.Templates.SingleAsync(t => t.Id == template.Id))).State == TemplateState.Ready, () => "the template");
        return template.Id;
    }

    /// <summary>Deploys a VM; with a tag, its root disk goes only to pools that have it.</summary>
    internal async Task<JobOutcome> DeployAsync(TemplateId template, string? name = null, string? tag = null, HostId? host = null, bool starts = true)
    {
        return await Vms.DeployAsync(
            Admin,
            new DeployVirtualMachine { Name = name, ServiceOfferingId = (await OfferingAsync(tag)).Id, TemplateId = template, ZoneId = await ZoneAsync(), HostId = host, StartVm = starts },
            TestContext.Current.CancellationToken);
    }

    /// <summary>A service offering whose root disks go only to pools that have the tag; made at its first use.</summary>
    internal async Task<ServiceOfferingRow> OfferingAsync(string? tag)
    {
        var name = $"tiny {tag}";
        return await ReadAsync(db => db.ServiceOfferings.FirstOrDefaultAsync(o => o.Name == name))
            ?? Done(await Service<IOfferingOperations>().CreateServiceOfferingAsync(
                Admin,
                new CreateServiceOffering { Name = name, Cpus = 1, CpuMhz = 500, MemoryMib = 160, StorageTags = tag is null ? [] : [tag] },
                TestContext.Current.CancellationToken));
    }

    /// <summary>Makes a data volume of 1 GiB; with a tag, it goes only to pools that have it.</summary>
    internal async Task<VolumeId> AddVolumeAsync(string? tag = null)
    {
        var offering = Done(await Service<IOfferingOperations>().CreateDiskOfferingAsync(
            Admin,
            new CreateDiskOffering { Name = $"data {tag}", Customized = true, Tags = tag is null ? [] : [tag] },
            TestContext.Current.CancellationToken));
        return new VolumeId(await SucceedAsync(await Volumes.CreateAsync(
            Admin,
            new CreateVolume { DiskOfferingId = offering.Id, SizeGib = 1, ZoneId = await ZoneAsync() },
            TestContext.Current.CancellationToken)));
    }

    internal Task<ZoneId> ZoneAsync() => ReadAsync(db => db.Zones.Select(z => z.Id).FirstAsync());

    internal Task<VmRow> VmAsync(Guid id) => ReadAsync(db => db.Vms.SingleAsync(v => v.Id == new VmId(id)));

    internal Task<VolumeRow> VolumeAsync(Guid id) => ReadAsync(db => db.Volumes.SingleAsync(v => v.Id == new VolumeId(id)));

    internal Task<StoragePoolRow> PoolAsync(PoolId id) => ReadAsync(db => db.StoragePools.SingleAsync(p => p.Id == id));

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
