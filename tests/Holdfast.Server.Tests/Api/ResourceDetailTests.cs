using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Details: on what, by whom, what is hidden, and what another command changes.</summary>
public abstract class ResourceDetailTests
{
    private readonly ApiHost _host;

    private protected ResourceDetailTests(ApiHost host) => _host = host;

    [Fact]
    public async Task A_detail_of_a_vm_is_the_one_that_its_lists_and_updates_know()
    {
        var vm = await VmAsync(_host.User);
        await SucceedAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "uservm"), ("details[0].key", "role"), ("details[0].value", "web"), ("details[1].tier", "a=b\n<\"ö\">"));

        var shown = (await _host.CallAsync(_host.User, "listVirtualMachines", ("id", $"{vm.Id}"))).List("virtualmachine").Single().GetProperty("details");
        shown.GetProperty("role").GetString().ShouldBe("web");
        (await ListAsync(_host.User, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBe([("role", "web"), ("tier", "a=b\n<\"ö\">")]);
        (await ListAsync(_host.User, "UserVm", ("key", "role"))).ShouldContain(("role", "web"));
        (await ListAsync(_host.User, "UserVm", ("key", "role"), ("value", "db"))).ShouldBeEmpty();
        var entry = (await _host.CallAsync(_host.User, "listResourceDetails", ("resourcetype", "UserVm"), ("resourceid", $"{vm.Id}"), ("keyword", "WEB"))).List("resourcedetail").Single();
        entry.GetProperty("resourcetype").GetString().ShouldBe("UserVm");
        entry.GetProperty("resourceid").GetString().ShouldBe($"{vm.Id}");
        entry.GetProperty("account").GetString().ShouldBe(_host.User.Account.Name);
        entry.GetProperty("fordisplay").GetBoolean().ShouldBeTrue();

        await SucceedAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].ROLE", "db"));
        (await ListAsync(_host.User, "UserVm", ("resourceid", $"{vm.Id}"), ("page", "1"), ("pagesize", "1"))).ShouldBe([("ROLE", "db")]);
        (await _host.SendAsync(_host.User, HttpMethod.Post, "updateVirtualMachine", ("id", $"{vm.Id}"), ("details[0].other", "x"))).ShouldSucceed();
        (await ListAsync(_host.User, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBe([("other", "x")]);
        await SucceedAsync(_host.User, "removeResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("key", "nosuch"));
        await SucceedAsync(_host.User, "removeResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("key", "OTHER"));
        (await ListAsync(_host.User, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_root_hides_is_seen_and_taken_by_root_alone_and_survives_what_the_owner_does()
    {
        var vm = await VmAsync(_host.User);
        (await PostAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].note", "x"), ("fordisplay", "false"))).ShouldFail(531);
        await SucceedAsync(_host.Admin, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].note", "suspect"), ("fordisplay", "false"));
        await SucceedAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].note", "mine"));

        (await ListAsync(_host.User, "UserVm", ("resourceid", $"{vm.Id}"), ("fordisplay", "false"))).ShouldBe([("note", "mine")]);
        (await ListAsync(_host.DomainAdmin, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBe([("note", "mine")]);
        (await ListAsync(_host.Admin, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBe([("note", "mine"), ("note", "suspect")]);
        (await ListAsync(_host.Admin, "UserVm", ("resourceid", $"{vm.Id}"), ("fordisplay", "false"))).ShouldBe([("note", "suspect")]);
        (await _host.CallAsync(_host.User, "listVirtualMachines", ("id", $"{vm.Id}"))).Text.ShouldNotContain("suspect");
        (await _host.CallAsync(_host.User, "updateVirtualMachine", ("id", $"{vm.Id}"), ("cleanupdetails", "true"))).ShouldSucceed();
        await SucceedAsync(_host.User, "removeResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"));
        (await ListAsync(_host.Admin, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBe([("note", "suspect")]);
        await SucceedAsync(_host.Admin, "removeResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("key", "note"));
        (await ListAsync(_host.Admin, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_means_something_is_changed_by_its_own_command()
    {
        var vm = await VmAsync(_host.User);
        foreach (var (key, word) in new[]
        {
            ("rootdisksize", "resizeVolume"), ("cpuNumber", "scaleVirtualMachine"), ("MEMORY", "scaleVirtualMachine"), ("UEFI", "UEFI"), ("rootDiskController", "not supported"), ("extraconfig-1", "not supported"),
        })
        {
            (await PostAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].note", "x"), ($"details[1].{key}", "1"))).ShouldFail(431).ErrorText!.ShouldContain(word);
            (await PostAsync(_host.User, "removeResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("key", key))).ShouldFail(431).ErrorText!.ShouldContain(word);
        }

        (await PostAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].note", ""))).ShouldFail(431).ErrorText!.ShouldContain("note");
        (await PostAsync(_host.User, "addResourceDetail", [("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), .. Enumerable.Range(0, 101).Select(i => ($"details[{i}].k{i}", "x"))])).ShouldFail(431).ErrorText!.ShouldContain("101");
        (await ListAsync(_host.User, "UserVm", ("resourceid", $"{vm.Id}"))).ShouldBeEmpty();

        var offering = Rows.ServiceOffering();
        await _host.InsertAsync(offering);
        (await PostAsync(_host.Admin, "addResourceDetail", ("resourceid", $"{offering.Id}"), ("resourcetype", "ServiceOffering"), ("details[0].maxmemory", "1"))).ShouldFail(431).ErrorText!.ShouldContain("maxmemory");

        var pool = Rows.Pool(_host.Zone.Id, $"pool-{Guid.NewGuid():N}");
        await _host.InsertAsync(pool);
        foreach (var (command, more) in new[] { ("addResourceDetail", ("details[0].resourceGroup", "other")), ("addResourceDetail", ("details[0].lin.auth.apitoken", "t")), ("removeResourceDetail", ("key", "resourceGroup")) })
        {
            (await PostAsync(_host.Admin, command, ("resourceid", $"{pool.Id}"), ("resourcetype", "Storage"), more)).ShouldFail(431).ErrorText!.ShouldContain("updateStoragePool");
        }

        (await ListAsync(_host.Admin, "Storage", ("resourceid", $"{pool.Id}"))).ShouldBe([("resourceGroup", "acs-basic")]);
        (await _host.CallAsync(_host.DomainAdmin, "listResourceDetails", ("resourcetype", "Storage"), ("resourceid", $"{pool.Id}"))).ShouldFail(431);
        (await _host.CallAsync(_host.User, "listResourceDetails", ("resourcetype", "Storage"), ("key", "resourceGroup"))).Text.ShouldBe("""{"listresourcedetailsresponse":{}}""");

        var ending = await VmAsync(_host.User, VmState.Expunging);
        (await PostAsync(_host.User, "addResourceDetail", ("resourceid", $"{ending.Id}"), ("resourcetype", "UserVm"), ("details[0].note", "x"))).ShouldFail(530);
    }

    [Fact]
    public async Task Every_kind_keeps_details_and_those_that_are_nobodys_are_roots_to_change()
    {
        var (volume, template, offering, disk) = (Rows.Volume(_host.User, _host.Zone.Id), Rows.Template(_host.User, isPublic: true), Rows.ServiceOffering(), Rows.DiskOffering());
        await _host.InsertAsync(volume);
        await _host.InsertAsync(template);
        await _host.InsertAsync(offering);
        await _host.InsertAsync(disk);
        var type = (await _host.Database.ReadAsync((db, ct) => db.OsTypes.OrderBy(t => t.Id).FirstAsync(ct), TestContext.Current.CancellationToken)).Id;
        (string Type, Guid Id)[] owned = [("Volume", volume.Id.Value), ("Template", template.Id.Value), ("User", _host.User.Row.Id.Value)];
        (string Type, Guid Id)[] shared =
        [
            ("ServiceOffering", offering.Id.Value), ("DiskOffering", disk.Id.Value), ("Zone", _host.Zone.Id.Value), ("Network", _host.Network.Id.Value), ("GuestOs", type.Value),
        ];
        foreach (var (kind, id) in owned.Concat(shared))
        {
            var isOwned = owned.Contains((kind, id));
            var owner = isOwned ? _host.User : _host.Admin;
            (string, string)[] what = [("resourceid", $"{id}"), ("resourcetype", kind), ("details[0].k", "v")];
            (await PostAsync(_host.Other, "addResourceDetail", what)).ShouldFail(isOwned ? 431 : 531);
            await SucceedAsync(owner, "addResourceDetail", what);
            await SucceedAsync(_host.Admin, "addResourceDetail", ("resourceid", $"{id}"), ("resourcetype", kind), ("details[0].h", "v"), ("fordisplay", "false"));
            (await ListAsync(owner, kind, ("resourceid", $"{id}"), ("fordisplay", "true"))).ShouldBe([("k", "v")], kind);
            (await ListAsync(_host.Admin, kind, ("resourceid", $"{id}"))).ShouldBe([("k", "v"), ("h", "v")], kind);
            (await ListAsync(owner, kind, ("key", "k"))).ShouldContain(("k", "v"), kind);
        }

        (await _host.CallAsync(_host.User, "listZones", ("id", $"{_host.Zone.Id}"))).List("zone").Single().GetProperty("resourcedetails").GetProperty("k").GetString().ShouldBe("v");
        (await _host.CallAsync(_host.User, "listNetworks", ("id", $"{_host.Network.Id}"))).List("network").Single().GetProperty("details").GetProperty("k").GetString().ShouldBe("v");
        (await ListAsync(_host.Other, "Template", ("resourceid", $"{template.Id}"))).ShouldBe([("k", "v")], "it is public");
        (await ListAsync(_host.Other, "Template", ("key", "k"))).ShouldBeEmpty();
        (await _host.CallAsync(_host.Other, "listResourceDetails", ("resourcetype", "Volume"), ("resourceid", $"{volume.Id}"))).ShouldFail(431);
        foreach (var (kind, id) in shared)
        {
            await SucceedAsync(_host.Admin, "removeResourceDetail", ("resourceid", $"{id}"), ("resourcetype", kind));
        }

        (await _host.CallAsync(_host.User, "listZones", ("id", $"{_host.Zone.Id}"))).Text.ShouldNotContain("resourcedetails");
    }

    [Fact]
    public async Task Not_yours_is_like_not_there_and_what_makes_no_sense_is_refused()
    {
        var vm = await VmAsync(_host.User);
        foreach (var id in new[] { $"{vm.Id}", $"{Guid.NewGuid()}", "17" })
        {
            (await PostAsync(_host.Other, "addResourceDetail", ("resourceid", id), ("resourcetype", "UserVm"), ("details[0].k", "v"))).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter resourceid value={id} due to");
            (await PostAsync(_host.Other, "removeResourceDetail", ("resourceid", id), ("resourcetype", "UserVm"))).ShouldFail(431);
            (await _host.CallAsync(_host.Other, "listResourceDetails", ("resourceid", id), ("resourcetype", "UserVm"))).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter resourceid value={id} due to");
        }

        (await PostAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "Volume"), ("details[0].k", "v"))).ShouldFail(431);
        (await PostAsync(_host.User, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "Cloud"), ("details[0].k", "v"))).ShouldFail(431).ErrorText!.ShouldContain("UserVm, Volume, Template");
        (await _host.CallAsync(_host.User, "listResourceDetails", ("resourcetype", "UserVm"))).ShouldFail(431);
        (await _host.CallAsync(_host.User, "listResourceDetails", ("resourcetype", "UserVm"), ("resourceid", $"{vm.Id}"), ("value", "v"))).ShouldFail(431);
        await SucceedAsync(_host.DomainAdmin, "addResourceDetail", ("resourceid", $"{vm.Id}"), ("resourcetype", "UserVm"), ("details[0].branch", "v"));
        (await ListAsync(_host.Other, "UserVm", ("key", "branch"), ("listall", "true"))).ShouldBeEmpty();
        (await ListAsync(_host.Admin, "UserVm", ("key", "branch"))).ShouldBeEmpty("the own ones");
        (await ListAsync(_host.Admin, "UserVm", ("key", "branch"), ("listall", "true"))).ShouldBe([("branch", "v")]);
    }

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => _host.SendAsync(user, HttpMethod.Post, command, parameters);

    private async Task SucceedAsync(TestUser user, string command, params (string, string)[] parameters)
    {
        var job = (await PostAsync(user, command, parameters)).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        var result = (await _host.CallAsync(user, "queryAsyncJobResult", ("jobid", job))).Body;
        result.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        result.GetProperty("jobresult").GetProperty("success").GetBoolean().ShouldBeTrue();
    }

    private async Task<(string, string)[]> ListAsync(TestUser user, string type, params (string, string)[] parameters)
    {
        var answer = (await _host.CallAsync(user, "listResourceDetails", [("resourcetype", type), .. parameters])).ShouldSucceed();
        return answer.Body.TryGetProperty("count", out _) ? [.. answer.List("resourcedetail").Select(d => (d.GetProperty("key").GetString()!, d.GetProperty("value").GetString()!))] : [];
    }

    private async Task<VmRow> VmAsync(TestUser owner, VmState state = VmState.Stopped)
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(owner, _host.Zone.Id, offering) with { State = state };
        await _host.InsertAsync(offering);
        await _host.InsertAsync(vm);
        return vm;
    }

    public sealed class OnSqlite(RealApiHost host) : ResourceDetailTests(host), IClassFixture<RealApiHost>;

    public sealed class OnPostgreSql(RealPostgreSqlApiHost host) : ResourceDetailTests(host), IClassFixture<RealPostgreSqlApiHost>;
}
