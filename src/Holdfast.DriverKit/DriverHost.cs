using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.DriverKit.Health;
using Holdfast.DriverKit.Logging;
using Holdfast.DriverKit.Processes;
using Holdfast.DriverKit.Serving;
using Holdfast.DriverKit.Unix;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit;

/// <summary>
/// The life of a driver process: reads the startup line, serves the socket, says that it is ready, and ends when standard input ends, on SIGTERM or on SIGINT.
/// Exit codes: 0 ended as asked; 2 refused to start (said on standard output); 64 wrong arguments.
/// </summary>
public static partial class DriverHost
{
    private const int Refused = 2;
    private const int WrongArguments = 64;
    private const int LongestStartupLine = 1024 * 1024;
    private const int LongestSocketPath = 107;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    /// <summary>Runs a driver to its end. The whole <c>Main</c> of a driver.</summary>
    /// <param name="factory">Makes the driver.</param>
    /// <param name="arguments">Command line: none, <c>--version</c> or <c>--help</c>.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IDriverFactory factory, IReadOnlyList<string> arguments)
    {
        var version = (Assembly.GetEntryAssembly() ?? typeof(DriverHost).Assembly).GetName().Version?.ToString(3) ?? "0.0.0";

        // No parser of command lines: the protocol gives a driver --version and nothing else.
        var usage = $"Usage: holdfast-driver-{factory.Name} [--version]. Everything else comes on standard input; see docs/drivers.md.";
        switch (arguments)
        {
            case []:
                break;
            case ["--version"]:
                await Console.Out.WriteLineAsync($"holdfast-driver-{factory.Name} {version} protocol {DriverPaths.ProtocolVersion}");
                return 0;
            case ["--help" or "-h" or "-?"]:
                await Console.Out.WriteLineAsync(usage);
                return 0;
            default:
                await Console.Error.WriteLineAsync(usage);
                return WrongArguments;
        }

        // What a driver makes is for root and itself only, unless it says otherwise.
        _ = LibC.SetFileModeMask(0x3F);

        // Driver code may block its thread on storage; the threads that answer must not be among the blocked.
        ThreadPool.SetMinThreads(32, 4);

        var input = Console.OpenStandardInput();
        var output = Console.OpenStandardOutput();
        if (await ReadLineAsync(input) is not { } line)
        {
            return await RefuseAsync(output, DriverFailure.Invalid("Standard input ended before the startup line, or the line is longer than 1 MiB."));
        }

        DriverStartup startup;
        try
        {
            startup = JsonSerializer.Deserialize(line, DriverJson.Default.DriverStartup)
                ?? throw new JsonException("it is null");
        }
        catch (JsonException wrong)
        {
            return await RefuseAsync(output, DriverFailure.Invalid($"The startup line is not a DriverStartup: {wrong.Message}"));
        }

        if (startup.Protocol != DriverPaths.ProtocolVersion)
        {
            return await RefuseAsync(output, DriverFailure.Unsupported($"Protocol {startup.Protocol} is asked for; this driver speaks {DriverPaths.ProtocolVersion}."));
        }

        if (!Path.IsPathFullyQualified(startup.Socket) || Encoding.UTF8.GetByteCount(startup.Socket) > LongestSocketPath)
        {
            return await RefuseAsync(output, DriverFailure.Invalid($"'socket' is an absolute path of at most {LongestSocketPath} bytes, not '{startup.Socket}'."));
        }

        if (!Path.IsPathFullyQualified(startup.StateFolder))
        {
            return await RefuseAsync(output, DriverFailure.Invalid($"'stateFolder' is an absolute path, not '{startup.StateFolder}'."));
        }

        return await ServeAsync(factory, version, startup, input, output);
    }

