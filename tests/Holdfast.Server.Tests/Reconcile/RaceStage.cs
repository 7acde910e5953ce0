using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Tests.Stores;
using Holdfast.Server.Transactions;
using Holdfast.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>A node whose transactions can be held open just before their commit, with one host, a pool that stays and a template.</summary>
public abstract class RaceStage : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-server-").FullName;

    internal TestNode Node { get; private set; } = null!;

    internal TestAgent Agent { get; private set; } = null!;

    internal PoolId Home { get; private set; }

    internal TemplateId Template { get; private set; }

    /// <summary>The clock that holds transactions.</summary>
    internal FakeTimeProvider Held { get; } = new();

    internal FailpointSet Failpoints { get; private set; } = null!;

    protected virtual bool IsMissing => false;

    protected string? ConnectionString { get; private set; }

    public async ValueTask InitializeAsync()
    {
        if (IsMissing)
        {
            return;
        }

        Failpoints = new FailpointSet(static _ => { }, Held);
        ConnectionString = await ConnectionStringAsync();

        // Nothing but the two that race may commit.
        Node = await TestNode.StartAsync(_folder, ConnectionString, new ReconcileTimings { SweepInterval = TimeSpan.FromDays(1) }, services => services.AddSingleton(Failpoints));
        Agent = await TestAgent.StartAsync(Node);
        Home = await Node.AddPoolAsync("home", "home");
        Template = await Node.AddTemplateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!IsMissing)
        {
            await Agent.DisposeAsync();
            await Node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    internal void SkipIfMissing() => Assert.SkipWhen(IsMissing, "PostgreSQL 15 is not installed.");

    /// <summary>Whether a transaction waits for one that is held.</summary>
    internal abstract Task<bool> IsBlockedAsync();

    protected abstract Task<string?> ConnectionStringAsync();
}

/// <summary>On SQLite.</summary>
public sealed class SqliteRaceStage : RaceStage
{
    // One writer at a time: whoever comes second waits, by construction.
    internal override Task<bool> IsBlockedAsync() => Task.FromResult(true);

    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgreSqlRaceStage(PostgresServer server) : RaceStage
{
    protected override bool IsMissing => !PostgresServer.IsInstalled;

    internal override async Task<bool> IsBlockedAsync()
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", connection);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))! > 0;
    }

    protected override async Task<string?> ConnectionStringAsync() => await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
}
