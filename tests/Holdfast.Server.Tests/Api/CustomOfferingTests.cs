using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Service offerings that leave the size to their VMs. What is made is a root administrator's, which no limit counts, but where limits are what is asked about.</summary>
public sealed class CustomOfferingTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static readonly (string, string)[] Bounds = [("cpuspeed", "1200"), ("mincpunumber", "2"), ("maxcpunumber", "4"), ("minmemory", "256"), ("maxmemory", "1024")];

    private static int _names;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_made_without_cpus_and_memory_is_custom_and_is_listed_as_it_was_made()
    {
        foreach (var customized in new[] { Array.Empty<(string, string)>(), [("customized", "true")] })
        {
            var open = await MadeAsync(customized);
            open.GetProperty("iscustomized").GetBoolean().ShouldBeTrue();
            new[] { "cpunumber", "cpuspeed", "memory" }.ShouldAllBe(p => !Has(open, p));
            (await ListedAsync(open)).GetRawText().ShouldBe(open.GetRawText());

            var bounded = await MadeAsync([.. Bounds, .. customized, ("serviceofferingdetails[0].key", "rack"), ("serviceofferingdetails[0].value", "a")]);
            bounded.GetProperty("iscustomized").GetBoolean().ShouldBeTrue();
            bounded.GetProperty("cpuspeed").GetInt32().ShouldBe(1200);
            new[] { "cpunumber", "memory" }.ShouldAllBe(p => !Has(bounded, p));
            bounded.GetProperty("serviceofferingdetails").EnumerateObject().ToDictionary(d => d.Name, d => d.Value.GetString())
                .ShouldBe(new Dictionary<string, string?> { ["rack"] = "a", ["mincpunumber"] = "2", ["maxcpunumber"] = "4", ["minmemory"] = "256", ["maxmemory"] = "1024" }, ignoreOrder: true);
            (await ListedAsync(bounded)).GetRawText().ShouldBe(bounded.GetRawText());
        }

        var fixedOne = await MadeAsync(("customized", "false"), ("cpunumber", "1"), ("cpuspeed", "0"), ("memory", "64"));
        fixedOne.GetProperty("iscustomized").GetBoolean().ShouldBeFalse();
        fixedOne.GetProperty("cpuspeed").GetInt32().ShouldBe(0);
    }

    [Theory]
    [InlineData("cpunumber", "customized=true cpunumber=2")]
    [InlineData("memory", "customized=true memory=256")]
    [InlineData("cpunumber", "customized=false")]
    [InlineData("memory", "cpunumber=2")]
    [InlineData("cpunumber", "memory=256")]
    [InlineData("mincpunumber", "cpuspeed=500")]
    [InlineData("cpuspeed", "mincpunumber=1 maxcpunumber=2 minmemory=64 maxmemory=128")]
    [InlineData("maxmemory", "cpuspeed=500 mincpunumber=1 maxcpunumber=2 minmemory=64")]
    [InlineData("mincpunumber", "cpuspeed=500 mincpunumber=0 maxcpunumber=2 minmemory=64 maxmemory=128")]
    [InlineData("maxcpunumber", "cpuspeed=500 mincpunumber=1 maxcpunumber=513 minmemory=64 maxmemory=128")]
    [InlineData("minmemory", "cpuspeed=500 mincpunumber=1 maxcpunumber=2 minmemory=31 maxmemory=128")]
    [InlineData("maxmemory", "cpuspeed=500 mincpunumber=1 maxcpunumber=2 minmemory=64 maxmemory=16777217")]
    [InlineData("cpu speed", "cpuspeed=-1 mincpunumber=1 maxcpunumber=2 minmemory=64 maxmemory=128")]
    [InlineData("mincpunumber 3", "cpuspeed=500 mincpunumber=3 maxcpunumber=2 minmemory=64 maxmemory=128")]
    [InlineData("minmemory 129", "cpuspeed=500 mincpunumber=1 maxcpunumber=2 minmemory=129 maxmemory=128")]
    [InlineData("minmemory", "cpunumber=1 cpuspeed=500 memory=256 minmemory=64")]
    [InlineData("maxcpunumber", "serviceofferingdetails[0].maxCpuNumber=3")]
    public async Task Sizes_and_bounds_that_do_not_go_together_are_refused_by_name_and_nothing_is_made(string named, string parameters)
    {
        var name = Name();

        var answer = await host.CallAsync(host.Admin, "createServiceOffering", [("name", name), .. parameters.Split(' ').Select(p => p.Split('=')).Select(p => (p[0], p[1]))]);

        answer.ShouldFail(431).ErrorText!.ShouldContain(named, Case.Insensitive);
        (await host.CallAsync(host.Admin, "listServiceOfferings", ("name", name))).Text.ShouldBe("""{"listserviceofferingsresponse":{}}""");
    }

    [Fact]
    public async Task A_vm_has_the_size_that_it_was_given()
    {
        var bounded = await DeployedAsync(Id(await MadeAsync(Bounds)), ("details[0].CPUNUMBER", "4"), ("details[0].Memory", "1024"), ("details[0].owner", "me"));
        SizeOf(bounded).ShouldBe((4, 1200, 1024));

        // It is shown once: as the VM's size.
        bounded.GetProperty("details").EnumerateObject().Select(d => d.Name).ShouldBe(["owner"]);

        var open = await DeployedAsync(Id(await MadeAsync()), ("details[0].key", "cpuNumber"), ("details[0].value", "3"), ("details[1].memory", "96"), ("details[1].cpuspeed", "700"));
        SizeOf(open).ShouldBe((3, 700, 96));
    }

    [Theory]
    [InlineData(true, "cpuNumber", "")]
    [InlineData(true, "cpuNumber", "memory=512")]
    [InlineData(true, "memory", "cpuNumber=2")]
    [InlineData(true, "cpuNumber", "cpuNumber=1 memory=512")]
    [InlineData(true, "cpuNumber", "cpuNumber=5 memory=512")]
    [InlineData(true, "memory", "cpuNumber=2 memory=255")]
    [InlineData(true, "memory", "cpuNumber=2 memory=1025")]
    [InlineData(true, "cpuSpeed", "cpuNumber=2 memory=512 cpuSpeed=2000")]
    [InlineData(false, "cpuSpeed", "cpuNumber=2 memory=512")]
    [InlineData(false, "cpuSpeed", "cpuNumber=2 memory=512 cpuSpeed=0")]
    [InlineData(false, "cpuNumber", "cpuNumber=513 memory=512 cpuSpeed=500")]
    [InlineData(false, "memory", "cpuNumber=2 memory=31 cpuSpeed=500")]
    [InlineData(false, "cpuNumber", "cpuNumber=two memory=512 cpuSpeed=500")]
    [InlineData(false, "memory", "cpuNumber=2 memory=-512 cpuSpeed=500")]
    [InlineData(null, "cpuNumber", "cpuNumber=1")]
    [InlineData(null, "memory", "memory=256")]
    [InlineData(null, "cpuSpeed", "cpuSpeed=500")]
    public async Task A_size_that_the_offering_does_not_give_is_refused_by_name_and_nothing_changes(bool? bounded, string named, string sizes)
    {
        var offering = bounded switch
        {
            true => await MadeAsync(Bounds),
            false => await MadeAsync(),
            null => await MadeAsync(("cpunumber", "1"), ("cpuspeed", "500"), ("memory", "256")),
        };
        (string, string)[] details = [.. sizes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => s.Split('=')).Select(s => ($"details[0].{s[0]}", s[1]))];
        var vm = await StoppedAsync();
        var before = await host.Database.ReadAsync((db, ct) => db.Vms.CountAsync(ct), Token);

        var refused = new List<ApiAnswer> { await DeployAsync(Id(offering), details) };
        foreach (var command in new[] { "changeServiceForVirtualMachine", "scaleVirtualMachine" })
        {
            refused.Add(await host.CallAsync(host.Admin, command, [("id", vm.Id.ToString()), ("serviceofferingid", Id(offering)), .. details]));
        }

        refused.ShouldAllBe(r => r.ShouldFail(431).ErrorText!.Contains($"Detail {named} "));
        (await host.Database.ReadAsync((db, ct) => db.Vms.CountAsync(ct), Token)).ShouldBe(before);
        (await RowAsync(vm.Id)).ShouldBe(vm);
    }

    [Theory]
    [InlineData("changeServiceForVirtualMachine")]
    [InlineData("scaleVirtualMachine")]
    public async Task A_stopped_vm_gets_another_size_by_the_same_offering_and_the_size_of_a_fixed_one(string command)
    {
        var offering = Id(await MadeAsync(Bounds));
        var vm = await StoppedAsync();
        foreach (var (cpus, memory) in new[] { ("2", "256"), ("3", "512") })
        {
            (await host.CallAsync(host.Admin, command, ("id", vm.Id.ToString()), ("serviceofferingid", offering), ("details[0].cpuNumber", cpus), ("details[0].memory", memory))).ShouldSucceed();
        }

        SizeOf(await ShownAsync(vm.Id.ToString())).ShouldBe((3, 1200, 512));
        (await host.CallAsync(host.Admin, command, ("id", vm.Id.ToString()), ("serviceofferingid", offering), ("details[0].cpuNumber", "2"), ("details[0].memory", "256"), ("details[0].owner", "me")))
            .ShouldFail(431).ErrorText!.ShouldContain("owner");

        // It can go on to its own offering, with another size.
        (await host.CallAsync(host.Admin, "listServiceOfferings", ("id", offering), ("virtualmachineid", vm.Id.ToString()))).List("serviceoffering").ShouldHaveSingleItem();

        var fixedOne = Id(await MadeAsync(("cpunumber", "1"), ("cpuspeed", "500"), ("memory", "128")));
        (await host.CallAsync(host.Admin, command, ("id", vm.Id.ToString()), ("serviceofferingid", fixedOne))).ShouldSucceed();
        SizeOf(await ShownAsync(vm.Id.ToString())).ShouldBe((1, 500, 128));
    }

    [Fact]
    public async Task What_is_sent_back_to_a_vm_as_its_details_may_say_its_size_and_does_not_change_it()
    {
        var vm = await StoppedAsync();
        (await host.CallAsync(host.Admin, "updateVirtualMachine", ("id", vm.Id.ToString()), ("details[0].cpuNumber", $"{vm.Cpus}"), ("details[0].memory", $"{vm.MemoryMib}"), ("details[0].owner", "me"))).ShouldSucceed();
        (await RowAsync(vm.Id)).Details.ShouldBe("""{"owner":"me"}""");
        (await host.CallAsync(host.Admin, "updateVirtualMachine", ("id", vm.Id.ToString()), ("details[0].memory", $"{vm.MemoryMib + 1}"), ("details[0].owner", "you")))
            .ShouldFail(431).ErrorText!.ShouldContain("Detail memory ");
        (await RowAsync(vm.Id)).Details.ShouldBe("""{"owner":"me"}""");
    }

    [Theory]
    [InlineData(8, 3, "cpu", "4", "256")]
    [InlineData(9, 512, "memory", "2", "513")]
    public async Task Limits_count_what_a_vm_really_gets(int type, long most, string name, string cpus, string memory)
    {
        (string, string)[] limit = [("account", host.Other.Account.Name), ("domainid", host.Other.Domain.Id.ToString()), ("resourcetype", $"{type}")];
        (await host.CallAsync(host.Admin, "updateResourceLimit", [.. limit, ("max", $"{most}")])).ShouldSucceed();
        var offering = Id(await MadeAsync(Bounds));
        (await DeployAsync(offering, [("details[0].cpuNumber", cpus), ("details[0].memory", memory)], host.Other)).ShouldFail(535).ErrorText!.ShouldContain($"'{name}'");
        var vm = (await DeployAsync(offering, [("details[0].cpuNumber", "2"), ("details[0].memory", "256")], host.Other)).ShouldSucceed().Body.GetProperty("id").GetString()!;

        (await host.CallAsync(host.Other, "changeServiceForVirtualMachine", ("id", vm), ("serviceofferingid", offering), ("details[0].cpuNumber", cpus), ("details[0].memory", memory)))
            .ShouldFail(535).ErrorText!.ShouldContain($"'{name}'");
        (await host.CallAsync(host.Other, "changeServiceForVirtualMachine", ("id", vm), ("serviceofferingid", offering), ("details[0].cpuNumber", type == 8 ? "3" : "2"), ("details[0].memory", type == 9 ? "512" : "256")))
            .ShouldSucceed();

        (await host.CallAsync(host.Admin, "destroyVirtualMachine", ("id", vm))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "updateResourceLimit", [.. limit, ("max", "-1")])).ShouldSucceed();
    }

    [Fact]
    public async Task Whether_a_running_vm_may_be_scaled_is_said_by_setting_template_offering_and_vm_and_shown()
    {
        (await MadeAsync()).GetProperty("dynamicscalingenabled").GetBoolean().ShouldBeTrue();
        (await MadeAsync(("dynamicscalingenabled", "false"))).GetProperty("dynamicscalingenabled").GetBoolean().ShouldBeFalse();
        foreach (var (sent, shown) in new[] { ("true", true), ("false", false), ("", false) })
        {
            var template = (await host.CallAsync(
                host.Admin, "registerTemplate", ("name", Name()), ("format", "RAW"), ("hypervisor", "KVM"), ("url", "https://images.example.org/x.raw"), ("zoneid", "-1"), ("isdynamicallyscalable", sent)))
                .ShouldSucceed().List("template").First();
            template.GetProperty("isdynamicallyscalable").GetBoolean().ShouldBe(shown);
        }

        var offering = Id(await MadeAsync(("cpunumber", "1"), ("cpuspeed", "500"), ("memory", "128")));
        (await DeployedAsync(offering)).GetProperty("isdynamicallyscalable").GetBoolean().ShouldBeTrue();
        var vm = await DeployedAsync(offering, ("dynamicscalingenabled", "false"));
        vm.GetProperty("isdynamicallyscalable").GetBoolean().ShouldBeFalse();
        (await host.CallAsync(host.Admin, "updateVirtualMachine", ("id", Id(vm)), ("isdynamicallyscalable", "true"))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "updateVirtualMachine", ("id", Id(vm)), ("displayname", "other"))).ShouldSucceed();
        (await ShownAsync(Id(vm))).GetProperty("isdynamicallyscalable").GetBoolean().ShouldBeTrue("what is not sent stays");

        (await host.CallAsync(host.User, "listCapabilities")).Body.GetProperty("capability").GetProperty("dynamicscalingenabled").GetBoolean().ShouldBeFalse();
    }

    [Fact]
    public async Task Offerings_of_at_least_a_size_are_also_custom_ones_that_can_give_it()
    {
        var (bounded, open) = (Id(await MadeAsync(Bounds)), Id(await MadeAsync()));

        foreach (var (parameter, can, cannot) in new[] { ("cpunumber", "4", "5"), ("memory", "1024", "1025"), ("cpuspeed", "1200", "1201") })
        {
            var those = Ids(await host.CallAsync(host.User, "listServiceOfferings", (parameter, can)));
            those.ShouldContain(bounded);
            those.ShouldContain(open);
            those = Ids(await host.CallAsync(host.User, "listServiceOfferings", (parameter, cannot)));
            those.ShouldNotContain(bounded);
            those.ShouldContain(open);
        }
    }

    private static string Name() => $"custom-{Interlocked.Increment(ref _names)}";

    private static string Id(JsonElement entity) => entity.GetProperty("id").GetString()!;

    private static List<string> Ids(ApiAnswer answer) => [.. answer.List("serviceoffering").Select(Id)];

    private static bool Has(JsonElement entity, string property) => entity.TryGetProperty(property, out _);

    private static (int, int, int) SizeOf(JsonElement vm) => (vm.GetProperty("cpunumber").GetInt32(), vm.GetProperty("cpuspeed").GetInt32(), vm.GetProperty("memory").GetInt32());

    private async Task<JsonElement> MadeAsync(params (string, string)[] parameters) =>
        (await host.CallAsync(host.Admin, "createServiceOffering", [("name", Name()), .. parameters])).ShouldSucceed().Body.GetProperty("serviceoffering");

    private async Task<JsonElement> ListedAsync(JsonElement offering) => (await host.CallAsync(host.Admin, "listServiceOfferings", ("id", Id(offering)))).List("serviceoffering").Single();

    private async Task<ApiAnswer> DeployAsync(string offering, (string, string)[] details, TestUser? user = null)
    {
        var template = Rows.Template(host.Admin, Name(), isPublic: true);
        await host.InsertAsync(template);
        return await host.CallAsync(
            user ?? host.Admin, "deployVirtualMachine", [("serviceofferingid", offering), ("templateid", template.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("startvm", "false"), .. details]);
    }

    private async Task<JsonElement> DeployedAsync(string offering, params (string, string)[] details) => await ShownAsync(Id((await DeployAsync(offering, details)).ShouldSucceed().Body));

    private async Task<JsonElement> ShownAsync(string vm) => (await host.CallAsync(host.Admin, "listVirtualMachines", ("id", vm))).List("virtualmachine").Single();

    private async Task<VmRow> StoppedAsync()
    {
        var offering = Rows.ServiceOffering(Name());
        var vm = Rows.Vm(host.Admin, host.Zone.Id, offering, Name()) with { State = Core.States.VmState.Stopped };
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        return await RowAsync(vm.Id);
    }

    private Task<VmRow> RowAsync(VmId id) => host.Database.ReadAsync((db, ct) => db.Vms.SingleAsync(v => v.Id == id, ct), Token);
}
