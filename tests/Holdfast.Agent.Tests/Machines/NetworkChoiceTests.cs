using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Machines;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Machines;

public sealed class NetworkChoiceTests
{
    [Theory]
    [InlineData(null, null, "", "none")]
    [InlineData(null, null, "other", "none")]
    [InlineData(null, null, "default", "network default")]
    [InlineData(null, "br0", "", "bridge br0")]
    [InlineData(null, "br0", "default", "bridge br0")]
    [InlineData("br9", null, "", "bridge br9")]
    [InlineData("br9", "br0", "default", "bridge br9")]
    [InlineData("inner", "br0", "default,inner", "network inner")]
    public void An_interface_gets_what_is_named_then_the_hosts_bridge_then_libvirts_default(string? named, string? hostBridge, string active, string expected)
    {
        var choice = NetworkChoice.Make(Spec(new MachineNic { Mac = "02:00:00:00:00:01", NetworkName = "lan", Bridge = named }), hostBridge, active.Split(','));
        var source = choice.Nics.SingleOrDefault()?.Source switch
        {
            DomainNicSource.Bridge bridge => $"bridge {bridge.Name}",
            DomainNicSource.LibvirtNetwork network => $"network {network.Name}",
            _ => "none",
        };
        source.ShouldBe(expected);
        choice.Without.ShouldBe(expected == "none" ? ["lan"] : []);
        choice.Networks.ShouldBe(expected == "none" ? [] : ["lan"]);
    }

    [Fact]
    public void One_interface_without_a_place_does_not_cost_the_others()
    {
        var choice = NetworkChoice.Make(
            Spec(
                new MachineNic { Mac = "02:00:00:00:00:01", NetworkName = "lan" },
                new MachineNic { Mac = "02:00:00:00:00:02", NetworkName = "dmz", Bridge = "br7" }),
            null, []);
        choice.Nics.Single().MacAddress.ShouldBe("02:00:00:00:00:02");
        choice.Networks.ShouldBe(["dmz"]);
        choice.Without.ShouldBe(["lan"]);
    }

    [Fact]
    public void A_machine_without_interfaces_needs_no_network() => NetworkChoice.Make(Spec(), "br0", ["default"]).Nics.ShouldBeEmpty();

    private static MachineSpec Spec(params MachineNic[] nics) => Samples.Machine(Desired.Running).Machine! with { Nics = nics };
}
