using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>
/// Starts drivers as child processes. Each binding has a folder below the agent's data folder with the socket, the state folder and a file that names the
/// process and its start time, so that a restarted agent finds what an earlier one left running and never mistakes another process for it; and a file that
/// names the build that proved itself.
/// </summary>
internal sealed partial class ProcessLauncher : IDriverLauncher
{
    private const string FolderName = "bindings";
    private const string TrialName = "t";
    private const int LongestSocketPath = 107;
    private const string OutOfMemoryScore = "500";
    private readonly DriverFiles _files;
    private readonly Dictionary<PoolId, (string Driver, DriverBuild Build)> _launched = [];
    private readonly Dictionary<PoolId, (string Driver, DriverBuild Build)> _tried = [];
    private readonly string _folder;
    private readonly string _hostSettings;
    private readonly string _nodeName;
    private readonly Func<GuestUser?> _guestUser;
    private readonly long _memory;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    /// <summary>Makes a launcher.</summary>
    /// <param name="files">The drivers' files.</param>
    /// <param name="dataFolder">The agent's data folder.</param>
    /// <param name="nodeName"><c>uname -n</c>.</param>
    /// <param name="guestUser">Whom guests run as, when known.</param>
    /// <param name="memory">Bytes of memory that each driver may have.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where drivers' own log lines go.</param>
    public ProcessLauncher(DriverFiles files, string dataFolder, string nodeName, Func<GuestUser?> guestUser, long memory, TimeProvider time, ILogger log)
    {
        (_files, _folder, _nodeName, _guestUser, _memory, _time, _log) = (files, Path.Combine(dataFolder, FolderName), nodeName, guestUser, memory, time, log);
        _hostSettings = Path.Combine(dataFolder, HostSettings.FileName);
        PrivateFile.MakeFolder(_folder);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Installed() => _files.Installed();

    /// <inheritdoc/>
    public DriverInstallation Installation(string driver) => _files.Look(driver);

    /// <inheritdoc/>
    public DriverBuild? Proven(PoolId pool) =>
        ReadProven(FolderOf(pool)) is { } proven && _files.Kept(proven.Driver, proven.Build) is not null ? proven.Build : null;

    /// <inheritdoc/>
    public string? Prove(PoolId pool)
    {
        try
        {
            if (_launched.TryGetValue(pool, out var launched))
            {
                PrivateFile.Write(ProvenFile(FolderOf(pool)), Encoding.ASCII.GetBytes($"{launched.Driver} {launched.Build}\n"));
            }

            Sweep();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<PoolId> Folders() =>
    [
        .. Directory.GetDirectories(_folder).Select(path => Path.GetFileName(path))
            .Where(name => Guid.TryParseExact(name, "N", out _)).Select(name => new PoolId(Guid.ParseExact(name, "N"))),
    ];

    /// <inheritdoc/>
    public Task<LaunchOutcome> LaunchAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        _launched[spec.PoolId] = (spec.Driver, build);
        return StartAsync(spec, generation, build, FolderOf(spec.PoolId), handshake, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<LaunchOutcome> TryOutAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        _tried[spec.PoolId] = (spec.Driver, build);
        return StartAsync(spec, generation, build, TrialFolderOf(spec.PoolId), handshake, cancellationToken);
    }

    private async Task<LaunchOutcome> StartAsync(
        BindingSpec spec, Generation generation, DriverBuild build, string folder, TimeSpan handshake, CancellationToken cancellationToken)
    {
        var socket = Path.Combine(folder, "s");
        if (Encoding.UTF8.GetByteCount(socket) > LongestSocketPath)
        {
            return new LaunchOutcome.Failed($"the path of its socket, {socket}, is longer than the {LongestSocketPath} bytes the kernel allows: use a shorter data folder", null);
        }

        DriverProcess process;
        Process started;
        IReadOnlyDictionary<string, string> settings;
        try
        {
            settings = HostSettings.Read(_hostSettings, spec.Driver, spec.PoolName);
            using var bound = new CancellationTokenSource(handshake, _time);
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
            var executable = await _files.KeepAsync(spec.Driver, build).OrAbandonAsync(ends.Token);
            PrivateFile.MakeFolder(folder);
            PrivateFile.MakeFolder(Path.Combine(folder, "state"));
            File.Delete(socket);

            // A process group of its own: what the driver starts ends with it.
            var start = new ProcessStartInfo("setsid")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
                StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            };

            // A leak costs its own pool: memory that is written counts, not the addresses that a runtime reserves (a limit on those, --as, is more than .NET starts
            // with), and is not shared between drivers, as a control group of the agent's would be. Where memory is short all the same, the kernel is to
            // take a driver, which is started again, before a guest.
            start.ArgumentList.Add("prlimit");
            start.ArgumentList.Add(string.Create(CultureInfo.InvariantCulture, $"--data={_memory}"));
            start.ArgumentList.Add("--core=0");
            foreach (var word in (string[])["choom", "-n", OutOfMemoryScore, "--"])
            {
                start.ArgumentList.Add(word);
            }

            start.ArgumentList.Add(executable);
            start.Environment.Remove("NOTIFY_SOCKET");
#pragma warning disable RS0030 // This is the process adapter.
            started = Process.Start(start) ?? throw new IOException("no process was started");
#pragma warning restore RS0030
            process = new DriverProcess(started, new HttpDriverClient(socket, _time), spec.PoolName, _log);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException or System.ComponentModel.Win32Exception)
        {
            return new LaunchOutcome.Failed(exception.Message, null);
        }
        catch (OperationCanceledException)
        {
            return new LaunchOutcome.Failed(
                cancellationToken.IsCancellationRequested ? "it is not wanted any more" : $"its files were not copied within {handshake.TotalSeconds:0} s",
                null,
                IsLate: !cancellationToken.IsCancellationRequested);
        }

        try
        {
            var ticks = ProcStat.StartTicks(process.Pid);
            PrivateFile.Write(PidFile(folder), Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{process.Pid} {ticks}\n")));
            var line = JsonSerializer.Serialize(
                new DriverStartup
                {
                    Protocol = DriverPaths.ProtocolVersion,
                    PoolId = spec.PoolId,
                    PoolName = spec.PoolName,
                    Generation = generation,
                    Socket = socket,
                    StateFolder = Path.Combine(folder, "state"),
                    PoolsFolder = _folder,
                    NodeName = _nodeName,
                    GuestUser = _guestUser(),
                    Config = spec.Config,
                    HostConfig = settings,
                    Secrets = spec.Secrets,
                },
                DriverJson.Default.DriverStartup);
            return await HandshakeAsync(started, process, spec, line, handshake, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new LaunchOutcome.Failed(exception.Message, process);
        }
    }

    /// <inheritdoc/>
    public async Task<ReapOutcome> ReapAsync(PoolId pool, TimeSpan bound)
    {
        // One that was only being tried out first: it never served, so its number is not worth telling.
        return await EndLeftAsync(TrialFolderOf(pool), bound) is ReapOutcome.Stuck stuck ? stuck : await EndLeftAsync(FolderOf(pool), bound);
    }

    /// <summary>The driver process of a pool that runs now, whichever agent process started it; null when none does.</summary>
    /// <param name="dataFolder">The agent's data folder.</param>
    /// <param name="pool">The pool.</param>
    public static int? Running(string dataFolder, PoolId pool) => Mark(PidFile(FolderOf(Path.Combine(dataFolder, FolderName), pool)))?.Pid;

    private async Task<ReapOutcome> EndLeftAsync(string folder, TimeSpan bound)
    {
        if (Mark(PidFile(folder)) is not { } mark)
        {
            return new ReapOutcome.Gone(null);
        }

        var (pid, ticks) = mark;

        var began = _time.GetTimestamp();
        while (ProcStat.StartTicks(pid) == ticks)
        {
            _ = LibC.Signal(-pid, LibC.Kill);
            _ = LibC.Signal(pid, LibC.Kill);
            if (_time.GetElapsedTime(began) > bound)
            {
                return new ReapOutcome.Stuck(pid);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), _time);
        }

        return new ReapOutcome.Gone(pid);
    }

    // The time of its start tells a process from a later one with the same number.
    private static (int Pid, long Ticks)? Mark(string file) =>
        File.Exists(file)
        && File.ReadAllText(file).Trim().Split(' ') is [var pidText, var ticksText]
        && int.TryParse(pidText, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
        && long.TryParse(ticksText, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
        && ProcStat.StartTicks(pid) == ticks ? (pid, ticks) : null;

    /// <inheritdoc/>
    public string? RemoveFolders(PoolId pool)
    {
        var folder = FolderOf(pool);
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            if (Directory.Exists(folder))
            {
                return $"{folder} is still there";
            }

            _launched.Remove(pool);
            _tried.Remove(pool);
            Sweep();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }

    private static async Task<LaunchOutcome> AnswerAsync(Process started, DriverProcess process, BindingSpec spec, string line, CancellationToken cancellationToken)
    {
        try
        {
            await started.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
            await started.StandardInput.FlushAsync(cancellationToken);
        }
        catch (IOException)
        {
            // It has closed its input, most likely by ending. What it has said, or how it ended, is the better reason.
        }

        if (await BoundedLines.ReadAsync(started.StandardOutput, cancellationToken) is not { } answer)
        {
            return new LaunchOutcome.Failed($"it ended before it was ready ({await process.Ended.OrAbandonAsync(cancellationToken)})", process);
        }

        var ready = JsonSerializer.Deserialize(answer, DriverJson.Default.DriverReady);
        switch (ready)
        {
            case { Ready: true, Info: { } info } when info.Protocol != DriverPaths.ProtocolVersion:
                return new LaunchOutcome.Failed($"it speaks protocol {info.Protocol}, not {DriverPaths.ProtocolVersion}", process);
            case { Ready: true, Info: { } info } when info.PoolId != spec.PoolId:
                return new LaunchOutcome.Failed($"it serves another pool, {info.PoolId}", process);
            case { Ready: true, Info: { Capabilities: not null } info }:
                _ = DrainAsync(started.StandardOutput);
                return new LaunchOutcome.Ready(process, info);
            case { Ready: false, Error: { } error }:
                process.Kill();
                await process.Ended.OrAbandonAsync(cancellationToken);
                process.Dispose();
                return new LaunchOutcome.Refused(error);
            default:
                return new LaunchOutcome.Failed("what it said about being ready makes no sense", process);
        }
    }

    private static async Task DrainAsync(StreamReader output)
    {
        try
        {
            while (await BoundedLines.ReadAsync(output, CancellationToken.None) is not null)
            {
                // Nothing more is expected there; an unread pipe would block the driver.
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The process has ended.
        }
    }

    private async Task<LaunchOutcome> HandshakeAsync(
        Process started, DriverProcess process, BindingSpec spec, string line, TimeSpan handshake, CancellationToken cancellationToken)
    {
        using var bound = new CancellationTokenSource(handshake, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
        try
        {
            return await AnswerAsync(started, process, spec, line, ends.Token).OrAbandonAsync(ends.Token);
        }
        catch (OperationCanceledException)
        {
            return new LaunchOutcome.Failed(
                bound.IsCancellationRequested ? $"it was not ready within {handshake.TotalSeconds:0} s" : "it is not wanted any more", process, IsLate: bound.IsCancellationRequested);
        }
        catch (JsonException exception)
        {
            return new LaunchOutcome.Failed($"what it said about being ready is not JSON: {exception.Message}", process);
        }
        catch (IOException exception)
        {
            return new LaunchOutcome.Failed(exception.Message, process);
        }
    }

    private static string FolderOf(string bindings, PoolId pool) => Path.Combine(bindings, pool.Value.ToString("N"));

    private static string PidFile(string folder) => Path.Combine(folder, "pid");

    private static string ProvenFile(string folder) => Path.Combine(folder, "build");

    private static (string Driver, DriverBuild Build)? ReadProven(string folder)
    {
        try
        {
            return File.Exists(ProvenFile(folder)) && File.ReadAllText(ProvenFile(folder)).Trim().Split(' ') is [var driver, var build]
                ? (driver, new DriverBuild(build))
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // As good as none: what cannot be read is no build to go back to.
            return null;
        }
    }

    private string FolderOf(PoolId pool) => FolderOf(_folder, pool);

    private string TrialFolderOf(PoolId pool) => Path.Combine(FolderOf(pool), TrialName);

    // Copies that no pool of this host was started from and none could go back to. One that stays is only a matter of space.
    private void Sweep()
    {
        try
        {
            var proven = Folders().Select(pool => ReadProven(FolderOf(pool))).Where(static one => one is not null).Select(static one => one!.Value);
            _files.Sweep(_launched.Values.Concat(_tried.Values).Concat(proven).ToHashSet());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogCopiesStay(exception.Message);
        }
    }

    [LoggerMessage(EventId = 1451, Level = LogLevel.Warning, Message = "Files of a driver that no storage pool needs any more cannot be removed: {Obstacle}")]
    private partial void LogCopiesStay(string obstacle);
}
