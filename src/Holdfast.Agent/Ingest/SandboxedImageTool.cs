using System.Globalization;

namespace Holdfast.Agent.Ingest;

/// <summary>Runs <c>qemu-img</c> in the sandbox. An adapter.</summary>
internal sealed class SandboxedImageTool(ImageSandbox sandbox) : IImageTool
{
    private const string Program = "qemu-img";
    private const long InspectMemory = 1L << 30;
    private const long CopyMemory = 4L << 30;
    private static readonly TimeSpan InspectBound = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CheckBound = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CopyBound = TimeSpan.FromHours(2);

    /// <inheritdoc/>
    public Task<InspectOutcome> InspectAsync(string path, string declaredFormat, CancellationToken cancellationToken) =>
        OffLoop.RunAsync(() => InspectHereAsync(path, declaredFormat, cancellationToken));

    /// <inheritdoc/>
    public Task<CopyOutcome> CopyAsync(string source, string sourceFormat, string target, string targetFormat, CancellationToken cancellationToken) =>
        OffLoop.RunAsync(() => CopyHereAsync(source, sourceFormat, target, targetFormat, cancellationToken));

    private async Task<InspectOutcome> InspectHereAsync(string path, string declaredFormat, CancellationToken cancellationToken)
    {
        if (declaredFormat is not ("qcow2" or "raw"))
        {
            return new InspectOutcome.Refused($"images of format '{declaredFormat}' are not taken");
        }

        long length;
        try
        {
            length = new FileInfo(path).Length;
            if ((await ImageContent.OfFileAsync(path, cancellationToken)).Refuse(declaredFormat) is { } other)
            {
                return new InspectOutcome.Refused(other);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new InspectOutcome.Refused(exception.Message);
        }

        var info = await LookAsync(path, ["info", "--output=json"], 10, InspectBound, cancellationToken) switch
        {
            SandboxOutcome.Ended { Code: 0, Output: var output } => ImageInfo.Judge(output, declaredFormat),
            SandboxOutcome.Ended { Error: var error } => new InspectOutcome.Refused($"qemu-img cannot read it: {error.Trim()}"),
            var other => new InspectOutcome.Refused(WhyNot(other)),
        };
        if (info is not InspectOutcome.Fine fine)
        {
            return info;
        }

        if (declaredFormat == "qcow2")
        {
            var refused = await LookAsync(path, ["check", "-f", "qcow2", "--output=json"], 120, CheckBound, cancellationToken) switch
            {
                SandboxOutcome.Ended ended => ImageCheck.Judge(ended.Code, ended.Output, ended.Error, length),
                var other => WhyNot(other),
            };
            if (refused is not null)
            {
                return new InspectOutcome.Refused(refused);
            }
        }

        return await LookAsync(path, ["measure", "-O", "qcow2", "-f", declaredFormat, "--output=json"], 120, CheckBound, cancellationToken) switch
        {
            SandboxOutcome.Ended { Code: 0, Output: var output } => ImageInfo.JudgeMeasure(fine, output),
            SandboxOutcome.Ended { Error: var error } => new InspectOutcome.Refused($"qemu-img cannot measure it: {error.Trim()}"),
            var other => new InspectOutcome.Refused(WhyNot(other)),
        };
    }

    private async Task<CopyOutcome> CopyHereAsync(string source, string sourceFormat, string target, string targetFormat, CancellationToken cancellationToken)
    {
        var job = new SandboxJob
        {
            Program = Program,
            Source = source,
            Target = target,
            Arguments = (from, to) => ["convert", "-n", "-f", sourceFormat, "-O", targetFormat, from, to],
            Memory = CopyMemory,
            CpuSeconds = 3600,
            Bound = CopyBound,
        };
        return await sandbox.RunAsync(job, cancellationToken) switch
        {
            SandboxOutcome.Ended { Code: 0 } => new CopyOutcome.Copied(),
            SandboxOutcome.Ended { Code: var code, Error: var error } => new CopyOutcome.Failed(string.Create(CultureInfo.InvariantCulture, $"qemu-img ended with {code}: {error.Trim()}")),
            var other => new CopyOutcome.Failed(WhyNot(other)),
        };
    }

    private static string WhyNot(SandboxOutcome outcome) => outcome switch
    {
        SandboxOutcome.Stopped { Reason: var reason } => reason,
        SandboxOutcome.Unavailable { Reason: var reason } => reason,
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };

    private Task<SandboxOutcome> LookAsync(string path, IReadOnlyList<string> arguments, int cpuSeconds, TimeSpan bound, CancellationToken cancellationToken) => sandbox.RunAsync(
        new SandboxJob
        {
            Program = Program, Source = path, Arguments = (from, _) => [.. arguments, from], Memory = InspectMemory, CpuSeconds = cpuSeconds, Bound = bound,
        },
        cancellationToken);
}
