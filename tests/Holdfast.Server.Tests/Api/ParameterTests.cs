using System.Runtime.CompilerServices;
using System.Text.Json;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Startup;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>
/// A parameter that CloudStack honours is honoured, or refused and said so, or listed as one that cannot matter here. cloudstack-parameters.json has CloudStack's own
/// parameters of the commands that are here, taken from its Go SDK (apache/cloudstack-go, Apache-2.0).
/// </summary>
public sealed class ParameterTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static readonly Dictionary<string, string[]> CloudStacks =
        JsonSerializer.Deserialize<Dictionary<string, string[]>>(File.ReadAllText(Path.Combine(Folder(), "cloudstack-parameters.json")))!;

    public static TheoryData<string> Commands() => [.. CloudStacks.Keys];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Each_parameter_that_CloudStack_has_is_honoured_or_refused_or_said_to_be_without_effect(string name)
    {
        var command = ServerCommands.Table.Find(name).ShouldNotBeNull();
        var own = command.Parameters.Select(p => p.Name.ToLowerInvariant()).ToList();
        var foreign = ForeignParameters.Of(command).Select(p => p.Name).ToList();

        CloudStacks[name].Except(own).Except(foreign).ShouldBeEmpty("dropped without a word");
        own.Intersect(foreign).ShouldBeEmpty("both honoured and not");
        foreign.Except(CloudStacks[name]).ShouldBeEmpty("not CloudStack's");
        foreign.ShouldBeUnique();
    }

    [Fact]
    public void The_table_names_only_commands_that_are_there_and_gives_a_reason_for_each_parameter()
    {
        ForeignParameters.Commands.ShouldAllBe(name => ServerCommands.Table.Find(name) != null);
        foreach (var parameter in ServerCommands.Table.All.SelectMany(ForeignParameters.Of))
        {
            parameter.Why.ShouldNotBeNullOrWhiteSpace();
            parameter.Name.ShouldBe(parameter.Name.ToLowerInvariant());
            (parameter.Treatment == ParameterTreatment.WithoutEffect && parameter.Harmless.Count > 0).ShouldBeFalse(parameter.Name);
        }

        // Only a list can find nothing.
        ServerCommands.Table.All.Where(c => !c.IsList).SelectMany(ForeignParameters.Of).ShouldAllBe(p => p.Treatment != ParameterTreatment.FindsNothing);
    }

    [Theory]
    [InlineData("affinitygroupids", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("affinitygroupnames", "nosuch")]
    [InlineData("securitygroupids", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("securitygroupnames", "nosg")]
    [InlineData("userdataid", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("podid", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("overridediskofferingid", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("ipaddress", "10.1.1.5")]
    [InlineData("boottype", "Coreboot")]
    [InlineData("bootmode", "SECURE")]
    [InlineData("displayvm", "false")]
    [InlineData("deploymentplanner", "nosuch")]
    [InlineData("password", "x")]
    [InlineData("userdatadetails[0].uuid", "x")]
    [InlineData("keyboard", "zz")]
    [InlineData("nicnetworklist[0].nic", "1")]
    [InlineData("properties[0].key", "x")]
    [InlineData("userdata", "not*base64")]
    [InlineData("details[0].cpuNumber", "8")]
    [InlineData("details[0].rootDiskController", "scsi")]
    [InlineData("details[0].rootdisksize", "much")]
    public async Task A_deploy_that_asks_for_what_is_not_done_is_refused_by_the_parameters_name_and_makes_nothing(string parameter, string value)
    {
        var before = await VmsAsync();

        var text = (await DeployAsync((parameter, value))).ShouldFail(431).ErrorText!;

        text.ShouldContain(parameter.StartsWith("details", StringComparison.Ordinal) ? parameter[11..] : parameter.Split('[')[0]);
        (await VmsAsync()).ShouldBe(before);
    }

    [Theory]
    [InlineData("boottype", "BIOS")]
    [InlineData("displayvm", "true")]
    [InlineData("dynamicscalingenabled", "false")]
    [InlineData("keypair", "")]
    [InlineData("details[0].owner", "me")]
    public async Task A_deploy_that_asks_for_what_is_so_anyway_is_done(string parameter, string value) => (await DeployAsync((parameter, value))).ShouldSucceed();

    [Fact]
    public async Task The_size_of_the_root_disk_is_taken_from_the_details_too_and_refused_when_both_differ()
    {
        var id = (await DeployAsync(("details[0].rootdisksize", "2"))).ShouldSucceed().Body.GetProperty("id").GetString()!;

        (await host.CallAsync(host.Admin, "listVolumes", ("virtualmachineid", id), ("type", "ROOT"))).List("volume").Single().GetProperty("size").GetInt64().ShouldBe(2L << 30);
        (await DeployAsync(("details[0].rootdisksize", "2"), ("rootdisksize", "1"))).ShouldFail(431).ErrorText!.ShouldContain("rootdisksize");
        (await DeployAsync(("details[0].rootdisksize", "2"), ("rootdisksize", "2"))).ShouldSucceed();
    }

    [Theory]
    [InlineData("zoneid")]
    [InlineData("domainid")]
    [InlineData("deploymentplanner")]
    [InlineData("networkrate")]
    [InlineData("cachemode")]
    [InlineData("limitcpuuse")]
    [InlineData("provisioningtype")]
    [InlineData("offerha")]
    [InlineData("storagetype")]
    [InlineData("diskofferingstrictness")]
    public async Task An_offering_that_promises_what_is_not_kept_is_refused(string parameter)
    {
        var value = parameter switch
        {
            "zoneid" => $"{host.Zone.Id}",
            "domainid" => $"{host.User.Domain.Id}",
            "networkrate" => "100",
            "cachemode" => "writeback",
            "provisioningtype" => "fat",
            "storagetype" => "local",
            "deploymentplanner" => "FirstFitPlanner",
            _ => "true",
        };

        var answer = await host.CallAsync(host.Admin, "createServiceOffering", ("name", "liar"), ("cpunumber", "1"), ("memory", "256"), ("cpuspeed", "500"), (parameter, value));

        answer.ShouldFail(431).ErrorText!.ShouldContain(parameter);
        (await host.CallAsync(host.Admin, "listServiceOfferings", ("name", "liar"))).Text.ShouldBe("""{"listserviceofferingsresponse":{}}""");
    }

    [Fact]
    public async Task A_list_by_what_nothing_has_finds_nothing_and_not_everything()
    {
        (await DeployAsync()).ShouldSucceed();

        (await host.CallAsync(host.Admin, "listVirtualMachines", ("listall", "true"))).List("virtualmachine").ShouldNotBeEmpty();
        (await host.CallAsync(host.Admin, "listVirtualMachines", ("listall", "true"), ("keypair", "x"))).Text.ShouldBe("""{"listvirtualmachinesresponse":{}}""");
        (await host.CallAsync(host.Admin, "listVirtualMachines", ("listall", "true"), ("haenable", "false"), ("showicon", "true"))).List("virtualmachine").ShouldNotBeEmpty();
        (await host.CallAsync(host.Admin, "listVirtualMachines", ("groupid", "x"))).ShouldFail(431).ErrorText!.ShouldContain("groupid");
    }

    [Fact]
    public async Task A_vm_shows_the_disk_offering_that_it_was_deployed_with()
    {
        var disk = Rows.DiskOffering($"disk {Guid.NewGuid():N}");
        await host.InsertAsync(disk);

        var id = (await DeployAsync(("diskofferingid", $"{disk.Id}"))).ShouldSucceed().Body.GetProperty("id").GetString()!;

        var shown = (await host.CallAsync(host.Admin, "listVirtualMachines", ("id", id))).List("virtualmachine").Single();
        shown.GetProperty("diskofferingid").GetString().ShouldBe($"{disk.Id}");
        shown.GetProperty("diskofferingname").GetString().ShouldBe(disk.Name);
    }

    [Fact]
    public async Task An_offering_that_is_not_displayed_is_seen_by_administrators_only()
    {
        var hidden = Rows.DiskOffering($"hidden {Guid.NewGuid():N}") with { DisplayOffering = false };
        await host.InsertAsync(hidden);

        (await host.CallAsync(host.User, "listDiskOfferings", ("name", hidden.Name))).Text.ShouldBe("""{"listdiskofferingsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listDiskOfferings", ("name", hidden.Name))).List("diskoffering").Length.ShouldBe(1);
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private async Task<ApiAnswer> DeployAsync(params (string, string)[] parameters)
    {
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(host.Admin));
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        return await host.CallAsync(
            host.Admin, "deployVirtualMachine", [("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"), ("zoneid", $"{host.Zone.Id}"), ("startvm", "false"), .. parameters]);
    }

    private Task<int> VmsAsync() => host.Database.ReadAsync((db, ct) => db.Vms.CountAsync(ct), TestContext.Current.CancellationToken);
}
