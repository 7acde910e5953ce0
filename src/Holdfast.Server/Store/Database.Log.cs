namespace Holdfast.Server.Store;

internal sealed partial class Database
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Debug, Message = "Database migration: {Message}")]
    private partial void LogMigration(string message);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Debug, Message = "Transaction collided (attempt {Attempt}, SQLSTATE {SqlState}); running it again")]
    private partial void LogCollision(int attempt, string? sqlState);
}
