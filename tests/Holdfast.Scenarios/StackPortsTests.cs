using Holdfast.Cli.Up;
using Shouldly;
using Xunit;

namespace Holdfast.Scenarios;

/// <summary>An installation comes back, and is removed, on the ports it was started with.</summary>
public sealed class StackPortsTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("hf-ports-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public void A_destroy_without_ports_uses_those_that_the_installation_was_started_with()
    {
        StackPorts.Choose(_data, 18080, 18250).Write(_data);

        StackPorts.Choose(_data, null, null).ShouldBe(new StackPorts(18080, 18250));
        StackPorts.Choose(_data, 9090, null).ShouldBe(new StackPorts(9090, 18250));
    }

    [Fact]
    public void A_folder_that_is_not_there_yet_gets_the_standard_ports() =>
        StackPorts.Choose(Path.Combine(_data, "none"), null, null).ShouldBe(new StackPorts(8080, 8250));

    [Fact]
    public void An_installation_of_an_older_version_is_found_by_its_keys()
    {
        File.WriteAllText(Path.Combine(_data, "admin.ini"), "[cloudstack]\nendpoint = http://127.0.0.1:18080/client/api\nkey = K\nsecret = S\n");

        StackPorts.Choose(_data, null, null).Api.ShouldBe(18080);
    }

    [Fact]
    public void A_file_of_ports_that_cannot_be_read_is_named()
    {
        File.WriteAllText(Path.Combine(_data, "ports"), "eighty\n");

        Should.Throw<StackFaultException>(() => StackPorts.Choose(_data, null, null)).Message.ShouldContain(_data);
    }
}
