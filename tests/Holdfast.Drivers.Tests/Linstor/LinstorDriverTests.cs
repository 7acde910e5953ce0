using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

public sealed class LinstorDriverTests
{
    private const long Size = Driving.Size;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static VolumeId NewVolume() => new(Guid.NewGuid());

    private static SnapshotId NewSnapshot() => new(Guid.NewGuid());

    private static async Task<JsonArray> ReadAsync(LinstorBench bench, string path)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        return (await client.GetFromJsonAsync<JsonArray>(path, Token))!;
    }

    private static async Task<JsonNode?> DefinitionAsync(LinstorBench bench, VolumeId volume) =>
        (await ReadAsync(bench, $"v1/resource-definitions?resource_definitions=hf-{volume}")).SingleOrDefault();

    private static async Task PostAsync(LinstorBench bench, string path, string json)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        using var content = new StringContent(json);
        (await client.PostAsync(path, content, Token)).EnsureSuccessStatusCode();
    }

    private static async Task PutAsync(LinstorBench bench, string path, string json)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        using var content = new StringContent(json);
        (await client.PutAsync(path, content, Token)).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task Life_OfAVolume_FromMakingToDeleting()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();

        var made = Ok(await driver.EnsureAsync(volume));
        made.Outcome.ShouldBe(DriverOutcome.Done);
        made.Volume.ShouldBe(new VolumeInfo { VolumeId = volume, Generation = new(1), SizeBytes = Size, BackendName = $"hf-{volume}" });
        Ok(await driver.EnsureAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.GetAsync(volume)).Volume.ShouldBe(made.Volume);
        Ok(await driver.ListAsync()).Volumes.ShouldBe([made.Volume]);

        Ok(await driver.ResizeAsync(volume, 2 * Size, 2)).Volume.SizeBytes.ShouldBe(2 * Size);
        Ok(await driver.ResizeAsync(volume, 2 * Size, 2)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.SealAsync(volume, 3)).Volume.Sealed.ShouldBeTrue();
        Ok(await driver.SealAsync(volume, 3)).Outcome.ShouldBe(DriverOutcome.AlreadySo);

        Failed(await driver.DeleteAsync(volume, 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.DeleteAsync(volume, 3)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.DeleteAsync(volume, 3)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Failed(await driver.GetAsync(volume)).Code.ShouldBe(DriverErrorCode.NotFound);
        (await DefinitionAsync(bench, volume)).ShouldBeNull();
    }

    [Fact]
    public async Task Ensure_MarksAreThereAndBuildingIsGone()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume, 7));
        var props = (await DefinitionAsync(bench, volume))!["props"]!.AsObject();
        props.Where(static one => one.Key.StartsWith("Aux/holdfast/", StringComparison.Ordinal)).ToDictionary(static one => one.Key, static one => one.Value!.GetValue<string>())
            .ShouldBe(new Dictionary<string, string>
            {
                ["Aux/holdfast/pool-id"] = driver.Pool.ToString(),
                [$"Aux/holdfast/{volume}/generation"] = "7",
                [$"Aux/holdfast/{volume}/source"] = "empty",
            }, ignoreOrder: true);
    }

    [Theory]
    [InlineData("1.21.0")]
    [InlineData("1.22.0")]
    [InlineData("1.25.1")]
    [InlineData("1.28.0")]
    public async Task Ensure_OnOlderControllers_SendsOnlyWhatTheyKnow(string rest)
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, RestApiVersion = rest });
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.GetAsync(volume)).Volume.SizeBytes.ShouldBe(Size);
        Ok(await driver.DeleteAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Theory]
    [InlineData(1, Size, true, null)]
    [InlineData(2, Size, true, null)]
    [InlineData(2, 2 * Size, true, null)]
    [InlineData(1, 2 * Size, false, DriverErrorCode.Invalid)]
    [InlineData(1, Size / 2, false, DriverErrorCode.Invalid)]
    [InlineData(2, Size / 2, false, DriverErrorCode.Invalid)]
    public async Task Ensure_AgainWithGenerationAndSize_FollowsTheRules(long generation, long size, bool good, DriverErrorCode? code)
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        var again = await driver.EnsureAsync(volume, generation, size);
        if (good)
        {
            Ok(again).Volume.SizeBytes.ShouldBe(size);
            Ok(await driver.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(generation));
            Ok(await driver.EnsureAsync(volume, generation, size)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        }
        else
        {
            Failed(again).Code.ShouldBe(code!.Value);
            Ok(await driver.GetAsync(volume)).Volume.SizeBytes.ShouldBe(Size);
        }
    }

    [Fact]
    public async Task Ensure_WithAnOlderGeneration_IsRefused()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume, 5));
        Failed(await driver.EnsureAsync(volume, 4)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.ResizeAsync(volume, 2 * Size, 4)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.SealAsync(volume, 4)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.SnapshotAsync(volume, NewSnapshot(), 4)).Code.ShouldBe(DriverErrorCode.Invalid);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1023)]
    [InlineData(Size + 1)]
    public async Task Ensure_OddSizes_AreRoundedUpToKib(long size)
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None });
        var driver = bench.Driver();
        var volume = NewVolume();
        var reply = await driver.EnsureAsync(volume, size: size);
        if (reply is DriverKit.DriverResult<VolumeReply>.Ok(var made))
        {
            made.Volume.SizeBytes.ShouldBe((size + 1023) / 1024 * 1024);
            Ok(await driver.EnsureAsync(volume, size: size)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        }
        else
        {
            // LINSTOR has a smallest size.
            Failed(reply).Code.ShouldBe(DriverErrorCode.Invalid);
            (await DefinitionAsync(bench, volume)).ShouldBeNull();
        }
    }

    [Fact]
    public async Task Ensure_MoreThanThereIs_IsCapacityAndLeavesNothing()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Capacity = 1L << 30 });
        var driver = bench.Driver();
        var volume = NewVolume();
        Failed(await driver.EnsureAsync(volume, size: 1L << 45)).Code.ShouldBe(DriverErrorCode.Capacity);
        (await DefinitionAsync(bench, volume)).ShouldBeNull();
        Failed(await driver.EnsureAsync(volume, size: long.MaxValue)).Code.ShouldBe(DriverErrorCode.Invalid);
    }

    [Fact]
    public async Task Ensure_InAGroupThatDoesNotExist_NamesTheSetting()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver(config: new() { ["resourceGroup"] = "nope" });
        var error = Failed(await driver.EnsureAsync(NewVolume()));
        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain("nope");
        error.Text.ShouldContain("tank");
        error.Text.ShouldContain(bench.Simulator.Uri.Port.ToString());
        error.Backend.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task Foreign_DefinitionOfOurName_IsNeverTouched()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        await PostAsync(bench, "v1/resource-groups/rg/spawn", $$"""{"resource_definition_name":"hf-{{volume}}","volume_sizes":[65536]}""");
        var before = (await DefinitionAsync(bench, volume))!.ToJsonString();

        Failed(await driver.EnsureAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.GetAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.ResizeAsync(volume, 2 * Size)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.SealAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.DeleteAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.SnapshotAsync(volume, NewSnapshot())).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.DeleteSnapshotAsync(volume, NewSnapshot())).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.RevertAsync(volume, NewSnapshot())).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.AttachAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.ReleaseAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.ListAsync()).Volumes.ShouldBeEmpty();
        (await DefinitionAsync(bench, volume))!.ToJsonString().ShouldBe(before);
    }

    [Fact]
    public async Task Foreign_PoolOnTheSameCluster_IsNeverTouched()
    {
        await using var bench = await StartAsync();
        var one = bench.Driver();
        var other = bench.Driver();
        var volume = NewVolume();
        Ok(await one.EnsureAsync(volume));

        Failed(await other.EnsureAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await other.DeleteAsync(volume, 100)).Text.ShouldContain(one.Pool.ToString());
        Failed(await other.AttachAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await other.ReleaseAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await other.ListAsync()).Volumes.ShouldBeEmpty();
        Ok(await one.ListAsync()).Volumes.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Foreign_NamesThatBeginLikeOurs_AreNotFound()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        await PostAsync(bench, "v1/resource-groups/rg/spawn", $$"""{"resource_definition_name":"hf-{{volume}}-rst","volume_sizes":[65536]}""");
        Failed(await driver.GetAsync(volume)).Code.ShouldBe(DriverErrorCode.NotFound);
        Ok(await driver.DeleteAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        (await ReadAsync(bench, "v1/resource-definitions")).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("Aux/holdfast/pool-id")]
    [InlineData("Aux/holdfast/{0}/generation")]
    public async Task Foreign_WithOneMarkMissing_IsNotOurs(string mark)
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        await PutAsync(bench, $"v1/resource-definitions/hf-{volume}", $$"""{"delete_props":["{{string.Format(mark, volume)}}"]}""");
        Failed(await driver.DeleteAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.EnsureAsync(volume)).Code.ShouldBe(DriverErrorCode.Invalid);
        (await DefinitionAsync(bench, volume)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Building_LeftByACallThatWasCutOff_IsFinished()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        await PutAsync(bench, $"v1/resource-definitions/hf-{volume}", $$"""{"override_props":{"Aux/holdfast/{{volume}}/building":"true"} }""");

        Failed(await driver.GetAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.AttachAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.SealAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.ResizeAsync(volume, 2 * Size)).Code.ShouldBe(DriverErrorCode.Busy);
        Ok(await driver.EnsureAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.GetAsync(volume));
    }

    [Theory]
    [InlineData("definition")]
    [InlineData("volume")]
    public async Task Building_AtAnyStep_IsCompleted(string step)
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        await PostAsync(
            bench,
            "v1/resource-definitions",
            $$$"""
            {"resource_definition":{"name":"hf-{{{volume}}}","resource_group_name":"rg","props":{
              "Aux/holdfast/volume-id":"{{{volume}}}","Aux/holdfast/pool-id":"{{{driver.Pool}}}","Aux/holdfast/generation":"1",
              "Aux/holdfast/source":"empty","Aux/holdfast/building":"true"} } }
            """);
        if (step == "volume")
        {
            await PostAsync(bench, $"v1/resource-definitions/hf-{volume}/volume-definitions", $$"""{"volume_definition":{"size_kib":{{Size / 1024}} } }""");
        }

        Ok(await driver.EnsureAsync(volume)).Volume.SizeBytes.ShouldBe(Size);
        (await ReadAsync(bench, $"v1/resource-definitions/hf-{volume}/resources")).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Building_ForAnOlderWish_IsMadeAnew()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        await PutAsync(bench, $"v1/resource-definitions/hf-{volume}", $$"""{"override_props":{"Aux/holdfast/{{volume}}/building":"true"} }""");
        Failed(await driver.EnsureAsync(volume, 1, 2 * Size)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.EnsureAsync(volume, 2, Size / 2)).Volume.SizeBytes.ShouldBe(Size / 2);
    }

    [Fact]
    public async Task Clone_OfASealedVolume_IsAVolumeOfItsOwn()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var (template, copy) = (NewVolume(), NewVolume());
        Ok(await driver.EnsureAsync(template));
        var source = new VolumeSource.FromVolume(template);
        Failed(await driver.EnsureAsync(copy, source: source)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.SealAsync(template));
        Failed(await driver.EnsureAsync(copy, size: Size / 2, source: source)).Code.ShouldBe(DriverErrorCode.Invalid);

        var made = Ok(await driver.EnsureAsync(copy, size: 2 * Size, source: source));
        made.Volume.SizeBytes.ShouldBe(2 * Size);
        made.Volume.Sealed.ShouldBeFalse();
        Ok(await driver.EnsureAsync(copy, size: 2 * Size, source: source)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Failed(await driver.EnsureAsync(copy, size: 2 * Size)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.EnsureAsync(NewVolume(), source: new VolumeSource.FromVolume(NewVolume()))).Code.ShouldBe(DriverErrorCode.NotFound);
        Ok(await driver.DeleteAsync(copy));
        Ok(await driver.GetAsync(template)).Volume.Sealed.ShouldBeTrue();
    }

    [Fact]
    public async Task Clone_OnAControllerThatCannotMarkIt_IsLeftToTheAgent()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, RestApiVersion = "1.25.0" });
        var driver = bench.Driver();
        var template = NewVolume();
        Ok(await driver.EnsureAsync(template));
        Ok(await driver.SealAsync(template));
        Failed(await driver.EnsureAsync(NewVolume(), source: new VolumeSource.FromVolume(template))).Code.ShouldBe(DriverErrorCode.Unsupported);
        bench.Simulator.Requests.Count("POST", "*/clone").ShouldBe(0);
    }

    [Fact]
    public async Task Clone_ThatDoesNotFinish_IsBusyAndGoesOnLater()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var (template, copy) = (NewVolume(), NewVolume());
        Ok(await driver.EnsureAsync(template));
        Ok(await driver.SealAsync(template));
        await bench.Simulator.Faults.AddAsync(FaultKind.CloneNeverFinishes);
        Failed(await driver.EnsureAsync(copy, source: new VolumeSource.FromVolume(template), seconds: 4)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.GetAsync(copy)).Code.ShouldBe(DriverErrorCode.Busy);
        await bench.Simulator.Faults.ClearAsync();
        Ok(await driver.EnsureAsync(copy, source: new VolumeSource.FromVolume(template)));
        Ok(await driver.GetAsync(copy)).Volume.SizeBytes.ShouldBe(Size);
        bench.Simulator.Requests.Count("POST", "*/clone").ShouldBe(1);
    }

    /// <summary>After a clone LINSTOR refuses to grow the copy until all replicas are in sync (974), which may take minutes.</summary>
    [Fact]
    public async Task ACloneThatHasToGrow_WhileItsReplicasAreNotInSync_IsBusyAndMadeByTheSameCallLater()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2"] });
        var driver = bench.Driver();
        var (template, copy) = (NewVolume(), NewVolume());
        Ok(await driver.EnsureAsync(template));
        Ok(await driver.SealAsync(template));
        await bench.Simulator.Faults.AddAsync(new FaultRule { Kind = FaultKind.ApiError, Code = 974, Method = "PUT", Path = "*/volume-definitions/0" });
        var source = new VolumeSource.FromVolume(template);
        for (var i = 0; i < 2; i++)
        {
            var error = Failed(await driver.EnsureAsync(copy, size: 2 * Size, source: source, seconds: 6));
            error.Code.ShouldBe(DriverErrorCode.Busy);
            error.ToString().ShouldContain("974");
            Failed(await driver.AttachAsync(copy)).Code.ShouldBe(DriverErrorCode.Busy, "what is half made is nobody's");
        }

        await bench.Simulator.Faults.ClearAsync();
        Ok(await driver.EnsureAsync(copy, size: 2 * Size, source: source)).Volume.SizeBytes.ShouldBe(2 * Size);
        Ok(await driver.DeleteAsync(copy));
        Ok(await driver.ListAsync()).Volumes.Select(static one => one.VolumeId).ShouldBe([template]);
    }

    [Fact]
    public async Task Snapshots_TakeRevertRestoreDelete()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        var snapshot = NewSnapshot();
        Ok(await driver.EnsureAsync(volume));
        Ok(await driver.SnapshotAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.SnapshotAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.RevertAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);
        Failed(await driver.RevertAsync(volume, NewSnapshot())).Code.ShouldBe(DriverErrorCode.NotFound);

        var blocked = Failed(await driver.DeleteAsync(volume));
        blocked.Code.ShouldBe(DriverErrorCode.Busy);
        blocked.Text.ShouldContain("snapshots");

        var restored = NewVolume();
        var source = new VolumeSource.FromSnapshot(volume, snapshot);
        Ok(await driver.EnsureAsync(restored, size: 2 * Size, source: source)).Volume.SizeBytes.ShouldBe(2 * Size);
        Ok(await driver.EnsureAsync(restored, size: 2 * Size, source: source)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Failed(await driver.EnsureAsync(NewVolume(), source: new VolumeSource.FromSnapshot(volume, NewSnapshot()))).Code.ShouldBe(DriverErrorCode.NotFound);

        Ok(await driver.DeleteSnapshotAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.DeleteSnapshotAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.DeleteSnapshotAsync(NewVolume(), snapshot)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.DeleteAsync(volume));
        Ok(await driver.DeleteAsync(restored));
        Failed(await driver.SnapshotAsync(volume, snapshot)).Code.ShouldBe(DriverErrorCode.NotFound);
    }

    [Fact]
    public async Task Snapshot_WithASatelliteAway_IsNotTaken()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        var snapshot = NewSnapshot();
        Ok(await driver.EnsureAsync(volume));
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, false, Token);
        Failed(await driver.SnapshotAsync(volume, snapshot)).Code.ShouldBe(DriverErrorCode.Unreachable);
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, true, Token);
        Ok(await driver.SnapshotAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Fact]
    public async Task Delete_WithASatelliteAway_IsPendingUntilItIsBack()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, false, Token);

        var pending = Failed(await driver.DeleteAsync(volume, seconds: 3));
        pending.Code.ShouldBe(DriverErrorCode.Busy);
        pending.Text.ShouldContain($"node {Node} is OFFLINE");
        Failed(await driver.EnsureAsync(volume, 2)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.GetAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.AttachAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.DeleteAsync(volume, seconds: 3)).Code.ShouldBe(DriverErrorCode.Busy);

        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, true, Token);
        Ok(await driver.DeleteAsync(volume));
        (await DefinitionAsync(bench, volume)).ShouldBeNull();
        Ok(await driver.EnsureAsync(volume, 2));
    }

    [Fact]
    public async Task Probe_OfAWellCluster_TellsPlanesAndCapacity()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var status = await driver.ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Up);
        status.DataPlane.ShouldBe(PlaneHealth.Unknown);
        status.Error.ShouldBeNull();
        status.Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(20L << 30);
        await driver.ProbeAsync();
        bench.Simulator.Requests.Count("GET", "/v1/view/storage-pools").ShouldBe(1);
        driver.Driver.Capabilities.IsShared.ShouldBeFalse();
        bench.Driver(driver.Pool).Driver.Capabilities.IsShared.ShouldBeFalse();
    }

    [Fact]
    public async Task Probe_OfADeadController_SaysSoAndKeepsCapacity()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        await driver.ProbeAsync();
        await bench.Simulator.StopAsync();
        var status = await driver.ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Down);
        status.Error.ShouldNotBeNull().Code.ShouldBe(DriverErrorCode.Unreachable);
        status.Capacity.ShouldNotBeNull();
        await bench.Simulator.RestartAsync(Token);
        await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
        (await driver.ProbeAsync()).ControlPlane.ShouldBe(PlaneHealth.Up);
    }

    [Fact]
    public async Task Probe_WithAWrongNodeOrGroup_NamesTheSettingAndWhatLinstorHas()
    {
        await using var bench = await StartAsync();
        var node = await bench.Driver(config: new() { ["nodeName"] = "elsewhere" }).ProbeAsync();
        node.ControlPlane.ShouldBe(PlaneHealth.Down);
        node.Error.ShouldNotBeNull().Code.ShouldBe(DriverErrorCode.Invalid);
        node.Error.Text.ShouldContain("has no node 'elsewhere'");
        node.Error.Text.ShouldContain("nodeName");
        node.Error.Text.ShouldContain($"it has {Node}.");
        var group = await bench.Driver(config: new() { ["resourceGroup"] = "elsewhere" }).ProbeAsync();
        group.ControlPlane.ShouldBe(PlaneHealth.Down);
        group.Error.ShouldNotBeNull().Text.ShouldContain("has no resource group 'elsewhere' (setting 'resourceGroup'); it has DfltRscGrp, rg.");
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, false, Token);
        (await bench.Driver().ProbeAsync()).Error.ShouldNotBeNull().Text.ShouldContain("OFFLINE");
    }

    /// <summary>The pool was Up and healthy, and each deploy failed at its attach.</summary>
    [Theory]
    [InlineData("kvm1", "KVM1")]
    [InlineData("kvm1", "kvm1.example.org")]
    [InlineData("kvm1.example.org", "kvm1")]
    [InlineData("Kvm1.Example.org", "kvm1.example.ORG")]
    public async Task AHost_IsTheNodeOfItsName_ShortOrFullInAnyCase(string node, string host)
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, SimulatedNodes = ["kvm2", "kvm10"] }, node);
        var driver = bench.Driver(hostName: host);
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        (await ReadAsync(bench, $"v1/resource-definitions/hf-{volume}/resources")).Single()!["node_name"]!.GetValue<string>().ShouldBe(node, "also before the first status");
        (await driver.ProbeAsync()).ControlPlane.ShouldBe(PlaneHealth.Up);
    }

    [Theory]
    [InlineData("kvm1.example.org", new[] { "kvm1.example.com" }, null)]
    [InlineData("kvm1", new[] { "kvm1.example.org", "kvm1.example.com" }, null)]
    [InlineData("kvm1", new[] { "kvm1.example.org", "KVM1" }, "KVM1")]
    [InlineData("kvm1", new[] { "kvm10", "kvm" }, null)]
    [InlineData("kvm1", new[] { "hostA=kvm1", "kvm1.example.org=other" }, "hostA")]
    [InlineData("kvm1", new[] { "hostA=kvm1", "hostB=KVM1" }, null)]
    [InlineData("kvm1", new[] { "kvm1=elsewhere", "hostB=kvm1" }, "hostB")]
    [InlineData("kvm1", new[] { "kvm1.example.org=elsewhere" }, null)]
    public void NodeOf_TakesWhatTheSatelliteSays_AndGuessesNothing(string host, string[] nodes, string? node)
    {
        var told = nodes.Select(static text => text.Split('=')).Select(static parts => new Holdfast.Drivers.Linstor.Rest.Model.Node(
            parts[0], "ONLINE", null, parts.Length > 1 ? new Dictionary<string, string> { ["NodeUname"] = parts[1] } : null));
        var found = Holdfast.Drivers.Linstor.LinstorDriver.NodeOf([.. told], host);
        (found?.Name).ShouldBe(node);
    }

    [Fact]
    public async Task TheHostsOwnConfiguration_NamesItsNode_AndThePoolsNamesNoProgram()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, SimulatedNodes = ["storage7"] });
        var marker = Path.Combine(bench.Simulator.StateFolderPath, "was-run");
        var program = Path.Combine(bench.Simulator.StateFolderPath, "drbdsetup-of-the-pool");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\ntouch {marker}\n", Token);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var driver = bench.Driver(config: new() { ["drbdsetup"] = program, ["devicePrefix"] = "/tmp" }, hostConfig: new() { ["nodeName"] = "storage7" });
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        (await ReadAsync(bench, $"v1/resource-definitions/hf-{volume}/resources")).Single()!["node_name"]!.GetValue<string>().ShouldBe("storage7");
        await driver.ReleaseAsync(volume);
        var status = await driver.ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Up);
        status.Error.ShouldNotBeNull().Text.ShouldContain("'devicePrefix' and 'drbdsetup' is not used");
        File.Exists(marker).ShouldBeFalse("a storage pool's settings are whoever's who may add one, and drivers run as root");
    }

    [Fact]
    public async Task Attach_ToANodeThatLinstorDoesNotKnow_NamesTheSetting()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2"] });
        var driver = bench.Driver(config: new() { ["nodeName"] = "elsewhere" });
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        var error = Failed(await driver.AttachAsync(volume));
        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain("nodeName");
    }

    [Fact]
    public async Task Attach_WithoutDrbdWhereTheDataIsNot_NeverMakesNewData()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, SimulatedNodes = ["kvm2"] });
        var volume = NewVolume();
        var driver = bench.Driver();
        Ok(await driver.EnsureAsync(volume));
        var resources = await ReadAsync(bench, $"v1/resource-definitions/hf-{volume}/resources");
        var owner = resources.Single()!["node_name"]!.GetValue<string>();
        var elsewhere = bench.Driver(driver.Pool, new() { ["nodeName"] = owner == Node ? "kvm2" : Node });
        var error = Failed(await elsewhere.AttachAsync(volume));
        error.Code.ShouldBe(DriverErrorCode.Invalid);
        error.Text.ShouldContain(owner);
        (await ReadAsync(bench, $"v1/resource-definitions/hf-{volume}/resources")).Count.ShouldBe(1);
        bench.Simulator.Requests.Count("POST", "*/make-available").ShouldBe(0);
    }

    [Fact]
    public async Task Attach_WhenNoDeviceAppears_IsBusyAtTheDeadline()
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        var error = Failed(await driver.AttachAsync(volume, seconds: 2));
        error.Code.ShouldBeOneOf(DriverErrorCode.Busy, DriverErrorCode.Invalid);
    }
}
