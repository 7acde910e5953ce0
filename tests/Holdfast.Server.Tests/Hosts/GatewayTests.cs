using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Hosts;
using Holdfast.Server.Pools;
using Holdfast.Server.Settings;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosts;

/// <summary>The agent gateway over real TLS.</summary>
public sealed class GatewayTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-gateway-").FullName;
    private TestNode _node = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _node = await TestNode.StartAsync(_folder, null);

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_join_token_is_good_for_one_key_and_answers_it_again()
    {
        var token = await _node.JoinTokenAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var first = await TestAgent.SendJoinAsync(_node.Gateway, token, TestAgent.FactsOf("host1"), key);
        using var repeated = await TestAgent.SendJoinAsync(_node.Gateway, token, TestAgent.FactsOf("host1"), key);
        using var stolen = await TestAgent.SendJoinAsync(_node.Gateway, token, TestAgent.FactsOf("host2"), other);
        var one = await first.Content.ReadFromJsonAsync(HostJson.Default.JoinAnswer, Token);
        var two = await repeated.Content.ReadFromJsonAsync(HostJson.Default.JoinAnswer, Token);
        two!.IncarnationId.ShouldBe(one!.IncarnationId);
        stolen.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await _node.ReadAsync(db => db.Hosts.CountAsync())).ShouldBe(1);
    }

    [Fact]
    public async Task A_name_that_is_taken_needs_a_token_for_that_host()
    {
        await using var agent = await TestAgent.JoinAsync(_node);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var response = await TestAgent.SendJoinAsync(_node.Gateway, await _node.JoinTokenAsync(), TestAgent.FactsOf("host1"), key);
        response.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task The_address_in_a_certificate_that_a_stranger_presented_was_followed()
    {
        using var trap = new TcpListener(IPAddress.Loopback, 0);
        trap.Start();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [$"http://{trap.LocalEndpoint}/ca.cer"]));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var signed = request.Create(
            new X500DistinguishedName("CN=somebody"), X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
        using var stranger = signed.CopyWithPrivateKey(key);
        using var handler = new SocketsHttpHandler();
#pragma warning disable CA5359 // It is the server's trust that is tried.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(stranger, null, offline: true);
        using var client = new HttpClient(handler) { BaseAddress = _node.Gateway };

        await Should.ThrowAsync<HttpRequestException>(() => client.GetStringAsync(AgentGateway.AuthorityPath, Token));

        trap.Pending().ShouldBeFalse("nobody has called at the address");
    }

    [Fact]
    public async Task A_stranger_could_send_megabytes_and_any_name()
    {
        var token = await _node.JoinTokenAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var name in new[] { "two\nlines", "-dash", new string('a', 254), "sp ace", "" })
        {
            using var refused = await TestAgent.SendJoinAsync(_node.Gateway, token, TestAgent.FactsOf(name), key);
            refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest, name);
        }

        using var large = await TestAgent.SendJoinAsync(
            _node.Gateway, token, TestAgent.FactsOf("host1") with { Drivers = new Dictionary<string, string> { ["x"] = new('x', 70_000) } }, key);
        large.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        using var fits = await TestAgent.SendJoinAsync(_node.Gateway, token, TestAgent.FactsOf("host1.example.org"), key);
        fits.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Tokens_could_be_guessed_at_any_rate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var parts = (await _node.JoinTokenAsync()).Split('.');
        var wrong = $"{parts[0]}.{new string('x', parts[1].Length)}.{parts[2]}";
        for (var tries = 0; ; tries++)
        {
            using var response = await TestAgent.SendJoinAsync(_node.Gateway, wrong, TestAgent.FactsOf("host1"), key);
            if (response.StatusCode == HttpStatusCode.TooManyRequests)
            {
                break;
            }

            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            tries.ShouldBeLessThan(10_000);
        }
    }

    [Theory]
    [InlineData("GET", AgentGateway.AuthorityPath, HttpStatusCode.OK)]
    [InlineData("GET", AgentGateway.WatchPath, HttpStatusCode.Unauthorized)]
    [InlineData("PUT", AgentGateway.ReportPath, HttpStatusCode.Unauthorized)]
    [InlineData("POST", AgentGateway.RenewPath, HttpStatusCode.Unauthorized)]
    [InlineData("GET", AgentGateway.GuestPath, HttpStatusCode.Unauthorized)]
    [InlineData("GET", "/client/api?command=listZones", HttpStatusCode.NotFound)]
    public async Task Without_a_certificate_only_the_authority_and_the_join_answer(string method, string path, HttpStatusCode status)
    {
        using var client = TestAgent.NewClient(_node.Gateway, null);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Version = HttpVersion.Version20 };
        using var response = await client.SendAsync(request, Token);
        response.StatusCode.ShouldBe(status);
    }

    [Fact]
    public async Task Duplicate_reports_are_answered_and_ignored_and_older_processes_refused()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var report = new HostReport { AgentEpoch = 7, Sequence = 3, Facts = agent.Facts with { Cpus = 8 } };
        using var first = await agent.SendReportAsync(report);
        using var again = await agent.SendReportAsync(report with { Facts = agent.Facts with { Cpus = 99 } });
        using var late = await agent.SendReportAsync(report with { Sequence = 2, Facts = agent.Facts with { Cpus = 99 } });
        using var old = await agent.SendReportAsync(report with { AgentEpoch = 6, Sequence = 100 });
        (await again.Content.ReadFromJsonAsync(HostJson.Default.HostReportAnswer, Token))!.AcceptedSequence.ShouldBe(3);
        late.StatusCode.ShouldBe(HttpStatusCode.OK);
        old.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _node.ReadAsync(db => db.Hosts.SingleAsync())).Cpus.ShouldBe(8);
    }

    [Fact]
    public async Task A_watch_pings_at_once_sends_in_the_order_of_revisions_and_resumes()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var zone = await _node.ReadAsync(db => db.Zones.Select(z => z.Id).FirstAsync());
        foreach (var name in new[] { "a", "b", "c" })
        {
            TestNode.Done(await _node.Pools.CreateAsync(
                _node.Admin,
                new CreateStoragePool { Name = name, Url = $"file:///srv/{name}", ZoneId = zone, Scope = "zone", Hypervisor = "KVM" },
                Token));
        }

        var events = await agent.ReadWatchAsync(0, e => e.EventType == AgentGateway.SyncedEvent);
        events[0].EventType.ShouldBe(AgentGateway.PingEvent);
        var revisions = events.Where(e => e.EventType == AgentGateway.ItemEvent).Select(e => JsonSerializer.Deserialize(e.Data, HostJson.Default.HostItem)!.Revision).ToList();
        revisions.ShouldBe([1, 2, 3]);
        var resumed = await agent.ReadWatchAsync(2, e => e.EventType == AgentGateway.SyncedEvent);
        resumed.Count(e => e.EventType == AgentGateway.ItemEvent).ShouldBe(1);
    }

    [Fact]
    public async Task A_watch_tells_what_holds_for_the_guests_of_all_hosts()
    {
        TestNode.Done(await _node.Service<IConfigurationOperations>().UpdateAsync(_node.Admin, Setting.PausedResumeInterval.Name, "7", Token));
        await using var agent = await TestAgent.StartAsync(_node);
        var synced = (await agent.ReadWatchAsync(0, e => e.EventType == AgentGateway.SyncedEvent))[^1];
        JsonSerializer.Deserialize(synced.Data, HostJson.Default.WatchMark)!.Guests.ShouldBe(new GuestRules { ResumeSeconds = 7 });
    }

    [Fact]
    public async Task A_host_that_is_asked_to_connects_anew_and_the_job_ends_when_it_has_told_what_it_is()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        var before = agent.Watches;

        var asked = await _node.Service<IHostOperations>().ReconnectAsync(_node.Admin, agent.Identity.HostId, Token);

        await TestNode.UntilAsync(() => Task.FromResult(agent.Watches > before), () => "another watch");
        await agent.ReportAsync([]);
        var job = TestNode.Accepted(asked).JobId;
        (await _node.ReadAsync(db => db.Jobs.SingleAsync(j => j.Id == job))).State.ShouldBe(JobState.Pending, "a heartbeat is no introduction");
        await agent.IntroduceAsync();
        await _node.SucceedAsync(asked);
        agent.Watches.ShouldBe(before + 1, "the new watch stands");
    }

    [Fact]
    public async Task A_host_stays_up_whatever_its_pools_do()
    {
        await using var agent = await TestAgent.StartAsync(_node);
        agent.Behaviour = i => i.Kind == ItemKind.Binding ? TestAgent.Of(i, BindingState.Degraded, PlaneHealth.Down) : TestAgent.Obey(i);
        var zone = await _node.ReadAsync(db => db.Zones.Select(z => z.Id).FirstAsync());
        TestNode.Fault(await _node.Pools.CreateAsync(_node.Admin, new CreateStoragePool { Name = "dead", Url = "file:///srv/dead", ZoneId = zone, Scope = "ZONE", Hypervisor = "KVM" }, Token));
        (await _node.ReadAsync(db => db.Hosts.SingleAsync())).State.ShouldBe(HostState.Up);
    }
}
