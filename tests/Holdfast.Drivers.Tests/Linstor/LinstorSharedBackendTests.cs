using Holdfast.DriverKit.Conformance;
using Holdfast.LinstorSimulation;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>What the conformance kit leaves on a cluster that outlives it.</summary>
public sealed class LinstorSharedBackendTests
{
    private const string Attaching = "The inventory lists what is attached, and only that";

    [Theory]
    [InlineData(Attaching)]
    [InlineData("A volume from a snapshot has the snapshot's content")]
    [InlineData("Killed while making a clone: the same call makes it whole")]
    public async Task ACase_RemovesWhatItHasMade(string name)
    {
        await using var target = new LinstorTarget(drbd: false, shared: true);
        List<string> left = [];
        (await CaseOf(name).JudgeAsync(target, left.Add)).ShouldBeNull();
        left.ShouldBeEmpty();
        target.Simulator.Cluster.Volumes.ShouldBeEmpty();
        target.Simulator.Requests.Count("DELETE").ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task WhatCannotBeRemoved_IsTold()
    {
        await using var target = new LinstorTarget(drbd: false, shared: true, new FaultRule { Kind = FaultKind.ApiError, Method = "DELETE", Code = 997 });
        List<string> left = [];
        (await CaseOf(Attaching).JudgeAsync(target, left.Add)).ShouldBeNull();
        left.Count.ShouldBe(2, "a case that made two volumes");
        left.ShouldAllBe(static one => one.StartsWith("volume ", StringComparison.Ordinal) && one.Contains("Busy", StringComparison.Ordinal));
    }

    private static ConformanceCase CaseOf(string name) => ConformanceCases.All.Single(one => one.Name.StartsWith(name, StringComparison.Ordinal));
}
