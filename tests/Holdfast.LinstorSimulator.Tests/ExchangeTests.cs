using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>Every exchange that a real LINSTOR 1.33.3 was seen in, made with a simulated cluster in the state that it needs.</summary>
public sealed partial class ExchangeTests
{
    private const string Id = "00000000-0000-4000-8000-000000000001";
    private const string Volume = "hf-volume";
    private const string Other = "hf-other";
    private const string Snapshot = "hf-snapshot";

    private const string Entries = "rollback and restore do as the real one, and their answers do not have all its entries yet";

    // Where the simulator is meant to differ, or does so still, and why. A line whose exchange is answered alike fails.
    private static readonly Dictionary<int, string> Deviations = new()
    {
        [37] = Entries,
        [38] = Entries,
        [39] = Entries,
        [40] = Entries,
        [41] = Entries,
        [42] = Entries,
        [43] = Entries,
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Exchanges => [.. Exchange.All.Keys];

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task Exchange_IsAnsweredAsByTheRealServer(string name)
    {
        var exchange = Exchange.All[name];
        var number = int.Parse(name[..2]);
        await using var scene = await SceneAsync(number, exchange);
        var names = new Queue<string>(scene.Names);
        var path = Named(exchange.Path, names);
        var body = exchange.Request is null ? null : Named(exchange.Request, names);
        names.ShouldBeEmpty("the request should name all that the scene has made for it");
        var answer = await scene.Cluster.Calls.SendAsync(new HttpMethod(exchange.Method), path, body);

        List<string> differences = answer.Status == exchange.Status ? [] : [$"status {exchange.Status} wanted, not {answer.Status}"];
        differences.AddRange(answer.Text.Length == 0 && exchange.Answer is JsonValue empty && (string)empty! == ""
            ? []
            : AnswerComparison.Differences(exchange.Answer, JsonNode.Parse(answer.Text), anyOrder: scene.Nodes > 1));
        if (Deviations.TryGetValue(number, out var reason))
        {
            differences.ShouldNotBeEmpty($"this is answered as by the real server, so it should be taken from the list of deviations (\"{reason}\")");
        }
        else
        {
            differences.ShouldBeEmpty($"{path}\n{body}\n{string.Join('\n', differences)}\n{answer.Text}");
        }
    }

    [Fact]
    public void Deviations_NameExchangesThatExist() => Deviations.Keys.ShouldAllBe(static number => number < Exchange.All.Count);

    private static async Task<Scene> SceneAsync(int number, Exchange exchange)
    {
        switch (number)
        {
            case 0 or 1 or 2 or 65 or 71:
                return await Scene.FilesAsync("hostA", "pool1", "rg1");
            case 3 or 4 or 5:
                return await Scene.DrbdAsync();
            case 66:
                return await Scene.DrbdAsync();
            case 6 or 67:
                return await Scene.FilesAsync("vm", "xpool", "rgv");
            case 68:
                return await Scene.FilesAsync("hostA", "xpool", "rgx");
            case 7:
                return (await Scene.FilesAsync("hostA", "xpool", "rgx")).Naming(Volume);
            case 8 or 12 or 13 or 25 or 27 or 51 or 58:
                {
                    var scene = await Scene.FilesAsync("hostA", "pool1", "rg1");
                    await scene.SpawnAsync(Volume, 8192, label: true, building: number is 12 or 58);
                    return scene.Naming(Volume);
                }

            case 9:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    return scene.Naming(Volume);
                }

            case 10 or 57 or 69:
                return (await Scene.FilesAsync("vm", "xpool", "rgv")).Naming(Volume);
            case 11 or 48 or 49:
                {
                    var scene = await Scene.FilesAsync("hostA", "xpool", "rgx");
                    await scene.SpawnAsync(Volume, 8192);
                    await scene.SnapshotAsync();
                    return number == 11 ? scene.Naming(Volume) : scene.Naming(Volume, Snapshot);
                }

            case 14 or 52:
                {
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.SpawnAsync(Volume, 65536, building: true);
                    await scene.OfflineAsync("vm");
                    return scene.Naming(Volume);
                }

            case 15 or 16:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536, building: true);
                    return scene.Naming(Volume);
                }

            case 17:
                {
                    var scene = await Scene.FilesAsync("hostA", "pool1", "rg1");
                    await scene.SpawnAsync(Volume, 8192);
                    return scene.Naming(Volume);
                }

