using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using Shouldly;
using Xunit;

namespace Holdfast.LinstorSimulation.Tests;

/// <summary>Each fault as a client meets it, switched while the simulator runs.</summary>
public sealed class FaultTests
{
    private static readonly LinstorSimulatorOptions Options = new() { NodeName = "kvm1", Devices = DeviceMode.None };

    // Long enough that only something that never answers can take it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refuse_RefusesConnectsAndResetsConnections_UntilLifted()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
        await cluster.Simulator.Faults.AddAsync(FaultKind.Refuse);
        var error = await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.GetAsync("/v1/nodes"));
        error.InnerException.ShouldBeOfType<SocketException>().SocketErrorCode.ShouldBe(SocketError.ConnectionRefused);
        await cluster.Simulator.Faults.ClearAsync();
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Blackhole_LeavesConnectsWithoutAnyAnswer_UntilLifted()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.Blackhole);
        for (var i = 0; i < 3; i++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            using var limit = new CancellationTokenSource(Patience);
            await Should.ThrowAsync<OperationCanceledException>(() => socket.ConnectAsync(cluster.Simulator.Uri.Host, cluster.Simulator.Uri.Port, limit.Token).AsTask());
        }

        await cluster.Simulator.Faults.ClearAsync();
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Blackhole_SilencesOpenConnections_WhichGoOnAfterwards()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Calls.GetAsync("/v1/nodes");
        await cluster.Simulator.Faults.AddAsync(FaultKind.Blackhole);
        var waiting = cluster.Calls.GetAsync("/v1/nodes");
        (await Task.WhenAny(waiting, Task.Delay(Patience, Cancel))).ShouldNotBe(waiting);
        await cluster.Simulator.Faults.ClearAsync();
        (await waiting).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Hang_TakesTheRequestAndNeverAnswers_AndAppliesNothing()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.Hang, "POST");
        var hung = cluster.Calls.SpawnAsync("vol-1");
        var entry = await cluster.Simulator.Requests.WaitForAsync(static entry => entry.Fault == FaultKind.Hang, Cancel);
        entry.Method.ShouldBe("POST");
        (await Task.WhenAny(hung, Task.Delay(Patience, Cancel))).ShouldNotBe(hung);
        (await cluster.Calls.GetAsync("/v1/resource-definitions")).Text.ShouldBe("[]", "other endpoints answer, and nothing was applied");
        await cluster.Simulator.StopAsync();
        await Should.ThrowAsync<HttpRequestException>(() => hung);
    }

    [Fact]
    public async Task Garbage_IsNoHttp()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.Garbage);
        await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.GetAsync("/v1/nodes"));
    }

    [Fact]
    public async Task Reset_ResetsTheConnection()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.Reset);
        var error = await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.GetAsync("/v1/nodes"));
        error.GetBaseException().ShouldBeOfType<SocketException>().SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
    }

    [Fact]
    public async Task ReplyLost_AppliesAndResets()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.ReplyLost, "POST", "/v1/resource-groups/*/spawn");
        await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.SpawnAsync("vol-1"));
        (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources/kvm1")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task TruncatedBody_EndsBeforeTheAnnouncedLength()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.TruncatedBody);
        await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.GetAsync("/v1/nodes"));
    }

    [Fact]
    public async Task TruncatedJson_IsGoodHttpAndBadJson()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.TruncatedJson);
        var answer = await cluster.Calls.GetAsync("/v1/nodes");
        answer.Status.ShouldBe(200);
        Should.Throw<System.Text.Json.JsonException>(() => answer.Json);
    }

    [Theory]
    [InlineData(FaultKind.ServerErrorPage, 500)]
    [InlineData(FaultKind.ProxyUnavailable, 503)]
    [InlineData(FaultKind.Unauthorized, 401)]
    [InlineData(FaultKind.Forbidden, 403)]
    [InlineData(FaultKind.RedirectLoop, 302)]
    public async Task StatusFaults_AnswerInTheControllersStead(FaultKind kind, int status)
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(kind);
        var answer = await cluster.Calls.SpawnAsync("vol-1");
        answer.Status.ShouldBe(status);
        if (kind == FaultKind.RedirectLoop)
        {
            answer.Location!.ToString().ShouldBe("/v1/resource-groups/rg/spawn");
        }

        await cluster.Simulator.Faults.ClearAsync();
        (await cluster.Calls.GetAsync("/v1/resource-definitions")).Text.ShouldBe("[]");
    }

    [Fact]
    public async Task ApiError_GivesTheCodeAsked_AsOftenAsAsked()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(new FaultRule { Kind = FaultKind.ApiError, Code = 996, Times = 1 });
        (await cluster.Calls.SpawnAsync("vol-1")).Short.ShouldBe("E996");
        (await cluster.Calls.SpawnAsync("vol-1")).Status.ShouldBe(201);
        cluster.Simulator.Faults.Rules.ShouldBeEmpty();
    }

    [Fact]
    public async Task WarnNotConnected_SucceedsWithTheWarning()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(FaultKind.WarnNotConnected);
        var answer = await cluster.Calls.SpawnAsync("vol-1");
        answer.Status.ShouldBe(201);
        answer.Short.Split(' ')[^1].ShouldBe("W1002");
    }

    [Fact]
    public async Task SlowHeaders_DelaysTheAnswer()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(new FaultRule { Kind = FaultKind.SlowHeaders, DelayMilliseconds = 700 });
        var began = Stopwatch.GetTimestamp();
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
        Stopwatch.GetElapsedTime(began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(690));
    }

    [Fact]
    public async Task SlowBody_SendsHeadersAtOnceAndCrawls()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Simulator.Faults.AddAsync(new FaultRule { Kind = FaultKind.SlowBody, DelayMilliseconds = 100 });
        using var response = await cluster.Calls.Http.GetAsync("/v1/nodes", HttpCompletionOption.ResponseHeadersRead, Cancel);
        ((int)response.StatusCode).ShouldBe(200);
        response.Content.Headers.ContentLength!.Value.ShouldBeGreaterThan(100);
        using var limit = new CancellationTokenSource(Patience);
        await Should.ThrowAsync<OperationCanceledException>(() => response.Content.ReadAsByteArrayAsync(limit.Token));
    }

    [Fact]
    public async Task CloneNeverFinishes_StaysCloningUntilLifted()
    {
        await using var cluster = await Cluster.StartAsync(Options);
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Simulator.Faults.AddAsync(FaultKind.CloneNeverFinishes);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/clone", """{"name":"vol-2"}""")).Status.ShouldBe(201);
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/clone/vol-2")).Json["status"]).ShouldBe("CLONING");
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-2")).Json["flags"]![0]).ShouldBe("CLONING");
        await cluster.Simulator.Faults.ClearAsync();
        await cluster.WaitForAsync("/v1/resource-definitions/vol-1/clone/vol-2", static status => (string?)status.Json["status"] == "COMPLETE", "a complete clone");
    }

    [Fact]
    public async Task CloneNeverFinishes_SurvivesARestart()
    {
        await using var cluster = await Cluster.StartAsync(Options);
        await cluster.Calls.SpawnAsync("vol-1");
        await cluster.Simulator.Faults.AddAsync(FaultKind.CloneNeverFinishes);
        await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/clone", """{"name":"vol-2"}""");
        await cluster.Simulator.RestartAsync(Cancel);
        ((string?)(await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/clone/vol-2")).Json["status"]).ShouldBe("CLONING");
        await cluster.Simulator.Faults.ClearAsync();
        await cluster.WaitForAsync("/v1/resource-definitions/vol-1/clone/vol-2", static status => (string?)status.Json["status"] == "COMPLETE", "a complete clone");
    }

    [Fact]
    public async Task DevicePathNullAndStateOmitted_LeaveThemOut()
    {
        await using var cluster = await Cluster.StartAsync(Options);
        await cluster.Calls.SpawnAsync("vol-1");
        (await cluster.Calls.GetAsync("/v1/view/resources")).Text.ShouldContain("device_path");
        await cluster.Simulator.Faults.SetAsync(new FaultRule { Kind = FaultKind.DevicePathNull }, new FaultRule { Kind = FaultKind.StateOmitted });
        var text = (await cluster.Calls.GetAsync("/v1/view/resources")).Text;
        text.ShouldNotContain("device_path");
        text.ShouldNotContain("\"state\"");
    }

    [Fact]
    public async Task StuckSatellite_HangsLiveCallsAndNotCachedOnes()
    {
        await using var cluster = await Cluster.StartAsync(Options);
        await cluster.Calls.SpawnAsync("vol-0");
        await cluster.Calls.SpawnAsync("vol-1");
        cluster.Simulator.Cluster.SetNodeStuck("kvm1", true);
        Task<Answered>[] live =
        [
            cluster.Calls.GetAsync("/v1/view/resources"),
            cluster.Calls.GetAsync("/v1/view/storage-pools"),
            cluster.Calls.SpawnAsync("vol-2"),
            cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/clone", """{"name":"vol-3"}"""),
            cluster.Calls.PutAsync("/v1/resource-definitions/vol-1", """{"override_props":{"Aux/a":"b"}}"""),
            cluster.Calls.DeleteAsync("/v1/resource-definitions/vol-0"),
        ];
        (await cluster.Calls.GetAsync("/v1/resource-definitions/vol-1/resources")).Status.ShouldBe(200);
        (await cluster.Calls.PostAsync("/v1/resource-definitions/vol-1/resources/kvm1/make-available", "{}")).Short.ShouldBe("S0");
        (await cluster.Calls.GetAsync("/v1/view/storage-pools?cached=true")).Status.ShouldBe(200);
        (await cluster.Calls.GetAsync("/v1/nodes")).Json[0]!["connection_status"]!.ToString().ShouldBe("ONLINE");
        (await cluster.Calls.GetAsync("/health")).Status.ShouldBe(200);
        await Task.WhenAny(Task.WhenAny(live), Task.Delay(Patience, Cancel));
        live.ShouldAllBe(static call => !call.IsCompleted);
        cluster.Simulator.Cluster.SetNodeStuck("kvm1", false);
        (await Task.WhenAll(live)).Select(static answer => answer.Status).ShouldBe([200, 200, 201, 201, 200, 200]);
    }

    [Fact]
    public async Task Log_CountsRequestsConnectionsAndConnectsNobodyAnswered()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        await cluster.Calls.GetAsync("/v1/nodes");
        await cluster.Calls.GetAsync("/v1/nodes");
        await cluster.Calls.SpawnAsync("vol-1");
        var log = cluster.Simulator.Requests;
        log.Count("GET", "/v1/nodes").ShouldBe(2);
        log.Count(path: "/v1/resource-groups/*").ShouldBe(1);
        log.ConnectionsAccepted.ShouldBe(1);
        log.Entries[^1].Body!.ShouldContain("vol-1");
        log.Clear();
        log.Count().ShouldBe(0);
        Assert.SkipWhen(log.ConnectionAttempts is null, "raw sockets need root: connects nobody answers are not counted here");
        await cluster.Simulator.Faults.AddAsync(FaultKind.Refuse);
        for (var i = 0; i < 3; i++)
        {
            await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.GetAsync("/v1/nodes"));
        }

        await cluster.Simulator.Faults.SetAsync(new FaultRule { Kind = FaultKind.Blackhole });
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(Patience);
        await Should.ThrowAsync<OperationCanceledException>(() => socket.ConnectAsync(cluster.Simulator.Uri.Host, cluster.Simulator.Uri.Port, limit.Token).AsTask());
        log.ConnectionsAccepted.ShouldBe(0);
        log.ConnectionAttempts.ShouldBe(4);
    }

    [Fact]
    public async Task Admin_SwitchesFromOutside()
    {
        await using var cluster = await Cluster.StartAsync(Options, check: false);
        using var admin = new HttpClient { BaseAddress = cluster.Simulator.AdminUri };
        (await admin.PutAsync("/faults", Json("""[{"kind":"serverErrorPage","path":"/v1/nodes"}]"""), Cancel)).EnsureSuccessStatusCode();
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(500);
        (await admin.DeleteAsync("/faults", Cancel)).EnsureSuccessStatusCode();
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
        (await admin.PutAsync("/nodes/kvm1", Json("""{"online":false}"""), Cancel)).EnsureSuccessStatusCode();
        (await cluster.Calls.GetAsync("/v1/nodes")).Text.ShouldContain("OFFLINE");
        var log = await admin.GetFromJsonAsync<System.Text.Json.Nodes.JsonNode>("/requests", Cancel);
        ((int?)log!["counts"]!["GET /v1/nodes"]).ShouldBe(3);
        (await admin.DeleteAsync("/requests", Cancel)).EnsureSuccessStatusCode();
        cluster.Simulator.Requests.Count().ShouldBe(0);
        (await admin.PutAsync("/controller", Json("""{"running":false}"""), Cancel)).EnsureSuccessStatusCode();
        await Should.ThrowAsync<HttpRequestException>(() => cluster.Calls.GetAsync("/v1/nodes"));
        (await admin.PutAsync("/controller", Json("""{"running":true}"""), Cancel)).EnsureSuccessStatusCode();
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
        ((int)(await admin.PutAsync("/faults", Json("""[{"kind":"nonsense"}]"""), Cancel)).StatusCode).ShouldBe(400);
        ((int)(await admin.PutAsync("/nodes/nosuch", Json("{}"), Cancel)).StatusCode).ShouldBe(404);
    }

    [Fact]
    public async Task Token_IsNeededExceptForHealth()
    {
        await using var cluster = await Cluster.StartAsync(Options with { Token = "secret" }, check: false);
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(401);
        (await cluster.Calls.GetAsync("/health")).Status.ShouldBe(200);
        cluster.Calls.Http.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        (await cluster.Calls.GetAsync("/v1/nodes")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Https_PlainPortRedirects_AndTheCertificateCanBeTrusted()
    {
        await using var cluster = await Cluster.StartAsync(Options with { Https = true }, check: false);
        var answer = await cluster.Calls.GetAsync("/v1/controller/version");
        answer.Status.ShouldBe(302);
        answer.Location!.ToString().ShouldBe($"{cluster.Simulator.HttpsUri!.AbsoluteUri}v1/controller/version");
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) => certificate!.ExportCertificatePem() == cluster.Simulator.CertificatePem,
        };
        using var https = new HttpClient(handler);
        (await https.GetStringAsync(answer.Location, Cancel)).ShouldContain("rest_api_version");
    }

    [Fact]
    public async Task ManySimulators_RunSideBySide()
    {
        var clusters = await Task.WhenAll(Enumerable.Range(0, 8).Select(static _ => Cluster.StartAsync(Options)));
        await Task.WhenAll(clusters.Select(static cluster => cluster.Calls.SpawnAsync("vol-1")));
        clusters.Select(static cluster => cluster.Simulator.Uri.Port).Distinct().Count().ShouldBe(8);
        foreach (var cluster in clusters)
        {
            cluster.Simulator.Requests.Count().ShouldBe(1);
            await cluster.DisposeAsync();
        }
    }

    [Fact]
    public async Task StateFolder_HeldByOne_IsRefusedToAnother()
    {
        await using var cluster = await Cluster.StartAsync(Options);
        await Should.ThrowAsync<IOException>(() => LinstorSimulator.StartAsync(Options with { StateFolder = cluster.Simulator.StateFolderPath }, cancellationToken: Cancel));
    }

    private static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");
}
