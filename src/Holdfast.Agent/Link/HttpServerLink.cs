using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Protocol.Http;

namespace Holdfast.Agent.Link;

/// <summary>The agent gateway over HTTP/2 with mutual TLS. An adapter: the framework's threads do the work, the callers' awaits bring it back to the loop.</summary>
internal sealed class HttpServerLink : IServerLink, IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3 * AgentGateway.PingSeconds);
    private readonly Uri _server;
    private readonly TimeProvider _time;
    private HttpClient _client;

    /// <summary>Makes a link for an identity.</summary>
    public HttpServerLink(Uri server, AgentIdentity identity, TimeProvider time)
    {
        (_server, _time) = (server, time);
        _client = NewClient(server, identity.Authority, identity.Certificate);
    }

    /// <summary>First contact: proves the authority by the token's fingerprint, and only then sends the token.</summary>
    /// <returns>The answer.</returns>
    /// <exception cref="JoinRefusedException">The token is not good, or the server is not the one that made it.</exception>
    /// <exception cref="LinkException">The server was not reached; try again.</exception>
    public static async Task<JoinAnswer> JoinAsync(Uri server, JoinToken token, string request, HostFacts facts, CancellationToken cancellationToken)
    {
        try
        {
            X509Certificate2 authority;
            using (var stranger = NewClient(server, authority: null, certificate: null))
            {
                // Nothing secret is sent here, and nothing that is read is believed but a certificate whose hash the operator carried.
                authority = X509Certificate2.CreateFromPem(await stranger.GetStringAsync(AgentGateway.AuthorityPath, cancellationToken));
            }

            using (authority)
            {
                if (!CryptographicOperations.FixedTimeEquals(authority.GetCertHash(HashAlgorithmName.SHA256), Convert.FromHexString(token.AuthorityFingerprint)))
                {
                    throw new JoinRefusedException($"the server at {server} has another authority than the one that made the join token");
                }

                using var client = NewClient(server, authority, certificate: null);
                using var response = await client.PostAsJsonAsync(
                    AgentGateway.JoinPath,
                    new JoinRequest { Token = token.Value, CertificateRequest = request, Facts = facts },
                    HostJson.Default.JoinRequest,
                    cancellationToken);
                if ((int)response.StatusCode is >= 400 and < 500 and not (int)HttpStatusCode.TooManyRequests)
                {
                    throw new JoinRefusedException($"the server refuses the join token ({(int)response.StatusCode}): {await TextOfAsync(response, cancellationToken)}");
                }

                response.EnsureSuccessStatusCode();
                return await response.Content.ReadFromJsonAsync(HostJson.Default.JoinAnswer, cancellationToken) ?? throw new LinkException("the server's answer is empty");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or CryptographicException or IOException)
        {
            throw new LinkException(Words(exception), exception);
        }
    }

    /// <summary>Gets a new certificate for the same incarnation.</summary>
    public async Task<JoinAnswer> RenewAsync(string request, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.PostAsJsonAsync(
                AgentGateway.RenewPath, new RenewRequest { CertificateRequest = request }, HostJson.Default.RenewRequest, cancellationToken);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync(HostJson.Default.JoinAnswer, cancellationToken) ?? throw new LinkException("the server's answer is empty");
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or IOException)
        {
            throw new LinkException(Words(exception), exception);
        }
    }

    /// <summary>Goes on with a new identity. What runs on the old connection ends by itself or is ended by the server.</summary>
    public void Use(AgentIdentity identity)
    {
        var old = _client;
        _client = NewClient(_server, identity.Authority, identity.Certificate);
        old.CancelPendingRequests();
        old.Dispose();
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchEvent> WatchAsync(long since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(Silence, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        HttpResponseMessage? response = null;
        IAsyncEnumerator<SseItem<string>>? events = null;
        try
        {
            while (true)
            {
                WatchEvent? next;
                try
                {
                    if (events is null)
                    {
                        using var request = new HttpRequestMessage(HttpMethod.Get, $"{AgentGateway.WatchPath}?since={since}");
                        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
                        request.Version = HttpVersion.Version20;
                        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
                        response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ends.Token);
                        if (!response.IsSuccessStatusCode)
                        {
                            throw new LinkException($"the server answered the watch with {(int)response.StatusCode}: {await TextOfAsync(response, ends.Token)}");
                        }

                        events = SseParser.Create(await response.Content.ReadAsStreamAsync(ends.Token)).EnumerateAsync(ends.Token).GetAsyncEnumerator(ends.Token);
                    }

                    if (!await events.MoveNextAsync())
                    {
                        yield break;
                    }

                    silence.CancelAfter(Silence);
                    next = WatchText.Read(events.Current.EventType, events.Current.Data);
                }
                catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or ObjectDisposedException
                    || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    throw new LinkException(silence.IsCancellationRequested ? $"the server was silent for {Silence.TotalSeconds:0} s" : Words(exception), exception);
                }

                if (next is not null)
                {
                    yield return next;
                }
            }
        }
        finally
        {
            if (events is not null)
            {
                try
                {
                    await events.DisposeAsync();
                }
                catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException)
                {
                    // The stream was broken already, which its reader was told.
                }
            }

            response?.Dispose();
        }
    }

    /// <inheritdoc/>
    public async Task<ReportOutcome> ReportAsync(HostReport report, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.PutAsJsonAsync(AgentGateway.ReportPath, report, HostJson.Default.HostReport, cancellationToken);
            if ((int)response.StatusCode is 401 or 403 or 409 or 410)
            {
                return new ReportOutcome.Refused($"{(int)response.StatusCode}: {await TextOfAsync(response, cancellationToken)}");
            }

            if (!response.IsSuccessStatusCode)
            {
                return new ReportOutcome.Failed($"{(int)response.StatusCode}: {await TextOfAsync(response, cancellationToken)}");
            }

            var answer = await response.Content.ReadFromJsonAsync(HostJson.Default.HostReportAnswer, cancellationToken);
            return answer is not null && answer.AcceptedSequence >= report.Sequence
                ? new ReportOutcome.Accepted(answer.AcceptedSequence)
                : new ReportOutcome.Failed("the server's answer does not cover the report");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or ObjectDisposedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new ReportOutcome.Failed(Words(exception));
        }
    }

    /// <inheritdoc/>
    public async Task<GuestAnswer> GuestAsync(VmId machine, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync($"{AgentGateway.GuestPath}?machine={machine}", cancellationToken);
            return response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                ? new GuestAnswer.Refused($"{(int)response.StatusCode}: {await TextOfAsync(response, cancellationToken)}")
                : !response.IsSuccessStatusCode
                ? new GuestAnswer.Failed($"{(int)response.StatusCode}: {await TextOfAsync(response, cancellationToken)}")
                : await response.Content.ReadFromJsonAsync(HostJson.Default.GuestTold, cancellationToken) is { } told && told.VmId == machine
                ? new GuestAnswer.Told(told)
                : new GuestAnswer.Failed("the server's answer is not about the machine");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or ObjectDisposedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new GuestAnswer.Failed(Words(exception));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static async Task<string> TextOfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        return text.Length > 500 ? text[..500] : text;
    }

    private static string Words(Exception exception)
    {
        var innermost = exception;
        while (innermost.InnerException is { } inner)
        {
            innermost = inner;
        }

        return innermost.Message;
    }

    private static HttpClient NewClient(Uri server, X509Certificate2? authority, X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = ServerPolicy(authority),
                RemoteCertificateValidationCallback = (_, presented, chain, _) => authority is null || IsOurServer(presented, chain, authority),
            },
        };
        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        }

        return new HttpClient(new ConnectFaultHandler(handler))
        {
            BaseAddress = server,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    /// <summary>Only servers get certificates for server authentication from the authority, so the name they are reached by does not matter.</summary>
    internal static bool IsOurServer(X509Certificate? presented, X509Chain? offered, X509Certificate2 authority)
    {
        if (presented is null)
        {
            return false;
        }

        using var leaf = new X509Certificate2(presented);
        using var chain = new X509Chain { ChainPolicy = ServerPolicy(authority) };
        foreach (var element in offered?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(leaf)
            && leaf.GetNameInfo(X509NameType.SimpleName, forIssuer: false) == AgentGateway.ServerName
            && leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(static purposes => purposes.EnhancedKeyUsages is [{ Value: ServerAuthentication }]);
    }

    /// <summary>Follows no address in a certificate that somebody presents: before the server is known, that would be anybody's.</summary>
    private static X509ChainPolicy ServerPolicy(X509Certificate2? authority)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (authority is not null)
        {
            policy.CustomTrustStore.Add(authority);
        }

        return policy;
    }
}

/// <summary>The server will never let this agent join with this token.</summary>
internal sealed class JoinRefusedException : Exception
{
    /// <summary>Makes one.</summary>
    public JoinRefusedException(string message)
        : base(message)
    {
    }
}
