using Holdfast.Server.Pools;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>What a storage pool's URL and details mean.</summary>
public sealed class PoolLocationTests
{
    /// <summary>Drivers run as root: whoever may add a pool was root on every host.</summary>
    [Theory]
    [InlineData("drbdsetup", "/tmp/mine")]
    [InlineData("DrbdSetup", "/tmp/mine")]
    [InlineData("devicePrefix", "/tmp")]
    [InlineData("deviceprefix", "/dev")]
    public void A_detail_that_names_a_program_or_path_of_the_hosts_is_refused(string name, string value)
    {
        PoolLocation.TryRead("linstor://192.0.2.1/group", "Linstor", new Dictionary<string, string> { [name] = value }, out var location, out var fault).ShouldBeFalse();
        location.ShouldBeNull();
        fault.ShouldNotBeNull().Text.ShouldContain($"Detail {name} ");
        fault.Text.ShouldContain("drivers.json");
    }

    [Theory]
    [InlineData("file:///srv/./p1")]
    [InlineData("file:///srv/p2/../p1")]
    [InlineData("file:///srv//p1")]
    [InlineData("file:///srv/%2e%2e/p1")]
    public void A_folder_is_written_as_it_is(string url)
    {
        PoolLocation.TryRead(url, null, new Dictionary<string, string>(), out _, out var fault).ShouldBeFalse();
        fault!.Text.ShouldContain("without '.', '..' or empty parts");
    }

    [Fact]
    public void A_detail_that_means_nothing_to_a_folder_is_refused()
    {
        PoolLocation.TryRead("file:///srv/p1", null, new Dictionary<string, string> { ["path"] = "/srv/p2" }, out _, out var fault).ShouldBeFalse();
        fault!.Text.ShouldContain("Detail path means nothing");
        PoolLocation.TryRead("http://127.0.0.1:3370", null, new Dictionary<string, string>(), out _, out fault).ShouldBeFalse();
        fault!.Text.ShouldContain("provider=Linstor");
    }

    /// <summary>They were stored, shown and of no effect.</summary>
    [Fact]
    public void A_detail_that_means_nothing_to_Linstor_is_refused()
    {
        PoolLocation.TryRead("linstor://192.0.2.1/group", "Linstor", new Dictionary<string, string> { ["resourceGrp"] = "fast" }, out _, out var fault).ShouldBeFalse();
        fault!.Text.ShouldContain("Detail resourceGrp means nothing to a storage pool on Linstor: there are resourceGroup, ");
    }

    [Fact]
    public void Other_details_are_settings_of_the_pool()
    {
        var details = new Dictionary<string, string> { ["resourceGroup"] = "fast", ["fingerprint"] = "00" };
        PoolLocation.TryRead("linstor://192.0.2.1", null, details, out var location, out _).ShouldBeTrue();
        location.ShouldNotBeNull().Config.ShouldBe(new Dictionary<string, string> { ["controllers"] = "http://192.0.2.1:3370", ["resourceGroup"] = "fast", ["fingerprint"] = "00" }, ignoreOrder: true);
    }
}
