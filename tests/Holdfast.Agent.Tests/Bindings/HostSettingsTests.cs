using Holdfast.Agent.Bindings.Processes;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Bindings;

/// <summary>What the host's own configuration says to drivers.</summary>
public sealed class HostSettingsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_a_file_nothing_is_said() => HostSettings.Read(_folder["drivers.json"], "linstor", "fast").ShouldBeEmpty();

    [Fact]
    public void A_pools_own_section_comes_before_its_drivers_and_others_are_not_told()
    {
        Write("""{"linstor": {"nodeName": "kvm1.example.org", "drbdsetup": "/usr/sbin/drbdsetup"}, "linstor/fast": {"nodeName": "kvm1"}, "linstor/slow": {"nodeName": "no"}, "nfs": {"x": "y"}}""");
        HostSettings.Read(_folder["drivers.json"], "linstor", "fast").ShouldBe(
            new Dictionary<string, string> { ["nodeName"] = "kvm1", ["drbdsetup"] = "/usr/sbin/drbdsetup" }, ignoreOrder: true);
        HostSettings.Read(_folder["drivers.json"], "directory", "fast").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"linstor": "kvm1"}""")]
    [InlineData("""{"linstor": {"nodeName": 1}}""")]
    [InlineData("""{"linstor": {"nodeName": null}}""")]
    public void A_file_that_is_something_else_is_named(string json)
    {
        Write(json);
        Should.Throw<InvalidDataException>(() => HostSettings.Read(_folder["drivers.json"], "linstor", "fast")).Message.ShouldContain(_folder["drivers.json"]);
    }

    [Fact]
    public void A_file_that_others_may_write_is_not_believed()
    {
        Write("{}", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        Should.Throw<InvalidDataException>(() => HostSettings.Read(_folder["drivers.json"], "linstor", "fast")).Message.ShouldContain("written by others");
    }

    private void Write(string json, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        File.WriteAllText(_folder["drivers.json"], json);
        File.SetUnixFileMode(_folder["drivers.json"], mode);
    }
}
