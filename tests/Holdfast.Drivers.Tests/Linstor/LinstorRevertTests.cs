using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>
/// LINSTOR puts properties and sizes back with the data, and a rollback that dies leaves a safety snapshot, and maybe no resource. After a revert the volume is what was
/// asked for, whoever died, and until then nobody uses it.
/// </summary>
public sealed class LinstorRevertTests
{
    private const long Size = Driving.Size;

    private static readonly FaultKind[] Deaths =
    [
        FaultKind.DieAfterSafetySnapshot, FaultKind.DieAfterResourcesDeleted, FaultKind.DieBeforeRestore, FaultKind.DieBeforeSafetySnapshotDeleted,
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static LinstorSimulatorOptions Without(string rest = "1.27.0") => new() { Devices = DeviceMode.None, RestApiVersion = rest };

    private static string KeyOf(VolumeId volume, string name) => $"Aux/holdfast/{volume}/{name}";

    private static async Task<JsonArray> ReadAsync(LinstorBench bench, string path)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        return (await client.GetFromJsonAsync<JsonArray>(path, Token))!;
    }

    private static async Task<JsonObject> PropertiesAsync(LinstorBench bench, VolumeId volume) =>
        (await ReadAsync(bench, $"v1/resource-definitions?resource_definitions=hf-{volume}")).Single()!["props"]!.AsObject();

    private static async Task<IReadOnlyList<string>> SnapshotsAsync(LinstorBench bench, VolumeId volume) =>
        [.. (await ReadAsync(bench, $"v1/view/snapshots?resources=hf-{volume}")).Select(static one => one!["name"]!.GetValue<string>())];

