using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>Rollback and restore as LINSTOR does them since REST version 1.25, and before.</summary>
public sealed class RollbackTests
{
    private const string Definition = "/v1/resource-definitions/vol-1";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Cluster> StorageAsync(string rest = "1.27.0") =>
        Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", Devices = DeviceMode.None, RestApiVersion = rest });

    /// <summary>A volume that has grown, and whose properties have changed, since its snapshot.</summary>
    private static async Task GrownAsync(Cluster cluster)
    {
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Calls.PutAsync(Definition, """{"override_props":{"Aux/both":"old","Aux/gone":"old"}}""");
        (await cluster.Calls.PostAsync(Definition + "/snapshots", """{"name":"s1"}""")).Status.ShouldBe(201);
        await cluster.Calls.PutAsync(Definition, """{"override_props":{"Aux/both":"new","Aux/later":"new"},"delete_props":["Aux/gone"]}""");
        (await cluster.Calls.PutAsync(Definition + "/volume-definitions/0", """{"size_kib":131072}""")).Status.ShouldBe(200);
    }

    private static async Task<Dictionary<string, string?>> AuxAsync(Cluster cluster, string path = Definition) => (await cluster.Calls.GetAsync(path)).Json["props"]!.AsObject()
        .Where(static one => one.Key.StartsWith("Aux/", StringComparison.Ordinal)).ToDictionary(static one => one.Key, static one => (string?)one.Value);

    private static async Task<long> SizeAsync(Cluster cluster) => (long)(await cluster.Calls.GetAsync(Definition + "/volume-definitions/0")).Json["size_kib"]!;

    private static async Task<List<string>> SnapshotsAsync(Cluster cluster) =>
        [.. (await cluster.Calls.GetAsync("/v1/view/snapshots?resources=vol-1")).Json.AsArray().Select(static one => (string)one!["name"]!)];

