using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Holdfast.Cli.Processes;

/// <summary>
/// A program started and watched by this one. Its output goes to a log file. It does not share this program's standard input. Ending it is asked for by
/// SIGTERM and enforced by SIGKILL.
/// </summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _log;
    private readonly Lock _logGuard = new(); // Both streams of the child write to one file.
    private readonly long _began;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process, string name, string logPath)
    {
        _process = process;
        Name = name;
        LogPath = logPath;
        _log = new StreamWriter(new FileStream(logPath, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        _began = _log.BaseStream.Length;
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.Exited += (_, _) => _exited.TrySetResult(process.ExitCode);
    }

    /// <summary>What it is called in texts.</summary>
    public string Name { get; }

    /// <summary>Where its output goes.</summary>
    public string LogPath { get; }

    /// <summary>Its process id.</summary>
    public int Id { get; private set; }

    /// <summary>Completes with the exit code when it has ended.</summary>
    public Task<int> Exited => _exited.Task;

    /// <summary>Starts a program.</summary>
    /// <param name="name">What to call it in texts.</param>
    /// <param name="program">Path of the executable.</param>
    /// <param name="arguments">Its arguments, as it will see them. No secrets: every user of the machine can read them.</param>
    /// <param name="environment">Variables to add to this program's own.</param>
    /// <param name="logPath">Where its output is appended.</param>
    /// <returns>The running program.</returns>
    public static ChildProcess Start(
        string name, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string logPath)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (variable, value) in environment)
        {
            start.Environment[variable] = value;
        }

        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var child = new ChildProcess(process, name, logPath);
#pragma warning disable RS0030 // This is the process adapter.
        process.Start();
#pragma warning restore RS0030
        child.Id = process.Id;
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Sends a signal. A process that has ended is left alone.</summary>
    /// <param name="signal">The signal.</param>
    public void Signal(Signal signal)
    {
        // The process stays ours until it was waited for, which Exited tells; until then its id cannot belong to anyone else.
        if (!_exited.Task.IsCompleted)
        {
            _ = Kill(Id, (int)signal);
        }
    }

    /// <summary>Asks it to end, waits, and kills it when it does not.</summary>
    /// <param name="grace">How long it may take.</param>
    /// <param name="time">The clock.</param>
    /// <returns>Its exit code.</returns>
    public async Task<int> EndAsync(TimeSpan grace, TimeProvider time)
    {
        Signal(Processes.Signal.Terminate);
        try
        {
            return await Exited.WaitAsync(grace, time);
        }
        catch (TimeoutException)
        {
            Append(string.Create(CultureInfo.InvariantCulture, $"-- {Name} did not end within {grace.TotalSeconds:0} s and was killed --"));
            Signal(Processes.Signal.Kill);
            return await Exited;
        }
    }

    /// <summary>The last lines it wrote; not what another that used the same file wrote before it.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The lines.</returns>
    public IReadOnlyList<string> Tail(int count)
    {
        using var reader = new StreamReader(new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        reader.BaseStream.Position = _began;
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines[Math.Max(0, lines.Length - count)..];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!Exited.IsCompleted)
        {
            // A stopped process takes a kill as well.
            Signal(Processes.Signal.Kill);
            await Exited;
        }

        _process.Dispose();
        lock (_logGuard)
        {
            _log.Dispose();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);

    private void Append(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_logGuard)
        {
            if (_log.BaseStream is { CanWrite: true })
            {
                _log.WriteLine(line);
            }
        }
    }
}
