using System.Data.Common;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>
/// How many SQL statements a command costs, from the request to its answer: authentication, checks of ids, the work and all that follows from it in the same
/// transaction. The same with one row and with a hundred; docs/performance.md has the table.
/// </summary>
public abstract class StatementCountTests
{
    private const int Many = 100;
    private readonly ApiHost _host;
    private readonly StatementCounter _counter;
    private long _revision;

    private protected StatementCountTests(ApiHost host, StatementCounter counter) => (_host, _counter) = (host, counter);

    /// <summary>What a statement more for each transaction costs where the database's clock counts.</summary>
    private protected abstract int MoreForATurn { get; }

    [Fact]
    public async Task ListVirtualMachines()
    {
        var (offering, kvm, pool) = await PlaceAsync("list-vms");
        await AddAsync(1);
        var one = await CountAsync("listVirtualMachines", "virtualmachine", 1, ("keyword", "list-vms-"), ("listall", "true"));
        await AddAsync(Many - 1);
        var all = await CountAsync("listVirtualMachines", "virtualmachine", Many, ("keyword", "list-vms-"), ("listall", "true"));

        Pin("listVirtualMachines", "VMs", one, all, 5);
        (await CountAsync("listVirtualMachines", "virtualmachine", Many, ("keyword", "list-vms-"), ("listall", "true"), ("showicon", "true"))).ShouldBe(all + 1, "icons are read when they are asked for");

        async Task AddAsync(int count)
        {
            foreach (var _ in Enumerable.Range(0, count))
            {
                await RunningAsync("list-vms-vm", offering, kvm, pool);
            }
        }
    }

    [Fact]
    public async Task ListStoragePools()
    {
        var (_, kvm, _) = await PlaceAsync("list-pools");
        var one = await CountAsync("listStoragePools", "storagepool", 1, ("keyword", "list-pools"));
        for (var i = 1; i < Many; i++)
        {
            await PoolAsync($"list-pools-{i}", kvm);
        }

        var all = await CountAsync("listStoragePools", "storagepool", Many, ("keyword", "list-pools"));

        Pin("listStoragePools", "pools", one, all, 5);
    }

    [Fact]
    public async Task Lists_with_metrics()
    {
        var (offering, _, pool) = await PlaceAsync("counted");
        await AddAsync(0);
        (string Command, string Key)[] lists = [("listZonesMetrics", "zone"), ("listClustersMetrics", "cluster"), ("listHostsMetrics", "host")];
        var one = new List<int>();
        foreach (var (command, key) in lists)
        {
            one.Add(await CountAsync(command, key, 1, ("keyword", "metrics-0")));
        }

        for (var i = 1; i < Many; i++)
        {
            await AddAsync(i);
        }

        foreach (var ((command, key), first) in lists.Zip(one))
        {
            Pin(command, "zones, clusters, hosts and VMs", first, await CountAsync(command, key, Many, ("keyword", "metrics-")), 9);
        }

        async Task AddAsync(int i)
        {
            var zone = _host.Zone with { Id = new ZoneId(Guid.NewGuid()), Name = i == 0 ? "metrics-0" : $"metrics-1-{i}" };
            var cluster = _host.Cluster with { Id = new ClusterId(Guid.NewGuid()), ZoneId = zone.Id, Name = zone.Name };
            var there = Rows.Host(cluster, zone.Name) with { IncarnationId = new IncarnationId(Guid.NewGuid()), LastReport = Rows.Now };
            await _host.InsertAsync(zone);
            await _host.InsertAsync(cluster);
            await _host.InsertAsync(there);
            await RunningAsync("metrics-vm", offering, there, pool);
        }
    }

    [Fact]
    public async Task QueryAsyncJobResult()
    {
        var (offering, kvm, pool) = await PlaceAsync("query-job");
        var vm = await RunningAsync("query-job-vm", offering, kvm, pool);
        var job = Rows.Job(_host.Admin, vm, JobState.Succeeded, 0, """{"virtualmachine":{}}""");
        await _host.InsertAsync(job);
        var one = await CountAsync("queryAsyncJobResult", null, 1, ("jobid", job.Id.ToString()));
        await _host.InsertAsync<JobRow>([.. Enumerable.Range(1, Many).Select(_ => Rows.Job(_host.Admin, vm, JobState.Succeeded, 0, "{}"))]);
        var all = await CountAsync("queryAsyncJobResult", null, 1, ("jobid", job.Id.ToString()));

        Pin("queryAsyncJobResult", "jobs", one, all, 3);
    }

