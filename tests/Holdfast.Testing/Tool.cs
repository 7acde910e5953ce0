using System.Diagnostics;

namespace Holdfast.Testing;

/// <summary>Runs a program of this machine to its end.</summary>
public static class Tool
{
    /// <summary>Runs it.</summary>
    /// <param name="deadline">How long it may take; it is killed after that.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>How it ended and what it said.</returns>
    public static async Task<ToolResult> TryAsync(TimeSpan deadline, string program, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var late = new CancellationTokenSource(deadline);
        try
        {
            await process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {deadline.TotalSeconds} s.");
        }

        return new ToolResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs it and demands success.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>What it wrote to standard output.</returns>
    public static async Task<string> RunAsync(string program, params IReadOnlyList<string> arguments)
    {
        var result = await TryAsync(TimeSpan.FromSeconds(60), program, arguments);
        return result.Code == 0
            ? result.Output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {result.Code}: {result.Error}");
    }
}

/// <summary>How a program ended.</summary>
/// <param name="Code">Its exit code.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ToolResult(int Code, string Output, string Error);
