namespace Holdfast.Server.Api.Authentication;

internal sealed partial class Sessions
{
    [LoggerMessage(2005, LogLevel.Information, "A login as {UserName} ({UserId}) from {Address} was refused")]
    private partial void LogRefused(string userName, Guid? userId, string address);
}