    [Fact]
    public async Task DeployVirtualMachine()
    {
        var (offering, _, pool) = await PlaceAsync("deploy");
        var template = Rows.Template(_host.Admin, "deploy", isPublic: true);
        await _host.InsertAsync(template);
        await _host.InsertAsync(new TemplateCopyRow
        {
            Id = new VolumeId(Guid.NewGuid()),
            TemplateId = template.Id,
            PoolId = pool.Id,
            State = TemplateCopyState.Ready,
            Generation = Generation.First,
            SizeBytes = 1L << 30,
            Created = Rows.Now,
        });
        (string, string)[] parameters = [("serviceofferingid", offering.Id.ToString()), ("templateid", template.Id.ToString()), ("zoneid", _host.Zone.Id.ToString())];
        // The first takes a block of VM numbers, in a transaction of its own.
        await CountAsync("deployVirtualMachine", null, 1, parameters);
        var one = await CountAsync("deployVirtualMachine", null, 1, parameters);
        for (var i = 1; i < Many; i++)
        {
            var kvm = await HostAsync($"deploy-host-{i}");
            var other = await PoolAsync($"deploy-pool-{i}", kvm, tags: "other");
            await RunningAsync("deploy-vm", offering, kvm, other);
        }

        var all = await CountAsync("deployVirtualMachine", null, 1, parameters);

        Pin("deployVirtualMachine", "hosts, pools and VMs", one, all, 34, turns: 1);
    }

    [Fact]
    public async Task Affinity_groups()
    {
        var (offering, kvm, pool) = await PlaceAsync("affine");
        var template = Rows.Template(_host.Admin, "affine", isPublic: true);
        await _host.InsertAsync(template);
        await _host.InsertAsync(new TemplateCopyRow
        {
            Id = new VolumeId(Guid.NewGuid()), TemplateId = template.Id, PoolId = pool.Id, State = TemplateCopyState.Ready, Generation = Generation.First, SizeBytes = 1L << 30, Created = Rows.Now,
        });
        AffinityGroupRow[] groups = [.. Enum.GetValues<AffinityType>().Where(t => t != AffinityType.HostAntiAffinity).Select(t => new AffinityGroupRow { Id = new AffinityGroupId(Guid.NewGuid()), AccountId = _host.Admin.Account.Id, Name = $"affine {t}", Type = t, Created = Rows.Now })];
        await _host.InsertAsync<AffinityGroupRow>(groups);
        (string, string)[] parameters =
        [
            ("serviceofferingid", offering.Id.ToString()), ("templateid", template.Id.ToString()), ("zoneid", _host.Zone.Id.ToString()), ("affinitygroupids", string.Join(',', groups.Select(g => g.Id))),
        ];
        await CountAsync("deployVirtualMachine", null, 1, parameters);
        var one = await CountAsync("deployVirtualMachine", null, 1, parameters);
        var listed = await CountAsync("listAffinityGroups", "affinitygroup", 1, ("name", groups[0].Name));
        for (var i = 1; i < Many; i++)
        {
            var vm = Rows.Vm(_host.Admin, _host.Zone.Id, offering, "affine-vm", host: kvm) with { Cpus = 0, MemoryMib = 0 };
            await _host.InsertAsync(vm);
            await _host.InsertAsync<AffinityMemberRow>([.. groups.Select(g => new AffinityMemberRow { GroupId = g.Id, VmId = vm.Id })]);
        }

        // Which groups, where their VMs are, the search among those hosts, and that it is in them; reading it back shows them.
        Pin("deployVirtualMachine in affinity groups", "VMs of the groups", one, await CountAsync("deployVirtualMachine", null, 1, parameters), 38, turns: 1);
        Pin("listAffinityGroups", "VMs of the group", listed, await CountAsync("listAffinityGroups", "affinitygroup", 1, ("name", groups[0].Name)), 3);
    }

