namespace Holdfast.Server.Security;

internal sealed partial class ApiCertificate
{
    [LoggerMessage(EventId = 2020, Level = LogLevel.Information, Message = "The API shows the certificate {Subject} for {Names} from now on; it ends at {Ends:u}")]
    private partial void LogUsed(string subject, string names, DateTime ends);

    [LoggerMessage(EventId = 2021, Level = LogLevel.Warning, Message = "The API's new certificate cannot be used, the one before stays in place until it ends at {Ends:u}: {Why}")]
    private partial void LogUnusable(string why, DateTime ends);

    [LoggerMessage(EventId = 2022, Level = LogLevel.Warning, Message = "The API's certificate ends at {Ends:u}; put a newer one into {File}, it is read without a restart")]
    private partial void LogEnds(DateTime ends, string file);
}
