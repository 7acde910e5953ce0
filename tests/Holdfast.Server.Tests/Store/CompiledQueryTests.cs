using Holdfast.Server.Store;
using Holdfast.Server.Tests.Stores;
using LinqToDB.Internal.Common;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Store;

/// <summary>
/// That a query is compiled for all databases of a process, and not anew for each, which made Server.Tests take five times as long. linq2db keeps compiled queries by the number that
/// is compared here; how many are compiled cannot be counted, as it keeps a hundred of a kind of result and tests beside this one push some out.
/// </summary>
[Collection(nameof(NothingBesideIt))]
public sealed class CompiledQueryTests(PostgresServer postgres) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-compiled-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_to_two_SQLite_databases_use_the_same_compiled_queries() => await CompareAsync(
        new DatabaseOptions.Sqlite(Path.Combine(_folder, "first.db")),
        new DatabaseOptions.Sqlite(Path.Combine(_folder, "second.db")));

    [Fact]
    public async Task Connections_to_two_PostgreSQL_databases_use_the_same_compiled_queries()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        await CompareAsync(new DatabaseOptions.PostgreSql(await postgres.CreateDatabaseAsync(Token)), new DatabaseOptions.PostgreSql(await postgres.CreateDatabaseAsync(Token)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task CompareAsync(DatabaseOptions one, DatabaseOptions other)
    {
        // Connections that are the first of a process and opened at once may get numbers of their own.
        await NumberAsync(one);
        var number = await NumberAsync(one);
        (await NumberAsync(one)).ShouldBe(number, "a second connection to the same database");
        (await NumberAsync(other)).ShouldBe(number, "a connection to another database");
    }

    private static async Task<int> NumberAsync(DatabaseOptions options)
    {
        await using var database = new Database(options, TimeProvider.System, new Random(1), NullLogger<Database>.Instance);
        return await database.ReadAsync((db, _) => Task.FromResult(((IConfigurationID)db).ConfigurationID), Token);
    }
}

/// <summary>Tests that run when no other does.</summary>
[CollectionDefinition(nameof(NothingBesideIt), DisableParallelization = true)]
public sealed class NothingBesideIt;
