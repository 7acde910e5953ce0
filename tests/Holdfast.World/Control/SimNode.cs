using Holdfast.Core.Failpoints;
using Holdfast.Server.Agents;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Transactions;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;
using LinqToDB.Async;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Holdfast.Worlds.Control;

/// <summary>The server: its real code on its real schema in SQLite, without sockets. Killed at any instant and started again on the same database.</summary>
internal sealed class SimNode
{
    private readonly Simulator _simulator;
    private readonly Recorder _recorder;
    private readonly ILoggerFactory _logs;
    private readonly Action<IServiceCollection>? _configure;
    private readonly string _folder = Installation.Take();
    private readonly List<Action> _onEnd = [];
    private readonly SeededIds _ids = new(0x5e);
    private readonly Lazy<Caller> _admin;
    private ServiceProvider? _services;
    private CancellationTokenSource _stopping = new();
    private SimProcess _process;

    public SimNode(Simulator simulator, Recorder recorder, ILoggerFactory logs, Action<IServiceCollection>? configure)
    {
        (_simulator, _recorder, _logs, _configure) = (simulator, recorder, logs, configure);
        _process = new SimProcess(simulator, "server");
        Failpoints = new FailpointSet(
            point =>
            {
                // The code that passed it is still on the stack: what it holds must outlive it.
                End($"kill -9 at {point.Name}", dispose => simulator.After(TimeSpan.Zero, dispose));
                throw new ProcessKilledException(point.Name);
            },
            simulator.Time);
        _admin = new Lazy<Caller>(() => Read(async db =>
        {
            var user = await db.Users.FirstAsync();
            var account = await db.Accounts.FirstAsync();
            return new Caller(user.Id, user.Username, account.Id, account.DomainId, IsRootAdmin: true);
        }));
    }

    /// <summary>The failpoints of the server, whichever process of it runs.</summary>
    public FailpointSet Failpoints { get; }

    public bool IsUp => _services is not null;

    /// <summary>Since when it has been serving, in virtual time; null while it is down or frozen.</summary>
    public TimeSpan? UpSince { get; private set; }

    public HostWatch Watch => Service<HostWatch>();

    public HostReports Reports => Service<HostReports>();

    public GuestDesk Guests => Service<GuestDesk>();

    /// <summary>The root administrator.</summary>
    public Caller Admin => _admin.Value;

    public T Service<T>()
        where T : notnull => _services is null ? throw new InvalidOperationException("The server is down.") : _services.GetRequiredService<T>();

    public void Start()
    {
        // What was armed was meant for the process before.
        Failpoints.Disarm();
        _services = Installation.Compose(_folder, _simulator.Time, _ids, _simulator.Random, _logs, services =>
        {
            services.AddSingleton(Failpoints);
            _configure?.Invoke(services);
        });
        Now.Run(() => Service<Authority>().OpenAsync(["localhost"], CancellationToken.None));
        _process = new SimProcess(_simulator, "server");
        _stopping = new CancellationTokenSource();
        UpSince = _simulator.Now;
        _recorder.Add(new HistoryEntry.ServerStarted());
        var (sweeper, stopping) = (Service<Sweeper>(), _stopping.Token);
        _process.Spawn(() => sweeper.RunAsync(stopping));
    }

    /// <summary>kill -9.</summary>
    public void Kill(string how) => End(how, static dispose => dispose());

    private void End(string how, Action<Action> soon)
    {
        if (_services is null)
        {
            return;
        }

        _process.Kill();
        UpSince = null;
        var services = _services;
        _services = null;
        _recorder.Add(new HistoryEntry.ServerEnded(how));
        foreach (var action in _onEnd.ToList())
        {
            action();
        }

        _onEnd.Clear();
        soon(() => Now.Run(async () => await services.DisposeAsync()));
    }

    public void Freeze()
    {
        _process.Freeze();
        UpSince = null;
        _recorder.Add(new HistoryEntry.Fault("server: SIGSTOP", Begins: true));
    }

    public void Thaw()
    {
        _recorder.Add(new HistoryEntry.Fault("server: SIGSTOP", Begins: false));
        _process.Thaw();
        UpSince = _services is null ? null : _simulator.Now;
    }

    /// <summary>A request has arrived. A frozen server takes it and answers later; a dead one refuses.</summary>
    public void Accept(Action refused, Func<Task> serve)
    {
        if (_services is null)
        {
            refused();
        }
        else
        {
            _process.Spawn(serve);
        }
    }

    /// <summary>Has something done when the process ends, until disposed.</summary>
    public IDisposable OnEnd(Action action)
    {
        _onEnd.Add(action);
        return new Registration(this, action);
    }

    /// <summary>Looks into the database, as it is committed.</summary>
    public T Read<T>(Func<StoreConnection, Task<T>> read)
    {
        if (_services is not null)
        {
            return Now.Run(() => Service<Database>().ReadAsync((db, _) => read(db), CancellationToken.None));
        }

        return Now.Run(async () =>
        {
            await using var services = Installation.Compose(_folder, _simulator.Time, _ids, _simulator.Random, _logs);
            return await services.GetRequiredService<Database>().ReadAsync((db, _) => read(db), CancellationToken.None);
        });
    }

    /// <summary>What a backup of the database would hold now.</summary>
    public byte[] Backup()
    {
        // What was committed may still be in the write-ahead log.
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "holdfast.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
        }

        return File.ReadAllBytes(Path.Combine(_folder, "holdfast.db"));
    }

    /// <summary>Puts a backup in the place of the database. The server must be down.</summary>
    public void Restore(byte[] backup)
    {
        SqliteConnection.ClearAllPools();
        foreach (var file in Directory.GetFiles(_folder, "holdfast.db*"))
        {
            File.Delete(file);
        }

        File.WriteAllBytes(Path.Combine(_folder, "holdfast.db"), backup);
    }

    public void Dispose()
    {
        Kill("the world ends");
        Installation.Return(_folder);
    }

    private sealed class Registration(SimNode node, Action action) : IDisposable
    {
        public void Dispose() => node._onEnd.Remove(action);
    }
}
