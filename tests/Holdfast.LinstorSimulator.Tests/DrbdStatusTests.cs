using System.Text.Json.Nodes;
using Holdfast.LinstorSimulation.Drbd;
using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>
/// What the stand-in for <c>drbdsetup</c> prints and does, against what DRBD 9.2.18 printed on three nodes: n1 and n3 with a disk, n2 without, the resource opened on n1.
/// </summary>
public sealed class DrbdStatusTests
{
    private const string Resource = "vol-1";

    private static readonly JsonObject Measured =
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Measured", "drbd-9.2.18-status.json")))!.AsObject();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> States => [.. Measured.Select(static pair => pair.Key)];

    [Theory]
    [MemberData(nameof(States))]
    public async Task Status_IsAsOfTheRealOne(string state)
    {
        await using var cluster = await StartAsync();
        var node = await BringAboutAsync(cluster, state);
        var differences = AnswerComparison.Differences(ByPeer(Measured[state]!), ByPeer(Status(cluster, node)));
        differences.ShouldBeEmpty(string.Join('\n', differences));
    }

    [Fact]
    public async Task SecondaryForce_MakesIoFailUntilTheLastOneCloses()
    {
        await using var cluster = await StartAsync();
        await BringAboutAsync(cluster, "no-quorum-write-pending");
        var nodes = cluster.Simulator.Cluster;
        RunDrbdSetup(cluster, "n1", "secondary", Resource).Exit.ShouldBe(11, "it is held open");
        nodes.WriteState(Resource, "n1").ShouldBe("pending");

        RunDrbdSetup(cluster, "n1", "secondary", "--force", Resource).Exit.ShouldBe(0);
        nodes.WriteState(Resource, "n1").ShouldBe("failed");
        ((bool?)(await cluster.Calls.GetAsync($"/v1/resource-definitions/{Resource}/resources/n1")).Json["state"]!["in_use"]).ShouldBe(false);
        (await nodes.SetOpenAsync(Resource, "n1", true, Cancel)).ShouldNotBeNull("it fails all I/O until it was closed");

        (await nodes.SetOpenAsync(Resource, "n1", false, Cancel)).ShouldBeNull();
        ((bool?)Status(cluster, "n1")[0]!["force-io-failures"]).ShouldBe(false);
        nodes.SetDrbd(Resource, "n1", new DrbdSwitch { Peers = new() { ["n2"] = "connected", ["n3"] = "connected" } }).ShouldBeTrue();
        (await nodes.SetOpenAsync(Resource, "n1", true, Cancel)).ShouldBeNull();
        ((string?)Status(cluster, "n1")[0]!["role"]).ShouldBe("Primary");
    }

    [Fact]
    public async Task SecondaryForce_OfOneThatNobodyHasOpen_ChangesNothing()
    {
        await using var cluster = await StartAsync();
        RunDrbdSetup(cluster, "n1", "secondary", "--force", Resource).Exit.ShouldBe(0);
        ((bool?)Status(cluster, "n1")[0]!["force-io-failures"]).ShouldBe(false);
        var unknown = RunDrbdSetup(cluster, "n1", "secondary", "--force", "nosuch");
        (unknown.Exit, unknown.Errors.Trim()).ShouldBe((10, "nosuch: Failure: (158) Unknown resource"));
    }

    [Fact]
    public async Task ResumeIo_ByMinor_IsForThisNodeAlone()
    {
        await using var cluster = await StartAsync();
        foreach (var node in new[] { "n1", "n3" })
        {
            cluster.Simulator.Cluster.SetDrbd(Resource, node, new DrbdSwitch { Suspended = true }).ShouldBeTrue();
        }

        var minor = (int)Status(cluster, "n1")[0]!["devices"]![0]!["minor"]!;
        await cluster.Simulator.StopAsync();
        RunDrbdSetup(cluster, "n1", "resume-io", $"{minor}").Exit.ShouldBe(0);
        RunDrbdSetup(cluster, "n1", "resume-io", $"{minor}").Exit.ShouldBe(0, "it is idempotent");
        ((bool?)Status(cluster, "n1")[0]!["suspended-user"]).ShouldBe(false);
        ((bool?)Status(cluster, "n3")[0]!["suspended-user"]).ShouldBe(true);
        var unknown = RunDrbdSetup(cluster, "n1", "resume-io", "4711");
        (unknown.Exit, unknown.Errors.Trim()).ShouldBe((10, "4711: Failure: (127) Device minor not allocated"));
        RunDrbdSetup(cluster, "n1", "resume-io").Exit.ShouldBe(20);
    }

    [Fact]
    public async Task QuorumLost_WithIoErrors_SuspendsNothing()
    {
        await using var cluster = await StartAsync(onNoQuorum: "io-error");
        await cluster.Simulator.Cluster.SetOpenAsync(Resource, "n1", true, Cancel);
        Cut(cluster);
        var status = Status(cluster, "n1")[0]!;
        ((bool?)status["suspended"]).ShouldBe(false);
        ((bool?)status["devices"]![0]!["quorum"]).ShouldBe(false);
    }

