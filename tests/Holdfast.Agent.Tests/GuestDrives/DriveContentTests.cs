using System.Text;
using System.Text.Json;
using Holdfast.Agent.GuestDrives;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.GuestDrives;

/// <summary>What guests find on their drives.</summary>
public sealed class DriveContentTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig";
    private static readonly string[] Macs = ["02:00:00:00:00:01", "02:00:00:00:00:02"];

    [Fact]
    public void A_guest_is_told_its_name_its_place_and_its_keys()
    {
        var files = DriveContent.Of(Samples.Told() with { PublicKeys = new Dictionary<string, string> { ["laptop"] = Key, ["backup"] = Key + "2" } }, Macs);

        var metadata = Json(files, "openstack/latest/meta_data.json");
        metadata.GetProperty("uuid").GetString().ShouldBe($"{Samples.Vm}-1");
        metadata.GetProperty("hostname").GetString().ShouldBe("web");
        metadata.GetProperty("availability_zone").GetString().ShouldBe("zone \"one\"");
        metadata.GetProperty("public_keys").GetProperty("laptop").GetString().ShouldBe(Key);
        metadata.GetProperty("keys").EnumerateArray().Select(k => (k.GetProperty("name").GetString(), k.GetProperty("type").GetString(), k.GetProperty("data").GetString()))
            .ShouldBe([("backup", "ssh", Key + "2"), ("laptop", "ssh", Key)]);
        metadata.TryGetProperty("admin_pass", out _).ShouldBeFalse();
        Text(files, "cloudstack/metadata/public-keys.txt").ShouldBe($"{Key}2\n{Key}");
        Text(files, "cloudstack/metadata/instance-id.txt").ShouldBe("i-2-17-VM");
        Text(files, "cloudstack/metadata/vm-id.txt").ShouldBe(Samples.Vm.ToString());
        Text(files, "cloudstack/metadata/local-hostname.txt").ShouldBe("web");
        Text(files, "cloudstack/metadata/availability-zone.txt").ShouldBe("zone \"one\"");
        Text(files, "cloudstack/metadata/service-offering.txt").ShouldBe("small");
        Text(files, "openstack/latest/vendor_data.json").ShouldBe("{}");
        files.ShouldNotContain(f => f.Path.Contains("user_data") || f.Path.Contains("password"));
    }

    [Fact]
    public void The_default_interface_asks_for_an_address_and_nobody_waits_for_the_others()
    {
        var networks = Json(DriveContent.Of(Samples.Told(), Macs), "openstack/latest/network_data.json");
        networks.GetProperty("links").EnumerateArray().Select(l => l.GetProperty("ethernet_mac_address").GetString()).ShouldBe(Macs);
        var only = networks.GetProperty("networks").EnumerateArray().ShouldHaveSingleItem();
        only.GetProperty("link").GetString().ShouldBe(networks.GetProperty("links")[0].GetProperty("id").GetString());
        only.GetProperty("type").GetString().ShouldBe("ipv4_dhcp");
        Json(DriveContent.Of(Samples.Told(), []), "openstack/latest/network_data.json").GetProperty("networks").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public void User_data_is_there_as_it_is_and_values_of_its_variables_are_meta_data()
    {
        byte[] packed = [0x1f, 0x8b, 0, 255, 10, 13];
        var files = DriveContent.Of(
            Samples.Told() with { UserData = Convert.ToBase64String(packed), Variables = new Dictionary<string, string> { ["role"] = "web\"}" } }, Macs);

        foreach (var path in new[] { "openstack/latest/user_data", "cloudstack/userdata/user_data.txt" })
        {
            files.Single(f => f.Path == path).Content.ShouldBe(packed);
        }

        Json(files, "openstack/latest/meta_data.json").GetProperty("role").GetString().ShouldBe("web\"}");
        Text(files, "cloudstack/metadata/role.txt").ShouldBe("web\"}");
    }

    [Fact]
    public void What_is_new_makes_another_instance_of_it_for_those_who_do_things_once()
    {
        InstanceOf(1).ShouldNotBe(Samples.Vm.ToString(), "cloud-init takes the machine's own UUID for a promise that nothing ever changes");
        InstanceOf(2).ShouldNotBe(InstanceOf(1));
        InstanceOf(2).ShouldBe(InstanceOf(2));

        static string InstanceOf(long told) => Json(DriveContent.Of(Samples.Told(told), []), "openstack/latest/meta_data.json").GetProperty("uuid").GetString()!;
    }

    [Fact]
    public void A_password_is_where_each_of_the_readers_looks_and_cannot_leave_its_quotes()
    {
        const string Password = "a\"b\\c: #'é\u2028";
        var files = DriveContent.Of(Samples.Told() with { Password = new Secret(Password) }, Macs);

        Json(files, "openstack/latest/meta_data.json").GetProperty("admin_pass").GetString().ShouldBe(Password);
        Text(files, "cloudstack/password/vm_password.txt").ShouldBe(Password);
        var config = Json(files, "openstack/latest/vendor_data.json").GetProperty("cloud-init").GetString()!;
        config.ShouldStartWith("#cloud-config\n{");
        config.Split('\n').Length.ShouldBe(2);
        var read = JsonDocument.Parse(config.Split('\n')[1]).RootElement;
        read.GetProperty("password").GetString().ShouldBe(Password);
        read.GetProperty("ssh_pwauth").GetBoolean().ShouldBeTrue();
        read.GetProperty("chpasswd").GetProperty("expire").GetBoolean().ShouldBeFalse();
    }

    [Theory]
    [InlineData("role", true)]
    [InlineData("my-role_1.x", true)]
    [InlineData("uuid", false)]
    [InlineData("Public_Keys", false)]
    [InlineData("local-hostname", false)]
    [InlineData("vm-id", false)]
    [InlineData("../escape", false)]
    [InlineData("a/b", false)]
    [InlineData(".hidden", false)]
    [InlineData("", false)]
    public void A_variable_has_a_name_that_nothing_else_has(string name, bool isFree) => GuestMetadata.IsFree(name).ShouldBe(isFree);

    [Fact]
    public void Every_name_that_the_drive_uses_is_one_that_no_variable_may_have()
    {
        var files = DriveContent.Of(Samples.Told() with { Password = new Secret("x"), PublicKeys = new Dictionary<string, string> { ["a"] = Key } }, Macs);
        Json(files, "openstack/latest/meta_data.json").EnumerateObject().ShouldAllBe(p => !GuestMetadata.IsFree(p.Name));
        files.Where(f => f.Path.StartsWith("cloudstack/metadata/", StringComparison.Ordinal)).ShouldAllBe(f => !GuestMetadata.IsFree(Path.GetFileNameWithoutExtension(f.Path)));
    }

    private static string Text(IReadOnlyList<DriveFile> files, string path) => Encoding.UTF8.GetString(files.Single(f => f.Path == path).Content);

    private static JsonElement Json(IReadOnlyList<DriveFile> files, string path) => JsonDocument.Parse(Text(files, path)).RootElement;
}