    [Fact]
    public async Task DeployVirtualMachine_for_an_account_with_limits()
    {
        var (offering, _, pool) = await PlaceAsync("limited");
        var template = Rows.Template(_host.Admin, "limited", isPublic: true);
        await _host.InsertAsync(template);
        await _host.InsertAsync(new TemplateCopyRow
        {
            Id = new VolumeId(Guid.NewGuid()),
            TemplateId = template.Id,
            PoolId = pool.Id,
            State = TemplateCopyState.Ready,
            Generation = Generation.First,
            SizeBytes = 1L << 30,
            Created = Rows.Now,
        });
        foreach (var resource in Enum.GetValues<LimitedResource>())
        {
            await _host.InsertAsync(new ResourceLimitRow { AccountId = _host.User.Account.Id, Resource = resource, Maximum = 1 << 20 });
            await _host.InsertAsync(new ResourceLimitRow { DomainId = _host.User.Domain.Id, Resource = resource, Maximum = 1 << 20 });
        }

        (string, string)[] parameters =
        [
            ("serviceofferingid", offering.Id.ToString()), ("templateid", template.Id.ToString()), ("zoneid", _host.Zone.Id.ToString()), ("account", _host.User.Account.Name), ("domainid", _host.User.Domain.Id.ToString()),
        ];
        await CountAsync("deployVirtualMachine", null, 1, parameters);
        var one = await CountAsync("deployVirtualMachine", null, 1, parameters);
        for (var i = 1; i < Many; i++)
        {
            var vm = Rows.Vm(_host.User, _host.Zone.Id, offering, "limited-vm");
            await _host.InsertAsync(vm);
            await _host.InsertAsync(Rows.Volume(_host.User, _host.Zone.Id, "ROOT", vm, pool, VolumeType.Root));
        }

        var all = await CountAsync("deployVirtualMachine", null, 1, parameters);

        // The owner, the domains above it, the limits, and what each of the two has.
        Pin("deployVirtualMachine, limits of account and domain", "VMs of the account", one, all, 40, turns: 1);
    }

    [Fact]
    public async Task ListAccounts()
    {
        await AddAsync(1);
        var one = await CountAsync("listAccounts", "account", 1, ("keyword", "list-accounts"), ("listall", "true"));
        await AddAsync(Many - 1);
        var all = await CountAsync("listAccounts", "account", Many, ("keyword", "list-accounts"), ("listall", "true"));

        Pin("listAccounts", "accounts", one, all, 7);

        async Task AddAsync(int count)
        {
            foreach (var _ in Enumerable.Range(0, count))
            {
                var id = Guid.NewGuid();
                await _host.InsertAsync(_host.User.Account with { Id = new AccountId(id), Number = Interlocked.Increment(ref _revision) + 1000, Name = $"list-accounts-{id}" });
            }
        }
    }

    [Fact]
    public async Task ListProjects()
    {
        await AddAsync(1);
        var one = await CountAsync("listProjects", "project", 1, ("keyword", "list-projects"), ("listall", "true"));
        await AddAsync(Many - 1);
        var all = await CountAsync("listProjects", "project", Many, ("keyword", "list-projects"), ("listall", "true"));

        Pin("listProjects", "projects", one, all, 7);

        async Task AddAsync(int count)
        {
            foreach (var _ in Enumerable.Range(0, count))
            {
                var project = Rows.Project(_host.User, $"list-projects-{Guid.NewGuid()}");
                await _host.InsertAsync(project);
                await _host.InsertAsync(Rows.ProjectMember(project, _host.User));
            }
        }
    }

    [Fact]
    public async Task ListProjectAccounts()
    {
        var project = Rows.Project(_host.User, "list-members");
        await _host.InsertAsync(project);
        await AddAsync(1);
        var one = await CountAsync("listProjectAccounts", "projectaccount", 1, ("projectid", project.Id.ToString()));
        await AddAsync(Many - 1);
        var all = await CountAsync("listProjectAccounts", "projectaccount", Many, ("projectid", project.Id.ToString()));

        Pin("listProjectAccounts", "accounts in the project", one, all, 4);

        async Task AddAsync(int count)
        {
            foreach (var _ in Enumerable.Range(0, count))
            {
                var id = Guid.NewGuid();
                var account = _host.User.Account with { Id = new AccountId(id), Number = Interlocked.Increment(ref _revision) + 5000, Name = $"list-members-{id}" };
                await _host.InsertAsync(account);
                await _host.InsertAsync(Rows.ProjectMember(project, _host.User with { Account = account }));
            }
        }
    }

    [Fact]
    public async Task ListDomains()
    {
        await AddAsync(1);
        var one = await CountAsync("listDomains", "domain", 1, ("keyword", "list-domains"), ("listall", "true"));
        await AddAsync(Many - 1);
        var all = await CountAsync("listDomains", "domain", Many, ("keyword", "list-domains"), ("listall", "true"));

        Pin("listDomains", "domains", one, all, 6);

        async Task AddAsync(int count)
        {
            foreach (var _ in Enumerable.Range(0, count))
            {
                var id = Guid.NewGuid();
                await _host.InsertAsync(new DomainRow { Id = new DomainId(id), Name = $"list-domains-{id}", ParentId = _host.Admin.Domain.Id, Path = $"ROOT/list-domains-{id}", Level = 1, Created = Rows.Now });
            }
        }
    }

