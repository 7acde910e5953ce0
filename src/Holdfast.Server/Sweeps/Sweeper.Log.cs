namespace Holdfast.Server.Sweeps;

internal sealed partial class Sweeper
{
    [LoggerMessage(EventId = 2300, Level = LogLevel.Error, Message = "Sweep of {What} failed; it is looked at again")]
    private partial void LogFindFailed(Exception exception, string what);

    [LoggerMessage(EventId = 2301, Level = LogLevel.Error, Message = "Sweep failed; the next one looks again")]
    private partial void LogSweepFailed(Exception exception);
}
