using System.Diagnostics;
using System.Text.Json.Nodes;
using Holdfast.LinstorSimulation.Devices;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>Volumes on real loop devices: what a guest would find there, and what stays when the controller dies.</summary>
public sealed class DeviceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Spawn_MakesALoopDeviceOfTheSizeAsked()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 65536);
        var device = await DeviceAsync(cluster, "vol-1");
        device.ShouldStartWith("/dev/loop");
        Size(device).ShouldBe(65536L * 1024);
        cluster.Simulator.Cluster.Volumes.ShouldHaveSingleItem().Resource.ShouldBe("vol-1");
    }

    [Fact]
    public async Task Spawn_OddSize_IsRoundedUpToExtents_UnlessExact()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 5000);
        Size(await DeviceAsync(cluster, "vol-1")).ShouldBe(8192 * 1024);
        await cluster.Calls.PostAsync(
            "/v1/resource-groups/rg/spawn", """{"resource_definition_name":"vol-2","volume_sizes":[5000],"resource_definition_props":{"DrbdOptions/ExactSize":"True"}}""");
        Size(await DeviceAsync(cluster, "vol-2")).ShouldBe(5000 * 1024);
    }

    [Fact]
    public async Task Resize_GrowsTheDeviceInPlaceAndKeepsTheData()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var device = await DeviceAsync(cluster, "vol-1");
        await WriteAsync(device, "before");
        (await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/volume-definitions/0", """{"size_kib":16384}""")).Status.ShouldBe(200);
        (await DeviceAsync(cluster, "vol-1")).ShouldBe(device);
        Size(device).ShouldBe(16384 * 1024);
        (await ReadAsync(device)).ShouldStartWith("before");
    }

    [Fact]
    public async Task Delete_TakesDeviceAndFileAway()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var volume = cluster.Simulator.Cluster.Volumes.ShouldHaveSingleItem();
        (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1")).Status.ShouldBe(200);
        cluster.Simulator.Cluster.Volumes.ShouldBeEmpty();
        File.Exists(volume.BackingFile).ShouldBeFalse();
    }

    [Fact]
    public async Task Delete_StorageOnlyWhileOpen_FailsOnTheSatelliteAndIsDoneLater()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        using (File.OpenHandle(await DeviceAsync(cluster, "vol-1"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            var answer = await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1");
            answer.Status.ShouldBe(500);
            answer.Short.ShouldBe("S2 E998");
            var report = (string)answer.Json[1]!["error_report_ids"]![0]!;
            (await cluster.Calls.GetAsync($"/v1/error-reports/{report}")).Text.ShouldContain("held open");
            (await cluster.Calls.GetAsync("/v1/resource-definitions?resource_definitions=vol-1")).Text.ShouldContain("DELETE");
            cluster.Simulator.Cluster.Volumes.ShouldHaveSingleItem().IsOpen.ShouldBeTrue();
        }

        (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1")).Status.ShouldBe(200);
        (await cluster.Calls.GetAsync("/v1/resource-definitions?resource_definitions=vol-1")).Text.ShouldBe("[]");
        cluster.Simulator.Cluster.Volumes.ShouldBeEmpty();
    }

    [Fact]
    public async Task Stop_LeavesDevices_AndRestartFindsThemAgain()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var device = await DeviceAsync(cluster, "vol-1");
        using (var guest = new FileStream(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            await cluster.Simulator.StopAsync();
            cluster.Simulator.IsRunning.ShouldBeFalse();
            await guest.WriteAsync(Bytes("written without a controller"), Cancel);
            await guest.FlushAsync(Cancel);
            guest.Flush(flushToDisk: true);
            await cluster.Simulator.RestartAsync(Cancel);
            (await DeviceAsync(cluster, "vol-1")).ShouldBe(device);
        }

        (await ReadAsync(device)).ShouldStartWith("written without a controller");
        cluster.Simulator.Cluster.Volumes.Count.ShouldBe(1);
    }

    [Fact]
    public async Task AnotherProcessOnTheSameFolder_FindsDevices_AlsoAfterTheHostLostThem()
    {
        SkipWithoutLoops();
        var folder = Directory.CreateTempSubdirectory("holdfast-linstor-test-").FullName;
        var options = new LinstorSimulatorOptions { NodeName = "kvm1", StateFolder = folder };
        string device;
        await using (var first = await Cluster.StartAsync(options))
        {
            await first.Calls.SpawnAsync("vol-1", 8192);
            device = await DeviceAsync(first, "vol-1");
            await WriteAsync(device, "data");
        }

        await using (var second = await Cluster.StartAsync(options))
        {
            (await DeviceAsync(second, "vol-1")).ShouldBe(device, "the device outlived its simulator");
        }

        // As after a reboot of the host: files are there, loop devices are not.
        (await RunAsync("losetup", "--detach", device)).Exit.ShouldBe(0);
        await using (var third = await Cluster.StartAsync(options))
        {
            (await ReadAsync(await DeviceAsync(third, "vol-1"))).ShouldStartWith("data");
            await third.Simulator.DestroyAsync();
        }

        Directory.Exists(folder).ShouldBeFalse();
        (await RunAsync("losetup", "--all")).Output.ShouldNotContain(folder);
    }

    [Fact]
    public async Task Clone_CopiesTheData_AndIsIndependent()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        await WriteAsync(await DeviceAsync(cluster, "vol-1"), "original");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/clone", """{"name":"vol-2"}""");
        await cluster.WaitForAsync("/v1/resource-definitions/vol-1/clone/vol-2", static status => (string?)status.Json["status"] == "COMPLETE", "a complete clone");
        var clone = await DeviceAsync(cluster, "vol-2");
        (await ReadAsync(clone)).ShouldStartWith("original");
        await WriteAsync(clone, "changed!");
        (await ReadAsync(await DeviceAsync(cluster, "vol-1"))).ShouldStartWith("original");
    }

    [Fact]
    public async Task Snapshot_RollbackAndRestore_BringTheOldDataBack()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var device = await DeviceAsync(cluster, "vol-1");
        await WriteAsync(device, "one");
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshots", """{"name":"s1"}""")).Status.ShouldBe(201);
        await WriteAsync(device, "two");
        await cluster.Calls.PostAsync("/v1/resource-definitions", """{"resource_definition":{"name":"vol-2","resource_group_name":"rg"}}""");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-restore-volume-definition/s1", """{"to_resource":"vol-2"}""");
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-restore-resource/s1", """{"to_resource":"vol-2"}""")).Status.ShouldBe(200);
        (await ReadAsync(await DeviceAsync(cluster, "vol-2"))).ShouldStartWith("one");
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/snapshot-rollback/s1", "{}")).Status.ShouldBe(200);
        (await ReadAsync(await DeviceAsync(cluster, "vol-1"))).ShouldStartWith("one");
        (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1/snapshots/s1")).Status.ShouldBe(200);
        Directory.EnumerateFiles(Path.Combine(cluster.Simulator.StateFolderPath, "snapshots"), "*", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Fact]
    public async Task FreeCapacity_FallsByWhatIsWritten_NotByWhatIsPromised()
    {
        await using var cluster = await LoopAsync();
        await cluster.Calls.SpawnAsync("vol-1", 1L << 20);
        var before = await FreeAsync(cluster);
        before.ShouldBe(20L << 20);
        await WriteAsync(await DeviceAsync(cluster, "vol-1"), new string('x', 4 << 20));
        (before - await FreeAsync(cluster)).ShouldBeGreaterThanOrEqualTo(4096);
    }

    [Fact]
    public async Task Drbd_DeviceIsThereByResource_AndInUseFollowsItsOpener()
    {
        await using var cluster = await LoopAsync(drbd: true);
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        var device = Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd", "by-res", "vol-1", "0");
        Size(device).ShouldBe(12248 * 1024, "three extents without DRBD's metadata");
        (await DeviceAsync(cluster, "vol-1")).ShouldStartWith(Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd1"));
        (await InUseAsync(cluster)).ShouldBe(false);
        using (File.OpenHandle(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            (await InUseAsync(cluster)).ShouldBe(true);
            (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1")).Short.ShouldBe("E997");
            (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Short.ShouldBe("E997");
            (await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm2", true, Cancel)).ShouldNotBeNull();
            (await DrbdSetupAsync(cluster, "status", "vol-1", "--json")).Json![0]!["role"]!.ToString().ShouldBe("Primary");
        }

        using (File.OpenHandle(device, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            (await InUseAsync(cluster)).ShouldBe(false, "a reader does not promote");
        }

        (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1")).Status.ShouldBe(200);
        Directory.Exists(Path.GetDirectoryName(device)).ShouldBeFalse();
    }

    [Fact]
    public async Task Drbd_DisklessHere_HasTheDataOfThePeers()
    {
        await using var cluster = await LoopAsync(drbd: true);
        await cluster.Calls.PostAsync("/v1/resource-groups/rg/spawn", """{"resource_definition_name":"vol-1","volume_sizes":[8192],"select_filter":{"node_name_list":["kvm2","kvm3"]}}""");
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        var device = Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd", "by-res", "vol-1", "0");
        await WriteAsync(device, "replicated");
        (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Short.ShouldStartWith("I10006");
        File.Exists(device).ShouldBeTrue("a tie-breaker has a device too");
        (await cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Status.ShouldBe(200);
        File.Exists(device).ShouldBeFalse();
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        (await ReadAsync(device)).ShouldStartWith("replicated");
    }

    [Fact]
    public async Task Drbd_TwoLocalNodes_ShareTheDataAndAreGuarded()
    {
        SkipWithoutLoops();
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", MoreLocalNodes = ["kvm2"], Drbd = true });
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var first = Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd", "by-res", "vol-1", "0");
        var second = Path.Combine(cluster.Simulator.StateFolderPath, "dev-kvm2", "drbd", "by-res", "vol-1", "0");
        new FileInfo(first).LinkTarget.ShouldNotBe(new FileInfo(second).LinkTarget);
        await WriteAsync(first, "shared");
        using (File.OpenHandle(first, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            await WaitForReadOnlyAsync(second, true);
            await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2", """{"override_props":{"DrbdOptions/Net/allow-two-primaries":"yes"}}""");
            await WaitForReadOnlyAsync(second, false);
            using var other = File.OpenHandle(second, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var inUse = (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Json.AsArray().Count(static resource => (bool?)resource!["state"]!["in_use"] == true);
            inUse.ShouldBe(2);
        }

        (await ReadAsync(second)).ShouldStartWith("shared");
        cluster.Simulator.Cluster.Violations.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("PUT", "/v1/resource-definitions/vol-1/resource-connections/kvm1/kvm2")]
    [InlineData("PUT", "/v1/resource-definitions/vol-1")]
    [InlineData("PUT", "/v1/resource-groups/rg")]
    [InlineData("POST", "/v1/controller/properties")]
    public async Task Drbd_WriteStraightAfterTwoPrimariesWereAllowed_IsNotRefusedByABarOfBefore(string method, string path)
    {
        SkipWithoutLoops();
        // Nobody moves this clock, so nothing but the change itself can put the bar up or take it down.
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = ["kvm2"], Drbd = true, Time = new FakeTimeProvider() });
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var device = Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd", "by-res", "vol-1", "0");
        (await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm2", true, Cancel)).ShouldBeNull();
        await Should.ThrowAsync<UnauthorizedAccessException>(() => WriteAsync(device, "refused"));

        (await ChangeAsync("""{"override_props":{"DrbdOptions/Net/allow-two-primaries":"yes"}}""")).ShouldBeLessThan(300);
        await WriteAsync(device, "allowed");
        (await ChangeAsync("""{"delete_props":["DrbdOptions/Net/allow-two-primaries"]}""")).ShouldBeLessThan(300);
        await Should.ThrowAsync<UnauthorizedAccessException>(() => WriteAsync(device, "refused"));
        cluster.Simulator.Cluster.Violations.ShouldBeEmpty();

        async Task<int> ChangeAsync(string body) => (method == "PUT" ? await cluster.Calls.PutAsync(path, body) : await cluster.Calls.PostAsync(path, body)).Status;
    }

    [Fact]
    public async Task Drbd_TwoPrimariesAllowedAndForbiddenByManyAtOnce_LeavesTheBarOfTheLastOne()
    {
        SkipWithoutLoops();
        await using var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = ["kvm2"], Drbd = true, Time = new FakeTimeProvider() });
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        var device = Path.Combine(cluster.Simulator.StateFolderPath, "dev", "drbd", "by-res", "vol-1", "0");
        await cluster.Simulator.Cluster.SetOpenAsync("vol-1", "kvm2", true, Cancel);
        for (var round = 0; round < 5; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(number => cluster.Calls.PutAsync(
                "/v1/resource-definitions/vol-1", $$$"""{"override_props":{"DrbdOptions/Net/allow-two-primaries":"{{{(number % 2 == 0 ? "yes" : "no")}}}"}}""")));
            var allowed = (await cluster.Calls.GetAsync("/v1/resource-definitions?resource_definitions=vol-1")).Text.Contains("\"DrbdOptions/Net/allow-two-primaries\":\"yes\"", StringComparison.Ordinal);
            LoopDevices.IsReadOnly(new FileInfo(device).LinkTarget!).ShouldBe(!allowed, $"round {round}");
        }
    }

    [Fact]
    public async Task DrbdSetup_AnswersWithoutAController()
    {
        await using var cluster = await LoopAsync(drbd: true);
        await cluster.Calls.SpawnAsync("vol-1", 8192);
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}");
        await cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"override_props":{"DrbdOptions/Net/allow-two-primaries":"yes","DrbdOptions/Net/protocol":"C"}}""");
        await cluster.Simulator.StopAsync();
        var status = (await DrbdSetupAsync(cluster, "status", "vol-1", "--json")).Json!;
        status[0]!["devices"]![0]!["quorum"]!.GetValue<bool>().ShouldBeTrue();
        status[0]!["connections"]!.AsArray().Count.ShouldBeGreaterThan(0);
        (await DrbdSetupAsync(cluster, "status", "--json")).Json!.AsArray().Count.ShouldBe(1);
        var events = (await DrbdSetupAsync(cluster, "events2", "--now")).Output;
        events.ShouldContain("exists resource name:vol-1 role:Secondary suspended:no force-io-failures:no may_promote:yes promotion_score:");
        events.TrimEnd().ShouldEndWith("exists -");
        (await DrbdSetupAsync(cluster, "show", "vol-1")).Output.ShouldContain("allow-two-primaries \tyes;");
        var unknown = await DrbdSetupAsync(cluster, "status", "nosuch");
        unknown.Exit.ShouldBe(10);
    }

    [Fact]
    public async Task CommandLine_RunsUntilKilled_KeepsDevices_AndDestroys()
    {
        SkipWithoutLoops();
        var folder = Directory.CreateTempSubdirectory("holdfast-linstor-test-").FullName;
        var info = new ProcessStartInfo(Program, ["--port", "0", "--admin-port", "0", "--state", folder, "--node", "kvm1", "--layer", "storage"]) { RedirectStandardOutput = true };
        using var process = Process.Start(info)!;
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(Cancel);
            line.ShouldNotBeNull().ShouldStartWith("ready: http://127.0.0.1:");
            using var calls = new Calls(new Uri(line["ready: ".Length..]));
            (await calls.SpawnAsync("vol-1", 8192)).Status.ShouldBe(201);
            var device = (string)(await calls.GetAsync("/v1/view/resources")).Json[0]!["volumes"]![0]!["device_path"]!;
            using (File.OpenHandle(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                process.Kill();
                await process.WaitForExitAsync(Cancel);
                Size(device).ShouldBe(8192 * 1024);
                (await RunAsync(Program, "--destroy", "--state", folder)).Exit.ShouldBe(1, "a device is open");
            }

            (await RunAsync(Program, "--destroy", "--state", folder)).Exit.ShouldBe(0);
            Directory.Exists(folder).ShouldBeFalse();
            (await RunAsync("losetup", "--all")).Output.ShouldNotContain(folder);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }

            await RunAsync(Program, "--destroy", "--force", "--state", folder);
        }
    }

    [Fact]
    public async Task ManySimulators_MakeDevicesSideBySide()
    {
        SkipWithoutLoops();
        var clusters = await Task.WhenAll(Enumerable.Range(0, 4).Select(static _ => LoopAsync()));
        try
        {
            var spawned = await Task.WhenAll(
                from cluster in clusters
                from number in Enumerable.Range(0, 6)
                select cluster.Calls.SpawnAsync($"vol-{number}", 8192));
            spawned.ShouldAllBe(static answer => answer.Status == 201);
            clusters.SelectMany(static cluster => cluster.Simulator.Cluster.Volumes).Select(static volume => volume.Device).Distinct().Count().ShouldBe(24);
        }
        finally
        {
            foreach (var cluster in clusters)
            {
                await cluster.DisposeAsync();
            }
        }
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "holdfast-linstor-simulator");

    private static void SkipWithoutLoops() => Assert.SkipWhen(LinstorSimulator.WhyNoLoopDevices() is not null, LinstorSimulator.WhyNoLoopDevices() ?? "");

    private static Task<Cluster> LoopAsync(bool drbd = false)
    {
        SkipWithoutLoops();
        return Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "kvm1", SimulatedNodes = drbd ? ["kvm2", "kvm3"] : [], Drbd = drbd });
    }

    private static async Task<string> DeviceAsync(Cluster cluster, string resource) =>
        (string)(await cluster.Calls.GetAsync($"/v1/view/resources?resources={resource}&nodes=kvm1")).Json[0]!["volumes"]![0]!["device_path"]!;

    private static async Task<bool?> InUseAsync(Cluster cluster) => (bool?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Json["state"]!["in_use"];

    private static async Task<long> FreeAsync(Cluster cluster) => (long)(await cluster.Calls.GetAsync("/v1/view/storage-pools?storage_pools=thin")).Json[0]!["free_capacity"]!;

    private static long Size(string device) => LoopDevices.Size(new FileInfo(device).LinkTarget ?? device);

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private static async Task WriteAsync(string device, string text)
    {
        using var stream = new FileStream(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        await stream.WriteAsync(Bytes(text), Cancel);
        stream.Flush(flushToDisk: true);
    }

    private static async Task<string> ReadAsync(string device)
    {
        using var stream = new FileStream(device, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var head = new byte[64];
        await stream.ReadExactlyAsync(head, Cancel);
        return System.Text.Encoding.ASCII.GetString(head);
    }

    private static async Task WaitForReadOnlyAsync(string device, bool readOnly)
    {
        var file = $"/sys/block/{Path.GetFileName(new FileInfo(device).LinkTarget)}/ro";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (await File.ReadAllTextAsync(file, Cancel) is var text && text.Trim() == "1" != readOnly)
        {
            limit.IsCancellationRequested.ShouldBeFalse($"{device} should have become {(readOnly ? "read-only" : "writable")} within 20 s");
            await Task.Delay(20, Cancel);
        }
    }

    private static async Task<Ran> DrbdSetupAsync(Cluster cluster, params string[] arguments) => await RunAsync(cluster.Simulator.DrbdSetupPath, arguments);

    private static async Task<Ran> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return new Ran(process.ExitCode, output, await errors);
    }

    private sealed record Ran(int Exit, string Output, string Errors)
    {
        public JsonNode? Json => JsonNode.Parse(Output);
    }
}
