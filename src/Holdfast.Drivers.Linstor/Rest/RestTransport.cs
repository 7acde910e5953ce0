using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Protocol;
using Holdfast.Protocol.Http;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>
/// One HTTP exchange with one controller: bounded in every phase and in memory, without redirects, cookies, proxies or repetition of its own. Reads share
/// connections; a change gets a fresh one, because on a used connection nobody can tell whether a request that was cut off had arrived.
/// </summary>
internal sealed class RestTransport : IDisposable
{
    /// <summary>How long the network may take to make a connection: a controller that is not there costs no more.</summary>
    public static readonly TimeSpan ConnectBudget = TimeSpan.FromSeconds(2);

    /// <summary>How long a connection may take until it can be used, TLS included: for that both ends compute, and a busy host is no dead controller.</summary>
    public static readonly TimeSpan SecureBudget = TimeSpan.FromSeconds(5);

    /// <summary>How long an answer may take from its first byte to its last: LINSTOR writes it in one go.</summary>
    public static readonly TimeSpan BodyBudget = TimeSpan.FromSeconds(5);

    private readonly HttpMessageInvoker _reads;
    private readonly HttpMessageInvoker _changes;
    private readonly Secret? _token;
    private readonly bool _tokenOverHttp;

    /// <summary>Makes a transport. Connects to nobody yet.</summary>
    /// <param name="trust">Which certificates are accepted.</param>
    /// <param name="token">Bearer token, or null.</param>
    /// <param name="tokenOverHttp">Whether the token may also be sent in the clear.</param>
    public RestTransport(TlsTrust trust, Secret? token, bool tokenOverHttp)
    {
        _token = token;
        _tokenOverHttp = tokenOverHttp;
        _reads = new HttpMessageInvoker(new ConnectFaultHandler(Handler(trust, TimeSpan.FromMinutes(2))));
        _changes = new HttpMessageInvoker(new ConnectFaultHandler(Handler(trust, TimeSpan.Zero)));
    }

    /// <summary>Whether there is a token that may not be sent to this address.</summary>
    /// <param name="address">The address.</param>
    /// <returns>Whether it is held back.</returns>
    public bool HoldsTokenBack(ControllerAddress address) => _token is not null && !address.IsTls && !_tokenOverHttp;

    /// <summary>Sends a request and reads the answer.</summary>
    /// <param name="address">The controller.</param>
    /// <param name="request">The request; its own budget applies too.</param>
    /// <param name="deadline">The call it is part of.</param>
    /// <returns>What came of it.</returns>
    /// <exception cref="OperationCanceledException">The caller has gone.</exception>
    public async Task<RawReply> SendAsync(ControllerAddress address, RestRequest request, CallDeadline deadline)
    {
        using var message = new HttpRequestMessage(request.Method, new Uri(address.Root, request.Path));
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (request.Authorized && _token is not null && !HoldsTokenBack(address))
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token.Reveal());
        }

        var content = request.Changes || request.Body is not null ? new OnceContent(request.Body) : null;
        message.Content = content;
        var answered = false;

        var budget = deadline.Share(request.Budget);
        using var limit = deadline.Limit(budget);
        try
        {
            var invoker = request.Changes ? _changes : _reads;
            using var response = await invoker.SendAsync(message, limit.Token);
            using var bodyLimit = deadline.Limit(BodyBudget);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, bodyLimit.Token);
            answered = true;
            return await ReadAsync(response, request.MaxAnswer, both.Token);
        }
        catch (OperationCanceledException cancelled)
        {
            deadline.Cancelled.ThrowIfCancellationRequested();
            if (cancelled.InnerException is TimeoutException || content is { Begun: false })
            {
                return new RawReply.NotSent($"no connection within {Seconds(Min(budget, SecureBudget))}");
            }

            return new RawReply.Lost(
                answered ? "the answer did not arrive in full in time" : $"no answer within {Seconds(budget)}",
                TimedOut: true);
        }
        catch (HttpRequestException failure) when (content is not { Begun: true } && failure.HttpRequestError
            is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            return new RawReply.NotSent(Innermost(failure));
        }
        catch (HttpRequestException failure)
        {
            return new RawReply.Lost(Innermost(failure), TimedOut: false);
        }
        catch (IOException failure)
        {
            return new RawReply.Lost(Innermost(failure), TimedOut: false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reads.Dispose();
        _changes.Dispose();
    }

    private static async Task<RawReply> ReadAsync(HttpResponseMessage response, int maxAnswer, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > maxAnswer)
        {
            return new RawReply.Lost($"the answer is larger than {maxAnswer / 1024 / 1024} MiB", TimedOut: false);
        }

        using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await stream.ReadAsync(body.GetMemory(16 * 1024), cancellationToken);
            if (read == 0)
            {
                return new RawReply.Answer((int)response.StatusCode, response.Headers.Location, body.WrittenMemory);
            }

            body.Advance(read);
            if (body.WrittenCount > maxAnswer)
            {
                return new RawReply.Lost($"the answer is larger than {maxAnswer / 1024 / 1024} MiB", TimedOut: false);
            }
        }
    }

    private static SocketsHttpHandler Handler(TlsTrust trust, TimeSpan connectionLife) => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectCallback = ConnectAsync,
        ConnectTimeout = SecureBudget,
        MaxConnectionsPerServer = 16,
        MaxResponseDrainSize = 0,
        MaxResponseHeadersLength = 32,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
        PooledConnectionLifetime = connectionLife,
        ResponseDrainTimeout = TimeSpan.Zero,
        SslOptions = TlsOptions(trust),
        UseCookies = false,
        UseProxy = false,
    };

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectBudget);
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, limit.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new TimeoutException($"no connection within {Seconds(ConnectBudget)}");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static SslClientAuthenticationOptions TlsOptions(TlsTrust trust)
    {
        var options = new SslClientAuthenticationOptions { CertificateRevocationCheckMode = X509RevocationMode.NoCheck };
        switch (trust)
        {
            case TlsTrust.Authority authority:
                var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                policy.CustomTrustStore.AddRange(authority.Authorities);
                options.CertificateChainPolicy = policy;
                break;
            case TlsTrust.Pinned pinned:
                options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    certificate is not null && certificate.GetCertHashString(HashAlgorithmName.SHA256) == pinned.Sha256;
                break;
            case TlsTrust.Anything:
#pragma warning disable CA5359 // The operator asked for it: setting "insecure".
                options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
                break;
            default:
                break;
        }

        return options;
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static string Seconds(TimeSpan span) => $"{span.TotalSeconds:0.#} s";

    private static string Innermost(Exception failure)
    {
        while (failure.InnerException is { } inner)
        {
            failure = inner;
        }

        return failure.Message;
    }

    /// <summary>
    /// The body of a change. Knows whether it began to leave, which tells a request without effect from one whose effect is unclear; and refuses to leave
    /// a second time, because the handler would repeat a request that was cut off before its answer.
    /// </summary>
    private sealed class OnceContent : HttpContent
    {
        private readonly byte[] _bytes;
        private volatile bool _begun;

        public OnceContent(byte[]? body)
        {
            _bytes = body ?? [];
            if (body is not null)
            {
                Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }
        }

        public bool Begun => _begun;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            if (_begun)
            {
                throw new IOException("the connection was cut before the answer");
            }

            _begun = true;
            await stream.WriteAsync(_bytes, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
