using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

public sealed class FirstSliceTests
{
    [Fact]
    public async Task Spawn_OnANewCluster_CreatesDefinitionAndResource()
    {
        await using var simulator = await LinstorSimulator.StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, NodeName = "kvm1" }, cancellationToken: TestContext.Current.CancellationToken);
        using var calls = new Calls(simulator.Uri);

        var answer = await calls.PostAsync("/v1/resource-groups/rg/spawn", """{"resource_definition_name":"hf-1","volume_sizes":[65536]}""");

        ((int)answer.Status).ShouldBe(201);
        var resources = await calls.GetAsync("/v1/resource-definitions/hf-1/resources");
        ((string?)resources.Json[0]!["node_name"]).ShouldBe("kvm1");
    }
}