    [Fact]
    public async Task StopVirtualMachine()
    {
        var (offering, kvm, pool) = await PlaceAsync("stop");
        var first = await RunningAsync("stop-vm", offering, kvm, pool);
        var one = await CountAsync("stopVirtualMachine", null, 1, ("id", first.Id.ToString()), ("forced", "true"));
        var last = first;
        for (var i = 1; i < Many; i++)
        {
            last = await RunningAsync("stop-vm", offering, kvm, pool);
        }

        var all = await CountAsync("stopVirtualMachine", null, 1, ("id", last.Id.ToString()), ("forced", "true"));

        Pin("stopVirtualMachine", "VMs on its host", one, all, 16, turns: 1);
    }

    [Fact]
    public async Task CreateStoragePool()
    {
        await HostAsync("create-host");
        var one = await CountAsync("createStoragePool", null, 1, Parameters("one"));
        for (var i = 1; i < Many; i++)
        {
            await HostAsync($"create-host-{i}");
        }

        var all = await CountAsync("createStoragePool", null, 1, Parameters("all"));

        Pin("createStoragePool", "hosts", one, all, 28, turns: 2);

        (string, string)[] Parameters(string name) =>
        [
            ("name", "create-" + name), ("zoneid", _host.Zone.Id.ToString()), ("podid", _host.Cluster.PodId.ToString()), ("clusterid", _host.Cluster.Id.ToString()),
            ("scope", "CLUSTER"), ("provider", "DefaultPrimary"), ("url", $"SharedMountPoint://localhost/create-{name}"),
        ];
    }

    [Fact]
    public async Task DeleteStoragePool()
    {
        var (_, kvm, _) = await PlaceAsync("delete");
        var small = await PoolAsync("delete-small", kvm, PoolState.Maintenance);
        var one = await CountAsync("deleteStoragePool", null, 1, ("id", small.Id.ToString()));
        var large = await PoolAsync("delete-large", kvm, PoolState.Maintenance);
        for (var i = 1; i < Many; i++)
        {
            await BindAsync(large, await HostAsync($"delete-host-{i}"));
        }

        var all = await CountAsync("deleteStoragePool", null, 1, ("id", large.Id.ToString()));

        Pin("deleteStoragePool", "hosts", one, all, 22, turns: 1);
    }

    [Fact]
    public async Task DeleteStoragePool_that_gives_up_volumes()
    {
        var (offering, kvm, _) = await PlaceAsync("forced");
        var small = await PoolAsync("forced-small", kvm, PoolState.Maintenance);
        await DestroyedAsync(small, 1);
        var one = await CountAsync("deleteStoragePool", null, 1, ("id", small.Id.ToString()), ("forced", "true"));
        var large = await PoolAsync("forced-large", kvm, PoolState.Maintenance);
        await DestroyedAsync(large, Many);
        var all = await CountAsync("deleteStoragePool", null, 1, ("id", large.Id.ToString()), ("forced", "true"));

        Pin("deleteStoragePool forced", "destroyed VMs", one, all, 28, turns: 1);

        async Task DestroyedAsync(StoragePoolRow pool, int count)
        {
            for (var i = 0; i < count; i++)
            {
                var vm = Rows.Vm(_host.Admin, _host.Zone.Id, offering, "forced-vm") with { State = VmState.Destroyed, Destroyed = Rows.Now };
                await _host.InsertAsync(vm);
                await _host.InsertAsync(Rows.Volume(_host.Admin, _host.Zone.Id, "ROOT", vm, pool, VolumeType.Root) with { State = VolumeState.Destroy });
            }
        }
    }

