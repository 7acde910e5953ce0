using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Attachments;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Drivers.Linstor.Volumes;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;
using static Holdfast.Drivers.Tests.Linstor.LinstorCutTests;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>I/O that LINSTOR suspends for a snapshot or a rollback goes on, whoever dies meanwhile.</summary>
public sealed class LinstorHoldTests
{
    private static readonly VolumeId Volume = RecordedDrbd.Volume;
    private static readonly string Definition = $"/v1/resource-definitions/hf-{Volume}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static SnapshotId NewSnapshot() => new(Guid.NewGuid());

    private static string NoteOf(Driving driver) => Path.Combine(driver.StateFolder, "holds", $"{Volume}.json");

    [Fact]
    public async Task IoThatGoesOn_IsAlreadySo_AndLinstorIsNotAsked()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench, generation: 2);
        drbd.State = "primary";
        var asked = LinstorCalls(driver);
        Ok(await driver.ResumeAsync(Volume, 2)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        Failed(await driver.ResumeAsync(Volume, 1)).Code.ShouldBe(DriverErrorCode.Invalid);
        LinstorCalls(driver).ShouldBe(asked);
        drbd.Commands.ShouldBeEmpty();
    }

    [Fact]
    public async Task IoThatARequestHoldsBack_GoesOnWhenLinstorAdjustsTheResource()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        bench.Simulator.Requests.Clear();
        drbd.State = "suspended-user";
        drbd.StatusInstead = () => new ProcessOutcome.Exited(
            0,
            RecordedDrbd.Printed(bench.Simulator.Requests.Count("PUT", Definition) > 0 ? "primary" : "suspended-user"),
            string.Empty);
        Ok(await driver.ResumeAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        drbd.Commands.ShouldBeEmpty("LINSTOR did it");
        (await driver.ProbeAsync()).Waiting.ShouldBeEmpty();
    }

    [Fact]
    public async Task IoThatWaitsForAQuorum_IsNotResumed()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.State = "no-quorum-write-pending";
        var asked = LinstorCalls(driver);
        var refused = Failed(await driver.ResumeAsync(Volume));
        refused.Code.ShouldBe(DriverErrorCode.Busy);
        refused.Text.ShouldContain("no quorum");
        LinstorCalls(driver).ShouldBe(asked);
        drbd.Commands.ShouldBeEmpty();
    }

    [Fact]
    public async Task WithoutLinstor_IoIsResumedOnThisHostAloneAfterAMinute()
    {
        await using var bench = await StartDrbdAsync();
        var time = new ShiftedTime();
        var (driver, drbd) = await AttachedAsync(bench, time: time);
        drbd.State = "suspended-user";
        drbd.Does = _ => Becomes(drbd, "primary");
        await bench.Simulator.StopAsync();

        var early = Failed(await driver.ResumeAsync(Volume));
        early.Code.ShouldBe(DriverErrorCode.Unreachable);
        early.Text.ShouldContain("after 60 s");
        drbd.Commands.ShouldBeEmpty();
        time.Advance(TimeSpan.FromSeconds(61));
        Ok(await driver.ResumeAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        drbd.Commands.ShouldBe([$"resume-io {RecordedDrbd.Minor}"]);
    }

    [Fact]
    public async Task WhenAdjustingDoesNotHelp_DrbdIsToldOnThisHost()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        bench.Simulator.Requests.Clear();
        drbd.State = "suspended-user";
        drbd.Does = _ => Becomes(drbd, "primary");
        Ok(await driver.ResumeAsync(Volume, seconds: 6)).Outcome.ShouldBe(DriverOutcome.Done);
        bench.Simulator.Requests.Count("PUT", Definition).ShouldBe(1);
        drbd.Commands.ShouldBe([$"resume-io {RecordedDrbd.Minor}"]);
    }

    [Fact]
    public async Task ASnapshotWhoseControllerDied_IsKnownToTheNextDriver_DeletedAndIoGoesOn()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        var snapshot = NewSnapshot();
        await LeaveHalfAsync(bench, driver, drbd, snapshot);
        (await SnapshotsAsync(bench)).Single()!["flags"].ShouldBeNull("it is half");

        var time = new ShiftedTime();
        var next = bench.Driver(driver.Pool, stateFolder: driver.StateFolder, processes: drbd, time: time);
        drbd.StatusInstead = () => new ProcessOutcome.Exited(
            0,
            RecordedDrbd.Printed(bench.Simulator.Requests.Count("PUT", Definition) > 0 ? "primary" : "suspended-user"),
            string.Empty);
        (await next.ProbeAsync()).Waiting.Single().ShouldSatisfyAllConditions(
            static waiting => waiting.VolumeId.ShouldBe(Volume),
            static waiting => waiting.CanResume.ShouldBeTrue(),
            waiting => waiting.Text.ShouldContain($"snapshot {snapshot}"));
        var early = Failed(await next.ResumeAsync(Volume));
        early.Code.ShouldBe(DriverErrorCode.Busy);
        early.Text.ShouldContain($"at work on hf-{snapshot}");
        bench.Simulator.Requests.Count("DELETE").ShouldBe(0);

        time.Advance(HeldSnapshots.OwnAge + TimeSpan.FromSeconds(1));
        Ok(await next.ResumeAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        (await SnapshotsAsync(bench)).ShouldBeEmpty();
        (await next.ProbeAsync()).Waiting.ShouldBeEmpty();
        File.Exists(NoteOf(next)).ShouldBeFalse();
        Ok(await next.SnapshotAsync(Volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Fact]
    public async Task ASnapshotOverWhichIoWasResumedApart_IsDeletedAlsoWhenLinstorCallsItComplete()
    {
        await using var bench = await StartDrbdAsync();
        var time = new ShiftedTime();
        var (driver, drbd) = await AttachedAsync(bench, time: time);
        var snapshot = NewSnapshot();
        Ok(await driver.SnapshotAsync(Volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);

        // The note of a call whose answer never came; LINSTOR finished the snapshot after I/O was resumed here.
        await bench.Simulator.Faults.AddAsync(FaultKind.Hang, "POST");
        Failed(await driver.SnapshotAsync(Volume, NewSnapshot(), seconds: 2));
        await bench.Simulator.Faults.ClearAsync();
        var lost = System.Text.Json.JsonSerializer.Deserialize(await File.ReadAllTextAsync(NoteOf(driver), Token), AttachmentJson.Default.HoldRecord)!.Snapshot;
        await bench.Simulator.StopAsync();
        drbd.State = "suspended-user";
        drbd.Does = _ => Becomes(drbd, "primary");
        await driver.ProbeAsync();
        time.Advance(TimeSpan.FromSeconds(61));
        Ok(await driver.ResumeAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        (await driver.ProbeAsync()).Waiting.Single().Text.ShouldContain($"snapshot {lost}");
        await bench.Simulator.RestartAsync(Token);
        await PostAsync(bench, $"{Definition}/snapshots", $$"""{"name":"hf-{{lost}}"}""");
        time.Advance(TimeSpan.FromSeconds(2));

        Ok(await driver.ResumeAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        (await SnapshotsAsync(bench)).Single()!["name"]!.GetValue<string>().ShouldBe($"hf-{snapshot}", "the one that was taken well stays");
        File.Exists(NoteOf(driver)).ShouldBeFalse();
    }

    [Fact]
    public async Task ASnapshot_EndsOnlyWithTheProofThatIoGoesOn()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        var snapshot = NewSnapshot();
        drbd.State = "suspended-user";
        var unproven = Failed(await driver.SnapshotAsync(Volume, snapshot, seconds: 3));
        unproven.Code.ShouldBe(DriverErrorCode.Busy);
        unproven.Text.ShouldContain("not seen");
        File.Exists(NoteOf(driver)).ShouldBeTrue();
        drbd.State = "primary";
        Ok(await driver.SnapshotAsync(Volume, snapshot)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        File.Exists(NoteOf(driver)).ShouldBeFalse();
    }

    [Fact]
    public async Task ARevert_IsNotedToo_AndEndsWithTheProof()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        var snapshot = NewSnapshot();
        Ok(await driver.SnapshotAsync(Volume, snapshot));
        Ok(await driver.ReleaseAsync(Volume));
        await bench.Simulator.Faults.AddAsync(FaultKind.Hang, "POST");
        Failed(await driver.RevertAsync(Volume, snapshot, seconds: 2));
        await bench.Simulator.Faults.ClearAsync();
        File.Exists(NoteOf(driver)).ShouldBeTrue();
        (await driver.ProbeAsync()).Waiting.Single().Text.ShouldContain($"a rollback to snapshot {snapshot}");
        drbd.State = "connected-secondary";
        Ok(await driver.RevertAsync(Volume, snapshot)).Outcome.ShouldBe(DriverOutcome.Done);
        File.Exists(NoteOf(driver)).ShouldBeFalse();
    }

    [Fact]
    public async Task WhatCannotBeNoted_IsNotAskedFor()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, _) = await AttachedAsync(bench);
        await File.WriteAllTextAsync(Path.Combine(driver.StateFolder, "holds"), "in the way", Token);
        var refused = Failed(await driver.SnapshotAsync(Volume, NewSnapshot()));
        refused.Code.ShouldBe(DriverErrorCode.Busy);
        refused.Text.ShouldContain("cannot write down");
        bench.Simulator.Requests.Count("POST", $"{Definition}/snapshots").ShouldBe(0);
    }

    [Theory]
    //          name                    flags                age  noted  apart  under way  left
    [InlineData("hf-own", "", 10, true, false, true, false)]
    [InlineData("hf-own", "", 61, true, false, false, true)]
    [InlineData("hf-own", "", 61, false, false, true, false)]
    [InlineData("hf-own", "", 131, false, false, false, true)]
    [InlineData("hf-own", "SUCCESSFUL", 999, true, false, false, false)]
    [InlineData("hf-own", "SUCCESSFUL", 999, true, true, false, true)]
    [InlineData("hf-own", "FAILED_DEPLOYMENT", 1, false, false, false, true)]
    [InlineData("hf-own", "DELETE", 1, true, false, false, false)]
    [InlineData("hf-own", "PETRIFIED", 1, true, false, true, false)]
    [InlineData("theirs", "", 10, false, false, true, false)]
    [InlineData("theirs", "", 131, false, false, false, false)]
    [InlineData("safety-snap-1", "SUCCESSFUL", 10, false, false, true, false)]
    [InlineData("safety-snap-1", "SUCCESSFUL", 131, false, false, false, false)]
    public void AnUnfinishedSnapshot_IsUnderWayOrLeftByItsAge(string name, string flags, int seconds, bool noted, bool apart, bool underWay, bool left)
    {
        var id = NewSnapshot();
        name = name == "hf-own" ? VolumeName.Of(id) : name;
        var judged = HeldSnapshots.Judge(
            [new Snapshot(name, "hf-x", flags.Length == 0 ? null : [flags], null, null)],
            noted ? new HoldRecord(Volume, id, IsRollback: false, DateTimeOffset.UnixEpoch, apart) : null,
            _ => TimeSpan.FromSeconds(seconds));
        judged.UnderWay.ShouldBe(underWay ? name : null);
        judged.Left.ShouldBe(left ? [name] : []);
    }

    /// <summary>Kills the controller while it takes a snapshot, for which it has suspended I/O.</summary>
    private static async Task LeaveHalfAsync(LinstorBench bench, Driving driver, RecordedDrbd drbd, SnapshotId snapshot)
    {
        bench.Simulator.Cluster.SetNodeStuck("kvm2", true);
        bench.Simulator.Cluster.SetNodeStuck("kvm3", true);
        bench.Simulator.Cluster.SetNodeStuck(LinstorBench.Node, true);
        drbd.State = "suspended-user";
        Failed(await driver.SnapshotAsync(Volume, snapshot, seconds: 3));
        File.Exists(NoteOf(driver)).ShouldBeTrue();
        await bench.Simulator.StopAsync();
        bench.Simulator.Cluster.SetNodeStuck("kvm2", false);
        bench.Simulator.Cluster.SetNodeStuck("kvm3", false);
        bench.Simulator.Cluster.SetNodeStuck(LinstorBench.Node, false);
        await bench.Simulator.RestartAsync(Token);
        bench.Simulator.Requests.Clear();
    }

    private static async Task<JsonArray> SnapshotsAsync(LinstorBench bench)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        return (await client.GetFromJsonAsync<JsonArray>($"v1/view/snapshots?resources=hf-{Volume}", Token))!;
    }

    private static async Task PostAsync(LinstorBench bench, string path, string json)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        using var content = new StringContent(json);
        (await client.PostAsync(path, content, Token)).EnsureSuccessStatusCode();
    }
}