    [Fact]
    public async Task SnapshotCutOffByTheControllersEnd_LeavesIoSuspendedUntilAPropertyIsChanged()
    {
        await using var cluster = await StartAsync();
        await LeaveHalfASnapshotAsync(cluster);

        await cluster.Simulator.Faults.ClearAsync();
        await cluster.Simulator.RestartAsync(Cancel);
        Suspended(cluster).ShouldBe(["n1", "n2", "n3"], "a controller that is back resumes nothing");
        var snapshot = (await cluster.Calls.GetAsync($"/v1/resource-definitions/{Resource}/snapshots/s1")).Json;
        snapshot["flags"].ShouldBeNull("it was not taken");
        (await cluster.Calls.DeleteAsync($"/v1/resource-definitions/{Resource}/snapshots/s1")).Status.ShouldBe(200);
        Suspended(cluster).ShouldBe(["n1", "n2", "n3"], "its deletion resumes nothing");

        (await cluster.Calls.PutAsync($"/v1/resource-definitions/{Resource}", """{"override_props":{"Aux/touched":"1"}}""")).Status.ShouldBe(200);
        Suspended(cluster).ShouldBeEmpty();
    }

    [Fact]
    public async Task SnapshotCutOff_ResumeIoOnEachNode_LetsIoGoOn()
    {
        await using var cluster = await StartAsync();
        await LeaveHalfASnapshotAsync(cluster);
        foreach (var node in new[] { "n1", "n2", "n3" })
        {
            RunDrbdSetup(cluster, node, "resume-io", "1000").Exit.ShouldBe(0);
        }

        Suspended(cluster).ShouldBeEmpty();
    }

    [Fact]
    public async Task Rollback_SuspendsIoForItsSafetySnapshot()
    {
        await using var cluster = await StartAsync();
        (await cluster.Calls.PostAsync($"/v1/resource-definitions/{Resource}/snapshots", """{"name":"s1"}""")).Status.ShouldBe(201);
        await cluster.Simulator.Faults.AddAsync(FaultKind.SnapshotNeverTaken);
        var rollback = cluster.Calls.PostAsync($"/v1/resource-definitions/{Resource}/snapshot-rollback/s1", "{}");
        await WaitForSuspendedAsync(cluster);
        await cluster.Simulator.Faults.ClearAsync();
        (await rollback).Status.ShouldBe(200);
        Suspended(cluster).ShouldBeEmpty();
    }

    [Fact]
    public async Task SnapshotTaken_LeavesNothingSuspended()
    {
        await using var cluster = await StartAsync();
        (await cluster.Calls.PostAsync($"/v1/resource-definitions/{Resource}/snapshots", """{"name":"s1"}""")).Status.ShouldBe(201);
        Suspended(cluster).ShouldBeEmpty();
    }

    [Fact]
    public async Task Snapshot_SatelliteLostMeanwhile_IsGivenUpAndIoGoesOn()
    {
        await using var cluster = await StartAsync();
        await cluster.Simulator.Cluster.SetNodeFrozenAsync("n3", true, Cancel);
        (await cluster.Calls.PostAsync($"/v1/resource-definitions/{Resource}/snapshots", """{"name":"s1"}""")).Short.ShouldEndWith("E998");
        Suspended(cluster).ShouldBeEmpty();
        ((string?)(await cluster.Calls.GetAsync($"/v1/resource-definitions/{Resource}/snapshots/s1")).Json["flags"]![0]).ShouldBe("FAILED_DISCONNECT");
    }

    [Fact]
    public async Task Admin_PutsAResourceIntoAState()
    {
        await using var cluster = await StartAsync();
        await cluster.Simulator.Cluster.SetOpenAsync(Resource, "n1", true, Cancel);
        using var admin = new Calls(cluster.Simulator.AdminUri, check: false);
        var answer = await admin.PutAsync($"/drbd/{Resource}/n1", """{"suspended":true,"writePending":true,"peers":{"n2":"cut","n3":"cut"}}""");
        (answer.Status, (string?)answer.Json["write"]).ShouldBe((200, "pending"));
        ((bool?)Status(cluster, "n1")[0]!["suspended-quorum"]).ShouldBe(true);
        (await admin.PutAsync($"/drbd/{Resource}/n1", """{"peers":{"n2":"lost"}}""")).Status.ShouldBe(409);
        (await admin.PutAsync($"/drbd/{Resource}/n1", """{"peers":{"n9":"cut"}}""")).Status.ShouldBe(409);
        (await admin.PutAsync("/drbd/nosuch/n1", "{}")).Status.ShouldBe(404);
    }

