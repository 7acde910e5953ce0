using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit.Serving;

/// <content>Log messages, events 1000-1099.</content>
internal sealed partial class DriverEndpoints
{
    [LoggerMessage(1000, LogLevel.Information, "Storage pool '{PoolName}': {Doing} is done (call {CallId}, {Milliseconds} ms)")]
    private partial void LogDone(string poolName, string doing, string callId, double milliseconds);

    [LoggerMessage(1001, LogLevel.Warning, "Storage pool '{PoolName}': {Doing} failed (call {CallId}, {Milliseconds} ms): {Code}: {Reason} ({Backend})")]
    private partial void LogFailed(
        string poolName,
        string doing,
        string callId,
        double milliseconds,
        DriverErrorCode code,
        string reason,
        string? backend);

    [LoggerMessage(1002, LogLevel.Warning, "Storage pool '{PoolName}': {Doing} came back after its deadline (call {CallId}, {Milliseconds} ms, {Result}); its worker is free again")]
    private partial void LogCameBack(string poolName, string doing, string callId, double milliseconds, string result);

    [LoggerMessage(1003, LogLevel.Error, "Storage pool '{PoolName}': {Doing} failed inside the driver (call {CallId})")]
    private partial void LogBug(string poolName, string doing, string callId, Exception bug);
}
