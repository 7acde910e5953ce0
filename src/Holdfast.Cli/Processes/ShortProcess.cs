using System.Diagnostics;

namespace Holdfast.Cli.Processes;

/// <summary>A program that is run to its end for what it prints.</summary>
internal static class ShortProcess
{
    /// <summary>How it ended.</summary>
    /// <param name="Code">Its exit code.</param>
    /// <param name="Output">What it printed.</param>
    /// <param name="Error">What it complained about.</param>
    internal sealed record Ending(int Code, string Output, string Error);

    /// <summary>Runs a program.</summary>
    /// <param name="program">Path of the executable.</param>
    /// <param name="arguments">Its arguments, as it will see them. No secrets.</param>
    /// <param name="patience">How long it may take; then it is killed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Kills it.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="TimeoutException">It took too long.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public static async Task<Ending> RunAsync(string program, IEnumerable<string> arguments, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        using var bound = new CancellationTokenSource(patience, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
#pragma warning disable RS0030 // This is a process adapter.
        process.Start();
#pragma warning restore RS0030
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ends.Token);
            var error = process.StandardError.ReadToEndAsync(ends.Token);
            var ending = new Ending(0, await output, await error);
            await process.WaitForExitAsync(ends.Token);
            return ending with { Code = process.ExitCode };
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"{program} took longer than {patience.TotalSeconds:0} s.");
        }
    }
}
