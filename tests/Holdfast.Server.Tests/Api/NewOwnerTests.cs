using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>assignVirtualMachine, destroyVolume and recoverVolume.</summary>
public sealed class NewOwnerTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stopped_vm_goes_to_another_account_with_its_volumes_and_leaves_groups_and_keys_behind()
    {
        var group = new InstanceGroupRow { Id = new InstanceGroupId(Guid.NewGuid()), AccountId = host.User.Account.Id, Name = "g", Created = Rows.Now };
        var affinity = new AffinityGroupRow { Id = new AffinityGroupId(Guid.NewGuid()), AccountId = host.User.Account.Id, Name = $"a{group.Id}", Type = AffinityType.HostAntiAffinity, Created = Rows.Now };
        var (vm, volume) = await VmAsync(v => v with { GroupId = group.Id, SshKeys = """{"mine":"ssh-rsa x"}""" });
        await host.InsertAsync(group);
        await host.InsertAsync(affinity);
        await host.InsertAsync(new AffinityMemberRow { GroupId = affinity.Id, VmId = vm.Id });
        (await host.CallAsync(host.User, "createTags", ("resourcetype", "UserVm"), ("resourceids", $"{vm.Id}"), ("tags[0].key", "k"), ("tags[0].value", "v"))).ShouldSucceed();

        var answer = (await AssignAsync(host.DomainAdmin, vm, host.Other)).ShouldSucceed().Body.GetProperty("virtualmachine");

        answer.GetProperty("account").GetString().ShouldBe("otto");
        answer.GetProperty("affinitygroup").GetArrayLength().ShouldBe(0);
        answer.TryGetProperty("groupid", out _).ShouldBeFalse();
        answer.TryGetProperty("keypairs", out _).ShouldBeFalse();
        (await host.CallAsync(host.User, "listVirtualMachines", ("id", $"{vm.Id}"))).ShouldFail(431);
        (await host.CallAsync(host.Other, "listVirtualMachines", ("id", $"{vm.Id}"))).List("virtualmachine").ShouldHaveSingleItem();
        (await host.CallAsync(host.Other, "listVolumes", ("virtualmachineid", $"{vm.Id}"))).List("volume").Single().GetProperty("id").GetString().ShouldBe($"{volume.Id}");
        (await host.CallAsync(host.Other, "listTags", ("resourceid", $"{vm.Id}"))).List("tag").ShouldHaveSingleItem();
        (await host.Database.ReadAsync((db, ct) => db.Events.CountAsync(e => e.Type == "VM.MOVE" && e.ResourceId == vm.Id.Value, ct), Token)).ShouldBe(2, "both owners are told");
    }

    [Fact]
    public async Task What_stands_in_the_way_of_a_new_owner_is_said_and_nothing_is_changed()
    {
        var (vm, volume) = await VmAsync(v => v);
        (await host.CallAsync(host.User, "assignVirtualMachine", ("virtualmachineid", $"{vm.Id}"), ("account", "otto"))).Code.ShouldBe(401);
        (await host.CallAsync(host.Admin, "assignVirtualMachine", ("virtualmachineid", $"{vm.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("account");
        (await AssignAsync(host.Admin, vm, host.User)).ShouldFail(431).ErrorText!.ShouldContain("already");
        (await AssignAsync(host.Admin, vm, host.Other, ("networkids", $"{host.Network.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("networkids");
        (await AssignAsync(host.DomainAdmin, vm, host.Admin)).ShouldFail(431).ErrorText!.ShouldContain("domainid");

        await SetAsync(volume with { State = VolumeState.Resizing });
        (await AssignAsync(host.Admin, vm, host.Other)).ShouldFail(530);
        await SetAsync(volume);
        await SetAsync(vm with { State = VmState.Running });
        (await AssignAsync(host.Admin, vm, host.Other)).ShouldFail(431).ErrorText!.ShouldContain("Running");
        await SetAsync(vm);
        var twin = Rows.Vm(host.Other, host.Zone.Id, Rows.ServiceOffering(), vm.Name) with { State = VmState.Stopped };
        await host.InsertAsync(twin);
        (await AssignAsync(host.Admin, vm, host.Other)).ShouldFail(431).ErrorText!.ShouldContain($"{twin.Id}");
        var hidden = Rows.Template(host.User, "hidden");
        await host.InsertAsync(hidden);
        await SetAsync(vm with { Name = $"other-{vm.Id}", TemplateId = hidden.Id });
        (await AssignAsync(host.Admin, vm, host.Other)).ShouldFail(431).ErrorText!.ShouldContain("hidden");
        (await host.Database.ReadAsync((db, ct) => db.Vms.SingleAsync(v => v.Id == vm.Id, ct), Token)).AccountId.ShouldBe(host.User.Account.Id);
    }

    [Fact]
    public async Task The_limits_of_the_new_owner_hold_and_those_of_domains_that_have_it_anyway_do_not()
    {
        var domain = new DomainRow { Id = new DomainId(Guid.NewGuid()), Name = "tight", ParentId = host.User.Domain.Id, Path = $"{host.User.Domain.Path}/tight{Guid.NewGuid():N}", Level = 3, Created = Rows.Now };
        await host.InsertAsync(domain);
        var (from, to) = (await host.AddUserAsync($"from{domain.Id}", domain, 0), await host.AddUserAsync($"to{domain.Id}", domain, 0));
        var (vm, _) = await VmAsync(v => v, from);
        await host.InsertAsync(new ResourceLimitRow { DomainId = domain.Id, Resource = LimitedResource.UserVm, Maximum = 1 }, new ResourceLimitRow { AccountId = to.Account.Id, Resource = LimitedResource.Volume, Maximum = 0 });

        (await AssignAsync(host.Admin, vm, to)).ShouldFail(535).ErrorText!.ShouldContain("'volume'");
        await host.Database.WriteAsync((db, ct) => db.ResourceLimits.Where(l => l.AccountId == to.Account.Id).Set(l => l.Maximum, 1).UpdateAsync(ct), Token);
        (await AssignAsync(host.Admin, vm, to)).ShouldSucceed();
        var (other, _) = await VmAsync(v => v);
        (await AssignAsync(host.Admin, other, from)).ShouldFail(535).ErrorText!.ShouldContain("domain");
    }

    [Fact]
    public async Task A_destroyed_volume_is_recovered_within_the_limits_and_not_used_meanwhile()
    {
        var user = await host.AddUserAsync($"u{Guid.NewGuid():N}", host.User.Domain, 0);
        var volume = Rows.Volume(user, host.Zone.Id, $"v{Guid.NewGuid():N}") with { State = VolumeState.Ready };
        await host.InsertAsync(volume);
        await host.InsertAsync(new ResourceLimitRow { AccountId = user.Account.Id, Resource = LimitedResource.Volume, Maximum = 1 });
        (await host.CallAsync(user, "recoverVolume", ("id", $"{volume.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("Destroy");
        (await host.CallAsync(host.Other, "destroyVolume", ("id", $"{volume.Id}"))).ShouldFail(431);

        (await host.CallAsync(user, "destroyVolume", ("id", $"{volume.Id}"))).ShouldSucceed();
        (await StateAsync(volume)).ShouldBe(VolumeState.Destroy);
        (await host.CallAsync(user, "listVolumes", ("id", $"{volume.Id}"))).List("volume").Single().GetProperty("destroyed").GetBoolean().ShouldBeTrue();
        (await host.CallAsync(user, "resizeVolume", ("id", $"{volume.Id}"), ("size", "100"))).ShouldFail(431);
        var second = Rows.Volume(user, host.Zone.Id, $"v{Guid.NewGuid():N}") with { State = VolumeState.Ready };
        await host.InsertAsync(second);
        (await host.CallAsync(user, "recoverVolume", ("id", $"{volume.Id}"))).ShouldFail(535);
        (await host.CallAsync(user, "destroyVolume", ("id", $"{second.Id}"), ("expunge", "true"))).ShouldSucceed();
        (await StateAsync(second)).ShouldNotBe(VolumeState.Ready);
        (await host.CallAsync(user, "recoverVolume", ("id", $"{second.Id}"))).ShouldFail(431);
        (await host.CallAsync(user, "recoverVolume", ("id", $"{volume.Id}"))).ShouldSucceed().Body.GetProperty("volume").GetProperty("state").GetString().ShouldBe("Ready");

        var fresh = Rows.Volume(user, host.Zone.Id) with { State = VolumeState.Allocated, PoolId = null };
        await host.InsertAsync(fresh);
        (await host.CallAsync(user, "destroyVolume", ("id", $"{fresh.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("Allocated");
        (await host.CallAsync(user, "destroyVolume", ("id", $"{fresh.Id}"), ("expunge", "true"))).ShouldSucceed();
        var (_, attached) = await VmAsync(v => v, user);
        (await host.CallAsync(user, "destroyVolume", ("id", $"{attached.Id}"))).ShouldFail(431);
    }

    private async Task<VolumeState> StateAsync(VolumeRow volume) => (await host.Database.ReadAsync((db, ct) => db.Volumes.SingleAsync(v => v.Id == volume.Id, ct), Token)).State;

    private Task SetAsync<T>(T row)
        where T : notnull => host.Database.WriteAsync((db, ct) => db.UpdateAsync(row, token: ct), Token);

    private Task<ApiAnswer> AssignAsync(TestUser by, VmRow vm, TestUser owner, params (string, string)[] more) => host.CallAsync(
        by, "assignVirtualMachine", [("virtualmachineid", $"{vm.Id}"), ("account", owner.Account.Name), ("domainid", $"{owner.Domain.Id}"), .. more]);

    private async Task<(VmRow Vm, VolumeRow Volume)> VmAsync(Func<VmRow, VmRow> change, TestUser? owner = null)
    {
        var offering = Rows.ServiceOffering();
        var vm = change(Rows.Vm(owner ?? host.User, host.Zone.Id, offering, $"vm-{Guid.NewGuid():N}"[..30]) with { State = VmState.Stopped });
        var volume = Rows.Volume(owner ?? host.User, host.Zone.Id, "root", vm, type: VolumeType.Root) with { State = VolumeState.Ready, DeviceId = 0 };
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        await host.InsertAsync(volume);
        return (vm, volume);
    }
}
