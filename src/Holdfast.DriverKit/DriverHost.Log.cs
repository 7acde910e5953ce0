using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit;

/// <content>Log messages, events 1200-1299.</content>
public static partial class DriverHost
{
    [LoggerMessage(1200, LogLevel.Information, "Driver {Driver} {Version} serves storage pool '{PoolName}', generation {Generation}, as process {Pid} on {Socket}")]
    private static partial void LogReady(ILogger log, string driver, string version, string poolName, long generation, int pid, string socket);

    [LoggerMessage(1201, LogLevel.Information, "Driver {Driver} of storage pool '{PoolName}', generation {Generation}, process {Pid}, ends because of {Reason}")]
    private static partial void LogEnding(ILogger log, string driver, string poolName, long generation, int pid, string reason);

    [LoggerMessage(1202, LogLevel.Error, "Driver {Driver} failed to start")]
    private static partial void LogCreateFailed(ILogger log, string driver, Exception bug);
}
