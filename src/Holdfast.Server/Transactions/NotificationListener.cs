using Holdfast.Server.Store;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Holdfast.Server.Transactions;

/// <summary>Hears other nodes on PostgreSQL, on a connection of its own. After a break everybody is woken: what was missed is unknown.</summary>
internal sealed partial class NotificationListener : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private readonly Database _database;
    private readonly WakeupHub _wakeups;
    private readonly TimeProvider _time;
    private readonly ILogger<NotificationListener> _logger;

    /// <summary>Made once per node.</summary>
    public NotificationListener(Database database, WakeupHub wakeups, TimeProvider time, ILogger<NotificationListener> logger)
    {
        _database = database;
        _wakeups = wakeups;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (_database.Postgres is { } source && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(source, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogBroken(e);
                await Task.Delay(Pause, _time, stoppingToken);
            }
        }
    }

    private async Task ListenAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        connection.Notification += (_, notification) =>
        {
            if (Guid.TryParse(notification.Payload, out var topic))
            {
                _wakeups.Signal(topic);
            }
        };
        await using (var listen = new NpgsqlCommand($"LISTEN {Notifications.Channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(cancellationToken);
        }

        _wakeups.SignalAll();
        while (true)
        {
            await connection.WaitAsync(cancellationToken);
        }
    }

    [LoggerMessage(EventId = 2310, Level = LogLevel.Warning, Message = "Notifications are not heard; hosts are looked at by poll until they are")]
    private partial void LogBroken(Exception exception);
}
