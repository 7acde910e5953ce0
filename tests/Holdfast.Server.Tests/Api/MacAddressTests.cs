using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Addresses of interfaces: an address is one interface's, whatever way it is written.</summary>
public sealed class MacAddressTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Theory]
    [InlineData("02:00:00:00:10:01")]
    [InlineData("02-00-00-00-10-01")]
    [InlineData("0200.0000.1001")]
    [InlineData("02:00:00:00:10:01", "02-00-00-00-10-01")]
    public async Task The_same_address_for_a_second_vm_is_refused_while_the_first_is_there(string second, string? again = null)
    {
        var (offering, template) = await FactsAsync();
        var first = (await DeployAsync(offering, template, "02:00:00:00:10:01")).ShouldSucceed().Body.GetProperty("id").GetString()!;

        foreach (var form in new[] { second, again ?? second })
        {
            var text = (await DeployAsync(offering, template, form)).ShouldFail(431).ErrorText!;
            text.ShouldContain("02:00:00:00:10:01");
            text.ShouldContain(first);
        }

        (await host.CallAsync(host.Admin, "destroyVirtualMachine", ("id", first), ("expunge", "true"))).ShouldSucceed();
        await GoneAsync(first);
        var next = (await DeployAsync(offering, template, second)).ShouldSucceed().Body.GetProperty("id").GetString()!;
        (await host.CallAsync(host.Admin, "destroyVirtualMachine", ("id", next), ("expunge", "true"))).ShouldSucceed();
        await GoneAsync(next);
    }

    [Theory]
    [InlineData("00:00:00:00:00:00")]
    [InlineData("00-00-00-00-00-00")]
    [InlineData("0000.0000.0000")]
    [InlineData("ff:ff:ff:ff:ff:ff")]
    [InlineData("01:00:5e:00:00:01")]
    [InlineData("03-00-00-00-00-01")]
    [InlineData("02:00:00:00:00")]
    [InlineData("02:00:00:00:00:00:01")]
    [InlineData("02:00-00:00-00:01")]
    [InlineData("0200:0000:0001")]
    [InlineData("02.00.00.00.00.01")]
    [InlineData("02:00:00:00:00:0g")]
    public async Task An_address_that_no_interface_can_have_is_refused(string address)
    {
        var (offering, template) = await FactsAsync();

        (await DeployAsync(offering, template, address)).ShouldFail(431).ErrorText!.ShouldContain(address);
        (await host.CallAsync(
            host.Admin, "deployVirtualMachine", ("serviceofferingid", offering), ("templateid", template), ("zoneid", $"{host.Zone.Id}"), ("startvm", "false"),
            ("iptonetworklist[0].networkid", $"{host.Network.Id}"), ("iptonetworklist[0].mac", address))).ShouldFail(431).ErrorText!.ShouldContain(address);
    }

    [Theory]
    [InlineData("02:00:00:00:20:0A", "02:00:00:00:20:0a")]
    [InlineData("02-00-00-00-20-0B", "02:00:00:00:20:0b")]
    [InlineData("0200.0000.200C", "02:00:00:00:20:0c")]
    public async Task Every_way_to_write_an_address_is_taken_and_shown_alike(string sent, string shown)
    {
        var (offering, template) = await FactsAsync();

        var id = (await DeployAsync(offering, template, sent)).ShouldSucceed().Body.GetProperty("id").GetString()!;

        (await host.CallAsync(host.Admin, "listVirtualMachines", ("id", id))).List("virtualmachine").Single().GetProperty("nic")[0].GetProperty("macaddress").GetString().ShouldBe(shown);
    }

    private Task<ApiAnswer> DeployAsync(string offering, string template, string mac) => host.CallAsync(
        host.Admin, "deployVirtualMachine", ("serviceofferingid", offering), ("templateid", template), ("zoneid", $"{host.Zone.Id}"), ("startvm", "false"), ("macaddress", mac));

    private async Task<(string Offering, string Template)> FactsAsync()
    {
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(host.Admin));
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        return ($"{offering.Id}", $"{template.Id}");
    }

    private async Task GoneAsync(string id)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await host.CallAsync(host.Admin, "listVirtualMachines", ("id", id))).List("virtualmachine").Length > 0)
        {
            await Task.Delay(20, deadline.Token);
        }
    }
}
