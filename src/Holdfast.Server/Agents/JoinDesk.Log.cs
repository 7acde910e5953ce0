using Holdfast.Core.Ids;

namespace Holdfast.Server.Agents;

internal sealed partial class JoinDesk
{
    [LoggerMessage(EventId = 2200, Level = LogLevel.Information, Message = "Host {HostName} ({HostId}) joined with installation {IncarnationId}")]
    private partial void LogJoined(string hostName, HostId hostId, IncarnationId incarnationId);

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "Host {HostName} was not taken in: {Reason}")]
    private partial void LogRefused(string hostName, string reason);
}
