using System.Text.Json;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Groups of VMs: made by themselves or by the VM that names them, renamed, and deleted without their VMs.</summary>
public sealed class InstanceGroupTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task A_vm_is_put_into_groups_by_name_and_found_by_their_id()
    {
        var name = Name();
        var vm = await DeployAsync(host.User, ("group", name));
        var group = (await GroupsAsync(host.User, ("name", name.ToUpperInvariant()))).Single();
        var id = group.GetProperty("id").GetString()!;
        group.GetProperty("account").GetString().ShouldBe("ulla");
        var shown = (await host.CallAsync(host.User, "listVirtualMachines", ("groupid", id))).List("virtualmachine").Single();
        shown.GetProperty("id").GetString().ShouldBe(vm);
        shown.GetProperty("group").GetString().ShouldBe(name);
        var second = await DeployAsync(host.User, ("group", name.ToUpperInvariant()));
        (await host.CallAsync(host.User, "listVirtualMachines", ("groupid", id))).List("virtualmachine").Length.ShouldBe(2, "the same group, whatever the case");

        (await host.CallAsync(host.User, "updateInstanceGroup", ("id", id), ("name", name + "x"))).ShouldSucceed().Body.GetProperty("instancegroup").GetProperty("name").GetString().ShouldBe(name + "x");
        (await UpdateAsync(second, ("group", ""))).TryGetProperty("group", out _).ShouldBeFalse();
        var other = Name();
        (await UpdateAsync(second, ("group", other))).GetProperty("group").GetString().ShouldBe(other);
        (await UpdateAsync(vm, ("displayname", "d"))).GetProperty("group").GetString().ShouldBe(name + "x");

        (await host.CallAsync(host.User, "deleteInstanceGroup", ("id", id))).ShouldSucceed();
        (await UpdateAsync(vm, ("displayname", "e"))).TryGetProperty("groupid", out _).ShouldBeFalse();
        (await host.CallAsync(host.User, "deleteInstanceGroup", ("id", id))).ShouldFail(431);
    }

    [Fact]
    public async Task Names_are_an_accounts_own_and_others_groups_are_not_there()
    {
        var name = Name();
        var id = (await CreateAsync(host.User, name)).ShouldSucceed().Body.GetProperty("instancegroup").GetProperty("id").GetString()!;
        (await CreateAsync(host.User, name.ToUpperInvariant())).ShouldFail(431).ErrorText!.ShouldContain(id);
        (await CreateAsync(host.Other, name)).ShouldSucceed();
        (await CreateAsync(host.User, " ")).ShouldFail(431);
        (await CreateAsync(host.User, "mine", ("account", "otto"), ("domainid", $"{host.User.Domain.Id}"))).ShouldFail(531);
        (await CreateAsync(host.DomainAdmin, Name(), ("account", "otto"), ("domainid", $"{host.User.Domain.Id}"))).ShouldSucceed().Body.GetProperty("instancegroup").GetProperty("account").GetString().ShouldBe("otto");
        foreach (var command in new[] { "updateInstanceGroup", "deleteInstanceGroup" })
        {
            (await host.CallAsync(host.Other, command, ("id", id), ("name", Name()))).ShouldFail(431);
        }

        var second = (await CreateAsync(host.User, Name())).ShouldSucceed().Body.GetProperty("instancegroup").GetProperty("id").GetString()!;
        (await host.CallAsync(host.User, "updateInstanceGroup", ("id", second), ("name", name))).ShouldFail(431);
        (await host.CallAsync(host.Other, "listVirtualMachines", ("groupid", id))).ShouldFail(431);
        (await GroupsAsync(host.Other, ("name", name), ("listall", "true"))).Length.ShouldBe(1);
        (await GroupsAsync(host.DomainAdmin, ("name", name), ("listall", "true"))).Length.ShouldBe(2);
    }

    private static string Name() => $"group-{Guid.NewGuid():N}";

    private Task<ApiAnswer> CreateAsync(TestUser user, string name, params (string, string)[] parameters) => host.CallAsync(user, "createInstanceGroup", [("name", name), .. parameters]);

    private async Task<JsonElement[]> GroupsAsync(TestUser user, params (string, string)[] parameters) => (await host.CallAsync(user, "listInstanceGroups", parameters)).ShouldSucceed().List("instancegroup");

    private async Task<JsonElement> UpdateAsync(string vm, params (string, string)[] parameters) =>
        (await host.CallAsync(host.User, "updateVirtualMachine", [("id", vm), .. parameters])).ShouldSucceed().Body.GetProperty("virtualmachine");

    private async Task<string> DeployAsync(TestUser user, params (string, string)[] parameters)
    {
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(user));
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        return (await host.CallAsync(
            user, "deployVirtualMachine", [("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"), ("zoneid", $"{host.Zone.Id}"), ("startvm", "false"), .. parameters]))
            .ShouldSucceed().Body.GetProperty("id").GetString()!;
    }
}
