using System.Text.Json.Nodes;
using Shouldly;
using Xunit;
using static Holdfast.LinstorSimulation.Tests.CodeTests;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>What make-available, delete, autoplace and connections do, and when they may be repeated.</summary>
public sealed class ResourceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MakeAvailable_AlreadyThere_IsGenericSuccess()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        (answer.Status, answer.Code).ShouldBe((200, 20185088));
    }

    [Fact]
    public async Task MakeAvailable_AlreadyThereAndSatelliteOffline_StillSucceeds()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Simulator.Cluster.SetNodeOnlineAsync("kvm1", false, Cancel);
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        (answer.Status, answer.Code).ShouldBe((200, 20185088));
    }

    [Fact]
    public async Task MakeAvailable_AnotherLayerList_Is500Layer()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", """{"layer_list":["DRBD","STORAGE"]}""");
        (answer.Status, answer.Short).ShouldBe((500, "E225"));
    }

    [Fact]
    public async Task MakeAvailable_NotThereWithADiskfulPeer_CreatesADiskless()
    {
        await using var cluster = await Cluster.DrbdAsync(4);
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await FreeNodeAsync(cluster);
        var answer = await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{node}/make-available", """{"diskful":false}""");
        answer.Status.ShouldBe(200);
        var resource = (await cluster.Calls.GetAsync($"/v1/resource-definitions/vol-1/resources/{node}")).Json;
        Flags(resource).ShouldBe(["DRBD_DISKLESS", "CLIENT"], ignoreOrder: true);
    }

    [Fact]
    public async Task MakeAvailable_BeforeRest128_CreatesAVotingDiskless()
    {
        await using var cluster = await Cluster.DrbdAsync(4, "1.27.0");
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await FreeNodeAsync(cluster);
        await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{node}/make-available", "{}");
        var resources = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json.AsArray();
        Flags(resources.First(resource => (string)resource!["node_name"]! == node)!).ShouldBe(["DRBD_DISKLESS"]);
        resources.ShouldNotContain(resource => Flags(resource!).Contains("TIE_BREAKER"), "a voting diskless makes the tie-breaker superfluous");
    }

    [Fact]
    public async Task MakeAvailable_DiskfulOnADiskless_AddsADisk()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await TieBreakerNodeAsync(cluster);
        await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{node}/make-available", """{"diskful":true}""");
        Flags((await cluster.Calls.GetAsync($"/v1/resource-definitions/vol-1/resources/{node}")).Json).ShouldBeEmpty();
    }

    [Fact]
    public async Task MakeAvailable_NodeOfflineAndNotThere_Is404NoPool()
    {
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = ["kvm2"], Devices = DeviceMode.None });
        await cluster.Calls.SpawnAsync("vol-1");
        var other = (string)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json[0]!["node_name"]! == "kvm1" ? "kvm2" : "kvm1";
        await cluster.Simulator.Cluster.SetNodeOnlineAsync(other, false, Cancel);
        var answer = await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{other}/make-available", "{}");
        (answer.Status, answer.Short).ShouldBe((404, "E310"));
    }

    [Fact]
    public async Task MakeAvailable_OnTheTieBreakersNode_MakesItWanted()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await TieBreakerNodeAsync(cluster);
        await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{node}/make-available", "{}");
        Flags((await cluster.Calls.GetAsync($"/v1/resource-definitions/vol-1/resources/{node}")).Json).ShouldBe(["DRBD_DISKLESS"]);
    }

    [Fact]
    public async Task Spawn_TwoReplicasAndAThirdNode_CreatesATieBreaker()
    {
        await using var cluster = await Cluster.DrbdAsync();
        var answer = await cluster.Calls.SpawnAsync("vol-1");
        answer.Short.Split(' ').ShouldContain("I10003");
        var flags = Flags((await cluster.Calls.GetAsync($"/v1/resource-definitions/vol-1/resources/{await TieBreakerNodeAsync(cluster)}")).Json);
        flags.ShouldBe(["DISKLESS", "DRBD_DISKLESS", "TIE_BREAKER"], ignoreOrder: true);
    }

    [Fact]
    public async Task Spawn_TwoReplicasWithoutAThirdNode_Warns()
    {
        await using var cluster = await Cluster.DrbdAsync(2);
        (await cluster.Calls.SpawnAsync("vol-1")).Short.Split(' ').ShouldContain("W1013");
    }

    [Fact]
    public async Task DeleteResource_TieBreakerWithKeep_ChangesNothing()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await TieBreakerNodeAsync(cluster);
        (await cluster.Calls.DeleteAsync($"/v1/resource-definitions/vol-1/resources/{node}?keep_tiebreaker=true")).Status.ShouldBe(200);
        (await TieBreakerNodeAsync(cluster)).ShouldBe(node);
    }

    [Fact]
    public async Task DeleteResource_TieBreakerWithoutKeep_TurnsTieBreakersOff()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var node = await TieBreakerNodeAsync(cluster);
        (await cluster.Calls.DeleteAsync($"/v1/resource-definitions/vol-1/resources/{node}")).Status.ShouldBe(200);
        (await cluster.Calls.GetAsync($"/v1/resource-definitions/vol-1/resources/{node}")).Status.ShouldBe(404);
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1")).Json["props"]!["DrbdOptions/auto-add-quorum-tiebreaker"]).ShouldBe("False");
    }

    [Fact]
    public async Task DeleteResource_LastDiskWhileDisklessExist_IsRefused()
    {
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = ["kvm2"], Drbd = true, PlaceCount = 1, Devices = DeviceMode.None });
        await cluster.Calls.SpawnAsync("vol-1");
        var disk = await DiskfulNodeAsync(cluster);
        await cluster.Calls.PostAsync($"/v1/resource-definitions/vol-1/resources/{(disk == "kvm1" ? "kvm2" : "kvm1")}/make-available", "{}");
        var answer = await cluster.Calls.DeleteAsync($"/v1/resource-definitions/vol-1/resources/{disk}");
        (answer.Status, answer.Short).ShouldBe((500, "E997"));
    }

    [Fact]
    public async Task DeleteDefinition_SatelliteOffline_LingersUntilItIsBack()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var away = await DiskfulNodeAsync(cluster);
        await cluster.Simulator.Cluster.SetNodeOnlineAsync(away, false, Cancel);
        var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1");
        answer.Status.ShouldBe(200);
        answer.Short.Split(' ').ShouldContain("W1002");
        var lingering = (await cluster.Calls.GetAsync("/v1/resource-definitions?resource_definitions=vol-1")).Json;
        Flags(lingering[0]!).ShouldBe(["DELETE"]);
        var left = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json.AsArray();
        left.Select(static resource => (string)resource!["node_name"]!).ShouldBe([away]);
        Flags(left[0]!).ShouldBe(["DELETE", "DRBD_DELETE"], ignoreOrder: true);

        await cluster.Simulator.Cluster.SetNodeOnlineAsync(away, true, Cancel);

        (await cluster.Calls.GetAsync("/v1/resource-definitions?resource_definitions=vol-1")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task Views_OfAnOfflineNode_HaveNoState()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var away = await DiskfulNodeAsync(cluster);
        await cluster.Simulator.Cluster.SetNodeOnlineAsync(away, false, Cancel);
        var resource = (await cluster.Calls.GetAsync($"/v1/resource-definitions/vol-1/resources/{away}")).Json.AsObject();
        resource.ContainsKey("state").ShouldBeFalse();
        var volume = (await cluster.Calls.GetAsync($"/v1/view/resources?resources=vol-1&nodes={away}")).Json[0]!["volumes"]![0]!.AsObject();
        volume.ContainsKey("state").ShouldBeFalse();
        volume.ContainsKey("device_path").ShouldBeFalse();
    }

    [Fact]
    public async Task Views_OfStorageOnly_HaveAStateWithoutInUse()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var resource = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Json;
        resource["state"]!.ToJsonString().ShouldBe("{}");
    }

    [Fact]
    public async Task Views_LeaveOutWhatIsEmpty()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var definition = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1")).Json.AsObject();
        definition.Select(static pair => pair.Key).ShouldBe(["name", "props", "layer_data", "uuid", "resource_group_name"], ignoreOrder: true);
    }

    [Fact]
    public async Task Names_CompareWithoutCaseAndKeepTheirs()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("Vol-1");
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vOL-1")).Json["name"]).ShouldBe("Vol-1");
        (await cluster.Calls.SpawnAsync("vol-1")).Short.ShouldBe("E501");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-abc")]
    [InlineData("a b")]
    [InlineData("0123456789012345678901234567890123456789012345678")]
    public async Task Spawn_InvalidName_Is500(string name)
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.SpawnAsync(name);
        (answer.Status, answer.Short).ShouldBe((500, "E202"));
    }

    [Theory]
    [InlineData("""{"resource_definition_name":"v1","volume_sizes":[0]}""", "E206")]
    [InlineData("""{"resource_definition_name":"v1","volume_sizes":[4096],"volume_passphrases":["a","b"]}""", "E234")]
    [InlineData("""{"resource_definition_name":"v1","volume_sizes":[4096,4096]}""", "E228")]
    [InlineData("""{"resource_definition_name":"v1","volume_sizes":[4096],"select_filter":{"layer_stack":["LUKS","STORAGE"]}}""", "E225")]
    public async Task Spawn_BadRequest_Is500AndLeavesNothing(string body, string code)
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.PostAsync("/v1/resource-groups/rg/spawn", body);
        (answer.Status, answer.Short).ShouldBe((500, code));
        (await cluster.Calls.GetAsync("/v1/resource-definitions")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task Spawn_DefinitionsOnly_CreatesNoResource()
    {
        await using var cluster = await Cluster.StorageAsync();
        var answer = await cluster.Calls.PostAsync("/v1/resource-groups/rg/spawn", """{"resource_definition_name":"v1","volume_sizes":[4096],"definitions_only":true}""");
        answer.Status.ShouldBe(201);
        answer.Short.Split(' ').ShouldContain("I10000");
        (await cluster.Calls.GetAsync("/v1/resource-definitions/v1/resources")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task Spawn_MoreThanThePoolAllows_IsNotEnoughNodes()
    {
        await using var cluster = await Cluster.StorageAsync();
        (await cluster.Calls.SpawnAsync("vol-1", 900L << 20)).Short.ShouldBe("E996");
    }

    [Fact]
    public async Task Spawn_FieldNewerThanTheServer_IsAParseError()
    {
        await using var cluster = await Cluster.DrbdAsync(2, "1.21.0");
        var answer = await cluster.Calls.PostAsync("/v1/resource-groups/rg/spawn", """{"resource_definition_name":"v1","volume_sizes":[4096],"volume_passphrases":["x"]}""");
        answer.Code.ShouldBe(-3458764513820540931);
    }

    [Fact]
    public async Task Autoplace_EmptyBodyObject_UsesTheGroup()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.PostAsync("/v1/resource-groups/rg/spawn", """{"resource_definition_name":"v1","volume_sizes":[4096],"definitions_only":true}""");
        (await cluster.Calls.PostAsync("/v1/resource-definitions/v1/autoplace", "{}")).Status.ShouldBe(201);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/v1/autoplace", "{}")).Short.ShouldBe("W1006");
    }

    [Fact]
    public async Task CreateResource_Twice_Is500Exists()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources", """[{"resource":{"node_name":"kvm1"}}]""");
        (answer.Status, answer.Short).ShouldBe((500, "E502"));
    }

    [Fact]
    public async Task ModifyConnection_EitherOrder_IsTheSameConnection()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        const string On = """{"override_props":{"DrbdOptions/Net/allow-two-primaries":"yes","DrbdOptions/Net/protocol":"C"}}""";
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/resource-connections/kvm2/kvm1", On)).Status.ShouldBe(200);
        var props = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2")).Json["props"]!;
        ((string?)props["DrbdOptions/Net/allow-two-primaries"]).ShouldBe("yes");
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resource-connections/kvm2/kvm1")).Json["props"]!["DrbdOptions/Net/allow-two-primaries"]).ShouldBe("yes");
        cluster.Simulator.Cluster.TwoPrimariesLeftovers.Count.ShouldBe(1);
        const string Off = """{"delete_props":["DrbdOptions/Net/allow-two-primaries","DrbdOptions/Net/protocol"]}""";
        await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2", Off);
        var again = await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2", Off);
        again.Status.ShouldBe(200);
        again.Short.ShouldBe("S2 S3", "what is not set is answered as if it was, and no satellite is told");
        cluster.Simulator.Cluster.TwoPrimariesLeftovers.ShouldBeEmpty();
    }

    [Fact]
    public async Task Connections_OfAnUnknownDefinition_AreNone()
    {
        await using var cluster = await Cluster.DrbdAsync();
        var answer = await cluster.Calls.GetAsync("/v1/resource-definitions/nosuch/resource-connections");
        (answer.Status, answer.Text).ShouldBe((200, "[]"));
        (await cluster.Calls.GetAsync("/v1/resource-definitions/nosuch/resource-connections/kvm1/kvm2")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Create_WithAPoolWhereATieBreakerIs_TogglesTheDiskIn()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        async Task<List<string>> DisklessAsync() =>
        [
            .. (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json.AsArray().Where(static one => Flags(one!).Contains("DRBD_DISKLESS")).Select(static one => (string)one!["node_name"]!),
        ];
        var node = (await DisklessAsync()).ShouldHaveSingleItem();
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources", $$$$"""[{"resource":{"node_name":"{{{{node}}}}","props":{"StorPoolName":"thin"}}}]""");
        answer.Status.ShouldBe(201);
        (await DisklessAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task DeleteNode_WithEmptyPools_TakesThemToo()
    {
        await using var cluster = await Cluster.StorageAsync();
        (await cluster.Calls.DeleteAsync("/v1/nodes/kvm1")).Short.ShouldBe("S2");
        (await cluster.Calls.GetAsync("/v1/view/storage-pools?cached=true")).Json.AsArray().ShouldNotContain(static pool => (string)pool!["node_name"]! == "kvm1");
    }

    [Fact]
    public async Task StoragePools_AreSortedByPoolAndNode()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.PostAsync("/v1/nodes/kvm2/storage-pools", """{"storage_pool_name":"aaa","provider_kind":"LVM_THIN"}""");
        var names = (await cluster.Calls.GetAsync("/v1/view/storage-pools?cached=true")).Json.AsArray().Select(static pool => $"{pool!["storage_pool_name"]} {pool["node_name"]}").ToList();
        names[0].ShouldBe("aaa kvm2");
        names.ShouldBe(names.Order(StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task ModifyConnection_NodeWithoutTheResource_Is404()
    {
        await using var cluster = await Cluster.DrbdAsync(4);
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PutAsync($"/v1/resource-definitions/vol-1/resource-connections/{await FreeNodeAsync(cluster)}/{await DiskfulNodeAsync(cluster)}", "{}");
        (answer.Status, answer.Short).ShouldBe((404, "E302"));
    }

    [Fact]
    public async Task SecondOpener_WithoutTwoPrimaries_IsRefused()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        (await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm1", true, Cancel)).ShouldBeNull();
        (await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm2", true, Cancel)).ShouldNotBeNull();
        await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"override_props":{"DrbdOptions/Net/allow-two-primaries":"yes"}}""");
        (await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm2", true, Cancel)).ShouldBeNull();
        var inUse = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json.AsArray().Count(static resource => (bool?)resource!["state"]!["in_use"] == true);
        inUse.ShouldBe(2);
    }

    [Fact]
    public async Task ModifyDefinition_DeleteAnUnsetProperty_IsAnsweredAsIfItWasSet()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"delete_props":["Aux/none"]}""")).Short.ShouldBe("S2 S3");
    }

    [Fact]
    public async Task Snapshot_Restore_MakesAVolumeOfItsOwn()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/snapshots/s1")).Json["flags"]![0]).ShouldBe("SUCCESSFUL");
        await cluster.Calls.PostAsync("/v1/resource-definitions", """{"resource_definition":{"name":"vol-2","resource_group_name":"rg"}}""");
        const string To = """{"to_resource":"vol-2"}""";
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-restore-volume-definition/s1", To)).Status.ShouldBe(200);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-restore-resource/s1", To)).Status.ShouldBe(200);
        (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-2/resources/kvm1")).Status.ShouldBe(200);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-restore-resource/s1", To)).Short.ShouldBe("E502");
    }

    [Fact]
    public async Task MultiSnapshot_OneResourceUnknown_TakesNone()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/actions/snapshot/multi", """{"snapshots":[{"name":"s1","resource_name":"vol-1"},{"name":"s1","resource_name":"nosuch"}]}""");
        answer.Status.ShouldBe(404);
        (await cluster.Calls.GetAsync("/v1/view/snapshots")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task Rollback_InUse_IsRefused()
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm1", true, Cancel);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-rollback/s1", "{}")).Short.ShouldBe("E997");
        await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm1", false, Cancel);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-rollback/s1", "{}")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Clone_Answers201WithAnObject_AndCompletes()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"override_props":{"Aux/holdfast/volume":"1"}}""");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/clone", """{"name":"vol-2"}""");
        answer.Status.ShouldBe(201);
        ((string?)answer.Json["location"]).ShouldBe("/v1/resource-definitions/vol-1/clone/vol-2");
        await cluster.WaitForAsync("/v1/resource-definitions/vol-1/clone/vol-2", static status => (string?)status.Json["status"] == "COMPLETE", "a complete clone");
        var clone = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-2")).Json;
        clone["flags"].ShouldBeNull();
        ((string?)clone["props"]!["Aux/holdfast/volume"]).ShouldBe("1", "a clone copies the properties, Aux included");
    }

    [Fact]
    public async Task QueryAllSizeInfo_TellsEveryGroup()
    {
        await using var cluster = await Cluster.StorageAsync();
        var info = (await cluster.Calls.PostAsync("/v1/queries/resource-groups/query-all-size-info", "{}")).Json["result"]!["rg"]!["space_info"]!;
        ((long?)info["capacity_in_kib"]).ShouldBe(20L << 20);
        ((string?)info["next_spawn_result"]![0]!["node_name"]).ShouldBe("kvm1");
    }

    [Theory]
    [InlineData("/v1/nodes")]
    [InlineData("/v1/nodes/kvm1")]
    [InlineData("/v1/nodes/kvm1/net-interfaces")]
    [InlineData("/v1/nodes/kvm1/net-interfaces/default")]
    [InlineData("/v1/nodes/kvm1/storage-pools")]
    [InlineData("/v1/nodes/kvm1/storage-pools/thin")]
    [InlineData("/v1/view/storage-pools?cached=true")]
    [InlineData("/v1/view/storage-pools")]
    [InlineData("/v1/storage-pool-definitions")]
    [InlineData("/v1/resource-groups")]
    [InlineData("/v1/resource-groups/rg")]
    [InlineData("/v1/resource-groups/rg/volume-groups")]
    [InlineData("/v1/resource-groups/rg/volume-groups/0")]
    [InlineData("/v1/resource-groups/rg/query-max-volume-size")]
    [InlineData("/v1/resource-definitions?with_volume_definitions=True")]
    [InlineData("/v1/resource-definitions/vol-1/volume-definitions")]
    [InlineData("/v1/resource-definitions/vol-1/volume-definitions/0")]
    [InlineData("/v1/resource-definitions/vol-1/sync-status")]
    [InlineData("/v1/resource-definitions/vol-1/resources")]
    [InlineData("/v1/resource-definitions/vol-1/resources/kvm1/volumes")]
    [InlineData("/v1/resource-definitions/vol-1/resource-connections")]
    [InlineData("/v1/resource-definitions/vol-1/snapshots")]
    [InlineData("/v1/view/resources")]
    [InlineData("/v1/view/resources?limit=1&offset=1")]
    [InlineData("/v1/view/snapshots")]
    [InlineData("/v1/controller/version")]
    [InlineData("/v1/controller/config")]
    [InlineData("/v1/controller/properties")]
    [InlineData("/v1/error-reports?withContent=True")]
    [InlineData("/v1/encryption/passphrase")]
    [InlineData("/v1/key-value-store")]
    [InlineData("/v1/key-value-store/none")]
    [InlineData("/v1/physical-storage")]
    [InlineData("/v1/remotes")]
    [InlineData("/v1/schedules")]
    [InlineData("/v1/files")]
    [InlineData("/v1/space-report")]
    [InlineData("/health")]
    public async Task Reads_OfAPopulatedCluster_FitTheSchema(string path)
    {
        await using var cluster = await Cluster.DrbdAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        (await cluster.Calls.GetAsync(path)).Status.ShouldBe(200);
    }

    [Fact]
    public void OpenApiFile_IsBesideTheRepository()
    {
        Assert.SkipWhen(Schema.OpenApiFile.Instance is null, "shared/facts/linstor-openapi.yaml is not beside the repository: no exchange of these tests is checked against the schema");
        Schema.OpenApiFile.Instance.Templates.Count().ShouldBeGreaterThan(100);
    }

    private static async Task<string> FreeNodeAsync(Cluster cluster)
    {
        var used = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json.AsArray().Select(static resource => (string)resource!["node_name"]!).ToList();
        return (await cluster.Calls.GetAsync("/v1/nodes")).Json.AsArray().Select(static node => (string)node!["name"]!).First(node => !used.Contains(node));
    }

    private static List<string> Flags(JsonNode node) => [.. (node["flags"]?.AsArray() ?? []).Select(static flag => (string)flag!)];
}
