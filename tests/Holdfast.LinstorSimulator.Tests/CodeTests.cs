using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>Return codes and statuses as they were seen on the wire or computed from the server's constants: signed 64-bit, exact.</summary>
public sealed class CodeTests
{
    [Fact]
    public async Task CreateDefinition_New_Is201Created()
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions", """{"resource_definition":{"name":"vol-1","resource_group_name":"rg"}}""");
        (answer.Status, answer.Code).ShouldBe((201, 20447233));
    }

    [Fact]
    public async Task CreateDefinition_Twice_Is500Exists()
    {
        await using var cluster = await Cluster.StorageAsync();
        const string Body = """{"resource_definition":{"name":"vol-1"}}""";
        await cluster.Calls.PostAsync("/v1/resource-definitions", Body);
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions", Body);
        (answer.Status, answer.Code).ShouldBe((500, -4611686018406940171));
    }

    [Fact]
    public async Task Spawn_DefinitionExists_CarriesTheGroupsBits()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.SpawnAsync("vol-1");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018406153739));
    }

    [Fact]
    public async Task Spawn_GroupUnknown_Is404()
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.SpawnAsync("vol-1", group: "nosuch");
        (answer.Status, answer.Code).ShouldBe((404, -4611686018406153923));
    }

    [Fact]
    public async Task Spawn_NotEnoughNodes_Is500AndLeavesNothing()
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.PostAsync(
            "/v1/resource-groups/rg/spawn", """{"resource_definition_name":"vol-1","volume_sizes":[65536],"select_filter":{"place_count":2}}""");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018406153244));
        (await cluster.Calls.GetAsync("/v1/resource-definitions?resource_definitions=vol-1")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task MakeAvailable_NodeUnknown_Is404()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/nosuch/make-available", "{}");
        (answer.Status, answer.Code).ShouldBe((404, -4611686018407202516));
    }

    [Fact]
    public async Task MakeAvailable_DefinitionUnknown_Is404()
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        (answer.Status, answer.Code).ShouldBe((404, -4611686018407202515));
    }

    [Fact]
    public async Task MakeAvailable_NodeWithoutPool_Is404()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.PostAsync("/v1/nodes", """{"name":"bare","type":"Satellite","net_interfaces":[{"name":"default","address":"10.0.0.9"}]}""");
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/bare/make-available", "{}");
        (answer.Status, answer.Code).ShouldBe((404, -4611686018407202506));
    }

    [Fact]
    public async Task DeleteResource_There_Is200Deleted()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1/resources/kvm1");
        (answer.Status, answer.Code).ShouldBe((200, 53739522));
    }

    [Theory]
    [InlineData("vol-1", "kvm2")]
    [InlineData("nosuch", "kvm1")]
    [InlineData("vol-1", "nosuch")]
    public async Task DeleteResource_Absent_Is200WithAWarning(string resource, string node)
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.DeleteAsync($"/v1/resource-definitions/{resource}/resources/{node}");
        (answer.Status, answer.Code).ShouldBe((200, -9223372036801033288));
    }

    [Fact]
    public async Task DeleteResource_SatelliteOffline_Is200WithAWarning()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await DiskfulNodeAsync(cluster);
        await cluster.Simulator.Cluster.SetNodeOnlineAsync(node, false, TestContext.Current.CancellationToken);
        var answer = await cluster.Calls.DeleteAsync($"/v1/resource-definitions/vol-1/resources/{node}");
        answer.Status.ShouldBe(200);
        answer.Codes.ShouldContain(-9223372036801035286);
    }

    [Fact]
    public async Task DeleteResource_InUse_Is500()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await DiskfulNodeAsync(cluster);
        (await cluster.Simulator.Cluster.SetOpenAsync("vol-1", node, true, TestContext.Current.CancellationToken)).ShouldBeNull();
        var answer = await cluster.Calls.DeleteAsync($"/v1/resource-definitions/vol-1/resources/{node}");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018373647387));
    }

    [Fact]
    public async Task DeleteResource_WantedAsTieBreaker_IsTakenOver()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await TieBreakerNodeAsync(cluster);
        await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{node}/make-available", "{}");
        var answer = await cluster.Calls.DeleteAsync($"/v1/resource-definitions/vol-1/resources/{node}?keep_tiebreaker=True");
        (answer.Status, answer.Code).ShouldBe((200, 4611686018481137430));
    }

    [Fact]
    public async Task DeleteDefinition_Absent_Is200WithAWarning()
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/nosuch");
        (answer.Status, answer.Code).ShouldBe((200, -9223372036800771144));
    }

    [Fact]
    public async Task DeleteDefinition_InUse_Is500()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Simulator.Cluster.SetOpenAsync("vol-1", await DiskfulNodeAsync(cluster), true, TestContext.Current.CancellationToken);
        var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018373385243));
    }

    [Fact]
    public async Task DeleteDefinition_WithSnapshots_Is500()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018373385726));
    }

    [Fact]
    public async Task ModifyDefinition_SetProperty_Is200Modified()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"override_props":{"Aux/holdfast/volume":"1"}}""");
        answer.Status.ShouldBe(200);
        answer.Codes.ShouldContain(37224451);
    }

    [Fact]
    public async Task CreateSnapshot_Succeeds_With201CreatedThenModified()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        answer.Status.ShouldBe(201);
        answer.Codes[..2].ShouldBe([17563649, 17563651]);
    }

    [Fact]
    public async Task CreateSnapshot_Twice_Is500()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018409823742));
    }

    [Fact]
    public async Task CreateSnapshot_SatelliteOffline_Is500()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Simulator.Cluster.SetNodeOnlineAsync(await DiskfulNodeAsync(cluster), false, TestContext.Current.CancellationToken);
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018409823261));
    }

    [Fact]
    public async Task DeleteSnapshot_Absent_Is200WithAWarning()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1/snapshots/s1");
        (answer.Status, answer.Code).ShouldBe((200, -9223372036803654728));
    }

    [Fact]
    public async Task Resize_SameSize_Is200WithAWarning()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1", 65536);
        var answer = await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/volume-definitions/0", """{"size_kib":65536}""");
        (answer.Status, answer.Code).ShouldBe((200, -9223372036818074625));
    }

    [Fact]
    public async Task Resize_NotAllUpToDate_Is500()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Simulator.Cluster.SetNodeOnlineAsync(await DiskfulNodeAsync(cluster), false, TestContext.Current.CancellationToken);
        var answer = await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/volume-definitions/0", """{"size_kib":131072}""");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018390686770));
    }

    [Fact]
    public async Task Resize_ShrinkOnDrbd_Is500()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1", 65536);
        var answer = await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/volume-definitions/0", """{"size_kib":32768}""");
        (answer.Status, answer.Code).ShouldBe((500, -4611686018390687538));
    }

    [Fact]
    public async Task Resize_ExactSizeSet_IsRefusedUntilThePropertyIsGone()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1", 65536);
        await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"override_props":{"DrbdOptions/ExactSize":"true"}}""");
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/volume-definitions/0", """{"size_kib":131072}""")).Short.ShouldBe("E213");
        await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"delete_props":["DrbdOptions/ExactSize"]}""");
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/volume-definitions/0", """{"size_kib":131072}""")).Status.ShouldBe(200);
    }

    /// <summary>It took whatever it was given, and a driver that misspelt a property would have been taken for right.</summary>
    [Theory]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"override_props":{"Aux/good":"1","Foo/bar":"1"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"override_props":{"Aux/good":"1","DrbdOptions/Net/allow-two-primaries":"maybe"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"override_props":{"Aux/good":"1","DrbdOptions/Net/protocol":"D"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"override_props":{"Aux/good":"1"},"delete_props":["Foo/bar"]}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"override_props":{"Aux/":"1"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1/volume-definitions/0", """{"override_props":{"DrbdOptions/Net/protocol":"C"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1/resources/kvm1", """{"override_props":{"DrbdOptions/Net/protocol":"C"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2", """{"override_props":{"DrbdOptions/Resource/quorum":"off"}}""")]
    [InlineData("PUT", "/v1/resource-groups/rg", """{"override_props":{"DrbdOptions/Resource/on-no-quorum":"hope"}}""")]
    [InlineData("PUT", "/v1/nodes/kvm1", """{"override_props":{"NodeUname":"other"}}""")]
    [InlineData("POST", "/v1/controller/properties", """{"override_props":{"Aux/good":"1","Cluster/LocalID":"mine"}}""")]
    [InlineData("DELETE", "/v1/controller/properties/Cluster%2FLocalID", null)]
    [InlineData("POST", "/v1/resource-groups/rg/spawn", """{"resource_definition_name":"vol-2","volume_sizes":[4096],"resource_definition_props":{"Foo/bar":"1"}}""")]
    [InlineData("POST", "/v1/resource-definitions", """{"resource_definition":{"name":"vol-2","props":{"Foo/bar":"1"}}}""")]
    public async Task AProperty_ThatIsNotKnownThereOrCannotHaveTheValue_Is213AndNothingIsDone(string method, string path, string? body)
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var before = await StateAsync();
        var answer = await cluster.Calls.SendAsync(new HttpMethod(method), path, body);
        (answer.Status, answer.Short).ShouldBe((500, "E213"));
        (await StateAsync()).ShouldBe(before);

        async Task<string> StateAsync() => string.Concat(
            (await cluster.Calls.GetAsync("/v1/controller/properties")).Text,
            (await cluster.Calls.GetAsync("/v1/nodes")).Text,
            (await cluster.Calls.GetAsync("/v1/resource-groups")).Text,
            (await cluster.Calls.GetAsync("/v1/resource-definitions?with_volume_definitions=true")).Text,
            (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Text,
            (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resource-connections")).Text);
    }

    [Theory]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"override_props":{"Aux/any thing":"","DrbdOptions/Net/allow-two-primaries":"Yes","DrbdOptions/Resource/quorum":"2","sys/fs/blkio_throttle_read_iops":"100"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1", """{"delete_props":["DrbdOptions/Net/protocol"]}""")]
    [InlineData("PUT", "/v1/resource-groups/rg", """{"override_props":{"DrbdOptions/Resource/on-no-quorum":"suspend-io"}}""")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2", """{"override_props":{"DrbdOptions/Net/protocol":"C"}}""")]
    public async Task AProperty_ThatIsKnown_IsTaken(string method, string path, string body)
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        (await cluster.Calls.SendAsync(new HttpMethod(method), path, body)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Lists_AreSortedByName_WhateverWasThereFirst()
    {
        await using var cluster = await Cluster.DrbdAsync();
        foreach (var name in new[] { "vol-b", "Vol-C", "vol-a" })
        {
            await cluster.Calls.SpawnAsync(name);
        }

        await cluster.Calls.PostAsync("/v1/nodes", """{"name":"alpha","type":"Satellite","net_interfaces":[{"name":"default","address":"10.0.0.1"}]}""");
        await cluster.Calls.PostAsync("/v1/resource-groups", """{"name":"alpha"}""");
        (await NamesAsync("/v1/resource-definitions", "name")).ShouldBe(["vol-a", "vol-b", "Vol-C"]);
        (await NamesAsync("/v1/view/resources", "name")).Distinct().ShouldBe(["vol-a", "vol-b", "Vol-C"]);
        (await NamesAsync("/v1/nodes", "name"))[0].ShouldBe("alpha");
        (await NamesAsync("/v1/resource-groups", "name"))[0].ShouldBe("alpha");
        var nodes = await NamesAsync("/v1/resource-definitions/vol-a/resources", "node_name");
        nodes.ShouldBe(nodes.Order(StringComparer.OrdinalIgnoreCase));

        async Task<List<string>> NamesAsync(string path, string key) => [.. (await cluster.Calls.GetAsync(path)).Json.AsArray().Select(one => (string)one![key]!)];
    }

    [Theory]
    [InlineData("POST", "/v1/resource-groups/rg/spawn", """{"resource_definition_name":"v1","volume_sizes":[4096],"nonsense":1}""", 500)]
    [InlineData("POST", "/v1/resource-groups/rg/spawn", "", 500)]
    [InlineData("POST", "/v1/resource-groups/rg/spawn", "{", 500)]
    [InlineData("POST", "/v1/resource-definitions/v1/resources/kvm1/make-available", "", 500)]
    [InlineData("POST", "/v1/resource-definitions/v1/resources/kvm1/make-available", """{"diskfull":true}""", 500)]
    [InlineData("POST", "/v1/resource-definitions/v1/resources", """{"resource":{"node_name":"kvm1"}}""", 500)]
    [InlineData("POST", "/v1/resource-definitions", """{"name":"v1"}""", 400)]
    public async Task BodyThatCannotBeParsed_IsTheParseErrorAndChangesNothing(string method, string path, string body, int status)
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.SendAsync(new HttpMethod(method), path, body);
        (answer.Status, answer.Code).ShouldBe((status, -3458764513820540931));
        (await cluster.Calls.GetAsync("/v1/resource-definitions")).Text.ShouldBe("[]");
    }

    [Theory]
    [InlineData("GET", "/v1/nothing/here", 404)]
    [InlineData("DELETE", "/v1/controller/version", 405)]
    public async Task UnknownRouteOrMethod_IsCode998_UnlikeAnUnknownObject(string method, string path, int status)
    {
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", Devices = DeviceMode.None }, check: false);
        var answer = await cluster.Calls.SendAsync(new HttpMethod(method), path, null);
        (answer.Status, answer.Short).ShouldBe((status, "E998"));
    }

    [Theory]
    [InlineData("/v1/nodes/nosuch", "E300")]
    [InlineData("/v1/nodes/kvm1/storage-pools/nosuch", "E310")]
    [InlineData("/v1/resource-groups/nosuch", "E317")]
    [InlineData("/v1/resource-definitions/nosuch", "E301")]
    [InlineData("/v1/resource-definitions/nosuch/resources", "E301")]
    [InlineData("/v1/resource-definitions/nosuch/volume-definitions", "E301")]
    [InlineData("/v1/resource-definitions/nosuch/sync-status", "E301")]
    [InlineData("/v1/resource-definitions/nosuch/snapshots", "E301")]
    [InlineData("/v1/resource-definitions/vol-1/resources/kvm9", "E302")]
    [InlineData("/v1/resource-definitions/vol-1/volume-definitions/7", "E303")]
    [InlineData("/v1/resource-definitions/vol-1/snapshots/nosuch", "E313")]
    [InlineData("/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm9", "E300")]
    [InlineData("/v1/resource-definitions/vol-1/clone/nosuch", "E301")]
    [InlineData("/v1/view/resources?nodes=nosuch", "E300")]
    public async Task UnknownObject_Is404WithOneEntry(string path, string code)
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.GetAsync(path);
        (answer.Status, answer.Short).ShouldBe((404, code));
    }

    [Theory]
    [InlineData("/v1/resource-definitions?resource_definitions=nosuch")]
    [InlineData("/v1/resource-groups?resource_groups=nosuch")]
    [InlineData("/v1/nodes?nodes=nosuch")]
    [InlineData("/v1/view/resources?resources=nosuch")]
    [InlineData("/v1/view/snapshots?resources=nosuch")]
    [InlineData("/v1/view/storage-pools?cached=true&storage_pools=nosuch")]
    public async Task UnknownNameInAFilter_IsAnEmptyList(string path)
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.GetAsync(path);
        (answer.Status, answer.Text).ShouldBe((200, "[]"));
    }

    internal static async Task<string> DiskfulNodeAsync(Cluster cluster) => await NodeAsync(cluster, static flags => flags is null);

    internal static async Task<string> TieBreakerNodeAsync(Cluster cluster) => await NodeAsync(cluster, static flags => flags?.Contains("TIE_BREAKER") ?? false);

    private static async Task<string> NodeAsync(Cluster cluster, Func<string?, bool> wanted)
    {
        var resources = await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources");
        return (string)resources.Json.AsArray().First(resource => wanted(resource!["flags"]?.ToJsonString()))!["node_name"]!;
    }
}
