using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Which cluster and group a pool really is, whatever its settings say.</summary>
public sealed class LinstorIdentityTests
{
    private static readonly LinstorSimulatorOptions Options = new() { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2"] };

    /// <summary>The same controller by IP and by name, and one among several, were three pools, and their room was counted three times.</summary>
    [Fact]
    public async Task OneGroup_IsTheSame_WhateverAddressAndSpellingLeadThere()
    {
        await using var bench = await StartAsync(Options);
        await using var stranger = await StartAsync(Options);
        var port = bench.Simulator.Uri.Port;
        var told = await IdentityAsync(bench.Driver(controllers: $"http://127.0.0.1:{port}"));
        told.ShouldMatch("^linstor/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/rg$");
        (await IdentityAsync(bench.Driver(controllers: $"linstor://LocalHost:{port}"))).ShouldBe(told);
        (await IdentityAsync(bench.Driver(controllers: $"127.0.0.1:1,localhost:{port}"))).ShouldBe(told);
        (await IdentityAsync(bench.Driver(config: new() { ["resourceGroup"] = "RG" }))).ShouldBe(told, "LINSTOR tells no case apart");
        (await IdentityAsync(bench.Driver(config: new() { ["resourceGroup"] = "DfltRscGrp" }))).ShouldBe(told.Replace("/rg", "/dfltrscgrp", StringComparison.Ordinal));
        (await IdentityAsync(stranger.Driver())).ShouldNotBe(told);
    }

    [Fact]
    public async Task WithoutDrbd_EachNodeHasVolumesOfItsOwnInTheGroup()
    {
        await using var bench = await StartAsync(Options with { Drbd = false });
        var here = await IdentityAsync(bench.Driver());
        here.ShouldEndWith("/rg/kvm1");
        (await IdentityAsync(bench.Driver(config: new() { ["nodeName"] = "KVM2" }))).ShouldBe(here.Replace("kvm1", "kvm2", StringComparison.Ordinal));
    }

    /// <summary>It is told with the capacity, and never after it: a pool that is being added would be taken before anybody knew that it is another's.</summary>
    [Fact]
    public async Task WhileTheIdCannotBeRead_ThereIsNoCapacityEither_AndBothAreLearntLater()
    {
        await using var bench = await StartAsync(Options);
        await bench.Simulator.Faults.AddAsync(FaultKind.ProxyUnavailable, "GET", "/v1/controller/properties");
        var driver = bench.Driver();
        var status = await driver.ProbeAsync();
        status.Identity.ShouldBeNull();
        status.Capacity.ShouldBeNull();
        status.Error.ShouldNotBeNull().Code.ShouldBe(DriverErrorCode.Unreachable);
        await bench.Simulator.Faults.ClearAsync();
        status = await driver.ProbeAsync();
        status.Identity.ShouldNotBeNull();
        status.Capacity.ShouldNotBeNull();
    }

    /// <summary>A proxy may let nobody see the properties.</summary>
    [Fact]
    public async Task AControllerThatRefusesToTell_ServesAllTheSame_AndThatIsSaid()
    {
        await using var bench = await StartAsync(Options);
        await bench.Simulator.Faults.AddAsync(FaultKind.Forbidden, "GET", "/v1/controller/properties");
        var status = await bench.Driver().ProbeAsync();
        status.ShouldSatisfyAllConditions(
            () => status.Identity.ShouldBeNull(),
            () => status.Capacity.ShouldNotBeNull(),
            () => status.ControlPlane.ShouldBe(PlaneHealth.Up),
            () => status.Error.ShouldNotBeNull().Text.ShouldContain("whether another storage pool is the same"));
    }

    /// <summary>Before LINSTOR 1.20 all clusters on Kubernetes had one id, which would have made one pool of all of them.</summary>
    [Fact]
    public async Task AnIdThatManyClustersShare_IsNotTold()
    {
        await using var bench = await StartAsync(Options with { RestApiVersion = "1.14.0" });
        var status = await bench.Driver().ProbeAsync();
        status.Identity.ShouldBeNull();
        status.Capacity.ShouldNotBeNull();
        bench.Simulator.Requests.Count("GET", "/v1/controller/properties").ShouldBe(0);
    }

    [Fact]
    public async Task AControllerThatWasInstalledAnew_IsAnotherCluster_AndOneThatIsAway_IsTheLast()
    {
        await using var bench = await StartAsync(Options);
        await using var anew = await StartAsync(Options);
        await anew.Simulator.StopAsync();
        var time = new ShiftedTime();
        var driver = bench.Driver(controllers: $"{bench.Simulator.Uri},{anew.Simulator.Uri}", time: time);
        var before = await IdentityAsync(driver);
        await bench.Simulator.StopAsync();
        (await driver.ProbeAsync()).Identity.ShouldBe(before);
        await anew.Simulator.RestartAsync(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromMinutes(2));
        (await IdentityAsync(driver)).ShouldNotBe(before);
    }

    private static async Task<string> IdentityAsync(Driving driver) => (await driver.ProbeAsync()).Identity.ShouldNotBeNull();
}
