using System.Text.Json;
using Holdfast.Core.States;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Affinity groups: made, listed, given to VMs by name or id, and deleted without their VMs. What they do to placement is in PlacementSearchTests and AffinityRaceTests.</summary>
public sealed class AffinityGroupTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task A_group_is_made_given_to_a_vm_shown_with_it_and_deleted_without_it()
    {
        var name = Name();
        var id = await MadeAsync(host.User, name, ("description", "spread"));
        var shown = (await GroupsAsync(host.User, ("name", name.ToUpperInvariant()))).Single();
        shown.GetProperty("type").GetString().ShouldBe("host anti-affinity");
        shown.GetProperty("description").GetString().ShouldBe("spread");
        shown.GetProperty("account").GetString().ShouldBe("ulla");
        shown.GetProperty("virtualmachineIds").GetArrayLength().ShouldBe(0);

        var byName = await DeployAsync(host.User, ("affinitygroupnames", name.ToUpperInvariant()));
        var byId = await DeployAsync(host.User, ("affinitygroupids", id));
        var vm = (await host.CallAsync(host.User, "listVirtualMachines", ("id", byName))).List("virtualmachine").Single().GetProperty("affinitygroup").EnumerateArray().Single();
        (vm.GetProperty("id").GetString(), vm.GetProperty("name").GetString(), vm.GetProperty("type").GetString()).ShouldBe((id, name, "host anti-affinity"));
        (await host.CallAsync(host.User, "listVirtualMachines", ("affinitygroupid", id))).List("virtualmachine").Select(v => v.GetProperty("id").GetString()).ShouldBe([byName, byId], ignoreOrder: true);
        (await GroupsAsync(host.User, ("id", id))).Single().GetProperty("virtualmachineIds").EnumerateArray().Select(v => v.GetString()).ShouldBe([byName, byId], ignoreOrder: true);
        (await GroupsAsync(host.User, ("virtualmachineid", byId))).Single().GetProperty("id").GetString().ShouldBe(id);
        (await GroupsAsync(host.User, ("type", "Non-strict host affinity"), ("id", id))).ShouldBeEmpty();
        (await GroupsAsync(host.User, ("type", "Host Anti-Affinity"), ("id", id))).ShouldHaveSingleItem();
        (await GroupsAsync(host.User, ("type", "dedicated"))).ShouldBeEmpty();
        (await GroupsAsync(host.User, ("keyword", name[..20].ToUpperInvariant()), ("id", id))).ShouldHaveSingleItem();

        var second = await MadeAsync(host.User, Name(), ("type", "non-strict host affinity"));
        (await UpdateAsync(byName, ("affinitygroupids", $"{second},{id}"))).Select(g => g.GetProperty("id").GetString()).ShouldBe([id, second]);
        (await UpdateAsync(byName, ("affinitygroupids", second))).Select(g => g.GetProperty("id").GetString()).ShouldBe([second]);
        (await UpdateAsync(byName, ("affinitygroupids", ""))).ShouldBeEmpty();

        (await host.CallAsync(host.User, "deleteAffinityGroup", ("name", name))).ShouldSucceed();
        (await host.CallAsync(host.User, "listVirtualMachines", ("id", byId))).List("virtualmachine").Single().GetProperty("affinitygroup").GetArrayLength().ShouldBe(0);
        (await host.CallAsync(host.User, "deleteAffinityGroup", ("id", id))).ShouldFail(431);
        (await host.Database.ReadAsync((db, ct) => db.Events.CountAsync(e => (e.Type == "AG.CREATE" || e.Type == "AG.DELETE") && e.ResourceId == Guid.Parse(id), ct), TestContext.Current.CancellationToken)).ShouldBe(4);
    }

    [Fact]
    public async Task The_types_are_CloudStacks() =>
        (await host.CallAsync(host.User, "listAffinityGroupTypes")).ShouldSucceed().List("affinityGroupType").Select(t => t.GetProperty("type").GetString())
            .ShouldBe(["host anti-affinity", "host affinity", "non-strict host anti-affinity", "non-strict host affinity"]);

    [Fact]
    public async Task What_is_wrong_with_a_group_is_said_and_nothing_is_made()
    {
        var name = Name();
        var id = await MadeAsync(host.User, name);
        (await CreateAsync(host.User, name.ToUpperInvariant())).ShouldFail(431).ErrorText!.ShouldContain(id);
        (await CreateAsync(host.User, " ")).ShouldFail(431);
        (await CreateAsync(host.User, "a,b")).ShouldFail(431);
        (await host.CallAsync(host.User, "createAffinityGroup", ("name", Name()), ("type", "rack affinity"))).ShouldFail(431).ErrorText!.ShouldContain("rack affinity");
        (await host.CallAsync(host.User, "deleteAffinityGroup")).ShouldFail(431);
        (await host.CallAsync(host.User, "deleteAffinityGroup", ("id", id), ("name", name))).ShouldFail(431);
        (await host.CallAsync(host.User, "deleteAffinityGroup", ("name", Name()))).ShouldFail(431);
        (await TryDeployAsync(host.User, ("affinitygroupnames", $"{name},nosuch"))).ShouldFail(431).ErrorText!.ShouldContain("nosuch");
        (await TryDeployAsync(host.User, ("affinitygroupnames", name), ("affinitygroupids", id))).ShouldFail(431).ErrorText!.ShouldContain("mutually exclusive");
        (await GroupsAsync(host.User, ("id", id))).Single().GetProperty("virtualmachineIds").GetArrayLength().ShouldBe(0);

        var vm = await DeployAsync(host.User);
        (await host.CallAsync(host.User, "updateVMAffinityGroup", ("id", vm))).ShouldFail(431).ErrorText!.ShouldContain("affinitygroupids");
        (await host.CallAsync(host.User, "updateVMAffinityGroup", ("id", vm), ("affinitygroupnames", "nosuch"))).ShouldFail(431);
        var running = Rows.Vm(host.User, host.Zone.Id, Rows.ServiceOffering()) with { State = VmState.Running };
        await host.InsertAsync(running);
        (await host.CallAsync(host.User, "updateVMAffinityGroup", ("id", $"{running.Id}"), ("affinitygroupids", id))).ShouldFail(431).ErrorText!.ShouldContain("in state Running");
    }

    [Fact]
    public async Task Groups_are_an_accounts_own_and_go_to_its_own_vms_only()
    {
        var name = Name();
        var (mine, theirs) = (await MadeAsync(host.User, name), await MadeAsync(host.Other, name));
        (await host.CallAsync(host.Other, "deleteAffinityGroup", ("id", mine))).ShouldFail(431);
        (await host.CallAsync(host.Other, "listVirtualMachines", ("affinitygroupid", mine))).ShouldFail(431);
        (await GroupsAsync(host.Other, ("name", name), ("listall", "true"))).Single().GetProperty("id").GetString().ShouldBe(theirs);
        (await GroupsAsync(host.DomainAdmin, ("name", name), ("listall", "true"))).Length.ShouldBe(2);
        (await CreateAsync(host.User, Name(), ("account", "otto"), ("domainid", $"{host.User.Domain.Id}"))).ShouldFail(531);
        (await CreateAsync(host.DomainAdmin, Name(), ("account", "otto"), ("domainid", $"{host.User.Domain.Id}"))).ShouldSucceed();

        // Root administrators see both, and still do not put one into the other.
        var vm = await DeployAsync(host.User);
        (await TryDeployAsync(host.User, ("affinitygroupids", theirs))).ShouldFail(431);
        (await TryDeployAsync(host.Admin, ("affinitygroupids", theirs))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "updateVMAffinityGroup", ("id", vm), ("affinitygroupids", theirs))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "updateVMAffinityGroup", ("id", vm), ("affinitygroupids", mine))).ShouldSucceed();
        (await host.CallAsync(host.DomainAdmin, "deleteAffinityGroup", ("name", name), ("account", "otto"), ("domainid", $"{host.User.Domain.Id}"))).ShouldSucceed();
        (await GroupsAsync(host.DomainAdmin, ("name", name), ("listall", "true"))).Single().GetProperty("id").GetString().ShouldBe(mine);
    }

    private static string Name() => $"affinity-{Guid.NewGuid():N}";

    private Task<ApiAnswer> CreateAsync(TestUser user, string name, params (string, string)[] parameters) =>
        host.CallAsync(user, "createAffinityGroup", [("name", name), .. parameters.Any(p => p.Item1 == "type") ? parameters : [("type", "host anti-affinity"), .. parameters]]);

    private async Task<string> MadeAsync(TestUser user, string name, params (string, string)[] parameters) => (await CreateAsync(user, name, parameters)).ShouldSucceed().Body.GetProperty("id").GetString()!;

    private async Task<JsonElement[]> GroupsAsync(TestUser user, params (string, string)[] parameters) => (await host.CallAsync(user, "listAffinityGroups", parameters)).ShouldSucceed().List("affinitygroup");

    private async Task<JsonElement[]> UpdateAsync(string vm, params (string, string)[] parameters)
    {
        var job = (await host.CallAsync(host.User, "updateVMAffinityGroup", [("id", vm), .. parameters])).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        var result = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", job))).ShouldSucceed().Body;
        return [.. result.GetProperty("jobresult").GetProperty("virtualmachine").GetProperty("affinitygroup").EnumerateArray()];
    }

    private async Task<string> DeployAsync(TestUser user, params (string, string)[] parameters) => (await TryDeployAsync(user, parameters)).ShouldSucceed().Body.GetProperty("id").GetString()!;

    private async Task<ApiAnswer> TryDeployAsync(TestUser user, params (string, string)[] parameters)
    {
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(user));
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        return await host.CallAsync(
            user, "deployVirtualMachine", [("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"), ("zoneid", $"{host.Zone.Id}"), ("startvm", "false"), .. parameters]);
    }
}
