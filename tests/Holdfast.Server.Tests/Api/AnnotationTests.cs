using System.Text.Json;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Comments: on what, by whom, and who reads them.</summary>
public sealed class AnnotationTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task A_comment_on_ones_vm_is_read_by_those_who_see_the_vm_and_removed_by_its_author()
    {
        var vm = await VmAsync(host.User);
        var made = (await AddAsync(host.User, "vm", $"{vm.Id}", ("annotation", "two\nlines"))).ShouldSucceed().Body.GetProperty("annotation");
        made.GetProperty("entitytype").GetString().ShouldBe("VM");
        made.GetProperty("annotation").GetString().ShouldBe("two\nlines");
        made.GetProperty("username").GetString().ShouldBe("ulla");
        var id = made.GetProperty("id").GetString()!;
        await AddAsync(host.Admin, "VM", $"{vm.Id}", ("annotation", "secret"), ("adminsonly", "true"));
        await AddAsync(host.DomainAdmin, "VM", $"{vm.Id}", ("annotation", "seen"));

        (await TextsAsync(host.User, "VM", $"{vm.Id}")).ShouldBe(["seen", "two\nlines"]);
        (await TextsAsync(host.Admin, "VM", $"{vm.Id}")).ShouldBe(["seen", "secret", "two\nlines"], ignoreOrder: true);
        (await TextsAsync(host.User, "VM", $"{vm.Id}", ("annotationfilter", "self"))).ShouldBe(["two\nlines"]);
        (await host.CallAsync(host.User, "listAnnotations", ("keyword", "LINES"))).List("annotation").Length.ShouldBe(1);
        (await host.CallAsync(host.Other, "listAnnotations", ("keyword", "lines"))).Text.ShouldBe("""{"listannotationsresponse":{}}""");
        (await host.CallAsync(host.Other, "listAnnotations", ("entitytype", "VM"), ("entityid", $"{vm.Id}"))).ShouldFail(431);
        (await host.CallAsync(host.Other, "removeAnnotation", ("id", id))).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "removeAnnotation", ("id", id))).ShouldFail(431);
        (await host.CallAsync(host.User, "removeAnnotation", ("id", id))).ShouldSucceed().Body.GetProperty("annotation").GetProperty("id").GetString().ShouldBe(id);
        (await host.CallAsync(host.User, "removeAnnotation", ("id", id))).ShouldFail(431);
        var secret = (await host.CallAsync(host.Admin, "listAnnotations", ("entitytype", "VM"), ("entityid", $"{vm.Id}"), ("keyword", "secret"))).List("annotation").Single().GetProperty("id").GetString()!;
        (await host.CallAsync(host.Admin, "updateAnnotationVisibility", ("id", secret), ("adminsonly", "false"))).ShouldSucceed();
        (await TextsAsync(host.User, "VM", $"{vm.Id}")).ShouldBe(["seen", "secret"], ignoreOrder: true);
    }

    [Fact]
    public async Task Infrastructure_and_offerings_are_commented_on_by_root_administrators_alone_and_clients_that_ask_about_anything_get_an_answer()
    {
        var kvm = Rows.Host(host.Cluster, $"kvm-{Guid.NewGuid():N}");
        await host.InsertAsync(kvm);
        (await AddAsync(host.User, "ZONE", $"{host.Zone.Id}", ("annotation", "x"))).ShouldFail(431).ErrorText!.ShouldContain("VM, VOLUME");
        (await AddAsync(host.DomainAdmin, "HOST", $"{kvm.Id}", ("annotation", "x"))).ShouldFail(431);
        (await AddAsync(host.User, "VM", $"{(await VmAsync(host.Other)).Id}", ("annotation", "x"))).ShouldFail(431);
        (await AddAsync(host.User, "VM", $"{(await VmAsync(host.User)).Id}", ("annotation", "x"), ("adminsonly", "true"))).ShouldFail(531);
        (await AddAsync(host.Admin, "HOST", "17", ("annotation", "x"))).ShouldFail(431);
        (await AddAsync(host.Admin, "HOST", $"{kvm.Id}", ("annotation", " "))).ShouldFail(431);
        (await AddAsync(host.Admin, "SYSTEM_VM", $"{kvm.Id}", ("annotation", "x"))).ShouldFail(431);
        (await host.CallAsync(host.User, "listAnnotations", ("entitytype", "SERVICE_OFFERING"), ("entityid", $"{Guid.NewGuid()}"))).Text.ShouldBe("""{"listannotationsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listAnnotations", ("entitytype", "SYSTEM_VM"), ("entityid", $"{kvm.Id}"))).Text.ShouldBe("""{"listannotationsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listAnnotations", ("entitytype", "HOST"))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "updateHost", ("id", $"{kvm.Id}"), ("annotation", "a new fan"))).ShouldSucceed();
        (await TextsAsync(host.Admin, "HOST", $"{kvm.Id}")).ShouldBe(["a new fan"]);
    }

    [Fact]
    public async Task Comments_on_a_vm_end_with_it()
    {
        var vm = await VmAsync(host.User);
        (await AddAsync(host.User, "VM", $"{vm.Id}", ("annotation", "last words"))).ShouldSucceed();

        var job = (await host.CallAsync(host.User, "destroyVirtualMachine", ("id", $"{vm.Id}"), ("expunge", "true"))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;

        (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", job))).Body.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        (await host.CallAsync(host.Admin, "listAnnotations", ("keyword", "last words"))).Text.ShouldBe("""{"listannotationsresponse":{}}""");
    }

    private async Task<ApiAnswer> AddAsync(TestUser user, string type, string id, params (string, string)[] parameters) =>
        await host.SendAsync(user, HttpMethod.Post, "addAnnotation", [("entitytype", type), ("entityid", id), .. parameters]);

    private async Task<string[]> TextsAsync(TestUser user, string type, string id, params (string, string)[] parameters) =>
    [
        .. (await host.CallAsync(user, "listAnnotations", [("entitytype", type), ("entityid", id), .. parameters])).ShouldSucceed().List("annotation").Select((JsonElement a) => a.GetProperty("annotation").GetString()!),
    ];

    private async Task<VmRow> VmAsync(TestUser owner)
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(owner, host.Zone.Id, offering) with { State = VmState.Stopped };
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        return vm;
    }
}
