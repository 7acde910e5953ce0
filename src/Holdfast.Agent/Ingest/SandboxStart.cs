using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Ingest;

/// <summary>What an agent does about its sandbox before anything else asks for it.</summary>
internal static partial class SandboxStart
{
    /// <summary>Ends what an earlier agent left running in it, and says what kind of sandbox there is.</summary>
    public static async Task PrepareAsync(ImageSandbox sandbox, SandboxMode mode, ILogger log, CancellationToken cancellationToken)
    {
        if (await sandbox.EndLeftOversAsync() is { Count: > 0 } stuck)
        {
            LogStuck(log, string.Join(", ", stuck));
        }

        if (mode == SandboxMode.Limits)
        {
            LogLimits(log);
        }
        else if (await sandbox.WhyNotAsync(cancellationToken) is { } reason)
        {
            LogNone(log, reason);
        }
    }

    [LoggerMessage(EventId = 1720, Level = LogLevel.Warning, Message = "Processes {Processes} of an earlier agent's import of an image do not end: they wait in the kernel for storage")]
    private static partial void LogStuck(ILogger log, string processes);

    [LoggerMessage(EventId = 1721, Level = LogLevel.Warning,
        Message = "Images are read in no sandbox, as --image-sandbox limits says: by limits on memory, time and rights alone, with this host's files in sight")]
    private static partial void LogLimits(ILogger log);

    [LoggerMessage(EventId = 1722, Level = LogLevel.Error, Message = "No image will be brought to this host and no volume copied by it: {Reason}")]
    private static partial void LogNone(ILogger log, string reason);
}