    // One for the clock on PostgreSQL, and one for the signals of a turn.
    private void Pin(string command, string rows, int one, int all, int most, int turns = 0)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"| {command} | {one} | {all} | {rows} |");
        all.ShouldBe(one, $"{command} must cost the same with {Many} {rows} as with one");
        one.ShouldBeLessThanOrEqualTo(most + (turns * MoreForATurn), command);
    }

    private async Task<int> CountAsync(string command, string? list, int rows, params (string, string)[] parameters)
    {
        _counter.Restart();
        var answer = (await _host.CallAsync(_host.Admin, command, parameters)).ShouldSucceed();
        var count = _counter.Statements;
        count.ShouldBePositive();
        if (list is not null)
        {
            answer.List(list).Length.ShouldBe(rows);
        }

        return count;
    }

    private async Task<(ServiceOfferingRow Offering, HostRow Host, StoragePoolRow Pool)> PlaceAsync(string name)
    {
        var offering = Rows.ServiceOffering(name) with { StorageTags = name };
        await _host.InsertAsync(offering);
        var kvm = await HostAsync(name + "-host");
        return (offering, kvm, await PoolAsync(name + "-pool", kvm, tags: name));
    }

    private async Task<HostRow> HostAsync(string name)
    {
        var kvm = Rows.Host(_host.Cluster, name) with { IncarnationId = new IncarnationId(Guid.NewGuid()), LastReport = Rows.Now, MemoryBytes = 1L << 40, Cpus = 128 };
        await _host.InsertAsync(kvm);
        await _host.InsertAsync(Rows.Incarnation(kvm));
        return kvm;
    }

    private async Task<StoragePoolRow> PoolAsync(string name, HostRow kvm, PoolState state = PoolState.Up, string tags = "")
    {
        var pool = Rows.Pool(_host.Zone.Id, name) with { State = state, Tags = tags, CapacityBytes = 1L << 50 };
        await _host.InsertAsync(pool);
        await BindAsync(pool, kvm);
        return pool;
    }

    private async Task BindAsync(StoragePoolRow pool, HostRow kvm)
    {
        var isUp = pool.State == PoolState.Up;
        var binding = Rows.Binding(pool, kvm, isUp ? Desired.Attached : Desired.Quiesced, isUp ? BindingState.Attached : BindingState.Quiesced) with { IncarnationId = kvm.IncarnationId!.Value };
        await _host.InsertAsync(binding);
        await _host.InsertAsync(new HostItemRow
        {
            IncarnationId = binding.IncarnationId,
            Kind = ItemKind.Binding,
            Id = pool.Id.Value,
            Revision = -Interlocked.Increment(ref _revision),
            Generation = binding.Generation,
            Desired = binding.Desired,
            Created = Rows.Now,
        });
    }

    private async Task<VmRow> RunningAsync(string name, ServiceOfferingRow offering, HostRow kvm, StoragePoolRow pool)
    {
        var vm = Rows.Vm(_host.Admin, _host.Zone.Id, offering, name, host: kvm) with { IncarnationId = kvm.IncarnationId };
        await _host.InsertAsync(vm);
        await _host.InsertAsync(Rows.Volume(_host.Admin, _host.Zone.Id, "ROOT", vm, pool, VolumeType.Root));
        await _host.InsertAsync(new HostItemRow
        {
            IncarnationId = kvm.IncarnationId!.Value,
            Kind = ItemKind.Machine,
            Id = vm.Id.Value,
            Revision = -Interlocked.Increment(ref _revision),
            Generation = vm.Generation,
            Desired = Desired.Running,
            Created = Rows.Now,
        });
        return vm;
    }

    /// <summary>On SQLite.</summary>
    public sealed class OnSqlite(CountingApiHost host) : StatementCountTests(host, host.Counter), IClassFixture<CountingApiHost>
    {
        private protected override int MoreForATurn => 0;
    }

    /// <summary>On a PostgreSQL of its own: a turn asks for the time, and tells other nodes.</summary>
    public sealed class OnPostgreSql(CountingPostgreSqlApiHost host) : StatementCountTests(host, host.Counter), IClassFixture<CountingPostgreSqlApiHost>
    {
        private protected override int MoreForATurn => 2;
    }

    /// <summary>Counts the statements of a node.</summary>
    internal sealed class StatementCounter : CommandInterceptor
    {
        private int _statements;

        public int Statements => Volatile.Read(ref _statements);

        public static void Configure(IServiceCollection services, StatementCounter counter)
        {
            services.AddSingleton<IInterceptor>(counter);

            // Nothing but the request may ask the database.
            services.AddSingleton(new ReconcileTimings { SweepInterval = TimeSpan.FromDays(1), AddPoolWait = TimeSpan.Zero });
        }

        public void Restart() => Volatile.Write(ref _statements, 0);

        public override DbCommand CommandInitialized(CommandEventData eventData, DbCommand command)
        {
            Interlocked.Increment(ref _statements);
            return command;
        }
    }
}

/// <summary>A node with its own operations that counts its statements.</summary>
public sealed class CountingApiHost : ApiHost
{
    internal StatementCountTests.StatementCounter Counter { get; } = new();

    private protected override bool RecordsOperations => false;

    private protected override void Configure(IServiceCollection services) => StatementCountTests.StatementCounter.Configure(services, Counter);
}

/// <summary>The same on PostgreSQL.</summary>
public sealed class CountingPostgreSqlApiHost : PostgreSqlApiHost
{
    internal StatementCountTests.StatementCounter Counter { get; } = new();

    private protected override bool RecordsOperations => false;

    private protected override void Configure(IServiceCollection services) => StatementCountTests.StatementCounter.Configure(services, Counter);
}
