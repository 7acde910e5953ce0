using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Whose a definition is, although LINSTOR copies properties from one to another, and how few changes making one takes.</summary>
public sealed class LinstorMarksTests
{
    private const long Size = Driving.Size;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static LinstorSimulatorOptions Without(string rest = "1.27.0") => new() { Devices = DeviceMode.None, RestApiVersion = rest };

    private static VolumeId NewVolume() => new(Guid.NewGuid());

    private static async Task SendAsync(LinstorBench bench, HttpMethod method, string path, JsonObject? body = null)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        (await client.SendAsync(request, Token)).EnsureSuccessStatusCode();
    }

    private static async Task<IReadOnlyDictionary<string, string>> MarksAsync(LinstorBench bench, VolumeId volume)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        var definitions = (await client.GetFromJsonAsync<JsonArray>($"v1/resource-definitions?resource_definitions=hf-{volume}", Token))!;
        return definitions.Single()!["props"]!.AsObject()
            .Where(static one => one.Key.StartsWith("Aux/", StringComparison.Ordinal))
            .ToDictionary(static one => one.Key, static one => one.Value!.GetValue<string>());
    }

    private static Dictionary<string, string> MarksOf(Driving driver, VolumeId volume, string generation, string source) => new()
    {
        ["Aux/holdfast/pool-id"] = driver.Pool.ToString(),
        [$"Aux/holdfast/{volume}/generation"] = generation,
        [$"Aux/holdfast/{volume}/source"] = source,
    };

    private static List<string> Changes(LinstorBench bench) =>
        [.. bench.Simulator.Requests.Entries.Where(static entry => entry.Method != "GET").Select(static entry => $"{entry.Method} {entry.Route}")];

    private static JsonObject Former(Driving driver, VolumeId volume, string generation, bool building)
    {
        var props = new JsonObject
        {
            ["Aux/holdfast/volume-id"] = volume.ToString(),
            ["Aux/holdfast/pool-id"] = driver.Pool.ToString(),
            ["Aux/holdfast/generation"] = generation,
            ["Aux/holdfast/source"] = "empty",
            ["Aux/holdfast/label"] = "ROOT-7",
        };
        if (building)
        {
            props["Aux/holdfast/building"] = "true";
        }

        return props;
    }

    private static Task SpawnAsync(LinstorBench bench, VolumeId named, JsonObject props) => SendAsync(bench, HttpMethod.Post, "v1/resource-groups/rg/spawn", new()
    {
        ["resource_definition_name"] = $"hf-{named}",
        ["volume_sizes"] = new JsonArray(Size / 1024),
        ["resource_definition_props"] = props,
    });

    [Theory]
    [InlineData("1.22.0")]
    [InlineData("1.27.0")]
    public async Task Ensure_OfAnEmptyVolume_TakesOneChange(string rest)
    {
        await using var bench = await StartAsync(Without(rest));
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        Changes(bench).ShouldBe(["POST /v1/resource-groups/{group}/spawn"]);
        Ok(await driver.EnsureAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Changes(bench).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Ensure_WhereSpawnCannotMark_StillMarksFirst()
    {
        await using var bench = await StartAsync(Without("1.21.0"));
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        Changes(bench)[0].ShouldBe("POST /v1/resource-definitions");
        (await MarksAsync(bench, volume)).ShouldBe(MarksOf(driver, volume, "1", "empty"), ignoreOrder: true);
    }

    [Fact]
    public async Task Clone_OfTheSameSize_TakesOneChangeAndHasItsOwnMarksOnly()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (template, copy, larger) = (NewVolume(), NewVolume(), NewVolume());
        Ok(await driver.EnsureAsync(template));
        Ok(await driver.SealAsync(template));
        bench.Simulator.Requests.Clear();
        Ok(await driver.EnsureAsync(copy, source: new VolumeSource.FromVolume(template)));
        Changes(bench).ShouldBe(["POST /v1/resource-definitions/{resource}/clone"]);
        (await MarksAsync(bench, copy)).ShouldBe(MarksOf(driver, copy, "1", $"volume:{template}"), ignoreOrder: true);
        Ok(await driver.EnsureAsync(larger, 1, 2 * Size, new VolumeSource.FromVolume(template)));
        (await MarksAsync(bench, larger)).ShouldBe(MarksOf(driver, larger, "1", $"volume:{template}"), ignoreOrder: true);
        Ok(await driver.GetAsync(template)).Volume.Sealed.ShouldBeTrue();
    }

    [Fact]
    public async Task Spawn_ThatLinstorPutsOff_IsBusy()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var volume = NewVolume();
        await bench.Simulator.Faults.AddAsync(FaultKind.WarnNotConnected, "POST");
        Failed(await driver.EnsureAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        await bench.Simulator.Faults.ClearAsync();
        Ok(await driver.EnsureAsync(volume));
    }

    [Fact]
    public async Task Ensure_OfAVolumeWhoseDataWasTakenAway_MakesNoEmptyOneInItsPlace()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        await SendAsync(bench, HttpMethod.Delete, $"v1/resource-definitions/hf-{volume}/resources/{Node}");
        bench.Simulator.Requests.Clear();
        var error = Failed(await driver.EnsureAsync(volume));
        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain("no node holds data");
        Changes(bench).ShouldBeEmpty();
        Ok(await driver.DeleteAsync(volume));
    }

    [Fact]
    public async Task Ensure_LeftWithoutAVolumeDefinition_IsFinished()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var volume = NewVolume();
        var props = new JsonObject();
        foreach (var (key, value) in MarksOf(driver, volume, "1", "empty"))
        {
            props[key] = value;
        }

        await SendAsync(bench, HttpMethod.Post, "v1/resource-definitions", new()
        {
            ["resource_definition"] = new JsonObject { ["name"] = $"hf-{volume}", ["resource_group_name"] = "rg", ["props"] = props },
        });
        Failed(await driver.GetAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Ok(await driver.EnsureAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.GetAsync(volume)).Volume.SizeBytes.ShouldBe(Size);
    }

    [Fact]
    public async Task VolumeFromASnapshot_HasItsOwnMarksAndNoneOfItsSource()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, copy, snapshot) = (NewVolume(), NewVolume(), new SnapshotId(Guid.NewGuid()));
        Ok(await driver.EnsureAsync(volume, 5));
        Ok(await driver.SnapshotAsync(volume, snapshot, 5));
        Ok(await driver.EnsureAsync(copy, 1, 2 * Size, new VolumeSource.FromSnapshot(volume, snapshot)));
        (await MarksAsync(bench, copy)).ShouldBe(MarksOf(driver, copy, "1", $"snapshot:{volume}/{snapshot}"), ignoreOrder: true);
        var next = bench.Driver(driver.Pool);
        Ok(await next.GetAsync(copy)).Volume.ShouldBe(new VolumeInfo { VolumeId = copy, Generation = new(1), SizeBytes = 2 * Size, BackendName = $"hf-{copy}" });
        Ok(await next.DeleteAsync(copy));
        Ok(await next.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(5));
    }

    /// <summary>The controller dies between any two requests; the fault takes the answers of what was done with it.</summary>
    [Theory]
    [InlineData("/v1/resource-definitions", "POST")]
    [InlineData("*/snapshot-restore-volume-definition/*", "POST")]
    [InlineData("*/snapshot-restore-resource/*", "POST")]
    [InlineData("*/volume-definitions/0", "PUT")]
    [InlineData("/v1/resource-definitions/*", "PUT")]
    public async Task VolumeFromASnapshot_CutOffAtAnyRequest_IsFinishedByANewProcess(string path, string method)
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, copy, snapshot) = (NewVolume(), NewVolume(), new SnapshotId(Guid.NewGuid()));
        Ok(await driver.EnsureAsync(volume));
        Ok(await driver.SnapshotAsync(volume, snapshot));
        var source = new VolumeSource.FromSnapshot(volume, snapshot);
        await bench.Simulator.Faults.SetAsync(new FaultRule { Kind = FaultKind.Hang, Method = method, Path = path });
        Failed(await driver.EnsureAsync(copy, 2, 2 * Size, source, seconds: 4));
        await bench.Simulator.StopAsync();
        await bench.Simulator.Faults.ClearAsync();
        await bench.Simulator.RestartAsync(Token);
        var next = bench.Driver(driver.Pool);
        Ok(await next.EnsureAsync(copy, 2, 2 * Size, source)).Volume.SizeBytes.ShouldBe(2 * Size);
        (await MarksAsync(bench, copy)).ShouldBe(MarksOf(driver, copy, "2", $"snapshot:{volume}/{snapshot}"), ignoreOrder: true);
    }

    [Fact]
    public async Task FormerMarks_AreKnownAndRewrittenAtTheNextChange()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var volume = NewVolume();
        await SpawnAsync(bench, volume, Former(driver, volume, "4", building: false));
        Ok(await driver.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(4));
        Ok(await driver.EnsureAsync(volume, 4)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.ResizeAsync(volume, 2 * Size, 5));
        var wanted = MarksOf(driver, volume, "5", "empty");
        wanted[$"Aux/holdfast/{volume}/label"] = "ROOT-7";
        (await MarksAsync(bench, volume)).ShouldBe(wanted, ignoreOrder: true);
        Ok(await driver.DeleteAsync(volume, 5));
    }

    /// <summary>What a former version left: LINSTOR had copied the marks of the snapshot's volume over those of the new one, and it was never finished.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RestoreOfAFormerVersion_IsFinishedByTheSameCallOrDeleted(bool delete)
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, copy, snapshot) = (NewVolume(), NewVolume(), new SnapshotId(Guid.NewGuid()));
        Ok(await driver.EnsureAsync(volume, 9));
        Ok(await driver.SnapshotAsync(volume, snapshot, 9));
        await SpawnAsync(bench, copy, Former(driver, volume, "9", building: true));
        Failed(await driver.GetAsync(copy)).Code.ShouldBe(DriverErrorCode.Busy);
        if (delete)
        {
            Ok(await driver.DeleteAsync(copy, 1)).Outcome.ShouldBe(DriverOutcome.Done);
        }
        else
        {
            Ok(await driver.EnsureAsync(copy, 1, 2 * Size, new VolumeSource.FromSnapshot(volume, snapshot))).Volume.SizeBytes.ShouldBe(2 * Size);
            (await MarksAsync(bench, copy)).ShouldBe(MarksOf(driver, copy, "1", $"snapshot:{volume}/{snapshot}"), ignoreOrder: true);
        }

        Ok(await driver.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(9));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CopyThatSomebodyMade_IsLeftAloneAndTold(bool former)
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, copy) = (NewVolume(), NewVolume());
        var props = former ? Former(driver, volume, "1", building: false) : new JsonObject();
        foreach (var (key, value) in former ? [] : MarksOf(driver, volume, "1", "empty"))
        {
            props[key] = value;
        }

        await SpawnAsync(bench, copy, props);
        var error = Failed(await driver.DeleteAsync(copy, 100));
        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain(volume.ToString());
        error.Text.ShouldContain("copy");
        Failed(await driver.EnsureAsync(copy)).Code.ShouldBe(DriverErrorCode.Invalid);
        var listed = Ok(await driver.ListAsync());
        listed.Volumes.ShouldBeEmpty();
        var stray = listed.Strays.ShouldHaveSingleItem();
        stray.Name.ShouldBe($"hf-{copy}", StringCompareShould.IgnoreCase);
        stray.Why.ShouldContain(volume.ToString());
        (await MarksAsync(bench, copy)).ShouldNotBeEmpty();
    }
}
