using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Accounts;
using Holdfast.Server.Machines;
using Holdfast.Server.Offerings;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Templates;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using Holdfast.Server.UserData;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Accounts and domains that are disabled and deleted: what they have ends, and nobody else's does.</summary>
public abstract class AccountEndTests : NodeTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig";
    private static int _accounts;

    private IAccountOperations Accounts => Node.Service<IAccountOperations>();

    private IDomainOperations Domains => Node.Service<IDomainOperations>();

    [Fact]
    public async Task A_disabled_account_has_its_guests_stopped_and_nobody_elses()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var (account, owner) = await AddAccountAsync();
        var vm = await DeployAsync(owner, template);
        var other = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template)));

        var job = await Node.EndOfAsync(await Accounts.DisableAsync(Node.Admin, account, false, Token));

        job.State.ShouldBe(JobState.Succeeded, job.Result);
        job.Result!.ShouldContain("\"state\":\"disabled\"");
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped);
        (await Node.VmAsync(other.Value)).State.ShouldBe(VmState.Running);
        (await AccountAsync(account)).Ending.ShouldBeNull();
        Fault(await Node.Vms.StartAsync(Node.Admin, vm, null, Token)).Text.ShouldContain("is disabled");
        Done(await Accounts.EnableAsync(Node.Admin, account, Token));
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped, "nothing is started by itself");
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
    }

    [Fact]
    public async Task What_a_pools_maintenance_stopped_is_not_started_at_its_end_when_its_account_is_disabled_meanwhile()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        var pool = await Node.AddPoolAsync();
        var (account, owner) = await AddAccountAsync();
        var vm = await DeployAsync(owner, await Node.AddTemplateAsync());
        await Node.SucceedAsync(await Node.Pools.EnableMaintenanceAsync(Node.Admin, pool, Token));
        await Node.SucceedAsync(await Accounts.DisableAsync(Node.Admin, account, false, Token));

        await Node.SucceedAsync(await Node.Pools.CancelMaintenanceAsync(Node.Admin, pool, Token));

        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped);
        agent.Seen.Count(i => i.Kind == ItemKind.Machine && i.Desired == Desired.Running).ShouldBe(1, "at its deployment only");
    }

    /// <summary>What was checked before the account was ended was made after it, and stayed for ever.</summary>
    [Fact]
    public async Task Nothing_is_made_for_an_account_that_was_ended_after_its_owner_was_looked_up()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var (account, owner) = await AddAccountAsync();
        var (offering, disk, zone) = ((await Node.OfferingAsync(null)).Id, await AddDiskOfferingAsync(), await Node.ZoneAsync());
        await Node.SucceedAsync(await Accounts.DeleteAsync(Node.Admin, account, Token));

        Fault(await Node.Vms.DeployAsync(owner, new DeployVirtualMachine { ServiceOfferingId = offering, TemplateId = template, ZoneId = zone }, Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Volumes.CreateAsync(owner, new CreateVolume { DiskOfferingId = disk, SizeGib = 1, ZoneId = zone }, Token)).Text.ShouldContain("is disabled");
        Fault(await Node.Service<ITemplateOperations>().RegisterAsync(
            owner, new RegisterTemplate { Name = "late", Url = "https://images.example.org/late.qcow2", Format = "QCOW2", Hypervisor = "KVM" }, Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<ISshKeyPairOperations>().AddAsync(owner, "late", SshPublicKey.Read(Key)!, isGiven: true, Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<IUserDataOperations>().RegisterAsync(owner, "late", "aGVsbG8=", null, Token)).ErrorCode.ShouldBe(531);
        (await Node.ReadAsync(db => db.Volumes.CountAsync(v => v.AccountId == account && v.Removed == null))).ShouldBe(0);
    }

    /// <summary>Accounts whose guests do not end were looked at first, each second, and 200 of them kept all others waiting.</summary>
    [Fact]
    public async Task An_account_that_only_waits_for_a_guest_is_found_by_no_sweep()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var (account, owner) = await AddAccountAsync();
        var vm = await DeployAsync(owner, await Node.AddTemplateAsync());
        agent.Behaviour = i => i.Kind == ItemKind.Machine ? null : TestAgent.Obey(i);
        Accepted(await Accounts.DeleteAsync(Node.Admin, account, Token));
        await UntilAsync(async () => (await Node.VmAsync(vm.Value)).State == VmState.Stopping, () => "the stop to be asked for");
        (await FindAsync()).ShouldBeEmpty();
        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync(ItemKind.Machine);
        await UntilAsync(async () => (await AccountAsync(account)).Removed is not null, () => "the account to be gone");

        Task<IReadOnlyList<SweepFind>> FindAsync() => Node.Database.ReadAsync(
            async (db, ct) => await new AccountSweep().FindAsync(
                new SweepMoment(db, DateTimeOffset.UtcNow, await SettingValues.ReadAsync(db, new ReconcileTimings(), ct), new ReconcileTimings(), IsThorough: true), ct),
            Token);
    }

    [Fact]
    public async Task A_locked_account_keeps_its_guests()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var (account, owner) = await AddAccountAsync();
        var vm = await DeployAsync(owner, await Node.AddTemplateAsync());
        await Node.SucceedAsync(await Accounts.DisableAsync(Node.Admin, account, true, Token));
        (await AccountAsync(account)).State.ShouldBe(AccountStates.Locked);
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
    }

    [Fact]
    public async Task A_deleted_account_goes_with_its_vms_volumes_templates_and_users_and_no_backend_is_forgotten()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var (account, owner) = await AddAccountAsync();
        var vm = await DeployAsync(owner, template);
        var attached = await AddVolumeAsync(owner);
        await Node.SucceedAsync(await Node.Volumes.AttachAsync(owner, attached, vm, null, Token));
        var loose = await AddVolumeAsync(owner);
        var own = Done(await Node.Service<ITemplateOperations>().RegisterAsync(
            owner, new RegisterTemplate { Name = "own", Url = "https://images.example.org/own.qcow2", Format = "QCOW2", Hypervisor = "KVM" }, Token));
        Done(await Node.Service<ISshKeyPairOperations>().AddAsync(owner, "laptop", SshPublicKey.Read(Key)!, isGiven: true, Token));
        Done(await Node.Service<IUserDataOperations>().RegisterAsync(owner, "web", "aGVsbG8=", null, Token));
        var mine = await Node.AddVolumeAsync();

        await Node.SucceedAsync(await Accounts.DeleteAsync(Node.Admin, account, Token));

        (await AccountAsync(account)).Removed.ShouldNotBeNull();
        (await Node.ReadAsync(db => db.Users.CountAsync(u => u.AccountId == account && u.Removed == null))).ShouldBe(0);
        (await Node.ReadAsync(db => db.SshKeyPairs.CountAsync(k => k.AccountId == account))).ShouldBe(0);
        (await Node.ReadAsync(db => db.UserData.CountAsync(u => u.AccountId == account))).ShouldBe(0);
        (await Node.VmAsync(vm.Value)).Removed.ShouldNotBeNull();
        (await Node.ReadAsync(db => db.Templates.SingleAsync(t => t.Id == own.Id))).Removed.ShouldNotBeNull();
        foreach (var volume in new[] { attached, loose })
        {
            await UntilAsync(async () => (await Node.VolumeAsync(volume.Value)).Removed is not null, () => $"volume {volume} to be gone from its backend");
        }

        (await Node.VolumeAsync(mine.Value)).State.ShouldBe(VolumeState.Allocated);
        agent.Items.Values.Count(i => i.Kind == ItemKind.Machine && i.Desired != Desired.Absent).ShouldBe(0);
        Fault(await Accounts.DeleteAsync(Node.Admin, account, Token)).ErrorCode.ShouldBe(431);
    }

    /// <summary>A host that is away keeps the guest, and with it the account; nobody can use it all the same, and it goes when the host is back.</summary>
    [Fact]
    public async Task An_account_whose_guest_does_not_end_is_told_by_name_at_the_deadline_and_goes_when_the_guest_has()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var (account, owner) = await AddAccountAsync();
        var vm = await DeployAsync(owner, await Node.AddTemplateAsync());
        agent.Behaviour = i => i.Kind == ItemKind.Machine ? null : TestAgent.Obey(i);
        var outcome = await Accounts.DeleteAsync(Node.Admin, account, Token);
        await UntilAsync(async () => (await Node.VmAsync(vm.Value)).State == VmState.Stopping, () => "the stop to be asked for");
        await Node.Database.WriteAsync((db, ct) => db.Jobs.Where(j => j.Id == Accepted(outcome).JobId).Set(j => j.Deadline, DateTimeOffset.UtcNow).UpdateAsync(ct), Token);

        var job = await Node.EndOfAsync(outcome);

        job.State.ShouldBe(JobState.Failed);
        job.Result!.ShouldContain(vm.ToString());
        job.Result!.ShouldContain("go on ending");
        (await AccountAsync(account)).State.ShouldBe(AccountStates.Disabled);
        Fault(await Accounts.EnableAsync(Node.Admin, account, Token)).ErrorCode.ShouldBe(431);

        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync(ItemKind.Machine);
        await UntilAsync(async () => (await AccountAsync(account)).Removed is not null, () => "the account to be gone");
    }

    [Fact]
    public async Task An_account_with_more_than_one_step_of_vms_ends_whole()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var (account, owner) = await AddAccountAsync();
        var first = await Node.VmAsync((await DeployAsync(owner, template, starts: false)).Value);
        await Node.Database.WriteAsync(
            async (db, ct) =>
            {
                for (var i = 0; i < AccountSettler.Step + 10; i++)
                {
                    await db.InsertAsync(first with { Id = new VmId(Guid.NewGuid()), Number = first.Number + 1000 + i, Name = $"more{i}", InstanceName = $"more{i}" }, token: ct);
                }
            },
            Token);

        await Node.SucceedAsync(await Accounts.DeleteAsync(Node.Admin, account, Token));

        (await Node.ReadAsync(db => db.Vms.CountAsync(v => v.AccountId == account && v.Removed == null))).ShouldBe(0);
    }

    [Fact]
    public async Task A_domain_goes_with_all_accounts_and_domains_in_it_from_below()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var top = Done(await Domains.CreateAsync(Node.Admin, "top", null, null, Token));
        var middle = Done(await Domains.CreateAsync(Node.Admin, "middle", top, null, Token));
        var leaf = Done(await Domains.CreateAsync(Node.Admin, "leaf", middle, null, Token));
        var (account, owner) = await AddAccountAsync(middle);
        var vm = await DeployAsync(owner, template);
        Fault(await Domains.DeleteAsync(Node.Admin, top, false, Token)).Text.ShouldContain("1 accounts and 2 domains");

        await Node.SucceedAsync(await Domains.DeleteAsync(Node.Admin, top, true, Token));

        (await AccountAsync(account)).Removed.ShouldNotBeNull();
        (await Node.VmAsync(vm.Value)).Removed.ShouldNotBeNull();
        foreach (var domain in new[] { top, middle, leaf })
        {
            (await Node.ReadAsync(db => db.Domains.SingleAsync(d => d.Id == domain))).Removed.ShouldNotBeNull();
        }

        // The name is free, and what the old one had is not the new one's.
        var again = Done(await Domains.CreateAsync(Node.Admin, "top", null, null, Token));
        var admin = Node.Admin with { IsRootAdmin = false, Administers = "ROOT/top", DomainId = again };
        (await Node.ReadAsync(db => admin.Accounts(db).CountAsync())).ShouldBe(0);
    }

    private Task<AccountRow> AccountAsync(AccountId id) => Node.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == id));

    private async Task<(AccountId Id, Caller Owner)> AddAccountAsync(DomainId? domain = null)
    {
        var name = $"tenant{Interlocked.Increment(ref _accounts)}";
        var id = Done(await Accounts.CreateAsync(
            Node.Admin,
            new CreateAccount
            {
                DomainId = domain ?? Node.Admin.DomainId,
                Type = 0,
                User = new NewUser { UserName = name, PasswordHash = "none", FirstName = "T", LastName = "T", Email = "t@example.org" },
            },
            Token));
        return (id, Node.Admin.For(await AccountAsync(id)));
    }

    private async Task<VmId> DeployAsync(Caller owner, TemplateId template, bool starts = true) => new(await Node.SucceedAsync(await Node.Vms.DeployAsync(
        owner, new DeployVirtualMachine { ServiceOfferingId = (await Node.OfferingAsync(null)).Id, TemplateId = template, ZoneId = await Node.ZoneAsync(), StartVm = starts }, Token)));

    private async Task<DiskOfferingId> AddDiskOfferingAsync() =>
        Done(await Node.Service<IOfferingOperations>().CreateDiskOfferingAsync(Node.Admin, new CreateDiskOffering { Name = "data", Customized = true }, Token)).Id;

    private async Task<VolumeId> AddVolumeAsync(Caller owner)
    {
        var offering = await AddDiskOfferingAsync();
        return new VolumeId(await Node.SucceedAsync(await Node.Volumes.CreateAsync(owner, new CreateVolume { DiskOfferingId = offering, SizeGib = 1, ZoneId = await Node.ZoneAsync() }, Token)));
    }
}

/// <inheritdoc/>
public sealed class SqliteAccountEndTests : AccountEndTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <inheritdoc/>
public sealed class PostgreSqlAccountEndTests(PostgresServer server) : AccountEndTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
