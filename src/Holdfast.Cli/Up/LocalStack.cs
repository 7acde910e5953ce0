using System.Globalization;
using System.Text.Json;
using Holdfast.Cli.CloudStack;
using Holdfast.Cli.Processes;
using Holdfast.Protocol.Http;

namespace Holdfast.Cli.Up;

/// <summary>
/// One installation on this machine: a server and an agent as child processes, set up through the API like any other installation. Guests live in
/// libvirt and outlive it; an installation started again on the same folder finds them running.
/// </summary>
internal sealed class LocalStack : IAsyncDisposable
{
    /// <summary>How long a step of the start may take; slow machines included.</summary>
    public static readonly TimeSpan StepDeadline = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private ChildProcess? _server;
    private ChildProcess? _agent;
    private ApiClient? _api;
    private FileStream? _owner;

    private LocalStack(LocalStackOptions options, TimeProvider time)
    {
        Options = options;
        _time = time;
        // No proxy for a loopback address, whatever the environment says.
        _http = new HttpClient(new ConnectFaultHandler(new SocketsHttpHandler { UseProxy = false })) { Timeout = options.CallPatience };
    }

    /// <summary>Where it lives.</summary>
    public LocalStackOptions Options { get; }

    /// <summary>The API, as the administrator.</summary>
    public ApiClient Api => _api ?? throw new InvalidOperationException("The server has not been started yet.");

    /// <summary>The server's process.</summary>
    public ChildProcess Server => _server ?? throw new InvalidOperationException("The server has not been started yet.");

    /// <summary>The agent's process.</summary>
    public ChildProcess Agent => _agent ?? throw new InvalidOperationException("The agent has not been started yet.");

    private string DriverFolder => Path.Combine(Options.Data, "drivers");

    private string TokenFile => Path.Combine(Options.Data, "join-token");