    [Theory]
    [InlineData("1.24.0", 131072, false)]
    [InlineData("1.25.1", 65536, true)]
    [InlineData("1.27.0", 65536, true)]
    public async Task Rollback_PutsBackPropertiesAndSize_SinceItRestores(string rest, long sizeKib, bool restores)
    {
        await using var cluster = await StorageAsync(rest);
        await GrownAsync(cluster);
        (await cluster.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}")).Status.ShouldBe(200);
        (await SizeAsync(cluster)).ShouldBe(sizeKib);
        (await AuxAsync(cluster)).ShouldBe(
            restores
                ? new Dictionary<string, string?> { ["Aux/both"] = "old", ["Aux/gone"] = "old", ["Aux/later"] = "new" }
                : new Dictionary<string, string?> { ["Aux/both"] = "new", ["Aux/later"] = "new" },
            ignoreOrder: true);
        (await SnapshotsAsync(cluster)).ShouldBe(["s1"]);
        ((await cluster.Calls.GetAsync(Definition)).Json["layer_data"] is null).ShouldBe(restores);
        (await cluster.Calls.GetAsync(Definition + "/resources/kvm1")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Rollback_OfAGrownVolumeByTheFirstVersionsThatRestore_FailsAndIsTakenBack()
    {
        await using var cluster = await StorageAsync("1.25.0");
        await GrownAsync(cluster);
        (await cluster.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}")).Short.ShouldContain("E206");
        (await SizeAsync(cluster)).ShouldBe(131072);
        (await SnapshotsAsync(cluster)).ShouldBe(["s1"]);
        (await cluster.Calls.GetAsync(Definition + "/resources/kvm1")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Rollback_WithDrbd_MakesReplicasAndTheOthersAgain()
    {
        await using var cluster = await Cluster.DrbdAsync(restVersion: "1.27.0");
        await GrownAsync(cluster);
        async Task<List<string>> NodesAsync() =>
            [.. (await cluster.Calls.GetAsync(Definition + "/resources")).Json.AsArray().Select(static one => (string)one!["node_name"]!).Order(StringComparer.Ordinal)];
        var before = await NodesAsync();
        (await cluster.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}")).Status.ShouldBe(200);
        (await NodesAsync()).ShouldBe(before);
        (await SnapshotsAsync(cluster)).ShouldBe(["s1"]);
    }

    [Fact]
    public async Task Rollback_ToAnOlderSnapshot_WorksOnlySinceItRestores()
    {
        await using var old = await StorageAsync("1.24.0");
        await using var young = await StorageAsync();
        foreach (var cluster in new[] { old, young })
        {
            await GrownAsync(cluster);
            await cluster.Calls.PostAsync(Definition + "/snapshots", """{"name":"s2"}""");
        }

        (await old.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}")).Short.ShouldBe("E514");
        (await young.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}")).Status.ShouldBe(200);
    }

    /// <summary>What the next controller finds: it takes the rollback back where a resource leads it there, and knows nothing of it where none is left.</summary>
    [Theory]
    [InlineData(FaultKind.DieAfterSafetySnapshot, true, 131072)]
    [InlineData(FaultKind.DieAfterResourcesDeleted, false, 131072)]
    [InlineData(FaultKind.DieBeforeRestore, false, 65536)]
    [InlineData(FaultKind.DieBeforeSafetySnapshotDeleted, true, 131072)]
    public async Task Rollback_KilledInTheMiddle_LeavesWhatTheRealOneLeaves(FaultKind death, bool takenBack, long sizeKib)
    {
        await using var cluster = await StorageAsync();
        await GrownAsync(cluster);
        await cluster.Simulator.Faults.AddAsync(new FaultRule { Kind = death, Times = 1 });
        await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}"));
        await cluster.Simulator.StopAsync();
        await cluster.Simulator.RestartAsync(Cancel);
        if (takenBack)
        {
            await cluster.WaitForAsync("/v1/view/snapshots?resources=vol-1", static answer => answer.Json.AsArray().Count == 1, "the safety snapshot's end");
            await cluster.WaitForAsync(Definition + "/resources", static answer => answer.Json.AsArray().Count == 1, "the resource");
        }
        else
        {
            (await SnapshotsAsync(cluster)).Count(static name => name.StartsWith("safety-snap-", StringComparison.Ordinal)).ShouldBe(1);
            (await cluster.Calls.GetAsync(Definition + "/resources")).Text.ShouldBe("[]");
            (await cluster.Calls.PostAsync(Definition + "/snapshot-rollback/s1", "{}")).Short.ShouldBe("E302");
            (await cluster.Calls.PutAsync(Definition + "/volume-definitions/0", """{"size_kib":65536}""")).Status.ShouldBe(200);
            (await cluster.Calls.PostAsync(Definition + "/snapshot-restore-resource/s1", """{"to_resource":"vol-1"}""")).Status.ShouldBe(200);
            sizeKib = 65536;
        }

        (await SizeAsync(cluster)).ShouldBe(sizeKib);
    }

    [Fact]
    public async Task Restore_CopiesTheSnapshotsPropertiesOverTheTargets()
    {
        await using var cluster = await StorageAsync();
        await GrownAsync(cluster);
        const string To = """{"to_resource":"vol-2"}""";
        await cluster.Calls.PostAsync(
            "/v1/resource-definitions",
            """{"resource_definition":{"name":"vol-2","resource_group_name":"rg","props":{"Aux/both":"mine","Aux/mine":"mine"}}}""");
        await cluster.Calls.PostAsync(Definition + "/snapshot-restore-volume-definition/s1", To);
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-2/volume-definitions/0", """{"size_kib":131072}""")).Status.ShouldBe(200);
        (await cluster.Calls.PostAsync(Definition + "/snapshot-restore-resource/s1", To)).Short.ShouldBe("E206", "the sizes have to be the same");
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-2/volume-definitions/0", """{"size_kib":65536}""")).Status.ShouldBe(200);
        (await cluster.Calls.PostAsync(Definition + "/snapshot-restore-resource/s1", To)).Status.ShouldBe(200);
        (await AuxAsync(cluster, "/v1/resource-definitions/vol-2")).ShouldBe(
            new Dictionary<string, string?> { ["Aux/both"] = "old", ["Aux/gone"] = "old", ["Aux/mine"] = "mine" },
            ignoreOrder: true);
        (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-2")).Json["layer_data"].ShouldBeNull();
    }
}
