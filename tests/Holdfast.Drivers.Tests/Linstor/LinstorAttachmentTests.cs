using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.Drivers.Linstor.Devices;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Attachments on real loop devices.</summary>
public sealed class LinstorAttachmentTests
{
    private const long Size = Driving.Size;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static VolumeId NewVolume() => new(Guid.NewGuid());

    private static string PathOf(AttachmentReply reply) => reply.Source.ShouldBeOfType<DiskSource.Block>().Path;

    private static async Task<JsonArray> ResourcesAsync(LinstorBench bench, VolumeId volume)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        return (await client.GetFromJsonAsync<JsonArray>($"v1/resource-definitions/hf-{volume}/resources", Token))!;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(Token);
        process.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}");
    }

    [Fact]
    public async Task Storage_AttachUseRelease()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver(guest: new GuestUser(64055, 64056));
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));

        var attached = Ok(await driver.AttachAsync(volume));
        attached.Outcome.ShouldBe(DriverOutcome.Done);
        attached.SizeBytes.ShouldBe(Size);
        attached.BackendName.ShouldBe($"hf-{volume}");
        attached.WithoutControlPlane.ShouldBeNull();
        var path = PathOf(attached);
        DeviceFile.TryRead(path, out var status).ShouldBeTrue();
        status.IsBlock.ShouldBeTrue();
        (status.User, status.Group).ShouldBe((64055u, 64056u));
        Ok(await driver.AttachAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.InventoryAsync()).Attachments.ShouldBe([new AttachmentInfo(volume, $"hf-{volume}", path, false, AttachMode.Run, Generation.First)]);

        await using (var open = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            await open.WriteAsync("holdfast"u8.ToArray(), Token);
            Ok(await driver.InventoryAsync()).Attachments.Single().InUse.ShouldBe(true);
            Failed(await driver.ReleaseAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        }

        Failed(await driver.DeleteAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Failed(await driver.SealAsync(volume)).Code.ShouldBe(DriverErrorCode.Busy);
        Ok(await driver.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        DeviceFile.TryRead(path, out status).ShouldBeTrue();
        status.User.ShouldBe(0u);
        Ok(await driver.InventoryAsync()).Attachments.ShouldBeEmpty();
        Ok(await driver.DeleteAsync(volume));
        bench.Simulator.Cluster.Volumes.ShouldBeEmpty();
    }

    [Fact]
    public async Task Storage_ADeviceThatAGuestHadBefore_IsNotLeftToGuests()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver(guest: new GuestUser(64055, 64056));
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        var path = bench.Simulator.Cluster.Volumes.Single().Device;
        DeviceFile.Give(path, 64055, 64056).ShouldBeNull();
        Ok(await driver.AttachAsync(volume));
        Ok(await driver.ReleaseAsync(volume));
        DeviceFile.TryRead(path, out var status).ShouldBeTrue();
        status.User.ShouldBe(0u);
    }

    [Fact]
    public async Task Storage_TwoModes_AreReleasedApart()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        Ok(await driver.AttachAsync(volume, AttachMode.Copy));
        Ok(await driver.AttachAsync(volume));
        Ok(await driver.ReleaseAsync(volume, AttachMode.Copy)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.InventoryAsync()).Attachments.Count.ShouldBe(1);
        Ok(await driver.ReleaseAsync(volume, AttachMode.Copy)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.InventoryAsync()).Attachments.ShouldBeEmpty();
    }

    [Fact]
    public async Task Storage_GenerationsAndSeals_AreKept()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume, 5));
        Failed(await driver.AttachAsync(volume, generation: 4)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.AttachAsync(volume, generation: 6)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.AttachAsync(volume, generation: 5));
        Failed(await driver.ReleaseAsync(volume, generation: 4)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.ReleaseAsync(volume, generation: 5));
        Ok(await driver.SealAsync(volume, 6));
        Failed(await driver.AttachAsync(volume, AttachMode.Copy, 6)).Code.ShouldBe(DriverErrorCode.Invalid);
        Ok(await driver.AttachAsync(volume, AttachMode.Copy, 6, readOnly: true));
    }

    [Fact]
    public async Task Storage_WithoutController_AttachesAgainWhatWasHereBefore()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var (known, unknown) = (NewVolume(), NewVolume());
        Ok(await driver.EnsureAsync(known));
        Ok(await driver.EnsureAsync(unknown));
        var path = PathOf(Ok(await driver.AttachAsync(known)));
        await bench.Simulator.StopAsync();
        var requests = driver.Calls.Snapshot().Values.Sum();
        Ok(await driver.ReleaseAsync(known)).Outcome.ShouldBe(DriverOutcome.Done);
        driver.Calls.Snapshot().Values.Sum().ShouldBe(requests, "a release without DRBD asks nobody");

        // A new driver process knows what the old one wrote down.
        var next = bench.Driver(driver.Pool, stateFolder: driver.StateFolder);
        var attached = Ok(await next.AttachAsync(known));
        PathOf(attached).ShouldBe(path);
        attached.SizeBytes.ShouldBe(Size);
        attached.WithoutControlPlane.ShouldNotBeNull().Code.ShouldBe(DriverErrorCode.Unreachable);
        Failed(await next.AttachAsync(known, AttachMode.MigrateIn)).Code.ShouldBe(DriverErrorCode.Unreachable);

        var clock = Stopwatch.StartNew();
        var refused = Failed(await next.AttachAsync(unknown));
        refused.Code.ShouldBe(DriverErrorCode.Unreachable);
        refused.Text.ShouldContain("tank");
        refused.Text.ShouldContain("not attached on this host before");
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData(FaultKind.Blackhole)]
    [InlineData(FaultKind.Hang)]
    [InlineData(FaultKind.SlowBody)]
    [InlineData(FaultKind.Garbage)]
    [InlineData(FaultKind.ServerErrorPage)]
    public async Task Storage_WithAControllerThatIsSick_AttachesLocallyInBoundedTime(FaultKind fault)
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        Ok(await driver.AttachAsync(volume));
        Ok(await driver.ReleaseAsync(volume));
        await bench.Simulator.Faults.AddAsync(fault);
        var clock = Stopwatch.StartNew();
        Ok(await driver.AttachAsync(volume, seconds: 30)).WithoutControlPlane.ShouldNotBeNull();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        Ok(await driver.ReleaseAsync(volume, seconds: 5)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Fact]
    public async Task Storage_WhoseDeviceNumberIsAnothersNow_IsNotAttachedLocally()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        var path = PathOf(Ok(await driver.AttachAsync(volume)));
        await bench.Simulator.StopAsync();
        var theirs = Path.Combine(bench.Simulator.StateFolderPath, $"hf-{NewVolume()}_00000.img");
        await using (var file = File.Create(theirs))
        {
            file.SetLength(Size);
        }

        await RunAsync("losetup", "--detach", path);
        await RunAsync("losetup", path, theirs);
        try
        {
            Ok(await driver.InventoryAsync()).Attachments.ShouldBeEmpty();
            var refused = Failed(await driver.AttachAsync(volume));
            refused.Code.ShouldBe(DriverErrorCode.Unreachable);
            refused.Text.ShouldContain("not its device any more");

            // The controller still names the old number from its memory.
            await bench.Simulator.RestartAsync(Token);
            await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, false, Token);
            await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
            var attached = await driver.AttachAsync(volume, seconds: 5);
            if (attached is DriverKit.DriverResult<AttachmentReply>.Ok(var elsewhere))
            {
                PathOf(elsewhere).ShouldNotBe(path);
            }
            else
            {
                Failed(attached).Code.ShouldBe(DriverErrorCode.Busy);
            }
        }
        finally
        {
            await RunAsync("losetup", "--detach", path);
        }
    }

    [Fact]
    public async Task Storage_WithoutADevicePath_IsBusyUntilThereIsOne()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        await bench.Simulator.Faults.AddAsync(FaultKind.DevicePathNull);
        Failed(await driver.AttachAsync(volume, seconds: 3)).Code.ShouldBe(DriverErrorCode.Busy);
        await bench.Simulator.Faults.ClearAsync();
        Ok(await driver.AttachAsync(volume));
    }

    [Fact]
    public async Task Storage_AttachIsRetriedAfterItsRecordWasLost()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        Ok(await driver.AttachAsync(volume));
        System.IO.Directory.Delete(driver.StateFolder, recursive: true);
        var next = bench.Driver(driver.Pool, stateFolder: driver.StateFolder);
        Ok(await next.InventoryAsync()).Attachments.ShouldBeEmpty();
        Ok(await next.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await next.AttachAsync(volume));
        Ok(await next.InventoryAsync()).Attachments.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Drbd_AttachOnANodeWithData_UsesTheByResPath()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        var attached = Ok(await driver.AttachAsync(volume));
        PathOf(attached).ShouldEndWith($"/drbd/by-res/hf-{volume}/0");
        Ok(await driver.AttachAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.InventoryAsync()).Attachments.Single().Path.ShouldBe(PathOf(attached));
        (await driver.ProbeAsync()).DataPlane.ShouldBe(PlaneHealth.Up);
        Ok(await driver.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        (await ResourcesAsync(bench, volume)).Count(static one => one!["flags"] is null).ShouldBe(2);
    }

    [Fact]
    public async Task Drbd_AttachWithoutData_MakesADisklessResourceAndTakesItAway()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: false);
        var before = (await ResourcesAsync(bench, volume)).ToJsonString();
        var wasThere = before.Contains($"\"{Node}\"", StringComparison.Ordinal);
        Ok(await driver.AttachAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        (await ResourcesAsync(bench, volume)).ToJsonString().ShouldContain($"\"{Node}\"");
        Ok(await driver.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
        var mine = (await ResourcesAsync(bench, volume)).SingleOrDefault(static one => one!["node_name"]!.GetValue<string>() == Node);
        if (wasThere)
        {
            mine.ShouldNotBeNull().ToJsonString().ShouldContain("TIE_BREAKER");
        }
        else
        {
            mine?.ToJsonString().ShouldContain("TIE_BREAKER");
        }

        Ok(await driver.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Ok(await driver.DeleteAsync(volume));
    }

    [Fact]
    public async Task Drbd_WithoutController_AttachesWhatDrbdVouchesFor()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        var absent = NewVolume();
        await bench.Simulator.StopAsync();
        var fresh = bench.Driver(driver.Pool);
        var attached = Ok(await fresh.AttachAsync(volume));
        attached.WithoutControlPlane.ShouldNotBeNull();
        attached.SizeBytes.ShouldBe(71_249_920, "the device has all that its extents and DRBD's metadata leave");
        Failed(await fresh.AttachAsync(absent)).Code.ShouldBe(DriverErrorCode.Unreachable);
        Failed(await fresh.AttachAsync(volume, AttachMode.MigrateIn)).Code.ShouldBe(DriverErrorCode.Unreachable);

        // What a release owes LINSTOR stays owed.
        Failed(await fresh.ReleaseAsync(volume)).Code.ShouldBe(DriverErrorCode.Unreachable);
        await bench.Simulator.RestartAsync(Token);
        await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
        Ok(await fresh.ReleaseAsync(volume)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Fact]
    public async Task Drbd_WithoutControllerAndWithoutDrbdsetup_IsNotTrusted()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        await bench.Simulator.StopAsync();
        var blind = bench.Driver(driver.Pool, hostConfig: new() { ["drbdsetup"] = "/nowhere/drbdsetup" });
        Failed(await blind.AttachAsync(volume)).Text.ShouldContain("drbdsetup");
    }

    [Fact]
    public async Task Drbd_Migration_AllowsTwoPrimariesAndTakesThatBack()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        var source = (await ResourcesAsync(bench, volume)).Select(static one => one!["node_name"]!.GetValue<string>()).First(static name => name != Node);
        (await bench.Simulator.Cluster.SetOpenAsync($"hf-{volume}", source, true, Token)).ShouldBeNull();

        var path = PathOf(Ok(await driver.AttachAsync(volume, AttachMode.MigrateIn)));
        await using (var open = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            await open.WriteAsync(new byte[4096], Token);
            (await bench.Simulator.Cluster.SetOpenAsync($"hf-{volume}", source, false, Token)).ShouldBeNull();
        }

        bench.Simulator.Cluster.Violations.ShouldBeEmpty();
        Ok(await driver.ReleaseAsync(volume, AttachMode.MigrateIn)).Outcome.ShouldBe(DriverOutcome.Done);
        bench.Simulator.Cluster.TwoPrimariesLeftovers.ShouldBeEmpty();
    }

    /// <summary>With only the tie-breaker's node away, a migration between two healthy nodes was refused.</summary>
    [Fact]
    public async Task Drbd_MigrationBetweenHealthyNodes_DoesNotFailForATieBreakerThatIsAway()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        var resources = await ResourcesAsync(bench, volume);
        var source = NodesOf(resources, isDiskless: false).First(static name => name != Node);
        var tieBreaker = NodesOf(resources, isDiskless: true).Single();
        await bench.Simulator.Cluster.SetNodeOnlineAsync(tieBreaker, false, Token);
        (await bench.Simulator.Cluster.SetOpenAsync($"hf-{volume}", source, true, Token)).ShouldBeNull();
        Ok(await driver.AttachAsync(volume, AttachMode.MigrateIn));
        var status = await driver.ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Up);
        status.Error.ShouldNotBeNull().Text.ShouldContain($"node {tieBreaker} is OFFLINE");
        Ok(await driver.ReleaseAsync(volume, AttachMode.MigrateIn));
        bench.Simulator.Cluster.TwoPrimariesLeftovers.ShouldBeEmpty();
        await bench.Simulator.Cluster.SetNodeOnlineAsync(tieBreaker, true, Token);
        (await driver.ProbeAsync()).Error.ShouldBeNull();
    }

    /// <summary>LINSTOR had resized it, and the driver said busy because the tie-breaker's node was away.</summary>
    [Fact]
    public async Task Drbd_Resize_DoesNotFailForATieBreakerThatIsAway()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        await bench.Simulator.Cluster.SetNodeOnlineAsync(NodesOf(await ResourcesAsync(bench, volume), isDiskless: true).Single(), false, Token);
        Ok(await driver.ResizeAsync(volume, 2 * Size, 2)).Volume.SizeBytes.ShouldBe(2 * Size);
    }

    private static IEnumerable<string> NodesOf(JsonArray resources, bool isDiskless) => resources
        .Where(one => (one!["flags"]?.AsArray().Any(static flag => (string?)flag == "DRBD_DISKLESS") ?? false) == isDiskless)
        .Select(static one => one!["node_name"]!.GetValue<string>());

    [Fact]
    public async Task Drbd_MigrationThatWasAbandoned_IsTakenBackWhileTheSourceGoesOn()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        var source = (await ResourcesAsync(bench, volume)).Select(static one => one!["node_name"]!.GetValue<string>()).First(static name => name != Node);
        (await bench.Simulator.Cluster.SetOpenAsync($"hf-{volume}", source, true, Token)).ShouldBeNull();
        Ok(await driver.AttachAsync(volume, AttachMode.MigrateIn));
        Ok(await driver.ReleaseAsync(volume, AttachMode.MigrateIn));
        bench.Simulator.Cluster.TwoPrimariesLeftovers.ShouldBeEmpty();
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        (await client.GetStringAsync($"v1/resource-definitions/hf-{volume}/resource-connections", Token)).ShouldNotContain("allow-two-primaries");
        (await client.GetStringAsync($"v1/resource-definitions?resource_definitions=hf-{volume}", Token)).ShouldNotContain("allow-two-primaries");
    }

    [Fact]
    public async Task Drbd_InUseOnAnotherNode_IsNotAttachedToRun()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var (driver, volume) = await OnANodeAsync(bench, withData: true);
        var other = (await ResourcesAsync(bench, volume)).Select(static one => one!["node_name"]!.GetValue<string>()).First(static name => name != Node);
        await bench.Simulator.Cluster.SetOpenAsync($"hf-{volume}", other, true, Token);

        // That nothing answered in time, on a busy machine, says nothing of the volume.
        var reply = await driver.AttachAsync(volume, seconds: 4);
        for (var tries = 1; tries < 10 && reply is DriverKit.DriverResult<AttachmentReply>.Failed { Error.Code: DriverErrorCode.Unreachable }; tries++)
        {
            reply = await driver.AttachAsync(volume, seconds: 4);
        }

        if (reply is DriverKit.DriverResult<AttachmentReply>.Failed(var refused))
        {
            refused.Code.ShouldBe(DriverErrorCode.Busy);
        }

        bench.Simulator.Cluster.Violations.ShouldBeEmpty();
    }

    [Fact]
    public async Task ARegularFileInTheDevicesPlace_IsNeverHandedOut()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2"] });
        var driver = bench.Driver();
        var volume = NewVolume();
        Ok(await driver.EnsureAsync(volume));
        var folder = Path.Combine(bench.Simulator.StateFolderPath, "dev", "drbd", "by-res", $"hf-{volume}");
        System.IO.Directory.CreateDirectory(folder);
        await File.WriteAllBytesAsync(Path.Combine(folder, "0"), new byte[Size], Token);
        var refused = Failed(await driver.AttachAsync(volume, seconds: 5));
        refused.Code.ShouldBeOneOf(DriverErrorCode.Invalid, DriverErrorCode.Busy);
        Ok(await driver.InventoryAsync()).Attachments.ShouldBeEmpty();
    }

    /// <summary>A DRBD volume that has data on this node, or has not.</summary>
    private static async Task<(Driving Driver, VolumeId Volume)> OnANodeAsync(LinstorBench bench, bool withData)
    {
        var driver = bench.Driver();
        for (var i = 0; i < 20; i++)
        {
            var volume = NewVolume();
            Ok(await driver.EnsureAsync(volume));
            var data = (await ResourcesAsync(bench, volume)).Where(static one => one!["flags"] is null).Select(static one => one!["node_name"]!.GetValue<string>());
            if (data.Contains(Node) == withData)
            {
                return (driver, volume);
            }

            if (!withData)
            {
                // Fill this node's pool less attractive: place the data elsewhere by hand.
                Ok(await driver.DeleteAsync(volume));
                return (driver, await ElsewhereAsync(bench, driver));
            }
        }

        throw new ShouldAssertException("No volume was placed as wanted.");
    }

    private static async Task<VolumeId> ElsewhereAsync(LinstorBench bench, Driving driver)
    {
        var volume = NewVolume();
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        var body = new JsonObject
        {
            ["resource_definition_name"] = $"hf-{volume}",
            ["volume_sizes"] = new JsonArray(Size / 1024),
            ["select_filter"] = new JsonObject { ["place_count"] = 2, ["node_name_list"] = new JsonArray("kvm2", "kvm3") },
            ["resource_definition_props"] = new JsonObject
            {
                ["Aux/holdfast/volume-id"] = volume.ToString(),
                ["Aux/holdfast/pool-id"] = driver.Pool.ToString(),
                ["Aux/holdfast/generation"] = "1",
                ["Aux/holdfast/source"] = "empty",
            },
        };
        (await client.PostAsJsonAsync("v1/resource-groups/rg/spawn", body, Token)).EnsureSuccessStatusCode();
        return volume;
    }
}
