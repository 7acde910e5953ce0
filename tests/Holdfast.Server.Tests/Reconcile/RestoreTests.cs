using System.Text;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Machines;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Sweeps;
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

/// <summary>VMs that get a new root disk: it is made first, and only then takes the place of the old one. The same on both databases.</summary>
public abstract class RestoreTests : NodeTests
{
    [Fact]
    public async Task A_stopped_vm_has_a_new_root_disk_and_the_old_one_can_be_recovered_as_a_data_disk()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        var old = await RootAsync(vm);

        await Node.SucceedAsync(await RestoreAsync(vm));

        var root = await RootAsync(vm);
        root.Id.ShouldNotBe(old.Id);
        (root.State, root.DeviceId, root.SizeBytes, root.Replaces).ShouldBe((VolumeState.Ready, 0, old.SizeBytes, null));
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Stopped);
        var kept = await Node.VolumeAsync(old.Id.Value);
        (kept.State, kept.VmId, kept.DeviceId, kept.Type).ShouldBe((VolumeState.Destroy, null, null, VolumeType.DataDisk));

        Done(await Node.Volumes.RecoverAsync(Node.Admin, old.Id, Token)).ShouldBe(old.Id);
        await Node.SucceedAsync(await Node.Volumes.AttachAsync(Node.Admin, old.Id, vm, null, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
        agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.Select(d => (d.VolumeId, d.DeviceId)).ShouldBe([(root.Id, 0), (old.Id, 1)]);
    }

    [Fact]
    public async Task A_running_vm_is_stopped_only_when_its_new_root_disk_is_made_and_runs_again()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var template = await Node.AddTemplateAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(template)));
        var old = await RootAsync(vm);
        var isSlow = true;
        agent.Behaviour = i => i.Task is TaskSpec.EnsureVolume && isSlow ? null : TestAgent.Obey(i);

        var restore = await RestoreAsync(vm, template, expunge: true);
        await UntilAsync(async () => await Node.ReadAsync(db => db.Volumes.AnyAsync(v => v.VmId == vm && v.State == VolumeState.Creating && v.Replaces != null)), () => "the new root disk");
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.ShouldHaveSingleItem().VolumeId.ShouldBe(old.Id);
        Fault(await RestoreAsync(vm)).ErrorCode.ShouldBe(530);
        isSlow = false;
        await agent.RepeatAsync(ItemKind.Task);
        await Node.SucceedAsync(restore);

        var row = await Node.VmAsync(vm.Value);
        (row.State, row.StartsAgain).ShouldBe((VmState.Running, false));
        var root = await RootAsync(vm);
        root.Id.ShouldNotBe(old.Id);
        agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.ShouldHaveSingleItem().VolumeId.ShouldBe(root.Id);
        (await Node.ReadAsync(db => db.Leases.SingleAsync())).VolumeId.ShouldBe(root.Id);
        await UntilAsync(async () => (await Node.VolumeAsync(old.Id.Value)).Removed is not null, () => "the old root disk to be deleted");
    }

    [Fact]
    public async Task A_new_root_disk_that_cannot_be_made_leaves_the_vm_as_it_was_with_the_reason()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        var old = await RootAsync(vm);
        agent.Behaviour = i => i.Task is TaskSpec.EnsureVolume ? TestAgent.Of(i, TaskState.Failed, TestAgent.Failed("no space left on the backend")) : TestAgent.Obey(i);

        var job = await Node.EndOfAsync(await RestoreAsync(vm));

        job.State.ShouldBe(JobState.Failed);
        job.Result!.ShouldContain("no space left on the backend");
        (await Node.VmAsync(vm.Value)).State.ShouldBe(VmState.Running);
        (await RootAsync(vm)).ShouldBe(old);
        agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Disks.ShouldHaveSingleItem().VolumeId.ShouldBe(old.Id);
        await UntilAsync(async () => await Node.ReadAsync(db => db.Volumes.CountAsync(v => v.Removed == null)) == 1, () => "nothing to be left of the new root disk");
    }

    [Fact]
    public async Task A_vm_that_is_destroyed_meanwhile_is_not_restored()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        agent.Behaviour = i => i.Task is TaskSpec.EnsureVolume && i.Desired == Desired.Done ? null : TestAgent.Obey(i);
        var restore = await RestoreAsync(vm);

        await Node.SucceedAsync(await Node.Vms.DestroyAsync(Node.Admin, vm, false, [], true, Token));

        (await Node.EndOfAsync(restore)).State.ShouldBe(JobState.Failed);
        agent.Behaviour = TestAgent.Obey;
        await agent.RepeatAsync(ItemKind.Task);
        await UntilAsync(async () => await Node.ReadAsync(db => db.Volumes.CountAsync(v => v.Removed == null)) == 1, () => "the new root disk to be gone");
        Done(await Node.Vms.RecoverAsync(Node.Admin, vm, Token));
        await Node.SucceedAsync(await Node.Vms.StartAsync(Node.Admin, vm, null, Token));
    }

    [Fact]
    public async Task What_was_destroyed_is_deleted_when_its_time_is_over()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(await Node.AddTemplateAsync())));
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        var old = await RootAsync(vm);
        await Node.SucceedAsync(await RestoreAsync(vm));
        await Node.Service<Sweeper>().SweepAsync(Token);
        (await Node.VolumeAsync(old.Id.Value)).State.ShouldBe(VolumeState.Destroy);

        Done(await Node.Service<IConfigurationOperations>().UpdateAsync(Node.Admin, Setting.VolumeCleanupDelay.Name, "0", Token));
        await UntilAsync(
            async () =>
            {
                await Node.Service<Sweeper>().SweepAsync(Token);
                return (await Node.VolumeAsync(old.Id.Value)).Removed is not null;
            },
            () => "the old root disk to be deleted");
        Fault(await Node.Volumes.RecoverAsync(Node.Admin, old.Id, Token)).ErrorCode.ShouldBe(431);
    }

    [Fact]
    public async Task A_new_root_disk_is_told_its_templates_user_data_by_its_policy_and_what_the_vm_was_given_itself()
    {
        await using var agent = await TestAgent.StartAsync(Node);
        await Node.AddPoolAsync();
        var (first, second) = (await Node.AddTemplateAsync(), await Node.AddTemplateAsync());
        var (own, linked) = (Base64("#!/bin/sh\necho own\n"), Base64("#cloud-config\n"));
        var userData = Done(await Node.Service<IUserDataOperations>().RegisterAsync(Node.Admin, "linked", linked, null, Token));
        var vm = new VmId(await Node.SucceedAsync(await Node.DeployAsync(first)));
        Done(await Node.Vms.UpdateAsync(Node.Admin, new UpdateVirtualMachine { Id = vm, UserData = new GivenUserData(own, null, new Dictionary<string, string>()) }, Token));

        await LinkAsync(UserDataPolicy.Append);
        var told = (await Node.VmAsync(vm.Value)).Told;
        await Node.SucceedAsync(await RestoreAsync(vm, second));
        var both = Encoding.UTF8.GetString(Convert.FromBase64String((await ToldAsync()).ShouldNotBeNull()));
        both.ShouldContain(own);
        both.ShouldContain(linked);
        (await Node.VmAsync(vm.Value)).Told.ShouldBe(told + 1);
        agent.Items[(ItemKind.Machine, vm.Value)].Machine!.Told.ShouldBe(told + 1);

        await Node.SucceedAsync(await RestoreAsync(vm));
        (await Node.VmAsync(vm.Value)).Told.ShouldBe(told + 1, "nothing new is to be told");

        await LinkAsync(UserDataPolicy.DenyOverride);
        await Node.SucceedAsync(await RestoreAsync(vm));
        (await ToldAsync()).ShouldBe(linked);

        await LinkAsync(UserDataPolicy.AllowOverride);
        await Node.SucceedAsync(await RestoreAsync(vm));
        (await ToldAsync()).ShouldBe(own);

        Done(await Node.Vms.UpdateAsync(Node.Admin, new UpdateVirtualMachine { Id = vm, UserData = new GivenUserData(Noise(8), null, new Dictionary<string, string>()) }, Token));
        await LinkAsync(UserDataPolicy.Append, random: true);
        Fault(await RestoreAsync(vm)).Text.ShouldContain("too long together");

        await Node.SucceedAsync(await RestoreAsync(vm, first));
        (await ToldAsync()).ShouldBe(Noise(8));
        await Node.SucceedAsync(await Node.Vms.StopAsync(Node.Admin, vm, true, Token));
        Done(await Node.Vms.ResetUserDataAsync(Node.Admin, vm, GivenUserData.None, Token));
        await LinkAsync(UserDataPolicy.Append);
        await Node.SucceedAsync(await RestoreAsync(vm, second));
        (await ToldAsync()).ShouldBe(linked);
        (await Node.VmAsync(vm.Value)).UserDataId.ShouldBe(userData);
        await Node.SucceedAsync(await RestoreAsync(vm, first));
        (await ToldAsync()).ShouldBeNull();
        (await Node.VmAsync(vm.Value)).UserDataId.ShouldBeNull();

        async Task LinkAsync(UserDataPolicy policy, bool random = false)
        {
            var id = userData;
            if (random)
            {
                id = Done(await Node.Service<IUserDataOperations>().RegisterAsync(Node.Admin, "random", Noise(7), null, Token));
            }

            Done(await Node.Service<ITemplateOperations>().LinkUserDataAsync(Node.Admin, second, id, policy, Token));
        }

        Task<string?> ToldAsync() => Node.ReadAsync(db => db.VmUserData.Where(u => u.VmId == vm).Select(u => (string?)u.Content).FirstOrDefaultAsync());

        // What no compression makes shorter.
        static string Noise(int seed)
        {
            var bytes = new byte[600_000];
            new Random(seed).NextBytes(bytes);
            return Convert.ToBase64String(bytes);
        }

        static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
    }

    private Task<VolumeRow> RootAsync(VmId vm) => Node.ReadAsync(db => db.Volumes.SingleAsync(v => v.VmId == vm && v.Type == VolumeType.Root && v.Replaces == null && v.Removed == null));

    private Task<JobOutcome> RestoreAsync(VmId vm, TemplateId? template = null, bool expunge = false) =>
        Node.Vms.RestoreAsync(Node.Admin, new RestoreVirtualMachine { Id = vm, TemplateId = template, Expunge = expunge }, Token);
}

/// <summary>On SQLite.</summary>
public sealed class SqliteRestoreTests : RestoreTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgreSqlRestoreTests(PostgresServer server) : RestoreTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
