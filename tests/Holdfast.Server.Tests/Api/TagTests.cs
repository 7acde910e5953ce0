using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Tags: on what, by whom, and what lists make of them.</summary>
public sealed class TagTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_tag_is_given_shown_asked_by_and_taken()
    {
        var (first, second) = (await VmAsync(host.User), await VmAsync(host.User));
        await SucceedAsync(host.User, "createTags", ("resourceids", $"{first.Id},{second.Id}"), ("resourcetype", "UserVm"), ("tags[0].key", "role"), ("tags[0].value", "web"), ("tags[1].key", "tier"), ("tags[1].value", "a=b"));

        var shown = (await host.CallAsync(host.User, "listVirtualMachines", ("id", first.Id.ToString()))).List("virtualmachine").Single().GetProperty("tags").EnumerateArray().ToList();
        shown.Select(t => (t.GetProperty("key").GetString(), t.GetProperty("value").GetString())).ShouldBe([("role", "web"), ("tier", "a=b")]);
        shown[0].GetProperty("resourcetype").GetString().ShouldBe("UserVm");
        shown[0].GetProperty("resourceid").GetString().ShouldBe(first.Id.ToString());
        shown[0].GetProperty("account").GetString().ShouldBe(host.User.Account.Name);

        await SucceedAsync(host.User, "deleteTags", ("resourceids", second.Id.ToString()), ("resourcetype", "uservm"), ("tags[0].key", "role"), ("tags[0].value", "db"));
        (await FoundAsync(("role", "web"))).ShouldBe([first.Id.ToString(), second.Id.ToString()], ignoreOrder: true, "another value is another tag");
        await SucceedAsync(host.User, "deleteTags", ("resourceids", second.Id.ToString()), ("resourcetype", "UserVm"), ("tags[0].key", "role"));
        (await FoundAsync(("role", "web"))).ShouldBe([first.Id.ToString()]);
        (await FoundAsync(("role", "none"))).ShouldBeEmpty();
        (await FoundAsync([("role", "web"), .. Enumerable.Range(0, 127).Select(i => ($"k{i}", "v"))])).ShouldBe([first.Id.ToString()]);
        (await FoundAsync(("role", "web"), ("tier", "a=b"))).Count.ShouldBe(2, "any of them");
        (await host.CallAsync(host.User, "listTags", ("resourceid", first.Id.ToString()), ("key", "role"))).List("tag").Single().GetProperty("value").GetString().ShouldBe("web");
        (await host.CallAsync(host.User, "listTags", ("resourceid", first.Id.ToString()), ("resourcetype", "volume"))).Text.ShouldBe("""{"listtagsresponse":{}}""");
        await SucceedAsync(host.User, "deleteTags", ("resourceids", first.Id.ToString()), ("resourcetype", "UserVm"));
        (await host.CallAsync(host.User, "listTags", ("resourceid", first.Id.ToString()))).Text.ShouldBe("""{"listtagsresponse":{}}""");
    }

    [Fact]
    public async Task Volumes_and_templates_have_tags_and_other_lists_find_nothing_by_them()
    {
        var volume = Rows.Volume(host.User, host.Zone.Id);
        var template = Rows.Template(host.User);
        await host.InsertAsync(volume);
        await host.InsertAsync(template);
        await SucceedAsync(host.User, "createTags", ("resourceids", volume.Id.ToString()), ("resourcetype", "Volume"), ("tags[0].key", "k"), ("tags[0].value", "v"));
        await SucceedAsync(host.User, "createTags", ("resourceids", template.Id.ToString()), ("resourcetype", "Template"), ("tags[0].key", "k"), ("tags[0].value", "v"));

        (string, string)[] asked = [("tags[0].key", "k"), ("tags[0].value", "v")];
        (await host.CallAsync(host.User, "listVolumes", asked)).List("volume").Single().GetProperty("tags").EnumerateArray().Single().GetProperty("key").GetString().ShouldBe("k");
        (await host.CallAsync(host.User, "listTemplates", [("templatefilter", "self"), .. asked])).List("template").Single().GetProperty("tags").EnumerateArray().Single().GetProperty("key").GetString().ShouldBe("k");
        (await host.CallAsync(host.User, "listNetworks", asked)).Text.ShouldBe("""{"listnetworksresponse":{}}""");
        (await host.CallAsync(host.User, "listUsers", asked)).Text.ShouldBe("""{"listusersresponse":{}}""");
    }

    [Fact]
    public async Task Nobody_else_gives_or_sees_tags_and_what_makes_no_sense_changes_nothing()
    {
        var vm = await VmAsync(host.User);
        var others = await VmAsync(host.Other);
        (string, string)[] tag = [("resourcetype", "UserVm"), ("tags[0].key", "mine"), ("tags[0].value", "x")];
        foreach (var id in new[] { vm.Id.ToString(), Guid.NewGuid().ToString(), "17" })
        {
            (await PostAsync(host.Other, "createTags", [("resourceids", id), .. tag])).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter resourceids value={id} due to");
        }

        (await PostAsync(host.Other, "createTags", [("resourceids", $"{others.Id},{vm.Id}"), .. tag])).ShouldFail(431);
        (await PostAsync(host.User, "createTags", ("resourceids", vm.Id.ToString()), ("resourcetype", "Cloud"), ("tags[0].key", "a"), ("tags[0].value", "b"))).ShouldFail(431).ErrorText!.ShouldContain("UserVm, Volume, Template");
        (await PostAsync(host.User, "createTags", ("resourceids", vm.Id.ToString()), ("resourcetype", "Volume"), ("tags[0].key", "a"), ("tags[0].value", "b"))).ShouldFail(431);
        (await PostAsync(host.User, "createTags", ("resourceids", vm.Id.ToString()), ("resourcetype", "UserVm"), ("tags[0].key", "a"), ("tags[0].value", ""))).ShouldFail(431);
        (await host.Database.ReadAsync((db, ct) => db.Tags.CountAsync(t => t.ResourceId == vm.Id.Value || t.ResourceId == others.Id.Value, ct), Token)).ShouldBe(0);

        await SucceedAsync(host.DomainAdmin, "createTags", [("resourceids", vm.Id.ToString()), .. tag]);
        (await PostAsync(host.User, "createTags", [("resourceids", vm.Id.ToString()), .. tag])).ShouldFail(431).ErrorText!.ShouldContain("tag mine already on UserVm");
        (await host.CallAsync(host.Other, "listTags", ("listall", "true"))).Text.ShouldNotContain("mine");
        (await host.CallAsync(host.Other, "listTags", ("resourceid", vm.Id.ToString()))).Text.ShouldBe("""{"listtagsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listTags", ("key", "mine"))).Text.ShouldBe("""{"listtagsresponse":{}}""", "the own ones");
        (await host.CallAsync(host.Admin, "listTags", ("key", "mine"), ("listall", "true"))).List("tag").Length.ShouldBe(1);
    }

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => host.SendAsync(user, HttpMethod.Post, command, parameters);

    private async Task SucceedAsync(TestUser user, string command, params (string, string)[] parameters)
    {
        var job = (await PostAsync(user, command, parameters)).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        var result = (await host.CallAsync(user, "queryAsyncJobResult", ("jobid", job))).Body;
        result.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        result.GetProperty("jobresult").GetProperty("success").GetBoolean().ShouldBeTrue();
    }

    private async Task<IReadOnlyList<string>> FoundAsync(params (string Key, string Value)[] tags) =>
        [.. (await PostAsync(host.User, "listVirtualMachines", [.. tags.SelectMany((t, i) => new[] { ($"tags[{i}].key", t.Key), ($"tags[{i}].value", t.Value) })])).ShouldSucceed().List("virtualmachine").Select(v => v.GetProperty("id").GetString()!)];

    private async Task<VmRow> VmAsync(TestUser owner)
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(owner, host.Zone.Id, offering) with { State = VmState.Stopped };
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        return vm;
    }
}
