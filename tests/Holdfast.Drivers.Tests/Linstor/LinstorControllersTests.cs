using System.Diagnostics;
using Holdfast.DriverKit;
using Holdfast.Drivers.Linstor.Rest;
using Holdfast.Drivers.Linstor.Rest.Model;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

public sealed class LinstorControllersTests
{
    private const string Created = "[{\"ret_code\":20447233,\"message\":\"created\"}]";

    private static CallDeadline Deadline(double seconds = 30) => new(TimeProvider.System, TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken);

    private static (LinstorClient Client, BackendCallCounter Calls) Make(
        string controllers,
        TlsTrust? trust = null,
        string? token = null,
        bool tokenOverHttp = false)
    {
        ControllerAddress.TryParseList(controllers, out var addresses, out var error).ShouldBeTrue(error);
        var calls = new BackendCallCounter();
        var transport = new RestTransport(trust ?? new TlsTrust.System(), token is null ? null : new Secret(token), tokenOverHttp);
        var pace = new RequestPace(TimeProvider.System, 100);
        return (new LinstorClient(new Controllers(addresses, transport, pace, calls, TimeProvider.System, NullLogger.Instance)), calls);
    }

    private static RestProblem Problem<T>(RestReply<T> reply) => reply.ShouldBeOfType<RestReply<T>.Failed>().Problem;

    private static T Value<T>(RestReply<T> reply) => reply.ShouldBeOfType<RestReply<T>.Ok>().Value;

    private static Task<RestReply<ChangeReply>> SpawnAsync(LinstorClient client, CallDeadline deadline) =>
        client.SpawnAsync("rg", new SpawnRequest("hf-x", [1024], true, null), deadline);

    [Fact]
    public async Task Read_FromAWellController_Answers()
    {
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[{\"name\":\"N1\",\"connection_status\":\"ONLINE\"}]"));
        var (client, calls) = Make(controller.Url);
        Value(await client.NodeAsync("n1", Deadline())).ShouldNotBeNull().IsOnline.ShouldBeTrue();
        calls.Snapshot()["GET nodes"].ShouldBe(1);
        calls.Snapshot()["GET health"].ShouldBe(1);
    }

    [Fact]
    public async Task Read_AnsweredForAnotherName_IsNotTaken()
    {
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[{\"name\":\"other\"}]"));
        var (client, _) = Make(controller.Url);
        Value(await client.DefinitionAsync("hf-x", Deadline())).ShouldBeNull();
        Value(await client.ResourcesAsync("hf-x", Deadline())).ShouldBeEmpty();
    }

    [Fact]
    public async Task Anything_WhenNobodyListens_IsUnreachableAtOnce()
    {
        var (client, _) = Make($"127.0.0.1:{ScriptedController.FreePort()}");
        var problem = Problem(await SpawnAsync(client, Deadline()));
        problem.Code.ShouldBe(DriverErrorCode.Unreachable);
        problem.MayHaveEffect.ShouldBeFalse();
        problem.Text.ShouldContain("127.0.0.1");
    }

    [Fact]
    public async Task Anything_OfSeveralDeadControllers_NamesAll()
    {
        var (a, b) = (ScriptedController.FreePort(), ScriptedController.FreePort());
        var (client, _) = Make($"127.0.0.1:{a},127.0.0.1:{b}");
        var problem = Problem(await client.NodeAsync("n", Deadline()));
        problem.Text.ShouldContain($"{a}");
        problem.Text.ShouldContain($"{b}");
        problem.Backend.ShouldNotBeNull();
    }

    [Fact]
    public async Task Anything_ToAControllerThatAcceptsAndNeverAnswers_EndsWithTheSearch()
    {
        await using var controller = new ScriptedController(static r => r.SilenceAsync());
        var (client, _) = Make(controller.Url);
        var clock = Stopwatch.StartNew();
        Problem(await SpawnAsync(client, Deadline(60))).Code.ShouldBe(DriverErrorCode.Unreachable);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        controller.Count("POST").ShouldBe(0);
    }

    [Fact]
    public async Task Search_WhileItFindsNobody_IsNotRepeatedForEveryCaller()
    {
        var (client, calls) = Make($"127.0.0.1:{ScriptedController.FreePort()}");
        var all = Enumerable.Range(0, 50).Select(_ => client.NodeAsync("n", Deadline())).ToList();
        foreach (var one in all)
        {
            Problem(await one).Code.ShouldBe(DriverErrorCode.Unreachable);
        }

        calls.Snapshot()["GET health"].ShouldBeLessThan(10);
    }

