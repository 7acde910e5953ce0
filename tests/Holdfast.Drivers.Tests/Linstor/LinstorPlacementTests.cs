using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>On which node the data of a volume is, and what a host's own node has to do with it.</summary>
public sealed class LinstorPlacementTests
{
    private const long Size = Driving.Size;

    /// <summary>The node of the host in these tests: LINSTOR would take others first.</summary>
    private const string Here = "kvm3";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static VolumeId NewVolume() => new(Guid.NewGuid());

    /// <summary>LINSTOR put volumes on another node, where they could not be used from here, and the room of all nodes was summed up.</summary>
    [Theory]
    [InlineData("1.28.0")]
    [InlineData("1.21.0")]
    public async Task WithoutDrbd_AVolume_IsMadeOnThisHostsOwnNodeAndOnlyThatNodesRoomCounts(string rest)
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, SimulatedNodes = ["kvm2", Here], RestApiVersion = rest });
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        (await driver.ProbeAsync()).Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(20L << 30);

        for (var i = 0; i < 3; i++)
        {
            var volume = NewVolume();
            Ok(await driver.EnsureAsync(volume));
            (await NodesAsync(bench, volume)).ShouldBe([Here]);
        }

        driver.Driver.Capabilities.IsShared.ShouldBeFalse();
        driver.Driver.Capabilities.HoldsData.ShouldBe(true);
        driver.Driver.Capabilities.NotSharedReason.ShouldNotBeNull().ShouldContain("'rg'");
        driver.Driver.Capabilities.NotSharedReason.ShouldContain("scope HOST");
    }

    [Fact]
    public async Task WithoutDrbd_AHostWhoseNodeHasNoStoragePool_SaysThatNothingCanBeMadeThere()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, SimulatedNodes = ["kvm2", Here] });
        await DeleteAsync(bench, $"v1/nodes/{Here}/storage-pools/thin");
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        var status = await driver.ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Down);
        status.Error.ShouldNotBeNull().Text.ShouldContain($"node '{Here}' has no storage pool of the group");
        driver.Driver.Capabilities.HoldsData.ShouldBe(false);
    }

    [Fact]
    public async Task WithDrbd_AHostWhoseNodeHasNoStoragePool_ServesAndSaysThatItHoldsNoData()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2", Here] });
        await DeleteAsync(bench, $"v1/nodes/{Here}/storage-pools/thin");
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        var status = await driver.ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Up);
        status.Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(20L << 30, "two nodes with two replicas of everything");
        driver.Driver.Capabilities.ShouldBe(driver.Driver.Capabilities with { IsShared = true, NotSharedReason = null, HoldsData = false });
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume, local: true));
        (await NodesAsync(bench, volume)).ShouldBe([Node, "kvm2"]);
    }

    [Fact]
    public async Task Traits_OfAGroupThatIsChanged_AreLearnt()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2", Here] });
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        await driver.ProbeAsync();
        driver.Driver.Capabilities.IsShared.ShouldBeTrue();
        using (var client = new HttpClient { BaseAddress = bench.Simulator.Uri })
        {
            (await client.PutAsJsonAsync("v1/resource-groups/rg", new { select_filter = new { layer_stack = new[] { "STORAGE" } } }, Token)).EnsureSuccessStatusCode();
        }

        // The next volume counts on the group as it is, not as it was when it was last looked at.
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        (await NodesAsync(bench, volume)).ShouldBe([Here]);
        var next = bench.Driver(driver.Pool, new() { ["nodeName"] = Here });
        await next.ProbeAsync();
        next.Driver.Capabilities.IsShared.ShouldBeFalse();
    }

    /// <summary>The version was read when the controller was found, and a controller that was upgraded between two requests was taken for the old one for ever.</summary>
    [Fact]
    public async Task AControllerThatWasUpgraded_IsAskedAgainWhoItIs()
    {
        var (rest, health) = ("1.25.0", 200);
        await using var controller = new ScriptedController(request => request.Line.Split(' ')[1].Split('?')[0] switch
        {
            "/health" => request.ReplyAsync(health, "Storage of the controller is full"),
            "/v1/controller/version" => request.ReplyAsync(200, $$"""{"version":"1.31.0","rest_api_version":"{{rest}}"}"""),
            "/v1/controller/properties" => request.ReplyAsync(200, "{}"),
            "/v1/nodes" => request.ReplyAsync(200, """[{"name":"kvm1","connection_status":"ONLINE"}]"""),
            "/v1/resource-groups" => request.ReplyAsync(200, """[{"name":"rg","select_filter":{"place_count":1}}]"""),
            "/v1/view/storage-pools" => request.ReplyAsync(200, """[{"storage_pool_name":"thin","node_name":"kvm1","provider_kind":"LVM_THIN","free_capacity":1,"total_capacity":2}]"""),
            _ => request.ReplyAsync(404, "[]"),
        });
        await using var bench = await StartAsync();
        var time = new ShiftedTime();
        var driver = bench.Driver(controllers: controller.Url, time: time);
        (await driver.ProbeAsync()).Error.ShouldBeNull();
        driver.Driver.Capabilities.CanClone.ShouldBeFalse("REST 1.25 cannot mark a clone");
        (rest, health) = ("1.27.0", 500);
        time.Advance(TimeSpan.FromMinutes(2));
        (await driver.ProbeAsync()).Error.ShouldNotBeNull().Backend.ShouldNotBeNull().ShouldContain("full");
        driver.Driver.Capabilities.CanClone.ShouldBeTrue();
        health = 200;
        time.Advance(TimeSpan.FromMinutes(2));
        (await driver.ProbeAsync()).Error.ShouldBeNull();
    }

    /// <summary>The pool stayed healthy while LINSTOR refused every new volume for this host.</summary>
    [Fact]
    public async Task Probe_WithThisHostsSatelliteAway_TellsThatNothingNewCanBeMadeHere()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2", Here] });
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        (await driver.ProbeAsync()).ControlPlane.ShouldBe(PlaneHealth.Up);
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Here, false, Token);
        var away = await driver.ProbeAsync();
        away.ControlPlane.ShouldBe(PlaneHealth.Down);
        away.Error.ShouldNotBeNull().Text.ShouldContain($"node '{Here}', is OFFLINE");
        away.Capacity.ShouldNotBeNull();
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Here, true, Token);
        (await driver.ProbeAsync()).ControlPlane.ShouldBe(PlaneHealth.Up);

        // Another host's satellite is that host's matter.
        await bench.Simulator.Cluster.SetNodeOnlineAsync("kvm2", false, Token);
        (await driver.ProbeAsync()).ControlPlane.ShouldBe(PlaneHealth.Up);
    }

    /// <summary>A template's bytes went over the network from a host that got no replica.</summary>
    [Theory]
    [InlineData("1.28.0")]
    [InlineData("1.21.0")]
    public async Task Local_WithDrbd_HasItsFirstReplicaHereAndTheOthersWhereLinstorLikes(string rest)
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions
        {
            Devices = DeviceMode.None, Drbd = true, PlaceCount = 2, SimulatedNodes = ["kvm2", Here, "kvm4"], RestApiVersion = rest,
        });
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        await driver.ProbeAsync();
        var (anywhere, here) = (NewVolume(), NewVolume());
        Ok(await driver.EnsureAsync(anywhere));
        (await NodesAsync(bench, anywhere)).ShouldBe([Node, "kvm2"]);
        Ok(await driver.EnsureAsync(here, local: true));
        var nodes = await NodesAsync(bench, here);
        nodes.Count.ShouldBe(2);
        nodes.ShouldContain(Here);

        // No part of what the volume is.
        Ok(await driver.EnsureAsync(here)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.EnsureAsync(anywhere, local: true)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
    }

    [Theory]
    [InlineData("definition")]
    [InlineData("volume")]
    [InlineData("first replica")]
    public async Task Local_CutOffAtAnyStep_IsCompletedByTheNextCall(string step)
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, PlaceCount = 2, SimulatedNodes = ["kvm2", Here, "kvm4"] });
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        await driver.ProbeAsync();
        var volume = NewVolume();
        var definition = $"v1/resource-definitions/hf-{volume}";
        var marks = new Dictionary<string, string>
        {
            ["Aux/holdfast/volume-id"] = $"{volume}", ["Aux/holdfast/pool-id"] = $"{driver.Pool}", ["Aux/holdfast/generation"] = "1", ["Aux/holdfast/source"] = "empty",
            ["Aux/holdfast/building"] = "true",
        };
        await PostAsync(bench, "v1/resource-definitions", new { resource_definition = new { name = $"hf-{volume}", resource_group_name = "rg", props = marks } });
        if (step != "definition")
        {
            await PostAsync(bench, $"{definition}/volume-definitions", new { volume_definition = new { size_kib = Size / 1024 } });
        }

        if (step == "first replica")
        {
            await PostAsync(bench, $"{definition}/autoplace", new { select_filter = new { node_name_list = new[] { Here }, place_count = 1 } });
        }

        Ok(await driver.EnsureAsync(volume, local: true)).Volume.SizeBytes.ShouldBe(Size);
        var nodes = await NodesAsync(bench, volume);
        nodes.Count.ShouldBe(2);
        nodes.ShouldContain(Here);
    }

    [Fact]
    public async Task Local_WhereThisNodeCannotTakeIt_IsMadeElsewhereAllTheSame()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, PlaceCount = 2, SimulatedNodes = ["kvm2", Here] });
        var driver = bench.Driver(config: new() { ["nodeName"] = Here });
        await driver.ProbeAsync();
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Here, false, Token);
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume, local: true));
        (await NodesAsync(bench, volume)).ShouldBe([Node, "kvm2"]);
    }

    private static async Task<List<string>> NodesAsync(LinstorBench bench, VolumeId volume)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        var resources = (await client.GetFromJsonAsync<JsonArray>($"v1/resource-definitions/hf-{volume}/resources", Token))!;
        return
        [
            .. resources.Where(static one => one!["flags"]?.AsArray().Any(static flag => flag!.GetValue<string>().Contains("DISKLESS", StringComparison.Ordinal)) != true)
                .Select(static one => one!["node_name"]!.GetValue<string>()).Order(StringComparer.Ordinal),
        ];
    }

    private static async Task PostAsync<T>(LinstorBench bench, string path, T body)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        (await client.PostAsJsonAsync(path, body, Token)).EnsureSuccessStatusCode();
    }

    private static async Task DeleteAsync(LinstorBench bench, string path)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        (await client.DeleteAsync(path, Token)).EnsureSuccessStatusCode();
    }
}
