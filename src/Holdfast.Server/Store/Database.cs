using System.Data;
using System.Data.Common;
using EvolveDb;
using Holdfast.Core.Failpoints;
using LinqToDB;
using LinqToDB.Data;
using LinqToDB.DataProvider;
using LinqToDB.DataProvider.PostgreSQL;
using LinqToDB.DataProvider.SQLite;
using LinqToDB.Interceptors;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Holdfast.Server.Store;

/// <summary>
/// The only truth of the server. Reads see a consistent snapshot; writes are serialisable: on SQLite one at a time, on PostgreSQL by SERIALIZABLE
/// transactions that are run again when they collide. The work given to <see cref="WriteAsync{T}"/> may therefore run more than once and must have no effect
/// outside its connection; what must happen once goes to <see cref="StoreConnection.AfterCommit"/>. Safe for any thread.
/// </summary>
internal sealed partial class Database : IAsyncDisposable
{
    private const int MaxAttempts = 20;
    private const int MaxTaken = 2;

    private readonly DatabaseOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger<Database> _logger;
    private readonly FailpointSet _failpoints;
    private readonly NpgsqlDataSource? _postgres;
    private readonly string? _sqlite;
    private readonly DataOptions _dataOptions;

    // SQLite has one writer; queueing here is fair and never ends in SQLITE_BUSY.
    private readonly WriterTurn _writer = new();

    /// <summary>Makes the access; does not connect.</summary>
    /// <param name="options">Which database.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Spreads what is run again.</param>
    /// <param name="logger">The log.</param>
    /// <param name="failpoints">Off when null.</param>
    /// <param name="interceptors">See every statement; none but in tests.</param>
    public Database(
        DatabaseOptions options,
        TimeProvider time,
        Random random,
        ILogger<Database> logger,
        FailpointSet? failpoints = null,
        IEnumerable<IInterceptor>? interceptors = null)
    {
        _failpoints = failpoints ?? FailpointSet.None;
        _options = options;
        _time = time;
        _random = random;
        _logger = logger;
        switch (options)
        {
            case DatabaseOptions.Sqlite sqlite:
                _sqlite = new SqliteConnectionStringBuilder
                {
                    DataSource = sqlite.Path,
                    Pooling = true,
                    ForeignKeys = false,
                    DefaultTimeout = 30,
                }.ToString();
                _dataOptions = OptionsOf(SQLiteTools.GetDataProvider(SQLiteProvider.Microsoft));
                break;
            case DatabaseOptions.PostgreSql postgres:
                _postgres = NpgsqlDataSource.Create(postgres.ConnectionString);
                _dataOptions = OptionsOf(PostgreSQLTools.GetDataProvider(PostgreSQLVersion.v15));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(options));
        }