    [Fact]
    public async Task Search_OfTheActiveAmongSeveral_FindsItAndStays()
    {
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"));
        var (client, calls) = Make($"127.0.0.1:{ScriptedController.FreePort()},{controller.Url},127.0.0.1:{ScriptedController.FreePort()}");
        for (var i = 0; i < 5; i++)
        {
            Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        }

        calls.Snapshot()["GET controller/version"].ShouldBe(1);
        client.Controllers.IsSettling.ShouldBeFalse();
    }

    /// <summary>Other clients take the first that answers at all: a proxy without a controller behind it, say.</summary>
    [Theory]
    [InlineData("503")]
    [InlineData("html")]
    [InlineData("silent")]
    [InlineData("closes")]
    public async Task Search_PastAFirstControllerThatAnswersWrongly_FindsTheOneThatIsWell(string first)
    {
        await using var wrong = new ScriptedController(r => first switch
        {
            "503" => r.ReplyAsync(503, "<html>no backend</html>"),
            "html" => r.ReplyAsync(200, "<html>welcome</html>"),
            "silent" => r.SilenceAsync(),
            _ => r.CloseAsync(),
        });
        await using var well = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"));
        var (client, _) = Make($"{wrong.Url},{well.Url}");
        var took = Stopwatch.StartNew();
        Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        took.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10), "what a status may take");
        wrong.Requests.ShouldAllBe(static line => line.Contains("health") || line.Contains("version"), "nothing else is asked of it");
    }

    [Fact]
    public async Task Failover_WhenTheActiveDies_GoesToTheOther()
    {
        var second = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"));
        await using var keep = second;
        var first = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"));
        var (client, _) = Make($"{first.Url}");
        Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        await first.DisposeAsync();

        var (two, _) = Make($"{first.Url},{second.Url}");
        Value(await two.NodeAsync("n", Deadline())).ShouldBeNull();
        Problem(await client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
    }

    [Fact]
    public async Task Change_WhenTheActiveDiesBetweenCalls_ReachesTheOtherOnce()
    {
        var first = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"));
        var secondIsActive = false;
        await using var second = new ScriptedController(r => !secondIsActive
            ? r.CloseAsync()
            : r.Line.Contains("health") ? r.ReplyAsync(200, "ok") : r.Line.Contains("version") ? r.ReplyAsync(200, ScriptedController.Version) : r.ReplyAsync(201, Created));
        var (client, _) = Make($"{first.Url},{second.Url}");
        Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        await first.DisposeAsync();
        secondIsActive = true;
        Value(await SpawnAsync(client, Deadline())).Entries.Count.ShouldBe(1);
        second.Count("POST").ShouldBe(1);
        client.Controllers.IsSettling.ShouldBeTrue();
    }

    [Fact]
    public async Task Post_WhoseConnectionIsCutWithoutAnAnswer_IsUnknownAndNeverSentTwice()
    {
        await using var controller = ScriptedController.Healthy(static r => r.CloseAsync());
        var (client, _) = Make(controller.Url);
        var problem = Problem(await SpawnAsync(client, Deadline()));
        problem.Code.ShouldBe(DriverErrorCode.Unknown);
        problem.MayHaveEffect.ShouldBeTrue();
        controller.Count("POST").ShouldBe(1);
    }

    [Fact]
    public async Task Post_AfterGoodOnes_WhoseConnectionIsCut_IsNeverSentTwice()
    {
        var cut = false;
        await using var controller = ScriptedController.Healthy(r => cut ? r.CloseAsync() : r.ReplyAsync(201, Created));
        var (client, _) = Make(controller.Url);
        for (var i = 0; i < 3; i++)
        {
            Value(await SpawnAsync(client, Deadline()));
        }

        cut = true;
        Problem(await SpawnAsync(client, Deadline())).Code.ShouldBe(DriverErrorCode.Unknown);
        controller.Count("POST").ShouldBe(4);
    }

    [Fact]
    public async Task Delete_WhoseConnectionIsCutOnce_IsRepeatedOnce()
    {
        var cuts = 0;
        await using var controller = ScriptedController.Healthy(r => cuts++ == 0 ? r.CloseAsync() : r.ReplyAsync(200, "[{\"ret_code\":53739522}]"));
        var (client, _) = Make(controller.Url);
        Value(await client.DeleteDefinitionAsync("hf-x", Deadline())).Deferred.ShouldBeFalse();
        controller.Count("DELETE").ShouldBe(2);
    }

    [Fact]
    public async Task Delete_WhoseConnectionIsAlwaysCut_IsUnknownAfterTwo()
    {
        await using var controller = ScriptedController.Healthy(static r => r.CloseAsync());
        var (client, _) = Make(controller.Url);
        Problem(await client.DeleteDefinitionAsync("hf-x", Deadline())).Code.ShouldBe(DriverErrorCode.Unknown);
        controller.Count("DELETE").ShouldBe(2);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("{\"a\":1}")]
    [InlineData("[1,2,3]")]
    [InlineData("[null]")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("[{\"ret_code\":")]
    [InlineData("[{\"message\":\"no code\"}]")]
    [InlineData("<html></html>")]
    [InlineData("[{\"name\":17}]")]
    public async Task Garbage_WithStatus200_IsUnreachableForReadsAndUnknownForChanges(string body)
    {
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, body));
        var (client, _) = Make(controller.Url);
        Problem(await SpawnAsync(client, Deadline())).Code.ShouldBe(DriverErrorCode.Unknown);
        if (!body.Contains("message"))
        {
            var read = await client.DefinitionAsync("hf-x", Deadline());
            Problem(read).Code.ShouldBe(DriverErrorCode.Unreachable);
        }
    }

    [Fact]
    public async Task Body_ThatCrawls_EndsAtTheDeadline()
    {
        await using var controller = ScriptedController.Healthy(static r => r.CrawlAsync("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[" + new string(' ', 5000)));
        var (client, _) = Make(controller.Url);
        var clock = Stopwatch.StartNew();
        Problem(await client.NodeAsync("n", Deadline(2))).Code.ShouldBe(DriverErrorCode.Unreachable);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(8));
    }

    [Fact]
    public async Task Body_OfAChangeThatCrawls_EndsLongBeforeTheChangesOwnBudget()
    {
        await using var controller = ScriptedController.Healthy(static async r =>
        {
            await r.RawAsync("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[");
            await r.CrawlAsync(new string(' ', 5000));
        });
        var (client, _) = Make(controller.Url);
        var clock = Stopwatch.StartNew();
        Problem(await client.DeleteDefinitionAsync("hf-x", Deadline(60))).Code.ShouldBe(DriverErrorCode.Unknown);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        controller.Count("DELETE").ShouldBe(1);
    }

    [Fact]
    public async Task Body_WithAHugeDeclaredLength_IsNotRead()
    {
        await using var controller = ScriptedController.Healthy(static r => r.RawAsync("HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n["));
        var (client, _) = Make(controller.Url);
        Problem(await client.NodeAsync("n", Deadline())).Text.ShouldContain("larger");
    }

    [Fact]
    public async Task Body_WithoutEnd_IsBoundedInMemory()
    {
        var line = new string(' ', 64 * 1024);
        await using var controller = ScriptedController.Healthy(async r =>
        {
            await r.RawAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (true)
            {
                await r.RawAsync($"{line.Length:x}\r\n{line}\r\n");
            }
        });
        var (client, _) = Make(controller.Url);
        var before = GC.GetTotalAllocatedBytes(true);
        Problem(await client.NodeAsync("n", Deadline())).Text.ShouldContain("larger");
        (GC.GetTotalAllocatedBytes(true) - before).ShouldBeLessThan(400L * 1024 * 1024);
    }

    [Fact]
    public async Task Head_WithoutEnd_IsBounded()
    {
        var header = "X-A: " + new string('a', 4096) + "\r\n";
        await using var controller = ScriptedController.Healthy(async r =>
        {
            await r.RawAsync("HTTP/1.1 200 OK\r\n");
            while (true)
            {
                await r.RawAsync(header);
            }
        });
        var (client, _) = Make(controller.Url);
        Problem(await client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[", true)]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n", false)]
    [InlineData("HTTP/1.1 abc\r\n\r\n", false)]
    public async Task Answer_ThatBreaksOff_IsALostAnswer(string bytes, bool close)
    {
        _ = close;
        await using var controller = ScriptedController.Healthy(async r =>
        {
            await r.RawAsync(bytes);
            await r.CloseAsync();
        });
        var (client, _) = Make(controller.Url);
        Problem(await client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
        Problem(await SpawnAsync(client, Deadline())).Code.ShouldBe(DriverErrorCode.Unknown);
        controller.Count("POST").ShouldBe(1);
    }

    [Fact]
    public async Task Health500_WhileTheInterfaceAnswers_IsUsable()
    {
        await using var controller = new ScriptedController(static r => r.Line.Contains("health")
            ? r.ReplyAsync(500, "Failed services: X")
            : r.Line.Contains("version") ? r.ReplyAsync(200, ScriptedController.Version) : r.ReplyAsync(200, "[]"));
        var (client, _) = Make(controller.Url);
        Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        (await client.Controllers.FindAsync(Deadline())).ShouldBeOfType<RestReply<ActiveController>.Ok>().Value.Complaint.ShouldBe("Failed services: X");
    }

    [Fact]
    public async Task Health500_AndNoInterface_ShowsItsWords()
    {
        await using var controller = new ScriptedController(static r => r.Line.Contains("health") ? r.ReplyAsync(500, "Failed services: X") : r.ReplyAsync(500, "no"));
        var (client, _) = Make(controller.Url);
        Problem(await client.NodeAsync("n", Deadline())).Backend.ShouldNotBeNull().ShouldContain("Failed services: X");
    }

    [Theory]
    [InlineData(401)]
    [InlineData(404)]
    public async Task Health_GuardedOrAbsent_FallsBackToTheVersion(int status)
    {
        await using var controller = new ScriptedController(r => r.Line.Contains("health")
            ? r.ReplyAsync(status, string.Empty)
            : r.Line.Contains("version") ? r.ReplyAsync(200, ScriptedController.Version) : r.ReplyAsync(200, "[]"));
        var (client, _) = Make(controller.Url);
        Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
    }

    [Theory]
    [InlineData("{\"version\":\"string\",\"rest_api_version\":\"2.0.0\"}", DriverErrorCode.Unsupported)]
    [InlineData("{\"version\":\"1.0\"}", DriverErrorCode.Unreachable)]
    [InlineData("{}", DriverErrorCode.Unreachable)]
    [InlineData("not json", DriverErrorCode.Unreachable)]
    [InlineData("<html>a wiki</html>", DriverErrorCode.Unreachable)]
    public async Task Version_ThatIsNotLinstors_IsNotTaken(string body, DriverErrorCode code)
    {
        await using var controller = new ScriptedController(r => r.ReplyAsync(200, body));
        var (client, _) = Make(controller.Url);
        Problem(await SpawnAsync(client, Deadline())).Code.ShouldBe(code);
        controller.Count("POST").ShouldBe(0);
    }

    [Fact]
    public async Task RedirectToHttps_IsFollowedOnceAndRemembered()
    {
        using var certificate = LinstorCertificates.SelfSigned();
        await using var secure = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"), certificate);
        await using var plain = new ScriptedController(r => r.Line.Contains("health")
            ? r.ReplyAsync(200, "ok")
            : r.ReplyAsync(302, string.Empty, $"Location: {secure.Url}{r.Line.Split(' ')[1]}\r\n"));
        var (client, _) = Make(plain.Url, LinstorCertificates.Pin(certificate), token: "taint-token");
        for (var i = 0; i < 3; i++)
        {
            Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        }

        plain.Requests.Count.ShouldBe(2);
        plain.Heads.ShouldAllBe(static head => !head.Contains("taint-token"));
        secure.Heads.ShouldContain(static head => head.Contains("Bearer taint-token"));
    }

    [Fact]
    public async Task RedirectToAnotherHost_IsNotFollowed()
    {
        await using var plain = new ScriptedController(static r => r.ReplyAsync(302, string.Empty, "Location: https://localhost:1/v1/controller/version\r\n"));
        var (client, _) = Make(plain.Url, token: "taint-token");
        var problem = Problem(await client.NodeAsync("n", Deadline()));
        problem.Code.ShouldBe(DriverErrorCode.Unreachable);
        problem.Text.ShouldContain("redirects");
    }

    [Fact]
    public async Task RedirectLoop_Ends()
    {
        using var certificate = LinstorCertificates.SelfSigned();
        ScriptedController? self = null;
        await using var secure = new ScriptedController(r => r.ReplyAsync(302, string.Empty, $"Location: {self!.Url}/v1/controller/version\r\n"), certificate);
        self = secure;
        var (client, _) = Make(secure.Url, LinstorCertificates.Pin(certificate));
        Problem(await client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
        secure.Requests.Count.ShouldBeLessThan(4);
    }

    [Fact]
    public async Task Token_OverHttp_IsNeverSentUnlessAllowed()
    {
        await using var controller = new ScriptedController(static r => r.Line.Contains("health")
            ? r.ReplyAsync(200, "ok")
            : r.Head.Contains("Bearer") ? r.ReplyAsync(200, ScriptedController.Version) : r.ReplyAsync(401, string.Empty));
        var (client, _) = Make(controller.Url, token: "taint-token");
        var problem = Problem(await client.NodeAsync("n", Deadline()));
        problem.Code.ShouldBe(DriverErrorCode.Credentials);
        problem.Text.ShouldContain("allowTokenOverHttp");
        controller.Heads.ShouldAllBe(static head => !head.Contains("taint-token"));

        var (allowed, _) = Make(controller.Url, token: "taint-token", tokenOverHttp: true);
        Value(await allowed.VersionAsync(Deadline())).Minor.ShouldBe(27);
    }

    [Fact]
    public async Task Tls_WithTheWrongPin_SendsNothing()
    {
        using var certificate = LinstorCertificates.SelfSigned();
        using var other = LinstorCertificates.SelfSigned();
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"), certificate);
        var (client, _) = Make(controller.Url, LinstorCertificates.Pin(other), token: "taint-token");
        Problem(await client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
        controller.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Tls_OfAnUnknownIssuer_IsRefusedByDefaultAndTakenOnlyWhenToldSo()
    {
        using var certificate = LinstorCertificates.SelfSigned();
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"), certificate);
        Problem(await Make(controller.Url).Client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
        controller.Requests.ShouldBeEmpty();
        Value(await Make(controller.Url, new TlsTrust.Anything()).Client.NodeAsync("n", Deadline())).ShouldBeNull();
        Value(await Make(controller.Url, new TlsTrust.Authority([certificate])).Client.NodeAsync("n", Deadline())).ShouldBeNull();
    }

    /// <summary>What a pool's address led to could choose whom the driver, which is root, calls; also where its certificate is judged by other means.</summary>
    [Theory]
    [InlineData("system")]
    [InlineData("authority")]
    [InlineData("pinned")]
    [InlineData("anything")]
    public async Task Tls_AddressesInAPresentedCertificate_AreNotFollowed(string kind)
    {
        await using var controller = new TrappedTlsServer();
        using var authority = LinstorCertificates.SelfSigned();
        TlsTrust trust = kind switch
        {
            "system" => new TlsTrust.System(),
            "authority" => new TlsTrust.Authority([authority]),
            "pinned" => new TlsTrust.Pinned(controller.Fingerprint),
            _ => new TlsTrust.Anything(),
        };
        Problem(await Make($"https://{controller.Host}", trust).Client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
        controller.Handshakes.ShouldBeGreaterThan(0);
        controller.WasFollowed.ShouldBeFalse();
    }

    [Fact]
    public async Task Tls_OfAKnownIssuerForAnotherName_IsRefused()
    {
        using var certificate = LinstorCertificates.SelfSigned("elsewhere.example.org");
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"), certificate);
        Problem(await Make(controller.Url, new TlsTrust.Authority([certificate])).Client.NodeAsync("n", Deadline())).Code.ShouldBe(DriverErrorCode.Unreachable);
    }

    [Fact]
    public async Task Tls_HandshakeThatNeverEnds_IsNotSentAndBounded()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        using var transport = new RestTransport(new TlsTrust.Anything(), null, false);
        ControllerAddress.TryParse($"https://127.0.0.1:{port}", out var address, out _).ShouldBeTrue();
        var clock = Stopwatch.StartNew();
        var reply = await transport.SendAsync(address!, new RestRequest("POST x", HttpMethod.Post, "v1/x", "{}"u8.ToArray()), Deadline(30));
        reply.ShouldBeOfType<RawReply.NotSent>();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task KeepAliveConnection_CutByTheController_IsReplacedForReads()
    {
        await using var controller = ScriptedController.Healthy(static async r =>
        {
            await r.ReplyAsync(200, "[]");
            await r.CloseAsync();
        });
        var (client, _) = Make(controller.Url);
        for (var i = 0; i < 10; i++)
        {
            Value(await client.NodeAsync("n", Deadline())).ShouldBeNull();
        }
    }

    [Fact]
    public async Task Caller_WhoGoesAway_EndsTheCall()
    {
        await using var controller = ScriptedController.Healthy(static r => r.SilenceAsync());
        var (client, _) = Make(controller.Url);
        using var gone = new CancellationTokenSource();
        var call = client.NodeAsync("n", new CallDeadline(TimeProvider.System, TimeSpan.FromSeconds(60), gone.Token));
        while (controller.Count("GET /v1/nodes") == 0)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(call);
    }

    [Fact]
    public async Task Read_ThatHangsAtAnsweringController_EndsAtItsBudget()
    {
        await using var controller = ScriptedController.Healthy(static r => r.SilenceAsync());
        var (client, _) = Make(controller.Url);
        var problem = Problem(await client.NodeAsync("n", Deadline(1)));
        problem.Code.ShouldBe(DriverErrorCode.Unreachable);
        Problem(await SpawnAsync(client, Deadline(1))).Code.ShouldBe(DriverErrorCode.Unknown);
    }

    [Fact]
    public async Task Definitions_OfMoreThanOnePage_AreAllFoundOnce()
    {
        var all = Enumerable.Range(0, 1203).Select(static i => $"{{\"name\":\"hf-{i}\",\"props\":{{\"Aux/k\":\"v\"}}}}").ToList();
        await using var controller = ScriptedController.Healthy(r =>
        {
            var query = System.Web.HttpUtility.ParseQueryString(new Uri("http://x" + r.Line.Split(' ')[1]).Query);
            query["props"].ShouldBe("Aux/k=v");
            var page = all.Skip(int.Parse(query["offset"]!)).Take(int.Parse(query["limit"]!));
            return r.ReplyAsync(200, $"[{string.Join(',', page)}]");
        });
        var (client, _) = Make(controller.Url);
        Value(await client.DefinitionsAsync("Aux/k", "v", Deadline())).Count.ShouldBe(1203);
        controller.Count("GET /v1/resource-definitions").ShouldBe(3);
    }

    [Fact]
    public async Task Definitions_OfAControllerThatIgnoresFilterAndLimit_AreFilteredHere()
    {
        var all = Enumerable.Range(0, 700).Select(static i => $"{{\"name\":\"hf-{i}\",\"props\":{{\"Aux/k\":\"{i % 2}\"}}}}").ToList();
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, $"[{string.Join(',', all)}]"));
        var (client, _) = Make(controller.Url);
        Value(await client.DefinitionsAsync("Aux/k", "1", Deadline())).Count.ShouldBe(350);
    }

    [Fact]
    public async Task Pace_OfManyRequests_LetsABurstGoAndSpreadsTheRest()
    {
        var pace = new RequestPace(TimeProvider.System, 50);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 75; i++)
        {
            await pace.WaitAsync(TestContext.Current.CancellationToken);
        }

        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(350));
    }

    [Fact]
    public async Task Body_OfEveryChange_IsNeverEmptyWhereLinstorWantsOne()
    {
        var bodies = new List<string>();
        await using var controller = ScriptedController.Healthy(r =>
        {
            bodies.Add($"{r.Line} {r.Body}");
            return r.ReplyAsync(200, "[]");
        });
        var (client, _) = Make(controller.Url);
        await client.MakeAvailableAsync("hf-x", "n1", Deadline());
        await client.AutoPlaceAsync("hf-x", null, Deadline());
        await client.RollbackAsync("hf-x", "s", Deadline());
        await SpawnAsync(client, Deadline());
        bodies[0].ShouldEndWith("/v1/resource-definitions/hf-x/resources/n1/make-available HTTP/1.1 {\"diskful\":false}");
        bodies[1].ShouldEndWith("{}");
        bodies[2].ShouldEndWith("{}");
        bodies[3].ShouldEndWith("{\"resource_definition_name\":\"hf-x\",\"volume_sizes\":[1024],\"partial\":true}");
    }

    [Fact]
    public async Task Names_FromOutside_CannotLeaveTheirPlaceInThePath()
    {
        await using var controller = ScriptedController.Healthy(r => r.ReplyAsync(200, "[]"));
        var (client, _) = Make(controller.Url);
        await client.MakeAvailableAsync("hf-x", "../../n?x=1#y", Deadline());
        controller.Requests.ShouldContain(static line => line.StartsWith("POST /v1/resource-definitions/hf-x/resources/..%2F..%2Fn%3Fx%3D1%23y/make-available"));
    }
}