    private static async Task<Cluster> StartAsync(string onNoQuorum = "suspend-io")
    {
        var cluster = await Cluster.StartAsync(new LinstorSimulatorOptions { NodeName = "n1", SimulatedNodes = ["n2", "n3"], Drbd = true, Devices = DeviceMode.None });
        var answer = await cluster.Calls.PostAsync(
            "/v1/resource-groups/rg/spawn",
            $$$"""
            {"resource_definition_name":"{{{Resource}}}","volume_sizes":[65536],"select_filter":{"node_name_list":["n1","n3"]},
             "resource_definition_props":{"DrbdOptions/Resource/on-no-quorum":"{{{onNoQuorum}}}"}}
            """);
        answer.Status.ShouldBe(201);
        return cluster;
    }

    /// <summary>Does what was done for the state when it was measured; gives the node it was looked at on.</summary>
    private static async Task<string> BringAboutAsync(Cluster cluster, string state)
    {
        var nodes = cluster.Simulator.Cluster;
        if (state is not ("connected-secondary" or "diskless-client"))
        {
            (await nodes.SetOpenAsync(Resource, "n1", true, Cancel)).ShouldBeNull();
        }

        switch (state)
        {
            case "suspended-user" or "suspended-user-peer":
                RunDrbdSetup(cluster, "n1", "suspend-io", "1000").Exit.ShouldBe(0);
                break;
            case "standalone-peer":
                nodes.SetDrbd(Resource, "n1", new DrbdSwitch { Peers = new() { ["n3"] = "disconnected" } }).ShouldBeTrue();
                break;
            case "reconnected" or "reconnected-peer":
                nodes.SetDrbd(Resource, "n1", new DrbdSwitch { Peers = new() { ["n3"] = "disconnected" } });
                nodes.SetDrbd(Resource, "n1", new DrbdSwitch { Peers = new() { ["n3"] = "connected" } });
                break;
            case "no-quorum-suspended" or "lost-primary":
                Cut(cluster);
                break;
            case "no-quorum-write-pending" or "after-secondary-force" or "healed":
                Cut(cluster);
                nodes.SetDrbd(Resource, "n1", new DrbdSwitch { WritePending = true });
                if (state != "no-quorum-write-pending")
                {
                    RunDrbdSetup(cluster, "n1", "secondary", "--force", Resource).Exit.ShouldBe(0);
                }

                if (state == "healed")
                {
                    nodes.SetDrbd(Resource, "n1", new DrbdSwitch { Peers = new() { ["n2"] = "connected", ["n3"] = "connected" } });
                }

                break;
        }

        return state switch
        {
            "diskless-client" => "n2",
            "peer-is-primary" or "suspended-user-peer" or "reconnected" or "lost-primary" => "n3",
            _ => "n1",
        };
    }

    private static void Cut(Cluster cluster) =>
        cluster.Simulator.Cluster.SetDrbd(Resource, "n1", new DrbdSwitch { Peers = new() { ["n2"] = "cut", ["n3"] = "cut" } }).ShouldBeTrue();

    /// <summary>Kills the controller while the I/O of all replicas is suspended for a snapshot.</summary>
    private static async Task LeaveHalfASnapshotAsync(Cluster cluster)
    {
        await cluster.Simulator.Faults.AddAsync(FaultKind.SnapshotNeverTaken);
        var snapshot = cluster.Calls.PostAsync($"/v1/resource-definitions/{Resource}/snapshots", """{"name":"s1"}""");
        await WaitForSuspendedAsync(cluster);
        await cluster.Simulator.StopAsync();
        await Should.ThrowAsync<HttpRequestException>(() => snapshot);
        Suspended(cluster).ShouldBe(["n1", "n2", "n3"]);
    }

    private static async Task WaitForSuspendedAsync(Cluster cluster)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (Suspended(cluster).Count < 3)
        {
            limit.IsCancellationRequested.ShouldBeFalse("a snapshot should have suspended the I/O of three replicas within 20 s");
            await Task.Delay(20, Cancel);
        }
    }

    private static List<string> Suspended(Cluster cluster) => [.. new[] { "n1", "n2", "n3" }.Where(node => (bool)Status(cluster, node)[0]!["suspended-user"]!)];

    private static JsonNode Status(Cluster cluster, string node) => JsonNode.Parse(RunDrbdSetup(cluster, node, "status", Resource, "--json").Output)!;

    private static JsonNode ByPeer(JsonNode status)
    {
        var sorted = status.DeepClone();
        foreach (var resource in sorted.AsArray())
        {
            resource!["connections"] = new JsonArray([.. resource["connections"]!.AsArray().OrderBy(static peer => (string)peer!["name"]!, StringComparer.Ordinal).Select(static peer => peer!.DeepClone())]);
        }

        return sorted;
    }

    private static (int Exit, string Output, string Errors) RunDrbdSetup(Cluster cluster, string node, params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var exit = DrbdSetup.Run(["--state", cluster.Simulator.StateFolderPath, "--node", node, "--", .. arguments], output, errors);
        return (exit, output.ToString(), errors.ToString());
    }
}
