using Holdfast.Server.Store;
using LinqToDB.Data;

namespace Holdfast.Server.Transactions;

/// <summary>The PostgreSQL channel by which nodes wake each other.</summary>
internal static class Notifications
{
    /// <summary>The channel.</summary>
    public const string Channel = "holdfast_wakeup";

    /// <summary>Sends when the transaction commits.</summary>
    public static Task SendAsync(StoreConnection db, IReadOnlyCollection<Guid> topics, CancellationToken cancellationToken) =>
        db.ExecuteAsync(
            "SELECT pg_notify(:channel, topic) FROM unnest(string_to_array(:topics, ',')) AS topic",
            cancellationToken,
            new DataParameter("channel", Channel),
            new DataParameter("topics", string.Join(',', topics.Select(t => t.ToString("D"))), LinqToDB.DataType.Text));
}
