using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Tests.Startup;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Whom the server takes for who asks, when somebody on the way says who it is. Every address of 127/8 is one that a client here can come from.</summary>
public sealed class ForwardedTests(BehindProxiesApiHost host) : IClassFixture<BehindProxiesApiHost>
{
    private const string Proxy = "127.0.0.2";
    private const string Network = "127.0.5.7";
    private const string Stranger = "127.0.0.3";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_strangers_X_Forwarded_For_is_not_believed()
    {
        var cookies = await LogInAsync(Stranger, "203.0.113.9", "https");

        (await ToldAsync()).ShouldBe($"user has logged in from IP Address {Stranger}");
        cookies.ShouldAllBe(c => !c.Contains("secure", StringComparison.OrdinalIgnoreCase));
        cookies.ShouldAllBe(c => c.Contains("; httponly", StringComparison.Ordinal) && c.Contains("; samesite=lax", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Proxy, "203.0.113.9")]
    [InlineData(Network, "203.0.113.9")]
    [InlineData(Proxy, "198.51.100.1, 203.0.113.9")]
    [InlineData(Proxy, "198.51.100.1, 203.0.113.9, 127.0.5.1")]
    [InlineData(Proxy, "127.0.0.2, 203.0.113.9")]
    public async Task A_named_proxy_is_believed_as_far_as_the_first_address_that_is_not_named(string proxy, string forwarded)
    {
        var cookies = await LogInAsync(proxy, forwarded, "https");

        (await ToldAsync()).ShouldBe("user has logged in from IP Address 203.0.113.9");
        cookies.Count.ShouldBe(2);
        cookies.ShouldAllBe(c => c.Contains("; secure", StringComparison.Ordinal) && c.Contains("; httponly", StringComparison.Ordinal) && c.Contains("; samesite=lax", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cookies_are_not_for_TLS_alone_when_a_named_proxy_was_asked_by_HTTP() =>
        (await LogInAsync(Proxy, "203.0.113.9", "http")).ShouldAllBe(c => !c.Contains("secure", StringComparison.OrdinalIgnoreCase));

    [Fact]
    public async Task Guesses_are_counted_by_who_asks_and_not_by_the_proxy_that_all_come_through()
    {
        var throttle = host.Service<LoginThrottle>();
        for (var i = 0; i < 15; i++)
        {
            throttle.Failed(host.Other.Name, "203.0.113.66");
        }

        (await LogInAnswerAsync(host.Other, Proxy, "203.0.113.66", "https")).StatusCode.ShouldBe((HttpStatusCode)531);
        (await LogInAnswerAsync(host.Other, Proxy, "203.0.113.67", "https")).StatusCode.ShouldBe(HttpStatusCode.OK);

        // A stranger does not get away from what was counted by saying that it is somebody else.
        for (var i = 0; i < 15; i++)
        {
            throttle.Failed(host.Other.Name, Stranger);
        }

        (await LogInAnswerAsync(host.Other, Stranger, "203.0.113.68", "https")).StatusCode.ShouldBe((HttpStatusCode)531);
    }

    [Fact]
    public async Task On_the_gateway_nobody_is_believed()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, VerificationTimeIgnored = false, VerificationTime = host.Time.GetUtcNow().UtcDateTime };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(host.Service<Authority>().CertificatePem));
        using var client = From(Proxy, new SslClientAuthenticationOptions { CertificateChainPolicy = policy });
        for (var tries = 0; tries < 2000; tries++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(host.Gateway, AgentGateway.JoinPath)) { Content = new StringContent("{") };
            request.Headers.Add("X-Forwarded-For", $"203.0.{tries / 200}.{tries % 200}");
            using var answer = await client.SendAsync(request, Token);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                return;
            }

            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }

        Assert.Fail("Each try counted as one of another address.");
    }

    [Fact]
    public async Task A_variable_of_the_frameworks_in_the_environment_makes_nobody_believed()
    {
        const string Variable = "ASPNETCORE_FORWARDEDHEADERS_ENABLED";
        var folder = Directory.CreateTempSubdirectory("hf-forwarded-").FullName;
        Environment.SetEnvironmentVariable(Variable, "true");
        try
        {
            await using var node = ServerHost.Build(new ServerOptions { Data = folder, Port = 0, AgentPort = 0 });
            await node.StartAsync(Token);
            var password = (await File.ReadAllLinesAsync(Path.Combine(folder, "admin.ini"), Token)).Single(l => l.StartsWith("# password:  ", StringComparison.Ordinal))["# password:  ".Length..];
            using var client = From(Stranger);
            using var request = Login(new Uri(node.ApiAddress, "/client/api"), "admin", password, "ROOT", "203.0.113.9", "https");
            using var answer = await client.SendAsync(request, Token);

            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            answer.Headers.GetValues("Set-Cookie").ShouldAllBe(c => !c.Contains("secure", StringComparison.OrdinalIgnoreCase));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static HttpClient From(string address, SslClientAuthenticationOptions? tls = null) => new(new SocketsHttpHandler
    {
        UseCookies = false,
        SslOptions = tls ?? new(),
        ConnectCallback = async (context, ct) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address).MapToIPv6(), 0));
            await socket.ConnectAsync(context.DnsEndPoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    private static HttpRequestMessage Login(Uri endpoint, string user, string password, string domain, string forwardedFor, string forwardedProto)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint)
        {
            Content = new FormUrlEncodedContent([new("command", "login"), new("username", user), new("password", password), new("domain", domain)]),
        };
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        request.Headers.Add("X-Forwarded-Proto", forwardedProto);
        return request;
    }

    private async Task<HttpResponseMessage> LogInAnswerAsync(TestUser user, string from, string forwardedFor, string forwardedProto)
    {
        using var client = From(from);
        using var request = Login(host.Endpoint, user.Name, ApiHost.Password, user.Domain.Path, forwardedFor, forwardedProto);
        return await client.SendAsync(request, Token);
    }

    private async Task<List<string>> LogInAsync(string from, string forwardedFor, string forwardedProto)
    {
        using var answer = await LogInAnswerAsync(host.User, from, forwardedFor, forwardedProto);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return [.. answer.Headers.GetValues("Set-Cookie")];
    }

    private async Task<string?> ToldAsync() =>
        (await host.CallAsync(host.User, "listEvents", ("type", "USER.LOGIN"))).List("event")[0].GetProperty("description").GetString();
}

/// <summary>A node that knows a proxy and a network of proxies.</summary>
public sealed class BehindProxiesApiHost : ApiHost
{
    private protected override ServerOptions Adjust(ServerOptions options) =>
        options with { TrustedProxies = Called.With("--trusted-proxies", "127.0.0.2,127.0.5.0/24").TrustedProxies };
}