    private static async Task<int> ServeAsync(IDriverFactory factory, string version, DriverStartup startup, Stream input, Stream output)
    {
        var time = TimeProvider.System;
        var mask = new SecretMask(startup.Secrets.Values);
        var log = new JsonLines(
            Console.OpenStandardError(),
            time,
            mask,
            [
                new("driver", factory.Name),
                new("pool", startup.PoolName),
                new("poolId", startup.PoolId.ToString()),
            ]);
        var hostLog = log.CreateLogger(typeof(DriverHost).FullName!);
#pragma warning disable RS0030 // The process is where randomness enters; everything below is given it.
        var random = new Random();
#pragma warning restore RS0030
        var backendCalls = new BackendCallCounter();
        var context = new DriverContext
        {
            Startup = startup,
            Time = time,
            Ids = new TimeOrderedIdSource(time),
            Random = random,
            Loggers = log,
            BackendCalls = backendCalls,
            Processes = new ProcessRunner(time),
        };

        FailpointSet failpoints;
#if DEBUG
        try
        {
            failpoints = FailpointEnvironment.Read(time);
        }
        catch (FormatException nonsense)
        {
            await log.CloseAsync(EndPatience);
            return await RefuseAsync(output, DriverFailure.Invalid($"{FailpointEnvironment.Variable}: {nonsense.Message}"));
        }
#else
        failpoints = FailpointSet.None;
#endif

        IStorageDriver driver;
        KitSettings settings;
        switch (KitSettings.Read(startup.Config).Then<(KitSettings Settings, IStorageDriver Driver)>(read =>
            Create(factory, context, hostLog).Then<(KitSettings, IStorageDriver)>(made => (read, made))))
        {
            case DriverResult<(KitSettings Settings, IStorageDriver Driver)>.Ok ok:
                (settings, driver) = ok.Value;
                break;
            case DriverResult<(KitSettings Settings, IStorageDriver Driver)>.Failed failed:
                await log.CloseAsync(EndPatience);
                return await RefuseAsync(output, failed.Error with { Text = mask.Apply(failed.Error.Text) });
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }

        var info = new DriverInfo
        {
            Driver = factory.Name,
            Version = version,
            Protocol = DriverPaths.ProtocolVersion,
            Pid = Environment.ProcessId,
            PoolId = startup.PoolId,
            Capabilities = driver.Capabilities,
        };
        using var ended = new CancellationTokenSource();
        var monitor = new PoolMonitor(driver, startup.PoolName, settings.ProbePeriod, time, random, log.CreateLogger<PoolMonitor>());
        var endpoints = new DriverEndpoints(
            driver,
            info,
            startup.PoolName,
            settings,
            monitor,
            backendCalls,
            mask,
            time,
            log.CreateLogger<DriverEndpoints>(),
            ended.Token,
            failpoints);
        var server = new DriverServer(endpoints, startup.Socket, log);
        try
        {
            Directory.CreateDirectory(startup.StateFolder);
            await server.StartAsync(CancellationToken.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            await log.CloseAsync(EndPatience);
            return await RefuseAsync(output, DriverFailure.Invalid($"Cannot listen on '{startup.Socket}' with state folder '{startup.StateFolder}': {failure.Message}"));
        }

        var why = "nothing";
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => End(signal, "SIGTERM"));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => End(signal, "SIGINT"));
        var watching = WatchInputAsync(input, () => EndBecause("the end of standard input"));
        var probing = monitor.RunAsync(ended.Token);
        LogReady(hostLog, factory.Name, version, startup.PoolName, startup.Generation.Value, Environment.ProcessId, startup.Socket);
        await WriteLineAsync(output, new DriverReady { Ready = true, Info = info });

        await Task.Delay(Timeout.InfiniteTimeSpan, time, ended.Token).ContinueWith(static _ => { }, TaskScheduler.Default);

        LogEnding(hostLog, factory.Name, startup.PoolName, startup.Generation.Value, Environment.ProcessId, why);
        using (var patience = new CancellationTokenSource(EndPatience, time))
        {
            await server.StopAsync(patience.Token);
        }

        await Task.WhenAll(driver.DisposeAsync().AsTask(), probing).WaitAsync(EndPatience, time).ContinueWith(static _ => { }, TaskScheduler.Default);
        await server.DisposeAsync();
        await log.CloseAsync(EndPatience);
        GC.KeepAlive(watching);
        return 0;

        void End(PosixSignalContext signal, string name)
        {
            signal.Cancel = true;
            EndBecause(name);
        }

        void EndBecause(string reason)
        {
            lock (ended)
            {
                if (!ended.IsCancellationRequested)
                {
                    why = reason;
                    ended.Cancel();
                }
            }
        }
    }

    private static DriverResult<IStorageDriver> Create(IDriverFactory factory, DriverContext context, ILogger log)
    {
        try
        {
            return factory.Create(context);
        }
        catch (Exception bug)
        {
            LogCreateFailed(log, factory.Name, bug);
            return DriverFailure.Unknown($"Driver {factory.Name} failed to start: {bug.GetType().Name}: {bug.Message}");
        }
    }

    private static async Task<byte[]?> ReadLineAsync(Stream input)
    {
        var line = new MemoryStream();
        var one = new byte[1];
        while (line.Length < LongestStartupLine && await input.ReadAsync(one) == 1)
        {
            if (one[0] == (byte)'\n')
            {
                return line.ToArray();
            }

            line.WriteByte(one[0]);
        }

        return null;
    }

    private static async Task WatchInputAsync(Stream input, Action ended)
    {
        await Task.Yield();
        var buffer = new byte[256];
        try
        {
            while (await input.ReadAsync(buffer) > 0)
            {
                // Nothing but the end is of interest.
            }
        }
        catch (IOException)
        {
            // As good as the end.
        }

        ended();
    }

    private static async Task<int> RefuseAsync(Stream output, DriverError error)
    {
        await WriteLineAsync(output, new DriverReady { Ready = false, Error = error });
        return Refused;
    }

    private static async Task WriteLineAsync(Stream output, DriverReady ready)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(ready, DriverJson.Default.DriverReady), (byte)'\n'];
        await output.WriteAsync(line);
        await output.FlushAsync();
    }
}
