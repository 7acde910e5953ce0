using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Protocol.Host;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Startup;

/// <summary>How the API is reached: by TLS, with whose certificate, and when not at all.</summary>
public sealed class ApiListenerTests : IDisposable
{
    private const string Name = "cloud.example.org";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("hf-listener-").FullName;
    private readonly Pki _pki = new();
    private readonly LogLines _log = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string CertificateFile => Path.Combine(_folder, "api.pem");

    private string KeyFile => Path.Combine(_folder, "api.key");

    private string Data => Path.Combine(_folder, "data");

    private ServerOptions Options => new() { Data = Data, Port = 0, AgentPort = 0 };

    private ServerOptions WithFiles => Options with { Tls = new ApiTls.Files(CertificateFile, KeyFile) };

    public void Dispose()
    {
        _pki.Dispose();
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_client_that_knows_only_the_root_trusts_a_certificate_from_files_with_the_one_in_between(SslProtocols protocol)
    {
        Put(_pki.Issue(Name, TimeSpan.FromDays(90)));
        await using var host = await StartAsync(WithFiles);
        host.ApiAddress.Scheme.ShouldBe("https");

        using var client = Client(host, _pki.Root, protocol);
        using var answer = await client.SendAsync(Login(host, HttpVersion.Version20), Token);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Version.ShouldBe(HttpVersion.Version20);
        var cookies = answer.Headers.GetValues("Set-Cookie").ToList();
        cookies.Count.ShouldBe(2);
        foreach (var cookie in cookies)
        {
            cookie.ShouldContain("; secure");
            cookie.ShouldContain("; httponly");
            cookie.ShouldContain("; samesite=lax");
        }

        (await File.ReadAllTextAsync(Path.Combine(Data, "admin.ini"), Token)).ShouldContain($"endpoint = https://{Name}:{host.ApiAddress.Port}/client/api\n");
    }

    [Fact]
    public async Task Certificate_and_key_may_be_in_one_file()
    {
        var (chain, key, _) = _pki.Issue(Name, TimeSpan.FromDays(90));
        await File.WriteAllTextAsync(CertificateFile, key + "\n" + chain, Token);
        await using var host = await StartAsync(Options with { Tls = new ApiTls.Files(CertificateFile, CertificateFile) });

        using var client = Client(host, _pki.Root);
        using var answer = await client.SendAsync(Login(host), Token);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Files_that_change_are_read_without_a_restart()
    {
        var first = _pki.Issue(Name, TimeSpan.FromDays(90));
        Put(first);
        await using var host = await StartAsync(WithFiles);
        (await ShownAsync(host)).ShouldBe(first.Serial);

        var second = _pki.Issue(Name, TimeSpan.FromDays(90));
        Put(second);

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(Patience);
        while (await ShownAsync(host) != second.Serial)
        {
            await Task.Delay(100, deadline.Token);
        }
    }

    [Fact]
    public async Task Files_that_cannot_be_used_leave_the_certificate_before_in_place_and_are_told_once()
    {
        var first = _pki.Issue(Name, TimeSpan.FromDays(90));
        Put(first);
        await using var host = await StartAsync(WithFiles);
        var certificate = host.Services.GetRequiredService<ApiCertificate>();
        var second = _pki.Issue(Name, TimeSpan.FromDays(90));
        var ended = _pki.Issue(Name, TimeSpan.FromMinutes(-1));
        (string Chain, string Key)[] unusable =
        [
            (second.Chain, first.Key),
            ("no certificate", second.Key),
            (second.Chain, "no key"),
            (ended.Chain, ended.Key),
        ];
        foreach (var (chain, key) in unusable)
        {
            Put((chain, key, string.Empty));
            for (var look = 0; look < 4; look++)
            {
                certificate.Look();
            }
        }

        File.Delete(KeyFile);
        certificate.Look();
        certificate.Look();

        (await ShownAsync(host)).ShouldBe(first.Serial);
        _log.Lines.Count(l => l.StartsWith("The API's new certificate cannot be used", StringComparison.Ordinal)).ShouldBe(unusable.Length + 1);
        Put(second);
        certificate.Look();
        (await ShownAsync(host)).ShouldBe(second.Serial);
        _log.Lines.ShouldNotContain(l => l.Contains("PRIVATE KEY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_certificate_that_ends_soon_is_told()
    {
        Put(_pki.Issue(Name, TimeSpan.FromDays(3)));
        await using var host = await StartAsync(WithFiles);
        var certificate = host.Services.GetRequiredService<ApiCertificate>();

        certificate.Look();
        certificate.Look();

        _log.Lines.Count(l => l.StartsWith("The API's certificate ends at", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_at_the_start_is_a_message()
    {
        await using var host = ServerHost.Build(WithFiles, Configure);

        var refused = await Should.ThrowAsync<StartRefusedException>(() => host.StartAsync(Token));

        refused.Message.ShouldContain(CertificateFile);
        File.Exists(Path.Combine(Data, "admin.ini")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_client_that_was_given_the_installations_authority_trusts_its_certificate_for_the_names_and_no_other()
    {
        await using var host = await StartAsync(Options with { Tls = new ApiTls.OwnAuthority([Name, "192.0.2.7"]) });
        var authority = Path.Combine(Data, "authority.pem");
        using var root = X509CertificateLoader.LoadCertificateFromFile(authority);

        foreach (var name in new[] { Name, "192.0.2.7", "localhost", "127.0.0.1" })
        {
            using var client = Client(host, root);
            using var answer = await client.SendAsync(Login(host, name: name), Token);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        using var strict = Client(host, root);
        (await Should.ThrowAsync<HttpRequestException>(() => strict.SendAsync(Login(host, name: "other.example.org"), Token))).InnerException.ShouldBeOfType<AuthenticationException>();
        var ini = await File.ReadAllTextAsync(Path.Combine(Data, "admin.ini"), Token);
        ini.ShouldContain($"endpoint = https://{Name}:{host.ApiAddress.Port}/client/api\n");
        ini.ShouldContain($"verify = {authority}\n");

        // Agents take nobody for the gateway who only has the API's certificate.
        using var shown = host.Services.GetRequiredService<ApiCertificate>().Current.TargetCertificate;
        shown.GetNameInfo(X509NameType.SimpleName, forIssuer: false).ShouldNotBe(AgentGateway.ServerName);
    }

    [Fact]
    public async Task Without_TLS_the_API_does_not_listen_where_other_machines_reach_it()
    {
        await using var host = ServerHost.Build(Options with { Listen = IPAddress.Any }, Configure);

        var refused = await Should.ThrowAsync<StartRefusedException>(() => host.StartAsync(Token));

        refused.Message.ShouldContain("--allow-plain-http");
        Directory.EnumerateFileSystemEntries(Data).ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_TLS_the_API_listens_anywhere_when_that_is_asked_for()
    {
        await using var host = await StartAsync(Options with { Listen = IPAddress.Any, AllowPlainHttp = true });

        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri($"http://127.0.0.1:{host.ApiAddress.Port}/client/api?command=listZones"), Token);

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await File.ReadAllTextAsync(Path.Combine(Data, "admin.ini"), Token)).ShouldContain($"endpoint = http://127.0.0.1:{host.ApiAddress.Port}/client/api\n");
    }

    [Fact]
    public async Task The_gateway_listens_on_an_address_of_its_own()
    {
        await using var host = await StartAsync(Options with { AgentListen = IPAddress.Parse("127.0.0.2") });

        host.ApiAddress.Host.ShouldBe("127.0.0.1");
        host.GatewayAddress.Host.ShouldBe("127.0.0.2");
        (await IsOpenAsync("127.0.0.1", host.ApiAddress.Port)).ShouldBeTrue();
        (await IsOpenAsync("127.0.0.2", host.GatewayAddress.Port)).ShouldBeTrue();
        (await IsOpenAsync("127.0.0.2", host.ApiAddress.Port)).ShouldBeFalse();
        (await IsOpenAsync("127.0.0.1", host.GatewayAddress.Port)).ShouldBeFalse();
    }

    private static HttpClient Client(ServerHost host, X509Certificate2 root, SslProtocols protocol = SslProtocols.None)
    {
        return new HttpClient(new SocketsHttpHandler
        {
            UseCookies = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trusting(root), EnabledSslProtocols = protocol },
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync("127.0.0.1", host.ApiAddress.Port, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
    }

    private static X509ChainPolicy Trusting(X509Certificate2 root)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(root);
        return policy;
    }

    private static async Task<bool> IsOpenAsync(string address, int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address, port, Token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Put((string Chain, string Key, string Serial) issued)
    {
        File.WriteAllText(CertificateFile, issued.Chain);
        File.WriteAllText(KeyFile, issued.Key);
    }

    private void Configure(IServiceCollection services) => services.AddLogging(logging => logging.ClearProviders().AddProvider(_log));

    private async Task<ServerHost> StartAsync(ServerOptions options)
    {
        var host = ServerHost.Build(options, Configure);
        await host.StartAsync(Token);
        return host;
    }

    private HttpRequestMessage Login(ServerHost host, Version? version = null, string name = Name)
    {
        var password = File.ReadLines(Path.Combine(Data, "admin.ini")).Single(l => l.StartsWith("# password:  ", StringComparison.Ordinal))["# password:  ".Length..];
        return new HttpRequestMessage(HttpMethod.Post, $"https://{name}:{host.ApiAddress.Port}/client/api")
        {
            Content = new FormUrlEncodedContent([new("command", "login"), new("username", "admin"), new("password", password)]),
            Version = version ?? HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    private async Task<string?> ShownAsync(ServerHost host)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, host.ApiAddress.Port, Token);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Name, CertificateChainPolicy = Trusting(_pki.Root) }, Token);
        return (tls.RemoteCertificate as X509Certificate2)?.SerialNumber;
    }
}
