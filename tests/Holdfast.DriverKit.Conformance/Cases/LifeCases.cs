using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Holdfast.DriverKit.Conformance.Contract;
using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using static Holdfast.DriverKit.Conformance.ConformanceRun;

namespace Holdfast.DriverKit.Conformance.Cases;

/// <summary>How a driver process starts, whom it answers, and how it ends.</summary>
internal static class LifeCases
{
    private const int Refused = 2;
    private const int Terminate = 15;
    private const int Nobody = 65534;

    internal static IReadOnlyList<ConformanceCase> All { get; } =
    [
        new("The ready line names driver, version, protocol, process and pool", run =>
        {
            Must(run.Info.Pid == run.Process.Pid, $"the ready line names process {run.Info.Pid}, but it is {run.Process.Pid}");
            Must(run.Info.PoolId == run.Startup.PoolId, "the ready line names another pool");
            Must(run.Info.Protocol == DriverPaths.ProtocolVersion, $"the ready line names protocol {run.Info.Protocol}");
            Must(run.Info.Driver.Length > 0 && run.Info.Version.Length > 0, "the ready line has no driver or version");
            using var line = JsonDocument.Parse(run.Process.Output[0]);
            var wrong = OpenApiDocument.Load().Check("DriverReady", line.RootElement);
            Must(wrong.Count == 0, $"the ready line is not as the OpenAPI file says: {string.Join("; ", wrong)}");
            return Task.CompletedTask;
        }),
        new("The ready line is the only thing on standard output", async run =>
        {
            await run.VolumeAsync();
            Must(run.Process.Output.Count == 1, $"standard output holds {run.Process.Output.Count} lines");
        }),
        new("The socket has mode 0600", run =>
        {
            var mode = File.GetUnixFileMode(run.Startup.Socket);
            Must(mode == (UnixFileMode.UserRead | UnixFileMode.UserWrite), $"the socket has mode {mode}");
            return Task.CompletedTask;
        }),
        new("A left-over socket is replaced", async run =>
        {
            using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                dead.Bind(new UnixDomainSocketEndPoint(run.Startup.Socket));
            }

            await File.WriteAllTextAsync(run.Startup.Socket + ".was", "there");
            await run.StartAsync();
            (await run.Client.InfoAsync()).Ok();
        }, Starts: false),
        new("An unknown protocol version is refused", async run =>
        {
            var error = await RefusalAsync(run, JsonSerializer.Serialize(run.Startup with { Protocol = 99 }, DriverJson.Default.DriverStartup));
            Must(error.Code is DriverErrorCode.Unsupported or DriverErrorCode.Invalid, $"it is refused as {error.Code}");
        }, Starts: false),
        new("A startup line that is not JSON is refused", async run => await RefusalAsync(run, "{not json"), Starts: false),
        new("A startup line without its members is refused", async run => await RefusalAsync(run, "{\"protocol\":1}"), Starts: false),
        new("Settings that are all missing are refused with their name", async run =>
        {
            var error = await RefusalAsync(
                run,
                JsonSerializer.Serialize(run.Startup with { Config = new Dictionary<string, string>() }, DriverJson.Default.DriverStartup));
            Must(error.Code == DriverErrorCode.Invalid, $"it is refused as {error.Code}");
            Must(run.Startup.Config.Keys.Any(name => error.Text.Contains(name, StringComparison.Ordinal)), $"the refusal names no setting: {error.Text}");
        }, Starts: false),
        new("A driver whose standard input ends before the startup line ends too", async run =>
        {
            var process = DriverProcess.Launch(run.Target.Executable);
            run.Keep(process);
            var code = await process.CloseAsync(run.CancellationToken);
            Must(code != 0, "it ended as if all were well");
        }, Starts: false),
        new("A driver ends with its standard input, and its socket is gone", async run =>
        {
            var code = await run.Process.CloseAsync(run.CancellationToken);
            Must(code == 0, $"it ended with {code}");
            Must(!File.Exists(run.Startup.Socket), "its socket is still there");
        }),
        new("A driver ends on SIGTERM, and its socket is gone", async run =>
        {
            await run.Process.SignalAsync(Terminate);
            var code = await run.Process.EndAsync(run.CancellationToken);
            Must(code is 0 or 128 + Terminate, $"it ended with {code}");
            Must(!File.Exists(run.Startup.Socket), "its socket is still there");
        }),
        new("A driver that is started again after its end serves again", async run =>
        {
            var volume = await run.VolumeAsync();
            await run.Process.CloseAsync(run.CancellationToken);
            await run.StartAsync();
            (await run.Client.GetAsync(volume)).Ok();
        }),
        new("The version can be asked for without starting", async run =>
        {
            var process = DriverProcess.Launch(run.Target.Executable, "--version");
            run.Keep(process);
            Must(await process.EndAsync(run.CancellationToken) == 0, "it failed");
            var words = string.Join(' ', process.Output);
            Must(words.Contains($"protocol {DriverPaths.ProtocolVersion}", StringComparison.Ordinal), $"it says '{words}'");
        }, Starts: false),
        new("Another user cannot connect", async run =>
        {
            Needs(Environment.UserName == "root", "only root can act as another user");
            OpenFoldersAbove(run.Startup.Socket);
            var (code, words) = await AskAsAsync(Nobody, run.Startup.Socket);
            Must(code != 0, $"user {Nobody} was answered: {words}");
        }),
        new("Another user is turned away even when the socket's mode lets it in", async run =>
        {
            Needs(Environment.UserName == "root", "only root can act as another user");
            OpenFoldersAbove(run.Startup.Socket);
            File.SetUnixFileMode(run.Startup.Socket, (UnixFileMode)0x1B6);
            var (code, words) = await AskAsAsync(Nobody, run.Startup.Socket);
            Must(code != 0 && words.Length == 0, $"user {Nobody} was answered: {words}");
            var (rootCode, rootWords) = await AskAsAsync(0, run.Startup.Socket);
            Must(rootCode == 0 && rootWords.Contains("poolId", StringComparison.Ordinal), $"root was not answered: {rootCode} {rootWords}");
        }),
        new("Logs are JSON lines with time, level and text", async run =>
        {
            await run.VolumeAsync();
            await run.Process.CloseAsync(run.CancellationToken);
            Must(run.Process.Log.Count > 0, "there is no log");
            foreach (var line in run.Process.Log)
            {
                JsonElement entry;
                try
                {
                    entry = JsonDocument.Parse(line).RootElement;
                }
                catch (JsonException)
                {
                    throw new ConformanceException($"a line of the log is not JSON: {line}");
                }

                foreach (var name in new[] { "time", "level", "text" })
                {
                    Must(entry.TryGetProperty(name, out _), $"a line of the log has no '{name}': {line}");
                }
            }
        }),
    ];

    private static async Task<DriverError> RefusalAsync(ConformanceRun run, string line)
    {
        var process = DriverProcess.Launch(run.Target.Executable);
        run.Keep(process);
        await process.SayAsync(line);
        var ready = await process.ReadyAsync(run.CancellationToken);
        Must(ready is { Ready: false, Error: not null }, "it is not refused");
        Must(!string.IsNullOrWhiteSpace(ready.Error!.Text), "it is refused without a text");
        var code = await process.EndAsync(run.CancellationToken);
        Must(code == Refused, $"it ended with {code} instead of {Refused}");
        return ready.Error;
    }

    private static void OpenFoldersAbove(string socket)
    {
        for (var folder = Path.GetDirectoryName(socket); folder is not null && folder != "/" && folder != Path.GetTempPath().TrimEnd('/'); folder = Path.GetDirectoryName(folder))
        {
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);
        }
    }

    private static async Task<(int Code, string Words)> AskAsAsync(int uid, string socket)
    {
        var start = new ProcessStartInfo(
            "setpriv",
            [$"--reuid={uid}", $"--regid={uid}", "--clear-groups", "curl", "--silent", "--max-time", "10", "--unix-socket", socket, $"http://localhost{DriverPaths.Info}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var words = await process.StandardOutput.ReadToEndAsync();
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, words);
    }
}
