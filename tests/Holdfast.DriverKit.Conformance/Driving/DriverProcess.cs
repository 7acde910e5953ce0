using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance.Driving;

/// <summary>A driver process as an agent has it: startup line on standard input, ready line on standard output, logs on standard error.</summary>
public sealed class DriverProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource<string> _firstLine = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _output = new();

    private DriverProcess(Process process) => _process = process;

    /// <summary>Process id.</summary>
    public int Pid => _process.Id;

    /// <summary>Lines of standard error so far.</summary>
    public IReadOnlyList<string> Log => [.. _log];

    /// <summary>Lines of standard output so far.</summary>
    public IReadOnlyList<string> Output => [.. _output];

    /// <summary>Whether the process is gone.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts an executable without saying anything to it.</summary>
    /// <param name="executable">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    public static DriverProcess Launch(string executable, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(executable, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            },
        };
        var driver = new DriverProcess(process);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                driver._firstLine.TrySetException(new ConformanceException("the driver ended its standard output without a ready line"));
            }
            else
            {
                driver._output.Enqueue(line.Data);
                driver._firstLine.TrySetResult(line.Data);
            }
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                driver._log.Enqueue(line.Data);
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return driver;
    }

    /// <summary>Writes a line to the driver.</summary>
    /// <param name="line">The line, without its end.</param>
    public async Task SayAsync(string line)
    {
        await _process.StandardInput.WriteAsync(line + "\n");
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Starts a driver and waits for its ready line.</summary>
    /// <param name="executable">The executable.</param>
    /// <param name="startup">What to tell it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The process and its ready line, which may be a refusal.</returns>
    public static async Task<(DriverProcess Process, DriverReady Ready)> StartAsync(
        string executable,
        DriverStartup startup,
        CancellationToken cancellationToken)
    {
        var driver = Launch(executable);
        await driver.SayAsync(JsonSerializer.Serialize(startup, DriverJson.Default.DriverStartup));
        return (driver, await driver.ReadyAsync(cancellationToken));
    }

    /// <summary>Waits for the ready line.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<DriverReady> ReadyAsync(CancellationToken cancellationToken)
    {
        var line = await _firstLine.Task.WaitAsync(cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(line, DriverJson.Default.DriverReady) ?? throw new JsonException("it is null");
        }
        catch (JsonException wrong)
        {
            throw new ConformanceException($"the first line of standard output is not a DriverReady: {wrong.Message}: {line}");
        }
    }

    /// <summary>Ends the driver's standard input, as an agent that goes away does, and waits for its end.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> CloseAsync(CancellationToken cancellationToken)
    {
        _process.StandardInput.Close();
        return await EndAsync(cancellationToken);
    }

    /// <summary>Waits for the driver's end.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Kills the driver without warning (SIGKILL), not the programs it started.</summary>
    public async Task KillAsync()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It ended by itself.
        }

        await _process.WaitForExitAsync();
    }

    /// <summary>Sends a signal by number.</summary>
    /// <param name="signal">The signal.</param>
    public async Task SignalAsync(int signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", Pid.ToString()]);
        await kill.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }
}
