using System.Text.Json.Nodes;
using Holdfast.LinstorSimulation.Devices;
using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>What a real cluster was seen to do beyond single exchanges: satellites that are away, a controller that forgets, sizes, links that are not made.</summary>
public sealed class MeasuredBehaviourTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SatelliteOffline_TakesNoNewVolume_AndItsPoolTellsNoCapacity()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Simulator.Cluster.SetNodeOnlineAsync("kvm1", false, Cancel);
        ((string?)(await cluster.Calls.GetAsync("/v1/nodes/kvm1")).Json["connection_status"]).ShouldBe("OFFLINE");
        var refused = await cluster.Calls.SpawnAsync("vol-1");
        (refused.Status, refused.Short).ShouldBe((500, "E996"));
        (await cluster.Calls.GetAsync("/v1/resource-definitions")).Text.ShouldBe("[]");
        (await cluster.Calls.GetAsync("/v1/view/storage-pools?cached=true&storage_pools=thin")).Json[0]!.AsObject().ContainsKey("free_capacity").ShouldBeFalse();
    }

    [Fact]
    public async Task SatelliteFrozen_IsOfflineOnceTheControllerGivesItUp_AndThawedIsOnline()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Simulator.Cluster.SetNodeFrozenAsync("kvm1", true, Cancel);
        ((string?)(await cluster.Calls.GetAsync("/v1/nodes/kvm1")).Json["connection_status"]).ShouldBe("ONLINE", "nobody has noticed yet");
        await cluster.WaitForAsync("/v1/nodes/kvm1", static node => (string?)node.Json["connection_status"] == "OFFLINE", "a frozen satellite given up");
        await cluster.Simulator.Cluster.SetNodeFrozenAsync("kvm1", false, Cancel);
        ((string?)(await cluster.Calls.GetAsync("/v1/nodes/kvm1")).Json["connection_status"]).ShouldBe("ONLINE");
    }

    [Fact]
    public async Task SatelliteStuck_TheVolumesOfItsResourceWaitForIt_TheResourceDoesNot()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        cluster.Simulator.Cluster.SetNodeStuck("kvm1", true);
        var volumes = cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1/volumes");
        (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Status.ShouldBe(200);
        volumes.IsCompleted.ShouldBeFalse();
        cluster.Simulator.Cluster.SetNodeStuck("kvm1", false);
        (await volumes).Status.ShouldBe(200);
    }

    [Fact]
    public async Task TwoSatellitesOfOneName_StatusSaysSo()
    {
        await using var cluster = await Cluster.StorageAsync();
        using var admin = new Calls(cluster.Simulator.AdminUri, check: false);
        (await admin.PutAsync("/nodes/kvm1", """{"status":"DUPLICATE_UNAME"}""")).Status.ShouldBe(200);
        ((string?)(await cluster.Calls.GetAsync("/v1/nodes/kvm1")).Json["connection_status"]).ShouldBe("DUPLICATE_UNAME");
        (await cluster.Calls.SpawnAsync("vol-1")).Short.ShouldBe("E996");
        (await admin.PutAsync("/nodes/kvm1", """{"online":true}""")).Status.ShouldBe(200);
        (await cluster.Calls.SpawnAsync("vol-1")).Status.ShouldBe(201);
    }

    [Fact]
    public async Task ControllerKilled_ForgetsItsLastMoments_AndTheDevicesStay()
    {
        SkipWithoutLoops();
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1" });
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var before = cluster.Simulator.DatabaseWrites;
        await cluster.Calls.SpawnAsync("vol-2", 8192);
        await cluster.Simulator.KillAsync(cluster.Simulator.DatabaseWrites - before);
        cluster.Simulator.IsRunning.ShouldBeFalse();
        await cluster.Simulator.RestartAsync(Cancel);
        (await NamesAsync(cluster)).ShouldBe(["vol-1"]);
        cluster.Simulator.Cluster.Volumes.Select(static volume => volume.Resource).Order().ShouldBe(["vol-1", "vol-2"]);

        (await cluster.Calls.SpawnAsync("vol-2", 8192)).Status.ShouldBe(201, "what is left on the node is in nobody's way");
        cluster.Simulator.Cluster.Volumes.Count.ShouldBe(2);
    }

    [Fact]
    public async Task ControllerKilled_ForgetsByTimeToo_ThroughTheAdminApi()
    {
        await using var cluster = await Cluster.StorageAsync();
        await cluster.Calls.SpawnAsync("vol-1");
        using var admin = new Calls(cluster.Simulator.AdminUri, check: false);
        (await admin.PutAsync("/controller", """{"running":false,"forgetSeconds":3600}""")).Status.ShouldBe(200);
        (await admin.PutAsync("/controller", """{"running":true}""")).Status.ShouldBe(200);
        (await NamesAsync(cluster)).ShouldBeEmpty();
    }

    [Fact]
    public async Task ControllerKilled_ToForgetMoreThanIsRemembered_IsRefused()
    {
        await using var cluster = await Cluster.StorageAsync();
        for (var write = 0; write < 100; write++)
        {
            await cluster.Calls.PutAsync("/v1/resource-groups/rg", $$"""{"description":"{{write}}"}""");
        }

        (await Should.ThrowAsync<InvalidOperationException>(() => cluster.Simulator.KillAsync(TimeSpan.FromHours(1)))).Message.ShouldContain("writes are remembered");
        await cluster.Simulator.RestartAsync(Cancel);
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-groups/rg")).Json["description"]).ShouldBe("99", "nothing was changed");
    }

    [Fact]
    public async Task NoLinksByResource_TheMinorIsThereAndNamed()
    {
        SkipWithoutLoops();
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = ["kvm2", "kvm3"], Drbd = true });
        (await cluster.Simulator.Cluster.SetByResLinksAsync("kvm1", false, Cancel)).ShouldBeTrue();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        var root = Path.Combine(cluster.Simulator.StateFolderPath, "dev");
        File.Exists(Path.Combine(root, "drbd", "by-res", "vol-1", "0")).ShouldBeFalse();
        File.Exists(Path.Combine(root, "drbd1000")).ShouldBeTrue();
        var volume = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1/volumes")).Json[0]!;
        ((string?)volume["device_path"]).ShouldBe(Path.Combine(root, "drbd1000"));
        using var output = new StringWriter();
        Drbd.DrbdSetup.Run(["--state", cluster.Simulator.StateFolderPath, "--node", "kvm1", "--", "status", "vol-1", "--json"], output, TextWriter.Null).ShouldBe(0);
        ((int?)JsonNode.Parse(output.ToString())![0]!["devices"]![0]!["minor"]).ShouldBe(1000);

        await cluster.Simulator.Cluster.SetByResLinksAsync("kvm1", true, Cancel);
        File.Exists(Path.Combine(root, "drbd", "by-res", "vol-1", "0")).ShouldBeTrue();
    }

    [Fact]
    public async Task Drbd_DeviceIsLargerThanTheDefinition_UnlessExact()
    {
        SkipWithoutLoops();
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = ["kvm2", "kvm3"], Drbd = true });
        await SpawnHereAsync("vol-1", "");
        await SpawnHereAsync("vol-2", ""","resource_definition_props":{"DrbdOptions/ExactSize":"True"}""");
        Size("vol-1").ShouldBe(71_249_920);
        Size("vol-2").ShouldBe(67_108_864);
        const string Grow = """{"size_kib":131072}""";
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-2/volume-definitions/0", Grow)).Short.ShouldBe("E213");
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-2", """{"delete_props":["DrbdOptions/ExactSize"]}""")).Status.ShouldBe(200);
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-2/volume-definitions/0", Grow)).Status.ShouldBe(200);
        Size("vol-2").ShouldBeGreaterThan(131_072L * 1024);

        async Task SpawnHereAsync(string name, string more) => (await cluster.Calls.PostAsync(
            "/v1/resource-groups/rg/spawn",
            $$$"""{"resource_definition_name":"{{{name}}}","volume_sizes":[65536],"select_filter":{"node_name_list":["kvm1","kvm2"]}{{{more}}}}""")).Status.ShouldBe(201);

        long Size(string name) => LoopDevices.Size(new FileInfo(Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd", "by-res", name, "0")).LinkTarget!);
    }

    [Theory]
    [InlineData("FILE")]
    [InlineData("FILE_THIN")]
    public async Task Files_AreNotCloned_AndNothingIsLeft(string kind)
    {
        await using var cluster = await FilesAsync(kind, reflinks: true);
        await cluster.Calls.SpawnAsync("vol-1");
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/clone", """{"name":"vol-2"}""");
        answer.Status.ShouldBe(500);
        ((long)answer.Json["messages"]![0]!["ret_code"]! & 0x7fff).ShouldBe(227);
        (await NamesAsync(cluster)).ShouldBe(["vol-1"]);
    }

    [Fact]
    public async Task FileThin_OnAFileSystemWithoutReflinks_PromisesSnapshotsAndTakesNone()
    {
        await using var cluster = await FilesAsync("FILE_THIN", reflinks: false);
        await cluster.Calls.SpawnAsync("vol-1");
        var pool = (await cluster.Calls.GetAsync("/v1/view/storage-pools?cached=true&storage_pools=thin")).Json[0]!;
        ((bool?)pool["supports_snapshots"], (string?)pool["static_traits"]!["SupportsSnapshots"]).ShouldBe((true, "true"));
        var answer = await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""");
        (answer.Status, answer.Short).ShouldBe((500, "E994"));
        (await cluster.Calls.GetAsync("/v1/view/snapshots")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task FileThin_TellsWhatIsAllocatedAsTheUsableSize_AndTheDeviceHasTheDefinitions()
    {
        SkipWithoutLoops();
        await using var cluster = await FilesAsync("FILE_THIN", reflinks: true, DeviceMode.Loop);
        await cluster.Calls.SpawnAsync("vol-1", 8190);
        var volume = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1/volumes")).Json[0]!;
        ((long?)volume["layer_data_list"]![0]!["data"]!["usable_size_kib"]).ShouldNotBeNull().ShouldBeLessThan(8190);
        LoopDevices.Size((string)volume["device_path"]!).ShouldBe(8190 * 1024);
    }

    private static Task<Cluster> FilesAsync(string kind, bool reflinks, DeviceMode devices = DeviceMode.None) =>
        Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", StorageKind = kind, Reflinks = reflinks, Devices = devices });

    private static async Task<List<string>> NamesAsync(Cluster cluster) =>
        [.. (await cluster.Calls.GetAsync("/v1/resource-definitions")).Json.AsArray().Select(static definition => (string)definition!["name"]!).Order(StringComparer.Ordinal)];

    private static void SkipWithoutLoops() => Assert.SkipWhen(LinstorSimulator.WhyNoLoopDevices() is not null, LinstorSimulator.WhyNoLoopDevices() ?? "");
}
