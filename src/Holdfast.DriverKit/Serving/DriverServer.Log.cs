using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit.Serving;

/// <content>Log messages, events 1010-1019.</content>
internal sealed partial class DriverServer
{
    [LoggerMessage(1010, LogLevel.Warning, "User {Uid} (process {Pid}) connected and was turned away: only root and the driver's own user are answered")]
    private partial void LogForeignPeer(uint uid, int pid);
}
