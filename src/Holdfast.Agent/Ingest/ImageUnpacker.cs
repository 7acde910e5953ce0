using System.Globalization;

namespace Holdfast.Agent.Ingest;

/// <summary>Unpacks images in the sandbox. An adapter.</summary>
internal sealed class ImageUnpacker(ImageSandbox sandbox, IngestFolder folder, long largest)
{
    private const int CpuSeconds = 3600;
    private const int ListCpuSeconds = 30;
    private static readonly TimeSpan Bound = TimeSpan.FromHours(2);
    private static readonly TimeSpan ListBound = TimeSpan.FromMinutes(1);

    /// <summary>Unpacks an image.</summary>
    /// <param name="packed">The file.</param>
    /// <param name="compression">How it is packed.</param>
    /// <param name="key">The image.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<FetchOutcome> UnpackAsync(string packed, Compression compression, Guid key, CancellationToken cancellationToken)
    {
        if (compression.ListOptions is { } list && await RefuseContentAsync(packed, compression, list, cancellationToken) is { } refused)
        {
            return refused;
        }

        var path = folder.UnpackedPathOf(key);
        await using var file = new ImageFile(folder, key, path, largest);
        var job = JobOf(packed, compression, compression.Options, CpuSeconds, Bound) with { Output = (stream, ends) => CopyAsync(stream, file, ends) };
        switch (await sandbox.RunAsync(job, cancellationToken))
        {
            case SandboxOutcome.Ended { Code: 0 }:
                file.Complete();
                break;
            case SandboxOutcome.Ended { Code: var code, Error: var error }:
                return Refused(compression, string.Create(CultureInfo.InvariantCulture, $"{compression.Program} ended with {code}: {WordsOf(error)}"));
            case SandboxOutcome.Stopped { Reason: var reason }:
                return Refused(compression, reason);
            case SandboxOutcome.Unavailable { Reason: var reason }:
                return Refused(compression, reason);
        }

        return await ImageContent.OfFileAsync(path, cancellationToken) is ImageContent.Packed { Compression: var again }
            ? Refused(compression, $"what is inside is compressed by {again.Name} once more")
            : new FetchOutcome.Fetched(path);
    }

    private static FetchOutcome.Refused Refused(Compression compression, string reason) => new($"it is compressed by {compression.Name} and cannot be unpacked: {reason}");

    private static string WordsOf(string error) => string.Join("; ", error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(3));

    private static SandboxJob JobOf(string packed, Compression compression, IReadOnlyList<string> options, int cpuSeconds, TimeSpan bound) => new()
    {
        Program = compression.Program,
        Source = packed,
        Suffix = compression.Suffix,
        Arguments = (source, _) => [.. options, source],
        Memory = Compression.Memory,
        CpuSeconds = cpuSeconds,
        Bound = bound,
    };

    private static async Task<string?> CopyAsync(Stream output, ImageFile file, CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 18];
        try
        {
            while (await output.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) is > 0 and var count)
            {
                if (await file.WriteAsync(buffer.AsMemory(0, count), null, cancellationToken) is { } enough)
                {
                    return enough;
                }
            }

            return null;
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
    }

    private async Task<FetchOutcome.Refused?> RefuseContentAsync(string packed, Compression compression, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        switch (await sandbox.RunAsync(JobOf(packed, compression, options, ListCpuSeconds, ListBound), cancellationToken))
        {
            case SandboxOutcome.Ended { Code: 0, Output: var names }:
                var count = names.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
                return count == 1 ? null : Refused(compression, $"there are {count} files in it, not one");
            case SandboxOutcome.Ended { Code: var code, Error: var error, Output: var output }:
                return Refused(compression, string.Create(CultureInfo.InvariantCulture, $"{compression.Program} ended with {code}: {WordsOf(error.Length > 0 ? error : output)}"));
            case SandboxOutcome.Stopped { Reason: var reason }:
                return Refused(compression, reason);
            case SandboxOutcome.Unavailable { Reason: var reason }:
                return Refused(compression, reason);
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }
}
