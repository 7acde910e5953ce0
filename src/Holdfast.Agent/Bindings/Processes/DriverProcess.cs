using System.Diagnostics;
using Holdfast.Agent.Drivers;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>A driver as a child process in a process group of its own. An adapter.</summary>
internal sealed partial class DriverProcess : IDriverProcess
{
    private readonly Process _process;

    /// <summary>Wraps a process that was just started.</summary>
    public DriverProcess(Process process, IDriverClient client, string poolName, ILogger log)
    {
        (_process, Client) = (process, client);
        Pid = process.Id;
        Ended = WatchAsync();
        _ = PumpAsync(process.StandardError, poolName, log);
    }

    /// <inheritdoc/>
    public int Pid { get; }

    /// <inheritdoc/>
    public Task<string> Ended { get; }

    /// <inheritdoc/>
    public IDriverClient Client { get; }

    /// <inheritdoc/>
    public void CloseInput()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The process has ended and the pipe with it.
        }
    }

    /// <inheritdoc/>
    public void Terminate() => Signal(LibC.Terminate);

    /// <inheritdoc/>
    public void Kill() => Signal(LibC.Kill);

    /// <inheritdoc/>
    public void Dispose()
    {
        Client.Dispose();
        if (Ended.IsCompleted)
        {
            // What the driver left behind in its group goes with it.
            Signal(LibC.Kill);
        }

        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (LibC.Signal(-Pid, signal) != 0 && !Ended.IsCompleted)
        {
            _ = LibC.Signal(Pid, signal);
        }
    }

    private async Task<string> WatchAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        var code = _process.ExitCode;
        return code > 128 ? $"signal {code - 128}" : $"exit code {code}";
    }

    private static async Task PumpAsync(StreamReader lines, string poolName, ILogger log)
    {
        try
        {
            while (await BoundedLines.ReadAsync(lines, CancellationToken.None) is { } line)
            {
                LogLine(log, poolName, line);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The process has ended; its end is told elsewhere.
        }
    }

    [LoggerMessage(EventId = 1450, Level = LogLevel.Information, Message = "Driver of storage pool '{PoolName}': {Line}")]
    private static partial void LogLine(ILogger logger, string poolName, string line);
}