    private static async Task SendAsync(LinstorBench bench, HttpMethod method, string path, JsonObject? body = null)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        (await client.SendAsync(request, Token)).EnsureSuccessStatusCode();
    }

    private static Task ChangeAsync(LinstorBench bench, VolumeId volume, JsonObject change) =>
        SendAsync(bench, HttpMethod.Put, $"v1/resource-definitions/hf-{volume}", change);

    private static int Changes(LinstorBench bench) => bench.Simulator.Requests.Entries.Count(static entry => entry.Method != "GET");

    /// <summary>A volume of generation 2 that has grown since its snapshot.</summary>
    private static async Task<(VolumeId Volume, SnapshotId Snapshot)> GrownAsync(Driving driver)
    {
        var (volume, snapshot) = (new VolumeId(Guid.NewGuid()), new SnapshotId(Guid.NewGuid()));
        Ok(await driver.EnsureAsync(volume));
        Ok(await driver.SnapshotAsync(volume, snapshot));
        Ok(await driver.ResizeAsync(volume, 2 * Size, 2));
        return (volume, snapshot);
    }

    private static async Task DieAsync(LinstorBench bench, Driving driver, VolumeId volume, SnapshotId snapshot, FaultKind death)
    {
        await bench.Simulator.Faults.AddAsync(new FaultRule { Kind = death, Times = 1 });
        Failed(await driver.RevertAsync(volume, snapshot, 3)).Code.ShouldBe(DriverErrorCode.Unknown, death.ToString());
        await bench.Simulator.StopAsync();
        await bench.Simulator.RestartAsync(Token);
    }

    private static async Task IsWholeAsync(LinstorBench bench, Driving driver, VolumeId volume, SnapshotId snapshot, string because)
    {
        var info = Ok(await driver.GetAsync(volume)).Volume;
        info.Generation.ShouldBe(new Generation(3), because);
        info.SizeBytes.ShouldBe(2 * Size, because);
        (await SnapshotsAsync(bench, volume)).ShouldBe([$"hf-{snapshot}"], because);
        (await PropertiesAsync(bench, volume)).ContainsKey(KeyOf(volume, "revert")).ShouldBeFalse(because);
        (await ReadAsync(bench, $"v1/resource-definitions/hf-{volume}/resources")).ShouldNotBeEmpty(because);
        Failed(await driver.ResizeAsync(volume, 2 * Size, 2)).Code.ShouldBe(DriverErrorCode.Invalid, because);
        Ok(await driver.EnsureAsync(volume, 3, 2 * Size)).Outcome.ShouldBe(DriverOutcome.AlreadySo, because);
        Ok(await driver.DeleteSnapshotAsync(volume, snapshot));
        Ok(await driver.DeleteAsync(volume, 3)).Outcome.ShouldBe(DriverOutcome.Done, because);
    }

    [Theory]
    [InlineData("1.24.0")]
    [InlineData("1.25.1")]
    [InlineData("1.27.0")]
    public async Task Revert_OfAVolumeThatGrew_KeepsSizeAndGetsTheGeneration(string rest)
    {
        await using var bench = await StartAsync(Without(rest));
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        Ok(await driver.RevertAsync(volume, snapshot, 3)).Outcome.ShouldBe(DriverOutcome.Done);
        Failed(await driver.AttachAsync(volume, generation: 1)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.RevertAsync(volume, snapshot, 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        await IsWholeAsync(bench, driver, volume, snapshot, rest);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Revert_WithDevices_AttachesWithTheNewGenerationOnly(bool drbd)
    {
        await using var bench = await StartWithDevicesAsync(drbd);
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        Ok(await driver.RevertAsync(volume, snapshot, 3));
        Failed(await driver.AttachAsync(volume, generation: 1)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.AttachAsync(volume, generation: 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.AttachAsync(volume, generation: 3)).SizeBytes.ShouldBe(drbd ? 138_342_400 : 2 * Size, "a device over DRBD has all that its extents and DRBD's metadata leave");
        Failed(await driver.RevertAsync(volume, snapshot, 4)).Code.ShouldBe(DriverErrorCode.Busy);
        Ok(await driver.ReleaseAsync(volume, generation: 3));
        await IsWholeAsync(bench, driver, volume, snapshot, "after an attachment");
    }

    [Fact]
    public async Task Revert_OnAVersionThatCannotRestoreIntoAGrownVolume_IsUnsupportedAndChangesNothing()
    {
        await using var bench = await StartAsync(Without("1.25.0"));
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        bench.Simulator.Requests.Clear();
        Failed(await driver.RevertAsync(volume, snapshot, 3)).Code.ShouldBe(DriverErrorCode.Unsupported);
        Changes(bench).ShouldBe(0);
        Ok(await driver.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(2));
    }

    [Fact]
    public async Task Revert_RefusedByLinstor_LeavesTheVolumeAsItWas()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        await bench.Simulator.Faults.AddAsync(new FaultRule { Kind = FaultKind.ApiError, Code = 995, Method = "POST", Path = "*/snapshot-rollback/*" });
        Failed(await driver.RevertAsync(volume, snapshot, 3)).Code.ShouldBe(DriverErrorCode.Unreachable);
        Ok(await driver.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(2));
        Ok(await driver.SealAsync(volume, 2));
        (await PropertiesAsync(bench, volume)).ContainsKey(KeyOf(volume, "revert")).ShouldBeFalse();
    }

    [Fact]
    public async Task Revert_ThatLinstorPutsOff_IsBusyAndNothingUsesTheVolume()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        await bench.Simulator.Faults.AddAsync(FaultKind.WarnNotConnected, "POST", "*/snapshot-rollback/*");
        Failed(await driver.RevertAsync(volume, snapshot, 3)).Code.ShouldBe(DriverErrorCode.Busy);
        await NobodyUsesAsync(driver, volume, snapshot);
        await bench.Simulator.Faults.ClearAsync();
        Ok(await driver.RevertAsync(volume, snapshot, 3));
        await IsWholeAsync(bench, driver, volume, snapshot, "after it was put off");
    }

    private static async Task NobodyUsesAsync(Driving driver, VolumeId volume, SnapshotId snapshot)
    {
        var get = Failed(await driver.GetAsync(volume));
        get.Code.ShouldBe(DriverErrorCode.Busy);
        get.Text.ShouldContain($"revert to snapshot {snapshot} (generation 3)");
        Failed(await driver.SealAsync(volume, 3)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.SnapshotAsync(volume, new SnapshotId(Guid.NewGuid()), 3)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.EnsureAsync(new VolumeId(Guid.NewGuid()), source: new VolumeSource.FromVolume(volume))).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.AttachAsync(volume, generation: 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.ResizeAsync(volume, 3 * Size, 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.DeleteAsync(volume, 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.ListAsync()).Volumes.Single(one => one.VolumeId == volume).Generation.ShouldBe(new Generation(3));
    }

    /// <summary>By the same call on the same host, by a new process, and by another call on another host that has only LINSTOR's word.</summary>
    [Theory]
    [InlineData(false, "same")]
    [InlineData(true, "same")]
    [InlineData(true, "new")]
    [InlineData(false, "other")]
    [InlineData(true, "other")]
    public async Task Revert_ControllerKilledAtAnyStep_IsFinishedByTheNextCall(bool drbd, string who) => await Task.WhenAll(Deaths.Select(async death =>
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = drbd, SimulatedNodes = drbd ? ["kvm2", "kvm3"] : [] });
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        await DieAsync(bench, driver, volume, snapshot, death);
        var next = who switch
        {
            "same" => driver,
            "new" => bench.Driver(driver.Pool),
            _ => bench.Driver(driver.Pool, new() { ["nodeName"] = drbd ? "kvm2" : Node }, stateFolder: driver.StateFolder + "-other"),
        };
        await NobodyUsesAsync(next, volume, snapshot);
        if (who == "other")
        {
            Ok(await next.ResizeAsync(volume, 2 * Size, 3)).Volume.SizeBytes.ShouldBe(2 * Size, death.ToString());
        }
        else
        {
            Ok(await next.RevertAsync(volume, snapshot, 3));
        }

        if (who == "other")
        {
            // The first host's note of a revert that another finished must not put the data back again.
            bench.Simulator.Requests.Clear();
            Ok(await driver.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(3), death.ToString());
            Ok(await driver.ResizeAsync(volume, 2 * Size, 3)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
            bench.Simulator.Requests.Count("POST", "*/snapshot-rollback/*").ShouldBe(0);
        }

        await IsWholeAsync(bench, next, volume, snapshot, $"{death}, {who}");
    }));

    /// <summary>Real devices: what is there after the death, or comes back by LINSTOR's own doing, is not what the guest gets.</summary>
    [Theory]
    [InlineData(FaultKind.DieAfterSafetySnapshot)]
    [InlineData(FaultKind.DieAfterResourcesDeleted)]
    [InlineData(FaultKind.DieBeforeRestore)]
    [InlineData(FaultKind.DieBeforeSafetySnapshotDeleted)]
    public async Task Revert_ControllerKilled_TheNextAttachGetsTheSnapshotsContent(FaultKind death)
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var (volume, snapshot) = (new VolumeId(Guid.NewGuid()), new SnapshotId(Guid.NewGuid()));
        Ok(await driver.EnsureAsync(volume));
        await WriteAsync(driver, volume, "before", 1);
        Ok(await driver.SnapshotAsync(volume, snapshot));
        Ok(await driver.ResizeAsync(volume, 2 * Size, 2));
        await WriteAsync(driver, volume, "after!", 2);
        await DieAsync(bench, driver, volume, snapshot, death);
        var attachment = Ok(await driver.AttachAsync(volume, generation: 3, seconds: 60));
        attachment.SizeBytes.ShouldBe(2 * Size);
        var content = new byte[6];
        await using (var device = File.OpenRead(PathOf(attachment)))
        {
            await device.ReadExactlyAsync(content, Token);
        }

        System.Text.Encoding.ASCII.GetString(content).ShouldBe("before");
        Ok(await driver.ReleaseAsync(volume, generation: 3));
        await IsWholeAsync(bench, driver, volume, snapshot, death.ToString());
    }

    private static string PathOf(AttachmentReply attachment) => attachment.Source.ShouldBeOfType<DiskSource.Block>().Path;

    private static async Task WriteAsync(Driving driver, VolumeId volume, string text, long generation)
    {
        var attachment = Ok(await driver.AttachAsync(volume, AttachMode.Copy, generation));
        await using (var device = File.OpenWrite(PathOf(attachment)))
        {
            await device.WriteAsync(System.Text.Encoding.ASCII.GetBytes(text), Token);
            device.Flush(flushToDisk: true);
        }

        Ok(await driver.ReleaseAsync(volume, AttachMode.Copy, generation));
    }

    [Fact]
    public async Task Revert_WhoseNoteLinstorLost_IsFinishedFromTheDriversOwn()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        await DieAsync(bench, driver, volume, snapshot, FaultKind.DieBeforeSafetySnapshotDeleted);
        await ChangeAsync(bench, volume, new() { ["delete_props"] = new JsonArray(KeyOf(volume, "revert")) });
        var next = bench.Driver(driver.Pool);
        await NobodyUsesAsync(next, volume, snapshot);
        Ok(await next.EnsureAsync(volume, 3, 2 * Size));
        await IsWholeAsync(bench, next, volume, snapshot, "from the driver's own note");
    }

    /// <summary>A controller that dies loses the last changes it answered: the note comes back, after a guest wrote.</summary>
    [Fact]
    public async Task Revert_WhoseEndLinstorLost_IsNotPutBackOnceMore()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        await bench.Simulator.Faults.AddAsync(FaultKind.WarnNotConnected, "POST", "*/snapshot-rollback/*");
        Failed(await driver.RevertAsync(volume, snapshot, 3)).Code.ShouldBe(DriverErrorCode.Busy);
        await bench.Simulator.Faults.ClearAsync();
        var note = (await PropertiesAsync(bench, volume))[KeyOf(volume, "revert")]!.GetValue<string>();
        Ok(await driver.RevertAsync(volume, snapshot, 3));
        await ChangeAsync(bench, volume, new()
        {
            ["override_props"] = new JsonObject { [KeyOf(volume, "revert")] = note, [KeyOf(volume, "generation")] = "2" },
            ["delete_props"] = new JsonArray(KeyOf(volume, "reverts")),
        });
        bench.Simulator.Requests.Clear();
        var next = bench.Driver(driver.Pool);
        Ok(await next.GetAsync(volume)).Volume.Generation.ShouldBe(new Generation(3));
        Ok(await next.ResizeAsync(volume, 2 * Size, 3));
        bench.Simulator.Requests.Count("POST", "*/snapshot-rollback/*").ShouldBe(0);
        await IsWholeAsync(bench, next, volume, snapshot, "after the note came back");
    }

    [Fact]
    public async Task Revert_ToAnotherSnapshot_SupersedesOneThatIsNotComplete()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, first) = await GrownAsync(driver);
        var second = new SnapshotId(Guid.NewGuid());
        Ok(await driver.SnapshotAsync(volume, second, 2));
        await DieAsync(bench, driver, volume, first, FaultKind.DieBeforeRestore);
        Ok(await driver.RevertAsync(volume, second, 4));
        var info = Ok(await driver.GetAsync(volume)).Volume;
        info.Generation.ShouldBe(new Generation(4));
        info.SizeBytes.ShouldBe(2 * Size);
    }

    [Theory]
    [InlineData(FaultKind.DieAfterResourcesDeleted)]
    [InlineData(FaultKind.DieBeforeSafetySnapshotDeleted)]
    public async Task Delete_OfAVolumeWhoseRevertDied_TakesItAllAway(FaultKind death)
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, snapshot) = await GrownAsync(driver);
        await DieAsync(bench, driver, volume, snapshot, death);
        Failed(await driver.DeleteAsync(volume, 2)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.DeleteAsync(volume, 3)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.DeleteSnapshotAsync(volume, snapshot)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        (await ReadAsync(bench, "v1/resource-definitions")).ShouldBeEmpty();
        Ok(await driver.EnsureAsync(volume, 4)).Volume.Generation.ShouldBe(new Generation(4));
        Ok(await driver.GetAsync(volume));
    }

    [Fact]
    public async Task Delete_WithASafetySnapshotLeftOver_IsNotHeldUpByIt()
    {
        await using var bench = await StartAsync(Without());
        var driver = bench.Driver();
        var (volume, kept) = await GrownAsync(driver);
        await SendAsync(bench, HttpMethod.Post, $"v1/resource-definitions/hf-{volume}/snapshots", new() { ["name"] = "safety-snap-0123456789" });
        Failed(await driver.DeleteAsync(volume, 2)).Text.ShouldContain("snapshots");
        (await SnapshotsAsync(bench, volume)).ShouldContain("safety-snap-0123456789", "a delete that is refused destroys nothing");
        Ok(await driver.DeleteSnapshotAsync(volume, kept));
        Ok(await driver.DeleteAsync(volume, 2)).Outcome.ShouldBe(DriverOutcome.Done);
        (await ReadAsync(bench, "v1/resource-definitions")).ShouldBeEmpty();
    }
}
