using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Holdfast.LinstorSimulation.Admin;

/// <summary>The experimenter's side entrance, on a port of its own: no fault touches it, and it outlives a stopped controller.</summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly LinstorSimulator _simulator;

    private AdminServer(WebApplication app, LinstorSimulator simulator)
    {
        _app = app;
        _simulator = simulator;
    }

    public Uri Uri => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<AdminServer> StartAsync(LinstorSimulator simulator, int port, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(new IPEndPoint(IPAddress.Loopback, port)));
        var app = builder.Build();
        var server = new AdminServer(app, simulator);
        app.Run(server.HandleAsync);
        await app.StartAsync(cancellationToken);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (JsonException problem)
        {
            await WriteAsync(context, 400, new Problem(problem.Message), AdminJson.Default.Problem);
        }
        catch (InvalidOperationException problem)
        {
            await WriteAsync(context, 409, new Problem(problem.Message), AdminJson.Default.Problem);
        }
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = (context.Request.Path.Value ?? "/").Trim('/').Split('/');
        return (context.Request.Method, path) switch
        {
            ("GET", [""]) => WriteAsync(context, 200, Look(), AdminJson.Default.Overview),
            ("GET", ["faults"]) => WriteFaultsAsync(context),
            ("PUT", ["faults"]) => SetFaultsAsync(context),
            ("POST", ["faults"]) => AddFaultsAsync(context),
            ("DELETE", ["faults"]) => ClearFaultsAsync(context),
            ("GET", ["requests"]) => WriteAsync(context, 200, Log(context.Request.Query["method"], context.Request.Query["path"]), AdminJson.Default.RequestsView),
            ("DELETE", ["requests"]) => ClearLogAsync(context),
            ("GET", ["nodes"]) => WriteAsync(context, 200, Nodes(), AdminJson.Default.ListNodeView),
            ("PUT", ["nodes", var node]) => SwitchNodeAsync(context, node),
            ("PUT", ["controller"]) => SwitchControllerAsync(context),
            ("PUT", ["openers", var resource, var node]) => SwitchOpenAsync(context, resource, node),
            ("GET", ["drbd", var resource, var node]) => WriteDrbdAsync(context, resource, node),
            ("PUT", ["drbd", var resource, var node]) => SwitchDrbdAsync(context, resource, node),
            ("GET", ["volumes"]) => WriteAsync(context, 200, [.. _simulator.Cluster.Volumes], AdminJson.Default.ListSimulatedVolume),
            _ => WriteAsync(context, 404, new Problem($"{context.Request.Method} /{string.Join('/', path)} is nothing the admin API knows."), AdminJson.Default.Problem),
        };
    }

    private Overview Look() => new(
        _simulator.Uri.ToString(),
        _simulator.HttpsUri?.ToString(),
        _simulator.IsRunning,
        _simulator.StateFolderPath,
        _simulator.DrbdSetupPath,
        _simulator.IsRunning ? _simulator.Cluster.Violations : null,
        _simulator.IsRunning ? _simulator.Cluster.TwoPrimariesLeftovers : null);

    private RequestsView Log(string? method, string? path)
    {
        var rule = new FaultRule { Kind = FaultKind.Hang, Method = method, Path = path };
        var log = _simulator.Requests;
        var entries = log.Entries.Where(entry => rule.Matches(entry.Method, entry.Path)).ToList();
        return new RequestsView(
            log.ConnectionsAccepted,
            log.ConnectionAttempts,
            entries.Count,
            entries.GroupBy(static entry => $"{entry.Method} {entry.Route ?? entry.Path}").ToDictionary(static group => group.Key, static group => group.Count()),
            entries);
    }

    private List<NodeView> Nodes() => _simulator.Controller is { } controller
        ? [.. controller.Nodes([]).Select(node => new NodeView(node.Name!, node.ConnectionStatus == "ONLINE", _simulator.Cluster.IsNodeStuck(node.Name!)))]
        : [];

    private Task WriteFaultsAsync(HttpContext context) => WriteAsync(context, 200, [.. _simulator.Faults.Rules], AdminJson.Default.ListFaultRule);

    private async Task SetFaultsAsync(HttpContext context)
    {
        await _simulator.Faults.SetAsync(await ReadAsync(context, AdminJson.Default.ListFaultRule));
        await WriteFaultsAsync(context);
    }

    private async Task AddFaultsAsync(HttpContext context)
    {
        foreach (var rule in await ReadAsync(context, AdminJson.Default.ListFaultRule))
        {
            await _simulator.Faults.AddAsync(rule);
        }

        await WriteFaultsAsync(context);
    }

    private async Task ClearFaultsAsync(HttpContext context)
    {
        await _simulator.Faults.ClearAsync();
        await WriteFaultsAsync(context);
    }

    private Task ClearLogAsync(HttpContext context)
    {
        _simulator.Requests.Clear();
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    }

    private async Task SwitchNodeAsync(HttpContext context, string node)
    {
        var wanted = await ReadAsync(context, AdminJson.Default.NodeSwitch);
        if (!Nodes().Exists(known => Cluster.Names.Same(known.Name, node)))
        {
            await WriteAsync(context, 404, new Problem($"There is no node '{node}'."), AdminJson.Default.Problem);
            return;
        }

        if (wanted.Stuck is { } stuck)
        {
            _simulator.Cluster.SetNodeStuck(node, stuck);
        }

        if (wanted.Frozen is { } frozen)
        {
            await _simulator.Cluster.SetNodeFrozenAsync(node, frozen, context.RequestAborted);
        }

        if (wanted.DiesAtWork is true)
        {
            _simulator.Cluster.SetNodeDiesAtWork(node);
        }

        if (wanted.ByResLinks is { } links)
        {
            await _simulator.Cluster.SetByResLinksAsync(node, links, context.RequestAborted);
        }

        if (wanted.Status is { } status)
        {
            await _simulator.Cluster.SetNodeOfflineAsync(node, status, context.RequestAborted);
        }

        if (wanted.Online is { } online)
        {
            await _simulator.Cluster.SetNodeOnlineAsync(node, online, context.RequestAborted);
        }

        await WriteAsync(context, 200, Nodes(), AdminJson.Default.ListNodeView);
    }

    private async Task SwitchControllerAsync(HttpContext context)
    {
        var wanted = await ReadAsync(context, AdminJson.Default.ControllerSwitch);
        if (wanted.Running)
        {
            await _simulator.RestartAsync(context.RequestAborted);
        }
        else if (wanted.ForgetSeconds is { } seconds)
        {
            await _simulator.KillAsync(TimeSpan.FromSeconds(seconds));
        }
        else if (wanted.ForgetWrites is { } writes)
        {
            await _simulator.KillAsync(writes);
        }
        else
        {
            await _simulator.StopAsync();
        }

        await WriteAsync(context, 200, Look(), AdminJson.Default.Overview);
    }

    private Task WriteDrbdAsync(HttpContext context, string resource, string node) =>
        WriteAsync(context, 200, new DrbdView(_simulator.Cluster.WriteState(resource, node)), AdminJson.Default.DrbdView);

    private async Task SwitchDrbdAsync(HttpContext context, string resource, string node)
    {
        if (_simulator.Cluster.SetDrbd(resource, node, await ReadAsync(context, AdminJson.Default.DrbdSwitch)))
        {
            await WriteDrbdAsync(context, resource, node);
        }
        else
        {
            await WriteAsync(context, 404, new Problem($"There is no DRBD resource '{resource}' on node '{node}'."), AdminJson.Default.Problem);
        }
    }

    private async Task SwitchOpenAsync(HttpContext context, string resource, string node)
    {
        var refusal = await _simulator.Cluster.SetOpenAsync(resource, node, (await ReadAsync(context, AdminJson.Default.OpenSwitch)).Open, context.RequestAborted);
        await (refusal is null ? WriteAsync(context, 200, Look(), AdminJson.Default.Overview) : WriteAsync(context, 409, new Problem(refusal), AdminJson.Default.Problem));
    }

    private static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) =>
        await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted) ?? throw new JsonException("A JSON body is needed.");

    private static async Task WriteAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(value, type, cancellationToken: context.RequestAborted);
    }
}
