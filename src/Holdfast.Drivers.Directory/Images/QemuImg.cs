using System.Globalization;
using System.Text.Json;
using Holdfast.DriverKit;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory.Images;

/// <summary>Runs <c>qemu-img</c>. Formats are always said, never probed. Each call ends with null when it worked, or with the error of its failure.</summary>
internal sealed class QemuImg
{
    private const string Program = "qemu-img";
    private readonly IProcessRunner _processes;
    private readonly BackendCallCounter _calls;
    private readonly string _pool;

    internal QemuImg(IProcessRunner processes, BackendCallCounter calls, string pool)
    {
        _processes = processes;
        _calls = calls;
        _pool = pool;
    }

    /// <summary>Makes an empty image.</summary>
    internal async Task<DriverError?> CreateAsync(string image, ImageFormat format, long size, CancellationToken cancellationToken) =>
        ErrorOf(await RunAsync(["create", "-q", "-f", NameOf(format), image, Number(size)], cancellationToken));

    /// <summary>Makes an image that stands on another one of the same folder.</summary>
    internal async Task<DriverError?> CreateOnAsync(string image, string backingName, ImageFormat backingFormat, long size, CancellationToken cancellationToken) =>
        ErrorOf(await RunAsync(["create", "-q", "-f", "qcow2", "-b", backingName, "-F", NameOf(backingFormat), image, Number(size)], cancellationToken));

    /// <summary>Copies an image, or one of its snapshots, into a new one that stands alone.</summary>
    internal async Task<DriverError?> CopyAsync(
        string source,
        ImageFormat sourceFormat,
        string? snapshot,
        string target,
        ImageFormat format,
        CancellationToken cancellationToken)
    {
        List<string> arguments = ["convert", "-q", "-f", NameOf(sourceFormat), "-O", NameOf(format)];
        if (snapshot is not null)
        {
            arguments.AddRange(["-l", $"snapshot.name={snapshot}"]);
        }

        arguments.AddRange([source, target]);
        return ErrorOf(await RunAsync(arguments, cancellationToken));
    }

    /// <summary>Grows an image that nobody has open.</summary>
    internal async Task<DriverError?> ResizeAsync(string image, ImageFormat format, long size, CancellationToken cancellationToken) =>
        ErrorOf(await RunAsync(["resize", "-q", "-f", NameOf(format), image, Number(size)], cancellationToken));

    /// <summary>Names of the snapshots inside an image.</summary>
    internal async Task<DriverResult<IReadOnlyList<string>>> SnapshotsAsync(string image, CancellationToken cancellationToken)
    {
        var outcome = await RunAsync(["info", "-U", "-f", "qcow2", "--output=json", image], cancellationToken);
        if (ErrorOf(outcome) is { } error)
        {
            return error;
        }

        try
        {
            using var info = JsonDocument.Parse(((ProcessOutcome.Exited)outcome).Output);
            return info.RootElement.TryGetProperty("snapshots", out var snapshots)
                ? (string[])[.. snapshots.EnumerateArray().Select(static snapshot => snapshot.GetProperty("name").GetString() ?? string.Empty)]
                : (string[])[];
        }
        catch (Exception garbage) when (garbage is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img info of '{image}' answered something else.", garbage.Message);
        }
    }

    /// <summary>Takes a snapshot inside an image that nobody has open.</summary>
    internal async Task<DriverError?> SnapshotAsync(string image, string name, CancellationToken cancellationToken) =>
        ErrorOf(await RunAsync(["snapshot", "-q", "-c", name, image], cancellationToken));

    /// <summary>Removes a snapshot inside an image that nobody has open.</summary>
    internal async Task<DriverError?> DeleteSnapshotAsync(string image, string name, CancellationToken cancellationToken) =>
        ErrorOf(await RunAsync(["snapshot", "-q", "-d", name, image], cancellationToken));

    /// <summary>Puts an image that nobody has open back to a snapshot inside it.</summary>
    internal async Task<DriverError?> RevertAsync(string image, string name, CancellationToken cancellationToken) =>
        ErrorOf(await RunAsync(["snapshot", "-q", "-a", name, image], cancellationToken));

    /// <summary>qemu's name of a format.</summary>
    /// <param name="format">The format.</param>
    /// <returns>The name.</returns>
    internal static string NameOf(ImageFormat format) => format == ImageFormat.Raw ? "raw" : "qcow2";

    private static string Number(long size) => size.ToString(CultureInfo.InvariantCulture);

    private Task<ProcessOutcome> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        _calls.Count($"{Program} {arguments[0]}");
        return _processes.RunAsync(Program, arguments, cancellationToken);
    }

    private DriverError? ErrorOf(ProcessOutcome outcome) => outcome switch
    {
        ProcessOutcome.Exited { ExitCode: 0 } => null,
        ProcessOutcome.Exited failed => Classify(failed.Error.Trim()),
        ProcessOutcome.Killed { Gone: true } => DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img did not finish in time and was ended."),
        ProcessOutcome.Killed => DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img did not finish in time and cannot be ended; the pool's file system hangs."),
        ProcessOutcome.NotStarted none => DriverFailure.Unreachable($"Storage pool '{_pool}': qemu-img could not be started.", none.Reason),
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };

    private DriverError Classify(string words)
    {
        if (Has("No space left on device") || Has("Disk quota exceeded"))
        {
            return DriverFailure.Capacity($"Storage pool '{_pool}' is full.", words);
        }

        if (Has("lock"))
        {
            return DriverFailure.Busy($"Storage pool '{_pool}': the image is in use.", words);
        }

        return DriverFailure.Unknown($"Storage pool '{_pool}': qemu-img failed.", words.Length > 0 ? words : "no words");

        bool Has(string part) => words.Contains(part, StringComparison.Ordinal);
    }
}
