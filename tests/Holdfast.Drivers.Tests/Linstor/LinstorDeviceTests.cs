using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;
using static Holdfast.Drivers.Tests.Linstor.LinstorCutTests;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Finding devices where udev makes no links, who has them elsewhere, and what LINSTOR need not be asked for.</summary>
public sealed class LinstorDeviceTests
{
    private static readonly VolumeId Volume = RecordedDrbd.Volume;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string PathOf(AttachmentReply reply) => reply.Source.ShouldBeOfType<DiskSource.Block>().Path;

    [Fact]
    public async Task WithoutUdevsLink_TheDeviceIsFoundByTheNumberThatDrbdTells()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench, link: false);
        var attached = Ok(await driver.AttachAsync(Volume));
        attached.Outcome.ShouldBe(DriverOutcome.AlreadySo);
        PathOf(attached).ShouldEndWith($"/dev/drbd{RecordedDrbd.Minor}");
        Ok(await driver.InventoryAsync()).Attachments.Single().ShouldSatisfyAllConditions(
            info => info.Path.ShouldBe(PathOf(attached)),
            static info => info.InUse.ShouldBe(false));
        drbd.State = "primary";
        Ok(await driver.InventoryAsync()).Attachments.Single().InUse.ShouldBe(true);
        var status = await driver.ProbeAsync();
        (status.ControlPlane, status.DataPlane).ShouldBe((PlaneHealth.Up, PlaneHealth.Up));
        status.Error.ShouldNotBeNull().Text.ShouldContain("udev");

        await bench.Simulator.StopAsync();
        var next = bench.Driver(driver.Pool, stateFolder: driver.StateFolder, processes: drbd);
        PathOf(Ok(await next.AttachAsync(Volume))).ShouldBe(PathOf(attached));
        await bench.Simulator.RestartAsync(Token);
        await AgainAsync(async () => Ok(await next.ReleaseAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done));
        Ok(await next.InventoryAsync()).Attachments.ShouldBeEmpty();
    }

    [Fact]
    public async Task ANumberThatWentToAnotherResource_IsNobodysDevice()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench, link: false);
        drbd.StatusInstead = static () => new ProcessOutcome.Exited(0, RecordedDrbd.Printed("connected-secondary").Replace("\"minor\":1003", "\"minor\":1004", StringComparison.Ordinal), string.Empty);
        Ok(await driver.InventoryAsync()).Attachments.ShouldBeEmpty();
        Failed(await driver.AttachAsync(Volume, seconds: 4)).Text.ShouldContain("drbd1004 does not exist");
        drbd.StatusInstead = static () => new ProcessOutcome.Exited(1, string.Empty, "no kernel");
        Ok(await driver.InventoryAsync()).Attachments.Single().InUse.ShouldBeNull("nobody tells whose device it is");
        Failed(await driver.ReleaseAsync(Volume)).ShouldSatisfyAllConditions(
            static refused => refused.Code.ShouldBe(DriverErrorCode.Busy),
            static refused => refused.Text.ShouldContain("no kernel"));
    }

    [Fact]
    public async Task ALinkThatLeadsToAnotherResource_IsNotFollowed()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        await RecordedDrbd.MakeDeviceAsync(bench, link: false, minor: 1004);
        drbd.StatusInstead = static () => new ProcessOutcome.Exited(0, RecordedDrbd.Printed("connected-secondary").Replace("\"minor\":1003", "\"minor\":1004", StringComparison.Ordinal), string.Empty);
        PathOf(Ok(await driver.AttachAsync(Volume))).ShouldEndWith("/dev/drbd1004");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenOnAnotherNode_IsBusyAtOnceWithItsName(bool withoutLinstor)
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        Ok(await driver.ReleaseAsync(Volume));
        drbd.State = "peer-is-primary";
        if (withoutLinstor)
        {
            await bench.Simulator.StopAsync();
        }

        // An hour: an attach that tries until its deadline would not come back.
        var refused = Failed(await driver.AttachAsync(Volume, seconds: 3600).WaitAsync(TimeSpan.FromSeconds(60), Token));
        refused.Code.ShouldBe(DriverErrorCode.Busy);
        refused.Text.ShouldContain("node n1");
        if (!withoutLinstor)
        {
            Ok(await driver.AttachAsync(Volume, AttachMode.MigrateIn));
        }
    }

    [Fact]
    public async Task ADeviceOfDrbd_IsNeverAskedForAtLinstor()
    {
        await using var bench = await StartDrbdAsync();
        await AttachedAsync(bench, link: false);
        bench.Simulator.Requests.Entries.ShouldNotContain(static entry => entry.Path.EndsWith("/volumes", StringComparison.Ordinal));
    }

    /// <summary>LINSTOR was asked for the volumes of the resource, which waits for the satellite: the attach was busy at its deadline, though the device was there.</summary>
    [Fact]
    public async Task AStuckSatellite_DoesNotHoldUpAnAttachWithoutDrbd()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        Ok(await driver.EnsureAsync(Volume));
        bench.Simulator.Cluster.SetNodeStuck(Node, true);
        var path = PathOf(Ok(await driver.AttachAsync(Volume, seconds: 600).WaitAsync(TimeSpan.FromSeconds(60), Token)));
        path.ShouldBe(bench.Simulator.Cluster.Volumes.Single().Device);
        Ok(await driver.ReleaseAsync(Volume));
        PathOf(Ok(await driver.AttachAsync(Volume, seconds: 600).WaitAsync(TimeSpan.FromSeconds(60), Token))).ShouldBe(path);
        NothingThatWaitsForSatellites(bench);
    }

    [Fact]
    public async Task AStuckSatellite_DoesNotHoldUpAnAttachWithDrbd()
    {
        await using var bench = await StartWithDevicesAsync(drbd: true);
        var driver = bench.Driver();
        await driver.ProbeAsync();
        Ok(await driver.EnsureAsync(Volume, local: true));
        foreach (var node in new[] { Node, "kvm2", "kvm3" })
        {
            bench.Simulator.Cluster.SetNodeStuck(node, true);
        }

        Ok(await driver.AttachAsync(Volume, seconds: 600).WaitAsync(TimeSpan.FromSeconds(60), Token));
        NothingThatWaitsForSatellites(bench);
        bench.Simulator.Requests.Count("POST", "*/make-available").ShouldBe(0, "it is here");
    }

    /// <summary>A node of the resource that is stuck keeps LINSTOR's answer back for ever; the device on this host is there at once.</summary>
    [Fact]
    public async Task AStuckSatelliteElsewhere_DoesNotHoldUpADisklessAttach()
    {
        Assert.SkipWhen(LinstorSimulator.WhyNoLoopDevices() is not null, LinstorSimulator.WhyNoLoopDevices() ?? string.Empty);
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Drbd = true, PlaceCount = 1, SimulatedNodes = ["kvm2", "kvm3"] });
        var driver = bench.Driver(config: new() { ["nodeName"] = "kvm3" });
        await driver.ProbeAsync();
        Ok(await driver.EnsureAsync(Volume, local: true));
        var here = bench.Driver(driver.Pool);
        bench.Simulator.Cluster.SetNodeStuck("kvm3", true);
        Ok(await here.AttachAsync(Volume, seconds: 20));
    }

    [Fact]
    public async Task TheSourceOfAClone_IsLookedAtWithoutAskingASatellite()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, StorageKind = "FILE_THIN" });
        var driver = bench.Driver();
        Ok(await driver.EnsureAsync(Volume));
        Ok(await driver.SealAsync(Volume));
        bench.Simulator.Cluster.SetNodeStuck(Node, true);
        var copy = new VolumeSource.FromVolume(Volume);
        Failed(await driver.EnsureAsync(new VolumeId(Guid.NewGuid()), source: copy, seconds: 600).WaitAsync(TimeSpan.FromSeconds(60), Token)).Code.ShouldBe(DriverErrorCode.Unsupported);
        bench.Simulator.Requests.Count("POST", "*/clone").ShouldBe(0);
        NothingThatWaitsForSatellites(bench);
    }

    private static void NothingThatWaitsForSatellites(LinstorBench bench)
    {
        bench.Simulator.Requests.Entries.ShouldNotContain(static entry => entry.Path.EndsWith("/volumes", StringComparison.Ordinal));
        bench.Simulator.Requests.Entries.ShouldNotContain(static entry => entry.Path.EndsWith("/view/resources", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ASatelliteThatIsAway_MakesThisHostSickForNewVolumesOnly()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.State = "primary";
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, false, Token);
        var status = await driver.ProbeAsync();
        (status.ControlPlane, status.DataPlane).ShouldBe((PlaneHealth.Down, PlaneHealth.Up));
        status.Error.ShouldNotBeNull().ShouldSatisfyAllConditions(
            static error => error.Code.ShouldBe(DriverErrorCode.Unreachable),
            static error => error.Text.ShouldContain($"node '{Node}', is OFFLINE"));
        Ok(await driver.AttachAsync(Volume));
        await bench.Simulator.Cluster.SetNodeOnlineAsync(Node, true, Token);
        (await driver.ProbeAsync()).ControlPlane.ShouldBe(PlaneHealth.Up);
    }

    [Fact]
    public async Task AConnectionStatusThatNobodyKnows_IsNotUsableAndIsTold()
    {
        await using var controller = ScriptedController.Healthy(static request => request.ReplyAsync(
            200,
            request.Line.Contains("/v1/nodes", StringComparison.Ordinal) ? $$"""[{"name":"{{Node}}","type":"SATELLITE","connection_status":"DUPLICATE_UNAME"}]""" : "[]"));
        await using var bench = await StartAsync();
        var status = await bench.Driver(controllers: controller.Url).ProbeAsync();
        status.ControlPlane.ShouldBe(PlaneHealth.Down);
        status.Error.ShouldNotBeNull().Text.ShouldContain("is DUPLICATE_UNAME");
    }

    [Theory]
    [InlineData("""[{"ret_code":-4611686018409823268}]""", "LINSTOR gives no text")]
    [InlineData("""[{"ret_code":-4611686018409823268,"obj_refs":{"UUID":"x","RscDfn":"hf-1","Node":"n1"}}]""", "names RscDfn hf-1, Node n1")]
    [InlineData("""[{"ret_code":-4611686018409823268,"message":"","cause":"no room"}]""", "cause: no room")]
    public void AnEntryWithoutAMessage_StillSaysSomething(string json, string says)
    {
        ControllerAddress.TryParse("ctl", out var controller, out _).ShouldBeTrue();
        var problem = Interpretation.ProblemOf(new RestRequest("POST spawn", HttpMethod.Post, "v1/x"), controller, 500, System.Text.Encoding.UTF8.GetBytes(json));
        problem.ShouldNotBeNull().Backend.ShouldNotBeNull().ShouldContain(says);
        problem.Backend.ShouldStartWith("Error 988: ");
    }

    /// <summary>A driver that has just found nobody looks again after a second.</summary>
    private static async Task AgainAsync(Func<Task> works)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                await works();
                return;
            }
            catch (ShouldAssertException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
            }
        }
    }
}
