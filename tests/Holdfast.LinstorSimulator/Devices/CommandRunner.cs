using System.Diagnostics;

namespace Holdfast.LinstorSimulation.Devices;

/// <summary>Runs the host's tools with an argument list, no shell, bounded in time.</summary>
internal static class CommandRunner
{
    /// <summary>The trimmed output; <see cref="SatelliteException"/> when the tool fails, is missing or takes longer than <paramref name="limit"/>.</summary>
    public static async Task<string> RunAsync(string tool, IEnumerable<string> arguments, TimeSpan limit, CancellationToken cancellationToken)
    {
        var info = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        var line = $"{tool} {string.Join(' ', info.ArgumentList)}";
        using var process = new Process { StartInfo = info };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception problem)
        {
            throw new SatelliteException($"{line}: {problem.Message}");
        }

        process.StandardInput.Close();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return process.ExitCode == 0
                ? (await output).Trim()
                : throw new SatelliteException($"{line}: exit code {process.ExitCode}: {(await errors).Trim()}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill();
            throw new SatelliteException($"{line}: no end after {limit.TotalSeconds:0} s");
        }
    }
}
