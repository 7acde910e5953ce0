using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Directory;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Directory;

public sealed class DirectorySettingsTests
{
    [Theory]
    [InlineData("relative/path", "absolute")]
    [InlineData("", "missing")]
    [InlineData("/", "root folder")]
    [InlineData("//", "root folder")]
    [InlineData("/srv/../etc", "'..'")]
    [InlineData("/srv//pool", "empty parts")]
    [InlineData("/srv/po\nol", "control characters")]
    [InlineData("/etc/holdfast", "system folder")]
    [InlineData("/proc/self", "system folder")]
    [InlineData("/var/lib/holdfast/b1/state/pool", "lie in each other")]
    [InlineData("/var/lib/holdfast/b1", "lie in each other")]
    [InlineData("/var/lib/holdfast", "lie in each other")]
    public void Read_UnusablePath_IsRefusedNamingTheSetting(string path, string reason)
    {
        var error = Read(("path", path)).ShouldBeOfType<DriverResult<DirectorySettings>.Failed>().Error;

        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain("'path'");
        error.Text.ShouldContain(reason);
    }

    [Theory]
    [InlineData("/srv/pool")]
    [InlineData("/srv/pool/")]
    [InlineData("/var/lib/holdfast-pool")]
    [InlineData("/etcetera/pool")]
    public void Read_UsablePath_IsTaken(string path) =>
        Read(("path", path)).ShouldBeOfType<DriverResult<DirectorySettings>.Ok>().Value.Path.ShouldBe(path.TrimEnd('/'));

    [Theory]
    [InlineData("format", "vmdk")]
    [InlineData("shared", "yes")]
    [InlineData("requireMount", "1")]
    public void Read_WrongValue_IsRefusedNamingTheSetting(string name, string value) =>
        Read(("path", "/srv/pool"), (name, value)).ShouldBeOfType<DriverResult<DirectorySettings>.Failed>().Error.Text.ShouldContain($"'{name}'");

    private static DriverResult<DirectorySettings> Read(params (string Name, string Value)[] config) => DirectorySettings.Read(new DriverStartup
    {
        Protocol = 1,
        PoolId = PoolId.From(Guid.CreateVersion7()),
        PoolName = "pool",
        Generation = Generation.First,
        Socket = "/var/lib/holdfast/b1/driver.sock",
        StateFolder = "/var/lib/holdfast/b1/state",
        NodeName = "node",
        Config = config.ToDictionary(static one => one.Name, static one => one.Value),
    });
}
