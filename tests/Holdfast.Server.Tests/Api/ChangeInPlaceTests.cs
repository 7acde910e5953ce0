using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Changes of what is there, as Terraform and Ansible make them: stop, change, start; offerings that are changed and deleted.</summary>
public sealed class ChangeInPlaceTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stopped_vm_gets_what_it_is_called_and_shows_it()
    {
        var vm = await VmAsync(VmState.Stopped);
        var changed = (await PostAsync(host.User, "updateVirtualMachine", ("id", vm.Id.ToString()), ("name", "web-2"), ("displayname", "Web 2"), ("group", "web"), ("details[0].note", "x")))
            .ShouldSucceed().Body.GetProperty("virtualmachine");

        changed.GetProperty("name").GetString().ShouldBe("web-2");
        changed.GetProperty("displayname").GetString().ShouldBe("Web 2");
        changed.GetProperty("group").GetString().ShouldBe("web");
        changed.GetProperty("details").GetProperty("note").GetString().ShouldBe("x");

        // What is not sent stays; what is sent empty goes, and an empty name is not sent.
        changed = (await PostAsync(host.User, "updateVirtualMachine", ("id", vm.Id.ToString()), ("name", ""), ("group", ""), ("cleanupdetails", "true"))).ShouldSucceed().Body.GetProperty("virtualmachine");
        changed.GetProperty("name").GetString().ShouldBe("web-2");
        changed.TryGetProperty("group", out _).ShouldBeFalse();
        changed.GetProperty("details").EnumerateObject().ShouldBeEmpty();
        (await host.CallAsync(host.User, "listEvents", ("type", "VM.UPDATE"))).List("event").ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_volume_is_renamed_and_nothing_else_of_it_is_mended_by_hand()
    {
        var (volume, destroyed) = (Rows.Volume(host.User, host.Zone.Id), Rows.Volume(host.User, host.Zone.Id) with { State = VolumeState.Destroy });
        await host.InsertAsync(volume, destroyed);
        var id = volume.Id.ToString();
        var job = (await PostAsync(host.User, "updateVolume", ("id", id), ("name", "data of web-2"), ("displayvolume", "true"))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", job))).Body.GetProperty("jobresult").GetProperty("volume").GetProperty("name").GetString().ShouldBe("data of web-2");

        foreach (var (parameter, value) in new[] { ("path", "elsewhere"), ("state", "Ready"), ("storageid", id), ("chaininfo", "x"), ("customid", id), ("deleteprotection", "true"), ("displayvolume", "false") })
        {
            (await PostAsync(host.User, "updateVolume", ("id", id), ("name", "no"), (parameter, value))).ShouldFail(431).ErrorText!.ShouldContain(parameter);
        }

        (await PostAsync(host.User, "updateVolume", ("id", id), ("name", "  "))).ShouldFail(431);
        (await PostAsync(host.User, "updateVolume", ("id", destroyed.Id.ToString()), ("name", "no"))).ShouldFail(431);
        (await PostAsync(host.Other, "updateVolume", ("id", id), ("name", "mine"))).ShouldFail(431);
        (await host.CallAsync(host.User, "listVolumes", ("id", id))).List("volume").Single().GetProperty("name").GetString().ShouldBe("data of web-2");
    }

    [Fact]
    public async Task A_template_gets_what_it_is_called_and_what_is_said_of_it_from_its_owner_alone()
    {
        var (own, open) = (Rows.Template(host.User) with { Details = """{"a":"1"}""" }, Rows.Template(host.Other, isPublic: true));
        await host.InsertAsync(own, open);
        var id = own.Id.ToString();
        var changed = (await PostAsync(
            host.User, "updateTemplate", ("id", id), ("name", "deb 13"), ("displaytext", "Debian 13"), ("format", "QCOW2"), ("passwordenabled", "true"), ("isdynamicallyscalable", "true"), ("requireshvm", "false")))
            .ShouldSucceed().Body.GetProperty("template");
        (changed.GetProperty("name").GetString(), changed.GetProperty("displaytext").GetString()).ShouldBe(("deb 13", "Debian 13"));
        new[] { "passwordenabled", "isdynamicallyscalable" }.ShouldAllBe(p => changed.GetProperty(p).GetBoolean());
        changed.GetProperty("requireshvm").GetBoolean().ShouldBeFalse();
        changed.GetProperty("details").GetProperty("a").GetString().ShouldBe("1");

        // What is not sent stays.
        (await PostAsync(host.User, "updateTemplate", ("id", id), ("details[0].b", "2"))).ShouldSucceed().Body.GetProperty("template").GetProperty("details").EnumerateObject().Select(d => d.Name).ShouldBe(["b"]);
        (await PostAsync(host.User, "updateTemplate", ("id", id), ("cleanupdetails", "true"))).ShouldSucceed();
        var shown = (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "self"), ("id", id))).List("template").First();
        shown.GetProperty("details").EnumerateObject().ShouldBeEmpty();
        shown.GetProperty("isdynamicallyscalable").GetBoolean().ShouldBeTrue();
        (await host.CallAsync(host.User, "listEvents", ("type", "TEMPLATE.UPDATE"))).List("event").ShouldNotBeEmpty();

        (await PostAsync(host.User, "updateTemplate", ("id", id), ("format", "RAW"), ("name", "no"))).ShouldFail(431).ErrorText!.ShouldContain("not converted");
        (await PostAsync(host.User, "updateTemplate", ("id", id), ("name", "  "))).ShouldFail(431);
        (await PostAsync(host.User, "updateTemplate", ("id", id), ("details[0].b", "2"), ("cleanupdetails", "true"))).ShouldFail(431);
        (await PostAsync(host.User, "updateTemplate", ("id", open.Id.ToString()), ("name", "mine"))).ShouldFail(431);
        (await PostAsync(host.Other, "updateTemplate", ("id", id), ("name", "mine"))).ShouldFail(431);
        (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "self"), ("id", id))).List("template").First().GetProperty("name").GetString().ShouldBe("deb 13");
    }

    [Fact]
    public async Task A_change_that_cannot_be_is_refused_and_changes_nothing()
    {
        var (running, other) = (await VmAsync(VmState.Running), await VmAsync(VmState.Stopped));
        var id = running.Id.ToString();
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("name", "other"), ("displayname", "no"))).ShouldFail(431).ErrorText!.ShouldContain("while it is stopped");
        (await PostAsync(host.User, "updateVirtualMachine", ("id", other.Id.ToString()), ("name", running.Name))).ShouldFail(431).ErrorText!.ShouldContain("already exists");
        (await PostAsync(host.User, "updateVirtualMachine", ("id", other.Id.ToString()), ("name", "-bad-"))).ShouldFail(431).ErrorText!.ShouldContain("Invalid name");
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("details[0].cpuNumber", "4"))).ShouldFail(431).ErrorText!.ShouldContain("cpuNumber");
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("details[0].RootDiskSize", "4"))).ShouldFail(431).ErrorText!.ShouldContain("resizeVolume");
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("details[0].a", "4"), ("cleanupdetails", "true"))).ShouldFail(431);
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("haenable", "true"))).ShouldFail(431).ErrorText!.ShouldContain("haenable");
        (await PostAsync(host.Other, "updateVirtualMachine", ("id", id), ("displayname", "mine"))).ShouldFail(431);
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("displayname", "running too"))).ShouldSucceed();
        (await RowAsync(running)).ShouldSatisfyAllConditions(v => v.Name.ShouldBe(running.Name), v => v.DisplayName.ShouldBe("running too"), v => v.Details.ShouldBe(running.Details));
    }

    [Fact]
    public async Task A_stopped_vm_gets_another_offering_and_a_running_one_keeps_its_size()
    {
        var large = Rows.ServiceOffering() with { Cpus = 3, MemoryMib = 768, CpuMhz = 1234, Name = "large" };
        await host.InsertAsync(large);
        var (running, stopped) = (await VmAsync(VmState.Running), await VmAsync(VmState.Stopped));

        var changed = (await PostAsync(host.User, "changeServiceForVirtualMachine", ("id", stopped.Id.ToString()), ("serviceofferingid", large.Id.ToString()))).ShouldSucceed().Body.GetProperty("virtualmachine");
        changed.GetProperty("serviceofferingname").GetString().ShouldBe("large");
        (changed.GetProperty("cpunumber").GetInt32(), changed.GetProperty("memory").GetInt32(), changed.GetProperty("cpuspeed").GetInt32()).ShouldBe((3, 768, 1234));

        // It has no room: dynamic scaling is off.
        foreach (var command in new[] { "changeServiceForVirtualMachine", "scaleVirtualMachine" })
        {
            (await PostAsync(host.User, command, ("id", running.Id.ToString()), ("serviceofferingid", large.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("stop it first");
            (await PostAsync(host.Other, command, ("id", stopped.Id.ToString()), ("serviceofferingid", large.Id.ToString()))).ShouldFail(431);
        }

        var small = Rows.ServiceOffering();
        await host.InsertAsync(small);
        var job = (await PostAsync(host.User, "scaleVirtualMachine", ("id", stopped.Id.ToString()), ("serviceofferingid", small.Id.ToString()))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        var result = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", job))).Body;
        result.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        result.GetProperty("jobresult").GetProperty("virtualmachine").GetProperty("serviceofferingid").GetString().ShouldBe(small.Id.ToString());
        (await RowAsync(running)).ServiceOfferingId.ShouldBe(running.ServiceOfferingId);
    }

    [Fact]
    public async Task A_protected_vm_stays_whoever_asks_until_it_is_not_any_more()
    {
        var vm = await VmAsync(VmState.Stopped);
        (await PostAsync(host.User, "updateVirtualMachine", ("id", vm.Id.ToString()), ("deleteprotection", "true"))).ShouldSucceed().Body.GetProperty("virtualmachine").GetProperty("deleteprotection").GetBoolean().ShouldBeTrue();

        (await PostAsync(host.User, "destroyVirtualMachine", ("id", vm.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("delete protection");
        (await PostAsync(host.Admin, "destroyVirtualMachine", ("id", vm.Id.ToString()), ("expunge", "true"))).ShouldFail(431);
        (await PostAsync(host.Admin, "deleteAccount", ("id", host.User.Account.Id.ToString()))).ShouldFail(530).ErrorText!.ShouldContain(vm.Id.ToString());
        (await PostAsync(host.Admin, "deleteDomain", ("id", host.User.Domain.Id.ToString()), ("cleanup", "true"))).ShouldFail(530).ErrorText!.ShouldContain(vm.Id.ToString());
        (await RowAsync(vm)).Removal.ShouldBe(VmRemoval.None);

        (await PostAsync(host.User, "updateVirtualMachine", ("id", vm.Id.ToString()), ("deleteprotection", "false"))).ShouldSucceed();
        (await PostAsync(host.User, "destroyVirtualMachine", ("id", vm.Id.ToString()))).ShouldSucceed();
    }

    [Fact]
    public async Task Offerings_are_changed_and_deleted_and_what_has_them_keeps_them()
    {
        var vm = await VmAsync(VmState.Stopped);
        var id = vm.ServiceOfferingId.ToString();
        var changed = (await PostAsync(host.Admin, "updateServiceOffering", ("id", id), ("name", "renamed"), ("displaytext", "Renamed"), ("hosttags", "ssd"), ("storagetags", "fast,near"))).ShouldSucceed().Body.GetProperty("serviceoffering");
        (changed.GetProperty("name").GetString(), changed.GetProperty("hosttags").GetString(), changed.GetProperty("storagetags").GetString()).ShouldBe(("renamed", "ssd", "fast,near"));
        (await PostAsync(host.Admin, "updateServiceOffering", ("id", id), ("hosttags", ""))).ShouldSucceed().Body.GetProperty("serviceoffering").TryGetProperty("hosttags", out _).ShouldBeFalse();
        (await PostAsync(host.Admin, "updateServiceOffering", ("id", id), ("name", "   "))).ShouldFail(431);
        (await PostAsync(host.Admin, "updateServiceOffering", ("id", id), ("domainid", host.User.Domain.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("domainid");
        (await PostAsync(host.Admin, "deleteServiceOffering", ("id", id))).ShouldSucceed();
        (await PostAsync(host.Admin, "deleteServiceOffering", ("id", id))).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter id value={id} due to incorrect long value format, or entity does not exist");
        (await host.CallAsync(host.Admin, "listServiceOfferings", ("id", id))).Text.ShouldBe("""{"listserviceofferingsresponse":{}}""");
        (await host.CallAsync(host.User, "listVirtualMachines", ("id", vm.Id.ToString()))).List("virtualmachine").Single().GetProperty("serviceofferingname").GetString().ShouldBe("renamed");
        (await PostAsync(host.User, "changeServiceForVirtualMachine", ("id", vm.Id.ToString()), ("serviceofferingid", id))).ShouldFail(431);

        var disk = Rows.DiskOffering();
        await host.InsertAsync(disk);
        var shown = (await PostAsync(host.Admin, "updateDiskOffering", ("id", disk.Id.ToString()), ("name", "d2"), ("tags", "fast"), ("displayoffering", "false"))).ShouldSucceed().Body.GetProperty("diskoffering");
        (shown.GetProperty("name").GetString(), shown.GetProperty("tags").GetString(), shown.GetProperty("displayoffering").GetBoolean()).ShouldBe(("d2", "fast", false));
        (await host.CallAsync(host.User, "listDiskOfferings", ("id", disk.Id.ToString()))).Text.ShouldBe("""{"listdiskofferingsresponse":{}}""");
        (await PostAsync(host.Admin, "deleteDiskOffering", ("id", disk.Id.ToString()))).ShouldSucceed();
        (await PostAsync(host.User, "createVolume", ("diskofferingid", disk.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("name", "v"))).ShouldFail(431);
    }

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => host.SendAsync(user, HttpMethod.Post, command, parameters);

    private Task<VmRow> RowAsync(VmRow vm) => host.Database.ReadAsync((db, ct) => db.Vms.SingleAsync(v => v.Id == vm.Id, ct), Token);

    private async Task<VmRow> VmAsync(VmState state)
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(host.User, host.Zone.Id, offering) with { State = state, Name = $"vm-{Guid.NewGuid():N}"[..20] };
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        return vm;
    }
}
