using System.Diagnostics;
using System.Globalization;
using System.Text;
using Holdfast.Agent.Bindings.Processes;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// Runs <c>qemu-img</c> in a child without network, with bounded memory, processor time, files and output, without the means to gain rights, and, when the agent is
/// root, with no capability but that to open the files it is given. An adapter.
/// </summary>
internal sealed class SandboxedImageTool(TimeProvider time) : IImageTool
{
    private const int LongestOutput = 256 * 1024;
    private static readonly TimeSpan InspectBound = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CopyBound = TimeSpan.FromHours(2);

    /// <inheritdoc/>
    public async Task<InspectOutcome> InspectAsync(string path, string declaredFormat, CancellationToken cancellationToken)
    {
        if (declaredFormat is not ("qcow2" or "raw"))
        {
            return new InspectOutcome.Refused($"images of format '{declaredFormat}' are not taken");
        }

        var (code, output, error) = await RunAsync(["info", "--output=json", path], 1L << 30, 10, 1 << 20, InspectBound, cancellationToken);
        return code switch
        {
            0 => ImageInfo.Judge(output, declaredFormat),
            null => new InspectOutcome.Refused($"qemu-img could not read it within {InspectBound.TotalSeconds:0} s"),
            _ => new InspectOutcome.Refused($"qemu-img cannot read it: {error.Trim()}"),
        };
    }

    /// <inheritdoc/>
    public async Task<CopyOutcome> CopyAsync(string source, string sourceFormat, string target, string targetFormat, CancellationToken cancellationToken)
    {
        var (code, _, error) = await RunAsync(
            ["convert", "-n", "-f", sourceFormat, "-O", targetFormat, source, target], 4L << 30, 3600, null, CopyBound, cancellationToken);
        return code switch
        {
            0 => new CopyOutcome.Copied(),
            null => new CopyOutcome.Failed($"qemu-img was not done within {CopyBound.TotalMinutes:0} min"),
            _ => new CopyOutcome.Failed($"qemu-img ended with {code}: {error.Trim()}"),
        };
    }

    private async Task<(int? Code, string Output, string Error)> RunAsync(
        IReadOnlyList<string> arguments, long memory, int cpuSeconds, long? largestFile, TimeSpan bound, CancellationToken cancellationToken)
    {
        var isRoot = LibC.EffectiveUser() == 0;
        List<string> words =
        [
            "prlimit",
            string.Create(CultureInfo.InvariantCulture, $"--as={memory}"),
            string.Create(CultureInfo.InvariantCulture, $"--cpu={cpuSeconds}"),
            "--nofile=256",
            "--core=0",
        ];
        if (largestFile is { } limit)
        {
            words.Add(string.Create(CultureInfo.InvariantCulture, $"--fsize={limit}"));
        }

        words.AddRange(isRoot ? ["unshare", "--net"] : ["unshare", "--map-root-user", "--net"]);
        words.AddRange(["setpriv", "--no-new-privs"]);
        if (isRoot)
        {
            words.AddRange(["--inh-caps=-all", "--bounding-set=-all,+dac_override"]);
        }

        words.Add("qemu-img");
        words.AddRange(arguments);
        var start = new ProcessStartInfo("setsid") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        var path = start.Environment.TryGetValue("PATH", out var found) ? found : "/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["LC_ALL"] = "C";
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }

        try
        {
#pragma warning disable RS0030 // This is a process adapter.
            using var process = Process.Start(start) ?? throw new IOException("no process was started");
#pragma warning restore RS0030
            process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(bound, time);
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            try
            {
                var output = ReadAsync(process.StandardOutput, ends.Token);
                var error = ReadAsync(process.StandardError, ends.Token);
                await process.WaitForExitAsync(ends.Token);
                return (process.ExitCode, await output, await error);
            }
            catch (OperationCanceledException)
            {
                _ = LibC.Signal(-process.Id, LibC.Kill);
                cancellationToken.ThrowIfCancellationRequested();
                return (null, "", "");
            }
        }
        catch (Exception exception) when (exception is IOException or System.ComponentModel.Win32Exception)
        {
            return (127, "", exception.Message);
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            if (text.Length < LongestOutput)
            {
                text.Append(buffer, 0, count);
            }
        }

        return text.ToString();
    }
}
