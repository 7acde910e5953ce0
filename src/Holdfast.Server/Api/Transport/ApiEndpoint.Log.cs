namespace Holdfast.Server.Api.Transport;

internal sealed partial class ApiEndpoint
{
    [LoggerMessage(2001, LogLevel.Debug, "API {Command} answered {Status} to {UserName} ({UserId}) in {Milliseconds:F1} ms")]
    private partial void LogAnswered(string command, int status, string? userName, Guid? userId, double milliseconds);

    [LoggerMessage(2002, LogLevel.Warning, "API {Command} failed with {Status} ({Text}) for {UserName} ({UserId}) in {Milliseconds:F1} ms")]
    private partial void LogFailed(string command, int status, string text, string? userName, Guid? userId, double milliseconds);

    [LoggerMessage(2003, LogLevel.Error, "API {Command} threw for {UserName} ({UserId}); this is a bug")]
    private partial void LogBroken(Exception exception, string command, string? userName, Guid? userId);
}
