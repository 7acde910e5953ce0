using System.Net.Sockets;
using Holdfast.DriverKit.Unix;
using Holdfast.Protocol.Driver;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Holdfast.DriverKit.Serving;

/// <summary>
/// HTTP/1.1 on a Unix socket: Kestrel alone, without host, dependency injection or configuration, because a driver process per pool must start fast and stay small.
/// The socket is made with mode 0600, and only root and this process's own user are answered.
/// </summary>
internal sealed partial class DriverServer : IHttpApplication<IFeatureCollection>, IAsyncDisposable
{
    private readonly DriverEndpoints _endpoints;
    private readonly string _socket;
    private readonly KestrelServer _server;
    private readonly ILogger _log;

    internal DriverServer(DriverEndpoints endpoints, string socket, ILoggerFactory loggers)
    {
        _endpoints = endpoints;
        _socket = socket;
        _log = loggers.CreateLogger<DriverServer>();
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxRequestBodySize = DriverEndpoints.BodyLimit;
        options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        options.Limits.MaxConcurrentConnections = 256;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
        options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(5);
        options.ListenUnixSocket(socket, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => CheckPeerAsync(next, connection));
        });
        var transport = new SocketTransportOptions { CreateBoundListenSocket = static endpoint => Bind(endpoint), IOQueueCount = 1 };
        _server = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(transport), loggers), loggers);
    }

    /// <summary>Listens.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>Completes when the socket is there.</returns>
    internal Task StartAsync(CancellationToken cancellationToken)
    {
        File.Delete(_socket);
        return _server.StartAsync(this, cancellationToken);
    }

    /// <summary>Stops listening; requests under way are given until the token is cancelled.</summary>
    /// <param name="cancellationToken">Ends the patience.</param>
    /// <returns>Completes when stopped.</returns>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        await _server.StopAsync(cancellationToken);
        File.Delete(_socket);
    }

    /// <inheritdoc/>
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    /// <inheritdoc/>
    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var http = new DefaultHttpContext(context);
        var reply = await AnswerAsync(http);
        http.Response.StatusCode = reply.Status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = reply.Body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(reply.Body, http.RequestAborted);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _server.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<DriverReply> AnswerAsync(HttpContext http)
    {
        var body = new MemoryStream();
        try
        {
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException bad)
        {
            return _endpoints.Refuse(bad.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"The request's body is longer than {DriverEndpoints.BodyLimit} bytes."
                : $"The request cannot be read: {bad.Message}");
        }

        return await _endpoints.HandleAsync(new DriverRequest(
            http.Request.Method,
            http.Request.Path.Value ?? string.Empty,
            QueryHelpers.ParseQuery(http.Request.QueryString.Value),
            body.GetBuffer().AsMemory(0, (int)body.Length),
            Header(http, DriverPaths.CallIdHeader),
            Header(http, DriverPaths.DeadlineHeader)));
    }

    private static string? Header(HttpContext http, string name) =>
        http.Request.Headers.TryGetValue(name, out var values) ? values.ToString() : null;

    private static Socket Bind(System.Net.EndPoint endpoint)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var mask = LibC.SetFileModeMask(0x7F);
        try
        {
            socket.Bind(endpoint);
        }
        finally
        {
            _ = LibC.SetFileModeMask(mask);
        }

        return socket;
    }

    private async Task CheckPeerAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        var socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is null)
        {
            connection.Abort();
            return;
        }

        var (pid, uid) = PeerOf(socket);
        if (uid != 0 && uid != LibC.EffectiveUser())
        {
            LogForeignPeer(uid, pid);
            connection.Abort();
            return;
        }

        await next(connection);
    }

    private static (int Pid, uint Uid) PeerOf(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(LibC.SocketLevel, LibC.PeerCredentials, credentials);
        return (BitConverter.ToInt32(credentials[..4]), BitConverter.ToUInt32(credentials[4..8]));
    }
}
