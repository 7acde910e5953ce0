using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Protocol.Host;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Ledger;

/// <summary>
/// The ledger as a SQLite file. A table per kind of row, each row with its key, a line for people who look at it with sqlite3, and its sealed body. A file that
/// is damaged is moved aside and a new one begun; what opens of the old one is offered as salvage.
/// </summary>
internal sealed partial class SqliteLedgerStore : ILedgerStore
{
    private const string FileName = "ledger.db";
    private const string KeyFileName = "ledger.key";
    private const int MostNamed = 20;
    private static readonly string[] TableNames = ["item", "machine", "attachment", "obligation", "task", "binding", "number"];
    private readonly SqliteConnection _connection;
    private readonly RowSeal _seal;
    private Task<WriteOutcome> _write = Task.FromResult<WriteOutcome>(WriteOutcome.Written.Value);

    private SqliteLedgerStore(string path, SqliteConnection connection, RowSeal seal, LedgerDamage? damage)
    {
        Location = path;
        _connection = connection;
        _seal = seal;
        Damage = damage;
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <summary>What was wrong with the file that was found; null when nothing was.</summary>
    public LedgerDamage? Damage { get; }

    /// <summary>Opens the ledger in the agent's data folder.</summary>
    /// <param name="folder">The folder, which exists.</param>
    /// <param name="time">Dates the name of a damaged file.</param>
    /// <param name="log">Where damage is told.</param>
    /// <exception cref="IOException">It cannot be opened now, because the disk is full for instance. It is as it was.</exception>
    public static SqliteLedgerStore Open(string folder, TimeProvider time, ILogger log)
    {
        var path = Path.Combine(folder, FileName);
        var seal = RowSeal.Open(Path.Combine(folder, KeyFileName));
        string reason;
        SqliteConnection? connection = null;
        try
        {
            connection = Connect(path);
            if (Check(connection, seal) is not { } wrong)
            {
                return new SqliteLedgerStore(path, connection, seal, null);
            }

            reason = wrong;
        }
        catch (SqliteException exception) when (SaysNothingAboutTheFile(exception))
        {
            connection?.Dispose();
            seal.Dispose();
            throw new IOException($"The ledger {path} cannot be opened now, and nothing of it was changed: {exception.Message}", exception);
        }
        catch (SqliteException exception)
        {
            reason = exception.Message;
        }

        IReadOnlyList<LedgerChange> salvage = [];
        IReadOnlyList<string> lost = ["all of it"];
        if (connection is not null)
        {
            (salvage, lost) = Salvage(connection, seal);
            connection.Dispose();
        }

        var aside = MoveAside(path, time);
        LogDamaged(log, path, reason, aside, salvage.Count);
        if (lost.Count > 0)
        {
            LogLost(log, aside, Name(lost));
        }

        return new SqliteLedgerStore(path, Connect(path), seal, new LedgerDamage(reason, aside, salvage));
    }

    /// <summary>Reads a ledger that may be in use, or damaged, and leaves it as it is.</summary>
    /// <param name="folder">The agent's data folder.</param>
    public static LedgerGlimpse Peek(string folder)
    {
        var (path, key) = (Path.Combine(folder, FileName), Path.Combine(folder, KeyFileName));
        if (new[] { path, key }.FirstOrDefault(file => !File.Exists(file)) is { } missing)
        {
            return new LedgerGlimpse.Unreadable($"there is no ledger: {missing} is not there");
        }

        try
        {
            using var seal = RowSeal.Existing(key);
            if (seal is null)
            {
                return new LedgerGlimpse.Unreadable($"the ledger {path} cannot be read: {key} holds no key");
            }

            using var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false, DefaultTimeout = 5 }.ToString());
            connection.Open();
            string? damage;
            try
            {
                damage = Check(connection, seal);
            }
            catch (SqliteException broken)
            {
                damage = broken.Message;
            }

            var (rows, lost) = Salvage(connection, seal);
            return new LedgerGlimpse.Read(rows, damage is not null && lost.Count > 0 ? $"{damage}; not readable: {Name(lost)}" : damage);
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            return new LedgerGlimpse.Unreadable($"the ledger {path} cannot be read: {exception.Message}");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<LedgerChange> Load()
    {
        var changes = new List<LedgerChange>();
        foreach (var table in TableNames)
        {
            foreach (var (key, body) in Rows(_connection, table))
            {
                var plain = _seal.TryOpen(Place(table, key), body) ?? throw new InvalidDataException("A row that was checked does not open.");
                try
                {
                    changes.Add(Read(table, key, plain));
                }
                catch (Exception exception) when (IsUnreadable(exception) && ItemOf(table, key) is { } item)
                {
                    // It costs this item alone. An attachment or an obligation is not to be overlooked by an agent that cannot read it.
                    changes.Add(new LedgerChange.SetAsideItem(item.Kind, item.Id, exception.Message));
                }
            }
        }

        return changes;
    }

    /// <inheritdoc/>
    public Task<WriteOutcome> WriteAsync(IReadOnlyList<LedgerChange> changes) =>
        _write = Task.Factory.StartNew(() => Write(changes), CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    /// <summary>Writes, and has its caller wait for the disk: not for the loop.</summary>
    public WriteOutcome Write(IReadOnlyList<LedgerChange> changes)
    {
        try
        {
            using var transaction = _connection.BeginTransaction();
            if (changes.Count == 0)
            {
                // An empty transaction would not touch the disk: this one tells whether it can be written.
                Put(transaction, "number", "probe", "probe", "0"u8.ToArray());
            }

            foreach (var change in changes)
            {
                Write(transaction, change);
            }

            transaction.Commit();
            return WriteOutcome.Written.Value;
        }
        catch (SqliteException exception)
        {
            return new WriteOutcome.Unwritable(exception.Message);
        }
        catch (IOException exception)
        {
            return new WriteOutcome.Unwritable(exception.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_write.IsCompleted)
        {
            // The agent ends while the disk hangs. To close the file would be to wait for the disk as well; the process takes both with it.
            return;
        }

        _connection.Dispose();
        _seal.Dispose();
    }

    private static SqliteConnection Connect(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 5 }.ToString());
        try
        {
            connection.Open();
            Run(connection, "PRAGMA journal_mode=WAL");
            Run(connection, "PRAGMA synchronous=FULL");
            foreach (var table in TableNames)
            {
                Run(connection, $"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, note TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID");
            }

            return connection;
        }
        catch (SqliteException)
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether an error is the disk's or the moment's. A full disk lets no helper file be made beside a ledger that is whole; to set that ledger aside would be to forget
    /// all that is in it. What cannot be read is damage, whatever the reason.
    /// </summary>
    private static bool SaysNothingAboutTheFile(SqliteException exception)
    {
        const int busy = 5, locked = 6, noMemory = 7, readOnly = 8, inputOutput = 10, full = 13, cannotOpen = 14;
        const int unreadable = inputOutput | (1 << 8), cutShort = inputOutput | (2 << 8), checksum = inputOutput | (32 << 8), fileSystem = inputOutput | (33 << 8);
        return exception.SqliteErrorCode is busy or locked or noMemory or readOnly or full or cannotOpen
            || (exception.SqliteErrorCode == inputOutput && exception.SqliteExtendedErrorCode is not (unreadable or cutShort or checksum or fileSystem));
    }

    private static string? Check(SqliteConnection connection, RowSeal seal)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check(1)";
        if (command.ExecuteScalar() as string is var verdict && verdict != "ok")
        {
            return verdict ?? "the integrity check gave no answer";
        }

        foreach (var table in TableNames)
        {
            foreach (var (key, body) in Rows(connection, table))
            {
                if (seal.TryOpen(Place(table, key), body) is null)
                {
                    return $"row {table}/{key} is not what was written there";
                }
            }
        }

        return null;
    }

    /// <summary>All rows that are what was written once, and the names of those that are not. A page that cannot be read hides its own rows only: the table is read from its other end, too.</summary>
    private static (IReadOnlyList<LedgerChange> Rows, IReadOnlyList<string> Lost) Salvage(SqliteConnection connection, RowSeal seal)
    {
        var (found, lost) = (new List<LedgerChange>(), new List<string>());
        foreach (var table in TableNames)
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            if (ReadOn("ASC") is { } hidden && ReadOn("DESC") is not null)
            {
                lost.Add($"rows of table {table} on pages that cannot be read ({hidden})");
            }

            string? ReadOn(string direction)
            {
                try
                {
                    foreach (var (key, body) in Rows(connection, table, direction).TakeWhile(row => seen.Add(row.Key)))
                    {
                        if (Restored(table, key, body) is { } row)
                        {
                            found.Add(row);
                        }
                        else
                        {
                            lost.Add($"row {table}/{key}");
                        }
                    }

                    return null;
                }
                catch (SqliteException unreadable)
                {
                    return unreadable.Message;
                }
            }
        }

        return (found, lost);

        LedgerChange? Restored(string table, string key, byte[] body)
        {
            try
            {
                return seal.TryOpen(Place(table, key), body) is { } plain ? Read(table, key, plain) : null;
            }
            catch (Exception exception) when (IsUnreadable(exception))
            {
                return null;
            }
        }
    }

