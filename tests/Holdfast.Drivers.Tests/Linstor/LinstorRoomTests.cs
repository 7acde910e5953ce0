using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>How much room a group has: by what LINSTOR can place, and by what is known.</summary>
public sealed class LinstorRoomTests
{
    private const long Gib = 1L << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A node of 1 TiB and one of 10 GiB, two replicas: 517 GiB were shown, and the eleventh was refused.</summary>
    [Theory]
    [InlineData(2, 10, 1024, 10)]
    [InlineData(2, 20, 20, 20)]
    [InlineData(2, 30, 20, 20, 20)]
    [InlineData(2, 30, 1024, 20, 10)]
    [InlineData(3, 10, 1024, 1024, 10)]
    [InlineData(3, 35, 1024, 30, 20, 20)]
    [InlineData(1, 1034, 1024, 10)]
    [InlineData(2, 0, 1024)]
    public void Room_IsWhatFitsWithReplicasOnDifferentNodes(int replicas, long fits, params int[] nodes)
    {
        var pools = nodes.Select((size, index) => Pool($"n{index}", size * Gib, size * Gib)).ToList();
        var room = new GroupRoom().Count(pools, Filter(replicas));
        (room.TotalKib, room.UsedKib, room.Silent.Count).ShouldBe((fits * Gib, 0, 0));
    }

    [Fact]
    public void Room_OfAPoolThatIsFull_IsNone_ThoughTheOtherNodeHasSome()
    {
        var room = new GroupRoom().Count([Pool("n1", 100 * Gib, 0), Pool("n2", 100 * Gib, 60 * Gib)], Filter(2));
        (room.TotalKib, room.UsedKib).ShouldBe((100 * Gib, 100 * Gib));
    }

    /// <summary>Without a filter the group may use all of a node's pools, and space that pools share is there once.</summary>
    [Fact]
    public void Room_OfAGroupWithoutAFilter_IsThatOfAllPoolsOfEachNode()
    {
        StoragePool[] pools =
        [
            Pool("n1", 10 * Gib, 10 * Gib), Pool("n1", 30 * Gib, 20 * Gib, "fast"), Pool("n2", 40 * Gib, 40 * Gib), Pool("n2", 40 * Gib, 40 * Gib, "again", "n2;thin"),
            new("DfltDisklessStorPool", "n1", "DISKLESS", long.MaxValue, long.MaxValue, "n1;DfltDisklessStorPool", false),
        ];
        var room = new GroupRoom().Count(pools, new SelectFilter(2, null, null, null));
        (room.TotalKib, room.UsedKib).ShouldBe((40 * Gib, 10 * Gib));
        new GroupRoom().Count(pools, Filter(2, "FAST")).TotalKib.ShouldBe(0, "on one node only");
    }

    /// <summary>LINSTOR tells no sizes of a pool whose satellite is away: they were taken for 0, and half of the room was gone.</summary>
    [Fact]
    public async Task ASatelliteThatIsAway_TakesNoRoomAway()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2", "kvm3"] });
        var time = new ShiftedTime();
        var driver = bench.Driver(time: time);
        (await driver.ProbeAsync()).Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(30L << 30);
        (await bench.Simulator.Cluster.SetNodeOnlineAsync("kvm3", false, Token)).ShouldBeTrue();
        time.Advance(TimeSpan.FromMinutes(2));
        var status = await driver.ProbeAsync();
        status.Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(30L << 30);
        status.Error.ShouldBeNull();

        // A driver that never heard of it counts what is known, and says what is not.
        status = await bench.Driver().ProbeAsync();
        status.Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(20L << 30);
        status.ControlPlane.ShouldBe(PlaneHealth.Up);
        status.Error.ShouldNotBeNull().Text.ShouldContain("does not tell the room of kvm3");
        (await bench.Simulator.Cluster.SetNodeOnlineAsync("kvm3", true, Token)).ShouldBeTrue();
        (await bench.Driver().ProbeAsync()).ShouldSatisfyAllConditions(now => now.Error.ShouldBeNull(), now => now.Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(30L << 30));
    }

    [Fact]
    public async Task RoomThatDependsOnASatelliteThatIsAway_IsNotKnown_AndIsNotNone()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2"] });
        (await bench.Simulator.Cluster.SetNodeOnlineAsync("kvm2", false, Token)).ShouldBeTrue();
        var status = await bench.Driver().ProbeAsync();
        status.Capacity.ShouldBeNull();
        status.Error.ShouldNotBeNull().Text.ShouldContain("without it nothing fits");
    }

    /// <summary>A node that told nothing made every probe read the group, all storage pools, the version and the cluster's properties.</summary>
    [Fact]
    public async Task ANodeThatStaysSilent_IsAskedForAlone_AndCountsAtOnceWhenItIsBack()
    {
        await using var bench = await StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2", "kvm3"] });
        (await bench.Simulator.Cluster.SetNodeOnlineAsync("kvm3", false, Token)).ShouldBeTrue();
        var driver = bench.Driver(time: new ShiftedTime());
        (await driver.ProbeAsync()).Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(20L << 30);
        var before = bench.Simulator.Requests.Count("GET", "/v1/view/storage-pools");
        (await driver.ProbeAsync()).Error.ShouldNotBeNull().Text.ShouldContain("does not tell the room of kvm3");
        bench.Simulator.Requests.Count("GET", "/v1/view/storage-pools").ShouldBe(before);
        (await bench.Simulator.Cluster.SetNodeOnlineAsync("kvm3", true, Token)).ShouldBeTrue();
        (await driver.ProbeAsync()).ShouldSatisfyAllConditions(now => now.Error.ShouldBeNull(), now => now.Capacity.ShouldNotBeNull().TotalBytes.ShouldBe(30L << 30));
    }

    /// <summary>A pool that told 0 was called one whose satellite is away.</summary>
    [Fact]
    public void APoolThatTellsNoSpaceAtAll_IsNoRoom_AndIsNotSilent()
    {
        var room = new GroupRoom().Count([Pool("n1", 10 * Gib, 10 * Gib), Pool("n2", 0, 0)], Filter(2));
        (room.TotalKib, room.UsedKib, room.Silent.Count).ShouldBe((0, 0, 0));
    }

    private static SelectFilter Filter(int replicas, string pool = "thin") => new(replicas, pool, [pool], null);

    private static StoragePool Pool(string node, long total, long free, string name = "thin", string? space = null) => new(name, node, "LVM_THIN", free, total, space ?? $"{node};{name}", true);
}
