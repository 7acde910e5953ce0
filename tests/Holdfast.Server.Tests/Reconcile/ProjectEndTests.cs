using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Accounts;
using Holdfast.Server.InstanceGroups;
using Holdfast.Server.Machines;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Templates;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using Holdfast.Server.UserData;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;
using static Holdfast.Server.Tests.Hosts.TestNode;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Projects whose guests run: suspended, deleted, and asked for by many at once.</summary>
public abstract class ProjectEndTests : NodeTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig";
    private static int _names;

    private IProjectOperations Projects => Node.Service<IProjectOperations>();

    [Fact]
    public async Task A_suspended_project_has_its_guests_stopped_and_nobody_elses_and_nothing_is_started_by_itself()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var owner = await AddTenantAsync();
        var (project, inside) = await AddProjectAsync(owner);
        var ours = await DeployAsync(inside, template);
        var mine = await DeployAsync(owner, template);

        var job = await Node.EndOfAsync(await Projects.SuspendAsync(owner, project, Token));

        job.State.ShouldBe(JobState.Succeeded, job.Result);
        job.Result!.ShouldContain("\"state\":\"Suspended\"");
        (await Node.VmAsync(ours.Value)).State.ShouldBe(VmState.Stopped);
        (await Node.VmAsync(mine.Value)).State.ShouldBe(VmState.Running);
        Fault(await Node.Vms.StartAsync(owner, ours, null, Token)).Text.ShouldContain("is Suspended");
        await Node.SucceedAsync(await Projects.ActivateAsync(owner, project, Token));
        (await Node.VmAsync(ours.Value)).State.ShouldBe(VmState.Stopped, "nothing is started by itself");
        await Node.SucceedAsync(await Node.Vms.StartAsync(owner, ours, null, Token));
    }

    [Fact]
    public async Task A_project_that_is_activated_before_its_guests_have_ended_ends_the_job_that_suspends_it()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var owner = await AddTenantAsync();
        var (project, inside) = await AddProjectAsync(owner);
        var vm = await DeployAsync(inside, await Node.AddTemplateAsync());
        agent.Behaviour = i => i.Kind == Protocol.Host.ItemKind.Machine ? null : TestAgent.Obey(i);
        var suspending = await Projects.SuspendAsync(owner, project, Token);
        await UntilAsync(async () => (await Node.VmAsync(vm.Value)).State == VmState.Stopping, () => "the stop to be asked for");

        await Node.SucceedAsync(await Projects.ActivateAsync(owner, project, Token));

        (await Node.EndOfAsync(suspending)).Result!.ShouldContain("was activated again");
    }

    [Fact]
    public async Task A_deleted_project_goes_with_its_guests_and_volumes_and_its_owner_has_room_at_once()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var owner = await AddTenantAsync();
        await LimitAsync(owner, LimitedResource.Project, 1);
        var (project, inside) = await AddProjectAsync(owner);
        var vm = await DeployAsync(inside, await Node.AddTemplateAsync());
        Fault(await CreateAsync(owner)).ErrorCode.ShouldBe(535);
        Fault(await Projects.DeleteAsync(owner, project, false, Token)).Text.ShouldContain("1 VMs");
        agent.Behaviour = i => i.Kind == Protocol.Host.ItemKind.Machine ? null : TestAgent.Obey(i);

        var ending = await Projects.DeleteAsync(owner, project, true, Token);
        await UntilAsync(async () => (await Node.VmAsync(vm.Value)).State == VmState.Stopping, () => "the stop to be asked for");

        Fault(await Projects.ActivateAsync(owner, project, Token)).ErrorCode.ShouldBe(431);
        await Node.SucceedAsync(await CreateAsync(owner));
        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync(Protocol.Host.ItemKind.Machine);
        await Node.SucceedAsync(ending);
        (await Node.VmAsync(vm.Value)).Removed.ShouldNotBeNull();
        (await Node.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == new AccountId(project.Value)))).Removed.ShouldNotBeNull();
        (await Node.ReadAsync(db => db.ProjectMembers.CountAsync(m => m.ProjectId == new AccountId(project.Value)))).ShouldBe(0);
        (await Node.ReadAsync(db => db.Volumes.CountAsync(v => v.AccountId == new AccountId(project.Value) && v.State != VolumeState.Expunging && v.Removed == null))).ShouldBe(0);
    }

    [Fact]
    public async Task Of_projects_and_vms_that_are_asked_for_at_once_as_many_are_made_as_the_limits_allow()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var (one, other) = (await AddTenantAsync(), await AddTenantAsync());
        await LimitAsync(one, LimitedResource.Project, 2);

        var made = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => CreateAsync(one)));

        made.OfType<JobOutcome.Accepted>().Count().ShouldBe(2);
        made.OfType<JobOutcome.Refused>().ShouldAllBe(r => r.Fault.ErrorCode == 535);

        // Several members, one project, one limit.
        var project = new ProjectId(made.OfType<JobOutcome.Accepted>().First().EntityId);
        await Node.SucceedAsync(await Projects.AddAccountAsync(one, project, other.UserName, null, Token));
        var account = await Node.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == new AccountId(project.Value)));
        await LimitAsync(one.For(account), LimitedResource.UserVm, 2);
        var deployed = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => TryDeployAsync((i % 2 == 0 ? one : other).For(account), template)));
        deployed.OfType<JobOutcome.Accepted>().Count().ShouldBe(2);

        // Names that differ in nothing but their case.
        var named = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Projects.CreateAsync(other, new CreateProject { Name = i % 2 == 0 ? "Twins" : "twins" }, Token)));
        named.OfType<JobOutcome.Accepted>().Count().ShouldBe(1);
        named.OfType<JobOutcome.Refused>().ShouldAllBe(r => r.Fault.ErrorCode == 431);
    }

    /// <summary>Who is in a project is asked for in the transaction that makes something, and not only before it.</summary>
    [Fact]
    public async Task Nothing_is_made_or_taken_in_a_project_that_the_caller_has_left_after_it_was_looked_up()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var (owner, member) = (await AddTenantAsync(), await AddTenantAsync());
        var (project, inside) = await AddProjectAsync(owner);
        var account = await Node.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == new AccountId(project.Value)));
        await Node.SucceedAsync(await Projects.AddAccountAsync(owner, project, member.UserName, null, Token));
        var lookedUp = member.For(account);
        Done(await Node.Service<ISshKeyPairOperations>().AddAsync(lookedUp, "ours", SshPublicKey.Read(Key)!, isGiven: true, Token));
        var vm = await DeployAsync(inside, template);

        await Node.SucceedAsync(await Projects.RemoveAccountAsync(owner, project, member.UserName, Token));

        Fault(await TryDeployAsync(lookedUp, template)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<ITemplateOperations>().RegisterAsync(
            lookedUp, new RegisterTemplate { Name = "late", Url = "https://images.example.org/late.qcow2", Format = "QCOW2", Hypervisor = "KVM" }, Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<ISshKeyPairOperations>().AddAsync(lookedUp, "late", SshPublicKey.Read(Key)!, isGiven: true, Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<ISshKeyPairOperations>().DeleteAsync(lookedUp, "ours", Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<IUserDataOperations>().RegisterAsync(lookedUp, "late", "aGVsbG8=", null, Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Service<IInstanceGroupOperations>().CreateAsync(lookedUp, "late", Token)).ErrorCode.ShouldBe(531);
        Fault(await Node.Vms.StopAsync(member, vm, false, Token)).ErrorCode.ShouldBe(431);
        (await Node.ReadAsync(db => member.Accounts(db).CountAsync())).ShouldBe(1);
    }

    private async Task<Caller> AddTenantAsync()
    {
        var name = $"tenant{Interlocked.Increment(ref _names)}";
        var id = Done(await Node.Service<IAccountOperations>().CreateAsync(
            Node.Admin,
            new CreateAccount
            {
                DomainId = Node.Admin.DomainId,
                Type = 0,
                User = new NewUser { UserName = name, PasswordHash = "none", FirstName = "T", LastName = "T", Email = "t@example.org" },
            },
            Token));
        return await Node.ReadAsync(async db => new Caller((await db.Users.SingleAsync(u => u.AccountId == id)).Id, name, id, Node.Admin.DomainId, IsRootAdmin: false));
    }

    private Task<JobOutcome> CreateAsync(Caller owner) => Projects.CreateAsync(owner, new CreateProject { Name = $"project{Interlocked.Increment(ref _names)}" }, Token);

    private async Task<(ProjectId Id, Caller Inside)> AddProjectAsync(Caller owner)
    {
        var id = new ProjectId(await Node.SucceedAsync(await CreateAsync(owner)));
        return (id, owner.For(await Node.ReadAsync(db => db.Accounts.SingleAsync(a => a.Id == new AccountId(id.Value)))));
    }

    private Task LimitAsync(Caller owner, LimitedResource resource, long most) =>
        Node.Database.WriteAsync((db, ct) => db.InsertAsync(new ResourceLimitRow { AccountId = owner.AccountId, Resource = resource, Maximum = most }, token: ct), Token);

    private async Task<JobOutcome> TryDeployAsync(Caller owner, TemplateId template) => await Node.Vms.DeployAsync(
        owner, new DeployVirtualMachine { ServiceOfferingId = (await Node.OfferingAsync(null)).Id, TemplateId = template, ZoneId = await Node.ZoneAsync() }, Token);

    private async Task<VmId> DeployAsync(Caller owner, TemplateId template) => new(await Node.SucceedAsync(await TryDeployAsync(owner, template)));
}

/// <inheritdoc/>
public sealed class SqliteProjectEndTests : ProjectEndTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <inheritdoc/>
public sealed class PostgreSqlProjectEndTests(PostgresServer server) : ProjectEndTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