    private static string Name(IReadOnlyList<string> lost) =>
        string.Join(", ", lost.Take(MostNamed)) + (lost.Count > MostNamed ? $" and {lost.Count - MostNamed} more" : "");

    private static string MoveAside(string path, TimeProvider time)
    {
        var aside = $"{path}.damaged-{time.GetUtcNow().ToString("yyyyMMddTHHmmssfff", CultureInfo.InvariantCulture)}";
        foreach (var suffix in new[] { "", "-wal", "-shm" })
        {
            if (File.Exists(path + suffix))
            {
                File.Move(path + suffix, aside + suffix, overwrite: true);
            }
        }

        return aside;
    }

    private static IEnumerable<(string Key, byte[] Body)> Rows(SqliteConnection connection, string table, string direction = "ASC")
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT key, body FROM {table} ORDER BY key {direction}";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return (reader.GetString(0), reader.GetFieldValue<byte[]>(1));
        }
    }

    private static string Place(string table, string key) => $"{table}/{key}";

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static LedgerChange Read(string table, string key, byte[] plain) => table switch
    {
        "item" => new LedgerChange.PutItem(Parse(plain, LedgerJson.Default.ItemRow)),
        "machine" => new LedgerChange.PutMachine(Parse(plain, LedgerJson.Default.MachineRow)),
        "attachment" => new LedgerChange.PutAttachment(Parse(plain, LedgerJson.Default.AttachmentRow)),
        "obligation" => new LedgerChange.PutObligation(Parse(plain, LedgerJson.Default.ObligationRow)),
        "task" => new LedgerChange.PutTask(Parse(plain, LedgerJson.Default.TaskRow)),
        "binding" => new LedgerChange.PutBinding(Parse(plain, LedgerJson.Default.BindingRow)),
        _ => new LedgerChange.SetNumber(
            Enum.TryParse<LedgerNumber>(key, out var number) ? number : (LedgerNumber)(-1),
            long.Parse(System.Text.Encoding.UTF8.GetString(plain), CultureInfo.InvariantCulture)),
    };

    private static T Parse<T>(byte[] plain, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(plain, type) ?? throw new InvalidDataException("A row is empty.");

    private static bool IsUnreadable(Exception exception) => exception is JsonException or NotSupportedException or InvalidDataException or FormatException;

    private static (ItemKind Kind, Guid Id)? ItemOf(string table, string key) =>
        table == "item" && key.Split('/') is [var kind, var id] && Enum.TryParse<ItemKind>(kind, out var known) && Guid.TryParse(id, out var named) ? (known, named) : null;

    private static string KeyOf(ItemKind kind, Guid id) => $"{kind}/{id:D}";

    private static string KeyOf(AttachmentKey key) => $"{key.Volume}/{key.Owner:D}/{key.Mode}";

    private void Write(SqliteTransaction transaction, LedgerChange change)
    {
        switch (change)
        {
            case LedgerChange.PutItem { Row: var row }:
                Put(transaction, "item", KeyOf(row.Item.Kind, row.Item.Id), $"{row.Item.Desired} generation {row.Item.Generation}", row, LedgerJson.Default.ItemRow);
                break;
            case LedgerChange.DropItem drop:
                Drop(transaction, "item", KeyOf(drop.Kind, drop.Id));
                break;
            case LedgerChange.PutMachine { Row: var row }:
                Put(transaction, "machine", row.Machine.ToString(), $"{row.State} generation {row.Generation}", row, LedgerJson.Default.MachineRow);
                break;
            case LedgerChange.PutAttachment { Row: var row }:
                Put(transaction, "attachment", KeyOf(row.Key), $"{row.State} pool {row.PoolName} backend {row.BackendName}", row, LedgerJson.Default.AttachmentRow);
                break;
            case LedgerChange.DropAttachment drop:
                Drop(transaction, "attachment", KeyOf(drop.Key));
                break;
            case LedgerChange.PutObligation { Row: var row }:
                Put(transaction, "obligation", row.Id.ToString(), $"{row.Kind} {row.State} pool {row.PoolName} volume {row.Volume}", row, LedgerJson.Default.ObligationRow);
                break;
            case LedgerChange.DropObligation drop:
                Drop(transaction, "obligation", drop.Id.ToString());
                break;
            case LedgerChange.PutTask { Row: var row }:
                Put(transaction, "task", row.Task.ToString(), $"{row.State} generation {row.Generation}", row, LedgerJson.Default.TaskRow);
                break;
            case LedgerChange.DropTask drop:
                Drop(transaction, "task", drop.Id.ToString());
                break;
            case LedgerChange.PutBinding { Row: var row }:
                Put(transaction, "binding", row.Pool.ToString(), row.Unload, row, LedgerJson.Default.BindingRow);
                break;
            case LedgerChange.DropBinding drop:
                Drop(transaction, "binding", drop.Pool.ToString());
                break;
            case LedgerChange.SetNumber set:
                var text = set.Value.ToString(CultureInfo.InvariantCulture);
                Put(transaction, "number", set.Number.ToString(), text, System.Text.Encoding.UTF8.GetBytes(text));
                break;
            default:
                throw new InvalidOperationException($"Unknown change {change.GetType().Name}.");
        }
    }

    private void Put<T>(SqliteTransaction transaction, string table, string key, string note, T row, JsonTypeInfo<T> type) =>
        Put(transaction, table, key, note, JsonSerializer.SerializeToUtf8Bytes(row, type));

    private void Put(SqliteTransaction transaction, string table, string key, string note, byte[] plain)
    {
        using var command = _connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"INSERT INTO {table} (key, note, body) VALUES ($key, $note, $body) ON CONFLICT (key) DO UPDATE SET note = excluded.note, body = excluded.body";
        command.Parameters.AddWithValue("$key", key);
        command.Parameters.AddWithValue("$note", note);
        command.Parameters.AddWithValue("$body", _seal.Seal(Place(table, key), plain));
        command.ExecuteNonQuery();
    }

    private void Drop(SqliteTransaction transaction, string table, string key)
    {
        using var command = _connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"DELETE FROM {table} WHERE key = $key";
        command.Parameters.AddWithValue("$key", key);
        command.ExecuteNonQuery();
    }

    [LoggerMessage(EventId = 1103, Level = LogLevel.Critical,
        Message = "The ledger {Path} is damaged ({Reason}). It was moved to {Aside} and a new one begun; {Salvaged} rows could be read. No guest is touched: what runs is learnt from libvirt, the rest from the server")]
    private static partial void LogDamaged(ILogger logger, string path, string reason, string aside, int salvaged);

    [LoggerMessage(EventId = 1104, Level = LogLevel.Error, Message = "Of the damaged ledger, now {Aside}, this could not be read: {Lost}")]
    private static partial void LogLost(ILogger logger, string aside, string lost);
}

/// <summary>A ledger file that could not be used.</summary>
/// <param name="Reason">What was wrong.</param>
/// <param name="MovedTo">Where the file is now.</param>
/// <param name="Salvage">Rows of it that are certainly what was written once, though perhaps not the newest.</param>
internal sealed record LedgerDamage(string Reason, string MovedTo, IReadOnlyList<LedgerChange> Salvage);
