using System.Data.Common;
using Holdfast.Server.Store;
using Holdfast.Server.Tests.Stores;
using LinqToDB.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Store;

/// <summary>Which failures of a transaction are worth another attempt.</summary>
public sealed class DatabaseTests(PostgresServer postgres)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_that_is_written_twice_by_a_bug_was_tried_twenty_times()
    {
        await using var database = await MakeAsync();
        var attempts = 0;
        var failure = await Should.ThrowAsync<DbException>(() => database.WriteAsync(
            async (db, cancellation) =>
            {
                attempts++;
                await db.ExecuteAsync("INSERT INTO taken VALUES (1), (1)", cancellation);
            },
            Token));
        failure.SqlState.ShouldBe(PostgresErrorCodes.UniqueViolation);
        attempts.ShouldBe(3);
    }

    [Fact]
    public async Task A_key_that_another_transaction_wrote_meanwhile_is_found_by_the_next_attempt()
    {
        await using var database = await MakeAsync();
        var attempts = 0;
        await database.WriteAsync(
            async (db, cancellation) =>
            {
                if (await db.ExecuteAsync<long>("SELECT count(*) FROM taken WHERE id = 2", cancellation) > 0)
                {
                    return;
                }

                if (attempts++ == 0)
                {
                    await using var other = database.Postgres!.CreateCommand("INSERT INTO taken VALUES (2)");
                    await other.ExecuteNonQueryAsync(cancellation);
                }

                await db.ExecuteAsync("INSERT INTO taken VALUES (2)", cancellation);
            },
            Token);
        attempts.ShouldBe(1);
    }

    private async Task<Database> MakeAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        var database = new Database(
            new DatabaseOptions.PostgreSql(await postgres.CreateDatabaseAsync(Token)), TimeProvider.System, new Random(1), NullLogger<Database>.Instance);
        await using var table = database.Postgres!.CreateCommand("CREATE TABLE taken (id int PRIMARY KEY)");
        await table.ExecuteNonQueryAsync(Token);
        return database;
    }
}
