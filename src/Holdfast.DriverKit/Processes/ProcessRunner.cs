using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Holdfast.DriverKit.Processes;

/// <summary>The process adapter.</summary>
internal sealed class ProcessRunner : IProcessRunner
{
    private const int OutputLimit = 1024 * 1024;
    private const int ErrorLimit = 64 * 1024;
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(2);
    private readonly TimeProvider _time;

    internal ProcessRunner(TimeProvider time) => _time = time;

    /// <inheritdoc/>
    public async Task<ProcessOutcome> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new ProcessOutcome.NotStarted("no time was left");
        }

        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        start.Environment["PATH"] = string.IsNullOrEmpty(path) ? "/usr/sbin:/usr/bin:/sbin:/bin" : path;
        start.Environment["LC_ALL"] = "C";

        var process = new Process { StartInfo = start };
        try
        {
#pragma warning disable RS0030 // This is the process adapter.
            process.Start();
#pragma warning restore RS0030
        }
        catch (Win32Exception failure)
        {
            process.Dispose();
            return new ProcessOutcome.NotStarted($"{program}: {failure.Message}");
        }

        process.StandardInput.Close();
        var output = ReadAsync(process.StandardOutput.BaseStream, OutputLimit);
        var error = ReadAsync(process.StandardError.BaseStream, ErrorLimit);
        try
        {
            await process.WaitForExitAsync(cancellationToken);

            // A grandchild may hold the pipes open after the program has ended.
            var ended = new ProcessOutcome.Exited(
                process.ExitCode,
                await output.WaitAsync(cancellationToken),
                await error.WaitAsync(cancellationToken));
            process.Dispose();
            return ended;
        }
        catch (OperationCanceledException)
        {
            var gone = await KillAsync(process);
            if (gone)
            {
                process.Dispose();
            }

            return new ProcessOutcome.Killed(gone);
        }
    }

    private async Task<bool> KillAsync(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            return true;
        }

        using var patience = new CancellationTokenSource(KillPatience, _time);
        try
        {
            await process.WaitForExitAsync(patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<string> ReadAsync(Stream stream, int limit)
    {
        var kept = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            int count;
            try
            {
                count = await stream.ReadAsync(buffer);
            }
            catch (Exception closed) when (closed is IOException or ObjectDisposedException)
            {
                count = 0;
            }

            if (count == 0)
            {
                return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
            }

            await kept.WriteAsync(buffer.AsMemory(0, (int)Math.Min(count, limit - kept.Length)));
        }
    }
}