    /// <summary>Starts server and agent and sets up what is not there yet.</summary>
    /// <param name="options">Where.</param>
    /// <param name="say">Told one sentence a step.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The running installation.</returns>
    /// <exception cref="StackFaultException">A program ended or did not get ready.</exception>
    /// <exception cref="ApiFaultException">The API refused a step.</exception>
    public static async Task<LocalStack> StartAsync(
        LocalStackOptions options, Action<string> say, TimeProvider time, CancellationToken cancellationToken)
    {
        var stack = new LocalStack(options, time);
        try
        {
            stack.PrepareFolders();
            say($"starting the server (log: {Path.Combine(options.LogFolder, "server.log")})");
            await stack.StartServerAsync(cancellationToken);
            await stack.StartAgentAsync(say, cancellationToken);
            await new LocalSetup(stack.Api, options, say).RunAsync(stack.WaitAsync, cancellationToken);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server, ending one that still runs the hard way, and waits until it answers signed requests.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When it answers.</returns>
    public async Task StartServerAsync(CancellationToken cancellationToken)
    {
        await ReleaseAsync(_server);
        _server = ChildProcess.Start(
            "server", Options.Programs.Server, LaunchArguments.Server(Options), Options.Environment, Path.Combine(Options.LogFolder, "server.log"));
        await WaitAsync(
            "the server to answer",
            async () =>
            {
                if (ApiCredentials.Read(Options.ServerAdminFile) is not { } credentials)
                {
                    return false;
                }

                _api = new ApiClient(_http, credentials, _time);
                return await _api.SendAsync("listCapabilities", new Dictionary<string, string>(), cancellationToken) is ApiReply.Answered;
            },
            [_server],
            cancellationToken);
        WriteSecretFile(Options.AdminFile, await File.ReadAllTextAsync(Options.ServerAdminFile, cancellationToken));
    }

    /// <summary>Starts the agent, ending one that still runs the hard way, joining this host first when it has no identity yet, and waits until its host is up.</summary>
    /// <param name="say">Told one sentence a step.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When the host is up.</returns>
    public async Task StartAgentAsync(Action<string> say, CancellationToken cancellationToken)
    {
        var identity = Path.Combine(Options.AgentFolder, "identity");
        if (!Directory.Exists(identity) || !Directory.EnumerateFileSystemEntries(identity).Any())
        {
            say("making a join token for this host");
            Directory.CreateDirectory(Options.AgentFolder, OwnerOnly);
            var clusters = await Api.ListAsync("listClusters", "cluster", cancellationToken);
            var answer = await Api.AskAsync("createHostJoinToken", cancellationToken, ("clusterid", clusters[0].Text("id")));
            WriteSecretFile(TokenFile, FindToken(answer));
        }

        say($"starting the agent (log: {Path.Combine(Options.LogFolder, "agent.log")})");
        await ReleaseAsync(_agent);
        _agent = ChildProcess.Start(
            "agent", Options.Programs.Agent, LaunchArguments.Agent(Options, DriverFolder, TokenFile), Options.Environment, Path.Combine(Options.LogFolder, "agent.log"));
        await WaitAsync(
            "this host to be Up",
            async () => (await Api.ListAsync("listHosts", "host", cancellationToken, ("type", "Routing"))).Any(host => host.Text("state") == "Up"),
            cancellationToken);
        File.Delete(TokenFile);
    }

    /// <summary>Waits until something holds, and gives up when a program of this installation ends or the time is over.</summary>
    /// <param name="what">What is waited for, for the text of the failure.</param>
    /// <param name="holds">Asked again and again; an API refusal counts as not yet.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When it holds.</returns>
    /// <exception cref="StackFaultException">It does not.</exception>
    public Task WaitAsync(string what, Func<Task<bool>> holds, CancellationToken cancellationToken) => WaitAsync(what, holds, [_server, _agent], cancellationToken);

    /// <summary>Ends the agent, with its drivers, and then the server. Guests go on.</summary>
    /// <returns>When both have ended.</returns>
    public async Task EndAsync()
    {
        if (_agent is { Exited.IsCompleted: false } agent)
        {
            await agent.EndAsync(EndGrace, _time);
        }

        if (_server is { Exited.IsCompleted: false } server)
        {
            await server.EndAsync(EndGrace, _time);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await ReleaseAsync(_agent);
        await ReleaseAsync(_server);
        _http.Dispose();
        if (_owner is not null)
        {
            await _owner.DisposeAsync();
        }
    }

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private async Task WaitAsync(string what, Func<Task<bool>> holds, IReadOnlyList<ChildProcess?> needed, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        var last = "";
        while (true)
        {
            try
            {
                if (await holds())
                {
                    return;
                }
            }
            catch (ApiFaultException fault)
            {
                last = $" (last: {fault.Message})";
            }

            foreach (var child in needed)
            {
                if (child is { Exited.IsCompleted: true })
                {
                    var code = await child.Exited;
                    throw new StackFaultException($"The {child.Name} ended with {code} while waiting for {what}. Its last lines:\n{string.Join('\n', child.Tail(20))}");
                }
            }

            if (_time.GetElapsedTime(began) > StepDeadline)
            {
                throw new StackFaultException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Waited {StepDeadline.TotalSeconds:0} s for {what}{last}. Last lines of the logs:\n{string.Join('\n', [.. _server?.Tail(10) ?? [], "--", .. _agent?.Tail(10) ?? []])}"));
            }

            await Task.Delay(PollEvery, _time, cancellationToken);
        }
    }

    private static async Task ReleaseAsync(ChildProcess? ended)
    {
        if (ended is not null)
        {
            await ended.DisposeAsync();
        }
    }

    private static string FindToken(JsonElement answer)
    {
        // The answer holds one object with the token.
        foreach (var part in answer.EnumerateObject())
        {
            if (part.Value.ValueKind == JsonValueKind.Object && part.Value.Text("token") is { Length: > 0 } token)
            {
                return token;
            }
        }

        throw new StackFaultException("createHostJoinToken answered without a token.");
    }

    private static void WriteSecretFile(string path, string text)
    {
        File.Delete(path);
        using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
    }

    private void PrepareFolders()
    {
        Directory.CreateDirectory(Options.Data);
        try
        {
            _owner = new FileStream(Path.Combine(Options.Data, "up.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new StackFaultException($"{Options.Data} is in use: an installation runs on it already.");
        }

        new StackPorts(Options.ApiPort, Options.GatewayPort).Write(Options.Data);
        Directory.CreateDirectory(Options.LogFolder, OwnerOnly);
        Directory.CreateDirectory(Options.PoolFolder);
        Directory.CreateDirectory(Options.ImageFolder);
        Directory.CreateDirectory(DriverFolder);
        foreach (var driver in Options.Programs.Drivers)
        {
            var link = Path.Combine(DriverFolder, Path.GetFileName(driver));
            File.Delete(link);
            File.CreateSymbolicLink(link, driver);
        }

        var image = Path.Combine(Options.ImageFolder, Path.GetFileName(Options.GuestImage));
        if (!File.Exists(image))
        {
            File.Copy(Options.GuestImage, image + ".new", overwrite: true);
            File.Move(image + ".new", image);
        }
    }
}
