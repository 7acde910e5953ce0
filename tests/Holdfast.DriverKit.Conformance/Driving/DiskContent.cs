using System.Diagnostics;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance.Driving;

/// <summary>Reads, writes and holds open what a driver handed out, with QEMU's own <c>qemu-io</c>.</summary>
public static class DiskContent
{
    /// <summary>Fills 64 KiB at an offset with a byte.</summary>
    public static async Task WriteAsync(DiskSource source, byte pattern, long offset = 0)
    {
        var (path, format) = Of(source);
        var (code, words) = await RunAsync("-f", format, "-c", $"write -P {pattern} {offset} 64k", path);
        Must(code == 0 && !words.Contains("failed", StringComparison.OrdinalIgnoreCase), $"'{path}' cannot be written: {words}");
    }

    /// <summary>Checks that 64 KiB at an offset hold a byte.</summary>
    public static async Task ExpectAsync(DiskSource source, byte pattern, long offset = 0)
    {
        var (path, format) = Of(source);
        var (code, words) = await RunAsync("-r", "-U", "-f", format, "-c", $"read -P {pattern} {offset} 64k", path);
        Must(code == 0 && !words.Contains("failed", StringComparison.OrdinalIgnoreCase), $"'{path}' at {offset} is not filled with {pattern}: {words}");
    }

    /// <summary>The size that a guest would see.</summary>
    public static async Task<long> LengthAsync(DiskSource source)
    {
        var (path, format) = Of(source);
        using var process = Start("qemu-img", ["info", "-U", "-f", format, "--output=json", path]);
        var output = await process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Must(process.ExitCode == 0, $"'{path}' is no image: {error}");
        using var info = System.Text.Json.JsonDocument.Parse(output);
        return info.RootElement.GetProperty("virtual-size").GetInt64();
    }

    /// <summary>Holds a disk open for writing until disposed.</summary>
    public static async Task<IAsyncDisposable> HoldAsync(DiskSource source)
    {
        var (path, format) = Of(source);
        var process = Start("qemu-io", ["-f", format, path]);
        await process.StandardInput.WriteLineAsync("length");
        await process.StandardInput.FlushAsync();
        var line = await process.StandardOutput.ReadLineAsync();
        Must(line is not null, $"'{path}' cannot be opened: {(line is null ? await process.StandardError.ReadToEndAsync() : line)}");
        return new Holder(process);
    }

    private static (string Path, string Format) Of(DiskSource source) => source switch
    {
        DiskSource.Block block => (block.Path, "raw"),
        DiskSource.File file => (file.Path, file.Format),
        _ => throw new SkipException("network disks are not opened by this kit"),
    };

    private static async Task<(int Code, string Words)> RunAsync(params string[] arguments)
    {
        using var process = Start("qemu-io", arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private static void Must(bool right, string text)
    {
        if (!right)
        {
            throw new ConformanceException(text);
        }
    }

    private sealed class Holder(Process process) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
