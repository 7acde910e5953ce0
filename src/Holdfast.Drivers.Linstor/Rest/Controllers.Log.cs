using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor.Rest;

internal sealed partial class Controllers
{
    [LoggerMessage(3101, LogLevel.Information, "LINSTOR controller {Controller} answers (LINSTOR {Software}, REST {Rest}).")]
    private partial void LogFound(string controller, string software, string rest);

    [LoggerMessage(3102, LogLevel.Warning, "LINSTOR controller {Controller} is lost at {Request}: {Reason}. The next request looks for the active one again.")]
    private partial void LogLost(string controller, string request, string reason);

    [LoggerMessage(3103, LogLevel.Information, "LINSTOR controller {Configured} redirects to {Target}, which is used from now on.")]
    private partial void LogRedirect(string configured, string target);
}