        foreach (var interceptor in interceptors ?? [])
        {
            _dataOptions = _dataOptions.UseInterceptor(interceptor);
        }
    }

    /// <summary>Whether several server nodes may share this database.</summary>
    public bool IsShared => _postgres is not null;

    /// <summary>The PostgreSQL source, for LISTEN on a connection of its own; null on SQLite.</summary>
    public NpgsqlDataSource? Postgres => _postgres;

    /// <summary>Brings the schema up to date. Idempotent; two nodes at once are kept apart by the migrator's own lock.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        var evolve = new Evolve(connection, message => LogMigration(message))
        {
            EmbeddedResourceAssemblies = [typeof(Database).Assembly],
            EmbeddedResourceFilters = ["Holdfast.Server.Store.Migrations"],
            IsEraseDisabled = true,
        };
        evolve.Migrate();
    }

    /// <summary>
    /// The time that rows are written and judged by: on PostgreSQL the database's own, because the clocks of several nodes need not agree; on SQLite, which has one
    /// node, that node's.
    /// </summary>
    /// <param name="db">The transaction; on PostgreSQL the time is that of its beginning.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<DateTimeOffset> NowAsync(StoreConnection db, CancellationToken cancellationToken) => IsShared
        ? DateTimeOffset.FromUnixTimeMilliseconds(await db.ExecuteAsync<long>("SELECT (extract(epoch FROM now()) * 1000)::bigint", cancellationToken))
        : DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Reads in one snapshot.</summary>
    public async Task<T> ReadAsync<T>(Func<StoreConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var db = await ConnectAsync(cancellationToken);
        await using var transaction = _postgres is null
            ? await BeginDeferredAsync(db)
            : await db.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var result = await work(db, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    /// <summary>Writes in one serialisable transaction.</summary>
    /// <param name="work">May run more than once.</param>
    /// <param name="cancellationToken">Ends the wait and the work; nothing is kept then.</param>
    public async Task<T> WriteAsync<T>(Func<StoreConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        if (_postgres is null)
        {
            await _writer.EnterAsync(cancellationToken);
            try
            {
                return await WriteOnceAsync(work, cancellationToken);
            }
            finally
            {
                _writer.Leave();
            }
        }

        // By hand, not by Polly: a collision may come many times and a taken key only twice, which would have to travel in the context of each call.
        var taken = 0;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WriteOnceAsync(work, cancellationToken);
            }
            catch (DbException e) when (attempt < MaxAttempts && (IsCollision(e) || (IsTaken(e) && taken < MaxTaken)))
            {
                taken += IsTaken(e) ? 1 : 0;
                LogCollision(attempt, e.SqlState);
                int pause;
                lock (_random)
                {
                    pause = _random.Next(1, 10 * Math.Min(attempt, 10));
                }

                await Task.Delay(TimeSpan.FromMilliseconds(pause), _time, cancellationToken);
            }
        }
    }

    /// <summary>Writes in one serialisable transaction.</summary>
    public Task WriteAsync(Func<StoreConnection, CancellationToken, Task> work, CancellationToken cancellationToken) =>
        WriteAsync(
            async (db, ct) =>
            {
                await work(db, ct);
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
        else
        {
            await using var connection = new SqliteConnection(_sqlite);
            SqliteConnection.ClearPool(connection);
        }
    }

    private static bool IsCollision(DbException e) =>
        e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    /// <summary>A key that another transaction wrote meanwhile. Its row is there for the next attempt to find; whoever writes it all the same has a bug, which no attempt mends.</summary>
    private static bool IsTaken(DbException e) => e.SqlState is PostgresErrorCodes.UniqueViolation;

    private static async Task<DataConnectionTransaction> BeginDeferredAsync(StoreConnection db)
    {
        await Task.CompletedTask;
        return await db.BeginTransactionAsync(IsolationLevel.ReadUncommitted);
    }

    private async Task<T> WriteOnceAsync<T>(Func<StoreConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var db = await ConnectAsync(cancellationToken);
        T result;
        await using (var transaction = await db.BeginTransactionAsync(IsolationLevel.Serializable, cancellationToken))
        {
            result = await work(db, cancellationToken);
            await _failpoints.PassAsync(Failpoint.ServerBeforeCommit, cancellationToken);
            if (db.IsStep)
            {
                await _failpoints.PassAsync(Failpoint.ServerBeforeStep, cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
        }

        await _failpoints.PassAsync(Failpoint.ServerCommitted, CancellationToken.None);
        if (db.IsStep)
        {
            await _failpoints.PassAsync(Failpoint.ServerStepDone, CancellationToken.None);
        }

        db.RunAfterCommit();
        return result;
    }

    private static DataOptions OptionsOf(IDataProvider provider) =>
        new DataOptions().UseMappingSchema(StoreMapping.Schema).UseConnectionFactory(provider, static options => options.Find<OpenConnection>()!.Connection!);

    private async Task<StoreConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = await OpenAsync(cancellationToken);
        return new StoreConnection(_dataOptions.WithOptions<OpenConnection>(option => option with { Connection = connection }));
    }

    private async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        if (_postgres is not null)
        {
            return await _postgres.OpenConnectionAsync(cancellationToken);
        }

        var connection = new SqliteConnection(_sqlite);
        await connection.OpenAsync(cancellationToken);
        await using var pragmas = connection.CreateCommand();
        // FULL: a committed intent must survive a power cut, because hosts act on it.
        pragmas.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;";
        await pragmas.ExecuteNonQueryAsync(cancellationToken);
        return connection;
    }
}
