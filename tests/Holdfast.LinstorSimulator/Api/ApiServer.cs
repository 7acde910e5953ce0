using System.Net;
using System.Text;
using Holdfast.FaultInjection;
using Holdfast.LinstorSimulation.Cluster;
using Holdfast.LinstorSimulation.Faults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>The controller's HTTP face, with the faults of the wire.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ListenerGate _gate;
    private readonly Controller _controller;
    private readonly Dispatcher _dispatcher;
    private readonly FaultSet _faults;
    private readonly RequestLog _log;
    private readonly LinstorSimulatorOptions _options;
    private readonly int? _httpsPort;
    private readonly Version _restVersion;

    private ApiServer(WebApplication app, ListenerGate gate, Controller controller, Dispatcher dispatcher, FaultSet faults, RequestLog log, LinstorSimulatorOptions options, int? httpsPort)
    {
        _app = app;
        _gate = gate;
        _controller = controller;
        _dispatcher = dispatcher;
        _faults = faults;
        _log = log;
        _options = options;
        _httpsPort = httpsPort;
        _restVersion = Version.Parse(options.RestApiVersion);
    }

    public static async Task<ApiServer> StartAsync(
        Controller controller, FaultSet faults, RequestLog log, LinstorSimulatorOptions options, int port, (int Port, ServerCertificate Certificate)? https, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var gate = new ListenerGate(log, faults.Connections);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IConnectionListenerFactory>(gate);
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.AllowSynchronousIO = false;
            kestrel.Listen(new IPEndPoint(IPAddress.Loopback, port));
            if (https is { } secure)
            {
                kestrel.Listen(new IPEndPoint(IPAddress.Loopback, secure.Port), listen => secure.Certificate.Use(listen));
            }
        });
        var app = builder.Build();
        var routes = new Routes(controller, options.Time).All();
        var server = new ApiServer(app, gate, controller, new Dispatcher(routes, options.Time, controller.Report, loggers.CreateLogger<Dispatcher>()), faults, log, options, https?.Port);
        app.Run(server.HandleAsync);
        await app.StartAsync(cancellationToken);
        faults.OnConnectionFaults(gate.SetAsync);
        return server;
    }

    /// <summary>Ends as a killed process does: connections are reset.</summary>
    public async ValueTask DisposeAsync()
    {
        _faults.OnConnectionFaults(static _ => Task.CompletedTask);
        _gate.LeaveSilence();
        _gate.ResetConnections();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _gate.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _controller.Stopping);
        try
        {
            await HandleAsync(context, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The client left or the controller ends: nobody waits for an answer.
            context.Abort();
        }
    }

    private async Task HandleAsync(HttpContext context, CancellationToken ending)
    {
        await _faults.WaitUntilAsync(static faults => faults.Connections != FaultSet.ConnectionFault.Blackhole, ending);
        var request = context.Request;
        var path = request.Path.Value ?? "/";
        var body = await ReadAsync(request, ending);
        var (route, parameters, refusal) = _dispatcher.Find(request.Method, path);
        var running = _log.Begin(context.Connection.Id, request.Method, path, request.QueryString.Value ?? "", route?.Template, body.Length == 0 ? null : Encoding.UTF8.GetString(body));
        int? status = null;
        try
        {
            var rule = _faults.Hit(request.Method, path, IsOnTheWire);
            if (rule is not null)
            {
                running.Hit(rule.Kind);
            }

            if (await InsteadAsync(context, rule, ending) is not { } reply)
            {
                return;
            }

            if (ReferenceEquals(reply, NoFault))
            {
                reply = Gatekeeper(context, path) ?? refusal ?? await _dispatcher.HandleAsync(
                    route!, new ApiRequest(request.Method, path, request.Query.ToDictionary(), body, _restVersion) { Parameters = parameters }, _controller.Stopping);
                reply = WithWarning(rule, reply);
            }

            await _faults.WaitUntilAsync(static faults => faults.Connections != FaultSet.ConnectionFault.Blackhole, ending);
            status = await SendAsync(context, rule, reply, ending);
        }
        finally
        {
            running.End(status);
        }
    }

    // Marks that no fault answers in the controller's stead.
    private static readonly ApiReply NoFault = new(0, []);

    private static bool IsOnTheWire(FaultKind kind) => kind
        is not (FaultKind.Refuse or FaultKind.Blackhole or FaultKind.CloneNeverFinishes or FaultKind.SnapshotNeverTaken or FaultKind.DevicePathNull or FaultKind.StateOmitted
            or FaultKind.DieAfterSafetySnapshot or FaultKind.DieAfterResourcesDeleted or FaultKind.DieBeforeRestore or FaultKind.DieBeforeSafetySnapshotDeleted);

    /// <summary>What a fault puts in the place of the controller's answer; null: nothing is to be sent any more.</summary>
    private async Task<ApiReply?> InsteadAsync(HttpContext context, FaultRule? rule, CancellationToken ending)
    {
        switch (rule?.Kind)
        {
            case FaultKind.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, _options.Time, ending);
                return null;
            case FaultKind.Reset:
                ConnectionReset.Send(context.Features.Get<IConnectionSocketFeature>()?.Socket);
                context.Abort();
                return null;
            case FaultKind.Garbage:
                var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
                await (socket?.SendAsync(GarbageBytes, ending).AsTask() ?? Task.CompletedTask);
                context.Abort();
                return null;
            case FaultKind.ServerErrorPage:
                return ApiReply.Text(500, "<html><head><title>500 Internal Server Error</title></head><body><h1>Internal Server Error</h1></body></html>", "text/html");
            case FaultKind.ProxyUnavailable:
                return ApiReply.Text(503, "<html><head><title>503 Service Temporarily Unavailable</title></head><body><hr><center>nginx</center></body></html>", "text/html");
            case FaultKind.Unauthorized:
                return ApiReply.Text(401, "Unauthorized") with { Headers = [("WWW-Authenticate", "Bearer realm=\"linstor-controller\"")] };
            case FaultKind.Forbidden:
                return ApiReply.From(403, [new ApiCallRc { RetCode = ReturnCodes.Error | ReturnCodes.SignInFailed, Message = "Sign-in failed.", CreatedAt = _options.Time.GetUtcNow() }]);
            case FaultKind.RedirectLoop:
                return new ApiReply(302, []) { Headers = [("Location", context.Request.Path + context.Request.QueryString)] };
            case FaultKind.ApiError:
                return ApiReply.From(new Answer(0, 0, _options.Time) { Creates = false }.Fail(rule.Code ?? ReturnCodes.UnknownError, "Simulated failure."));
            default:
                return NoFault;
        }
    }

    private async Task<int?> SendAsync(HttpContext context, FaultRule? rule, ApiReply reply, CancellationToken ending)
    {
        var response = context.Response;
        var body = reply.Body;
        switch (rule?.Kind)
        {
            case FaultKind.ReplyLost:
                ConnectionReset.Send(context.Features.Get<IConnectionSocketFeature>()?.Socket);
                context.Abort();
                return null;
            case FaultKind.SlowHeaders:
                await Task.Delay(rule.Delay(TimeSpan.FromSeconds(30)), _options.Time, ending);
                break;
            case FaultKind.Latency:
                await Task.Delay(rule.Delay(TimeSpan.FromSeconds(1)), _options.Time, ending);
                break;
            case FaultKind.TruncatedJson:
                body = body[..(body.Length / 2)];
                break;
        }

        response.StatusCode = reply.Status;
        foreach (var (name, value) in reply.Headers)
        {
            response.Headers.Append(name, value);
        }

        if (body.Length > 0 || reply.Status == 200)
        {
            response.ContentType = reply.ContentType;
        }

        response.ContentLength = body.Length;
        switch (rule?.Kind)
        {
            case FaultKind.SlowBody:
                await response.StartAsync(ending);
                for (var i = 0; i < body.Length; i++)
                {
                    await Task.Delay(rule.Delay(TimeSpan.FromSeconds(1)), _options.Time, ending);
                    await response.Body.WriteAsync(body.AsMemory(i, 1), ending);
                    await response.Body.FlushAsync(ending);
                }

                break;
            case FaultKind.TruncatedBody:
                // Kestrel ends the connection of an answer that stays short of its announced length, after sending what there was.
                response.ContentLength = Math.Max(body.Length, 2);
                await response.StartAsync(ending);
                await response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), ending);
                await response.Body.FlushAsync(ending);
                break;
            default:
                await response.Body.WriteAsync(body, ending);
                break;
        }

        return reply.Status;
    }

    /// <summary>Redirect to HTTPS and the bearer token, as the controller does them before any route.</summary>
    private ApiReply? Gatekeeper(HttpContext context, string path)
    {
        if (_httpsPort is { } port && !context.Request.IsHttps && path.StartsWith("/v1", StringComparison.Ordinal))
        {
            return new ApiReply(302, []) { Headers = [("Location", $"https://{context.Request.Host.Host}:{port}{path}{context.Request.QueryString}")] };
        }

        if (_options.Token is { } token && path is not ("/" or "/health") && !path.StartsWith("/ui", StringComparison.Ordinal)
            && context.Request.Headers.Authorization.ToString() != "Bearer " + token)
        {
            return ApiReply.From(401, [new ApiCallRc { RetCode = ReturnCodes.Error | ReturnCodes.MissingCredentials, Message = "Authentication required.", CreatedAt = _options.Time.GetUtcNow() }])
                with { Headers = [("WWW-Authenticate", "Bearer realm=\"linstor-controller\"")] };
        }

        return null;
    }

    private ApiReply WithWarning(FaultRule? rule, ApiReply reply)
    {
        if (rule?.Kind != FaultKind.WarnNotConnected || reply.Entries is not { } entries || reply.Status >= 300)
        {
            return reply;
        }

        var bits = entries.Count > 0 ? entries[0].RetCode & (ReturnCodes.ObjectMask | ReturnCodes.OperationMask) : 0;
        return ApiReply.From(reply.Status,
        [
            .. entries,
            new ApiCallRc { RetCode = ReturnCodes.Warn | bits | ReturnCodes.WarnNotConnected, Message = "No active connection to satellite 'simulated'.", CreatedAt = _options.Time.GetUtcNow() },
        ]);
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var memory = new MemoryStream();
        await request.Body.CopyToAsync(memory, cancellationToken);
        return memory.ToArray();
    }

    private static readonly byte[] GarbageBytes = [0x16, 0x03, 0x01, 0x00, 0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x42, 0x00, 0x80, 0x81, 0x0d, 0x0a, 0x0d, 0x0a];
}
