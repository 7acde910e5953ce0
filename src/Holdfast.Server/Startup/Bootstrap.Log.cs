namespace Holdfast.Server.Startup;

internal sealed partial class Bootstrap
{
    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "New installation: made domain ROOT, user {UserName}, zone1, pod1, cluster1")]
    private partial void LogBootstrapped(string userName);
}