            case 18 or 19:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536, sealing: true);
                    if (number == 19)
                    {
                        await scene.Cluster.Simulator.Faults.AddAsync(FaultKind.CloneNeverFinishes);
                        await scene.OkAsync("POST", $"/v1/resource-definitions/{Volume}/clone", $$"""{"name":"{{Other}}"}""");
                    }

                    return scene.Naming(Volume, Other);
                }

            case 20 or 23 or 24 or 29 or 30 or 33:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    return scene.Naming(Volume);
                }

            case 21 or 22:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    await scene.OkAsync("PUT", $"/v1/resource-definitions/{Volume}/resource-connections/n1/n3", """{"override_props":{"DrbdOptions/Net/allow-two-primaries":"yes","DrbdOptions/Net/protocol":"C"}}""");
                    if (number == 22)
                    {
                        await scene.OkAsync("PUT", $"/v1/resource-definitions/{Volume}/resource-connections/n1/n3", Exchange.All.Values.ElementAt(21).Request!);
                    }

                    return scene.Naming(Volume);
                }

            case 26:
                {
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.OkAsync("POST", "/v1/resource-definitions", $$$"""{"resource_definition":{"name":"{{{Volume}}}","resource_group_name":"rgv"}}""");
                    return scene.Naming(Volume);
                }

            case 28:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    (await scene.Cluster.Simulator.Cluster.SetOpenAsync(Volume, "n1", true, Cancel)).ShouldBeNull();
                    return scene.Naming(Volume);
                }

            case 31:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536, nodes: ["n1", "n3"]);
                    return scene.Naming(Volume);
                }

            case 32 or 34:
                {
                    var (tieBreaker, others) = number == 32 ? ("n2", (string[])["n1", "n3"]) : ("n3", ["n1", "n2"]);
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536, nodes: others);
                    await scene.OkAsync("POST", $"/v1/resource-definitions/{Volume}/resources/{tieBreaker}/make-available", """{"diskful":false}""");
                    return scene.Naming(Volume);
                }

            case 35:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    return scene.Naming(Volume);
                }

            case 36:
                {
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.SpawnAsync(Volume, 65536);
                    await scene.Cluster.Simulator.Cluster.SetNodeFrozenAsync("vm", true, Cancel);
                    return scene.Naming(Volume);
                }

            case 37 or 38 or 39:
                {
                    var scene = number == 38 ? await Scene.DrbdAsync() : await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.SpawnAsync(Volume, 65536);
                    await scene.SnapshotAsync();
                    await scene.OkAsync("POST", "/v1/resource-definitions", $$$"""{"resource_definition":{"name":"{{{Other}}}","resource_group_name":"{{{scene.Group}}}"}}""");
                    if (number != 39)
                    {
                        await scene.OkAsync("POST", $"/v1/resource-definitions/{Volume}/snapshot-restore-volume-definition/{Snapshot}", $$"""{"to_resource":"{{Other}}"}""");
                    }

                    return scene.Naming(Volume, Snapshot, Other);
                }

            case 40 or 41 or 42 or 43:
                {
                    var scene = number is 41 or 43 ? await Scene.DrbdAsync() : await Scene.FilesAsync("hostA", "xpool", "rgx");
                    await scene.SpawnAsync(Volume, 65536);
                    await scene.SnapshotAsync();
                    if (number == 42)
                    {
                        await scene.OfflineAsync("hostA");
                    }
                    else if (number == 43)
                    {
                        (await scene.Cluster.Simulator.Cluster.SetOpenAsync(Volume, "n1", true, Cancel)).ShouldBeNull();
                    }

                    return scene.Naming(Volume, Snapshot);
                }

            case 44 or 46 or 47:
                {
                    var scene = await Scene.FilesAsync("hostA", "xpool", "rgx", reflinks: number != 46);
                    await scene.SpawnAsync(Volume, 8192);
                    if (number == 47)
                    {
                        await scene.OfflineAsync("hostA");
                    }

                    return scene.Naming(Volume, Snapshot);
                }

            case 45:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    return scene.Naming(Volume, Snapshot);
                }

            case 50:
                {
                    var scene = await Scene.FilesAsync("hostA", "xpool", "rgx");
                    await scene.SpawnAsync(Volume, 8192);
                    return scene.Naming(Volume, Snapshot);
                }

            case 53:
                {
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.SpawnAsync(Volume, 65536);
                    return scene.Naming(Volume);
                }

            case 54:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.OkAsync(
                        "POST",
                        "/v1/resource-groups/rgd/spawn",
                        $$$"""{"resource_definition_name":"{{{Volume}}}","volume_sizes":[65536],"partial":true,"resource_definition_props":{"DrbdOptions/ExactSize":"True"}}""");
                    return scene.Naming(Volume);
                }

            case 55:
                return await Scene.FilesAsync("hostA", "pool1", "rg1");
            case 56:
                {
                    var scene = await Scene.FilesAsync("hostA", "pool1", "rg1");
                    await scene.SpawnAsync(Volume, 8192, label: true);
                    return scene;
                }

            case 59:
                return (await Scene.FilesAsync("hostA", "pool1", "rg1")).Naming(Volume);
            case 60:
                return (await Scene.DrbdAsync()).Naming(Volume);
            case 61:
                {
                    var scene = await Scene.DrbdAsync();
                    await scene.SpawnAsync(Volume, 65536);
                    return scene.Naming(Volume);
                }

            case 62:
                {
                    // The controller was killed and has forgotten the volume; its file is still on the node.
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.SpawnAsync(Other, 65536);
                    var before = Writes(scene);
                    await scene.SpawnAsync(Volume, 65536);
                    await scene.Cluster.Simulator.KillAsync(Writes(scene) - before);
                    await scene.Cluster.Simulator.RestartAsync(Cancel);
                    (await scene.Cluster.Calls.GetAsync($"/v1/resource-definitions?resource_definitions={Volume}")).Text.ShouldBe("[]");
                    return scene.Naming(Volume);
                }

            case 63:
                {
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    await scene.OfflineAsync("vm");
                    return scene.Naming(Volume);
                }

            case 64:
                {
                    var scene = await Scene.FilesAsync("vm", "xpool", "rgv");
                    scene.Cluster.Simulator.Cluster.SetNodeDiesAtWork("vm");
                    return scene.Naming(Volume);
                }

            case 70:
                {
                    var scene = await Scene.FilesAsync("hostA", "xpool", "rgx");
                    await scene.SpawnAsync(Volume, 8192, label: true);
                    await scene.SnapshotAsync();
                    return scene.Naming(Volume);
                }

            default:
                throw new InvalidOperationException($"No scene for {exchange.Name}: an exchange that is new needs one.");
        }
    }

    private static int Writes(Scene scene) => scene.Cluster.Simulator.DatabaseWrites;

    /// <summary>A request with the names of this scene in the place of the blanked ones, in the order in which they stand there.</summary>
    private static string Named(string text, Queue<string> names) => BlankName().Replace(text, _ => names.Dequeue()).Replace("{id}", Id, StringComparison.Ordinal);

    [GeneratedRegex(@"hf-\{id\}")]
    private static partial Regex BlankName();

    /// <summary>A simulated cluster like one that was measured, and the names of what a request is about.</summary>
    private sealed class Scene(Cluster cluster, string group, int nodes) : IAsyncDisposable
    {
        public Cluster Cluster { get; } = cluster;

        public string Group { get; } = group;

        public int Nodes { get; } = nodes;

        public IReadOnlyList<string> Names { get; private set; } = [];

        public static async Task<Scene> FilesAsync(string node, string pool, string group, bool reflinks = true)
        {
            var cluster = await Tests.Cluster.StartAsync(new LinstorSimulatorOptions
            {
                NodeName = node, StoragePool = pool, StorageKind = "FILE_THIN", Reflinks = reflinks, Devices = DeviceMode.None, Version = "1.33.3", RestApiVersion = "1.27.0",
            });
            var scene = new Scene(cluster, group, 1);
            await scene.OkAsync("POST", "/v1/resource-groups", $$$"""{"name":"{{{group}}}","select_filter":{"place_count":1,"storage_pool":"{{{pool}}}","layer_stack":["STORAGE"]}}""");
            return scene;
        }

        public static async Task<Scene> DrbdAsync()
        {
            var cluster = await Tests.Cluster.StartAsync(new LinstorSimulatorOptions
            {
                NodeName = "n1", SimulatedNodes = ["n2", "n3"], Drbd = true, Devices = DeviceMode.None, Version = "1.33.3", RestApiVersion = "1.27.0",
            });
            var scene = new Scene(cluster, "rgd", 3);
            await scene.OkAsync("POST", "/v1/resource-groups", """{"name":"rgd","select_filter":{"place_count":2,"storage_pool":"thin"}}""");
            return scene;
        }

        public Scene Naming(params string[] names)
        {
            Names = names;
            return this;
        }

        public Task SpawnAsync(string name, long sizeKib, bool label = false, bool building = false, bool sealing = false, string[]? nodes = null)
        {
            var props = new JsonObject
            {
                ["Aux/holdfast/volume-id"] = Id, ["Aux/holdfast/pool-id"] = Id, ["Aux/holdfast/generation"] = "1", ["Aux/holdfast/source"] = "empty",
            };
            foreach (var (key, value) in new[] { ("label", label ? "conformance" : null), ("building", building ? "true" : null), ("sealed", sealing ? "true" : null) })
            {
                if (value is not null)
                {
                    props["Aux/holdfast/" + key] = value;
                }
            }

            var body = new JsonObject { ["resource_definition_name"] = name, ["volume_sizes"] = new JsonArray(sizeKib), ["partial"] = true, ["resource_definition_props"] = props };
            if (nodes is not null)
            {
                body["select_filter"] = new JsonObject { ["node_name_list"] = new JsonArray([.. nodes.Select(static node => JsonValue.Create(node))]) };
            }

            return OkAsync("POST", $"/v1/resource-groups/{Group}/spawn", body.ToJsonString());
        }

        public Task SnapshotAsync() => OkAsync("POST", $"/v1/resource-definitions/{Volume}/snapshots", $$"""{"name":"{{Snapshot}}"}""");

        public async Task OfflineAsync(string node) => (await Cluster.Simulator.Cluster.SetNodeOnlineAsync(node, false, Cancel)).ShouldBeTrue();

        public async Task OkAsync(string method, string path, string body)
        {
            var answer = await Cluster.Calls.SendAsync(new HttpMethod(method), path, body);
            answer.Status.ShouldBeLessThan(300, $"{method} {path}: {answer.Text}");
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
