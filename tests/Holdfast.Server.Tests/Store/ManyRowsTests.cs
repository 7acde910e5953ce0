using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Reconcile;
using Holdfast.Server.Tests.Stores;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Store;

/// <summary>Rows that are inserted in one statement are what each of them would be by itself.</summary>
public abstract class ManyRowsTests : NodeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Texts_of_rows_that_are_inserted_together_are_kept_whole(int count)
    {
        List<AlertRow> rows =
        [
            .. Enumerable.Range(1, count).Select(i => new AlertRow
            {
                Id = new AlertId(Guid.NewGuid()), Type = 1, Name = "test", Description = i + new string('x', 5000) + i, ResourceId = Guid.NewGuid(), Created = DateTimeOffset.UnixEpoch,
            }),
        ];

        await Node.Database.WriteAsync((db, ct) => db.InsertAllAsync(rows, ct), Token);

        (await Node.ReadAsync(db => db.Alerts.Where(a => a.Name == "test").Select(a => a.Description).ToListAsync())).ShouldBe(rows.Select(r => r.Description), ignoreOrder: true);
    }
}

/// <summary>On SQLite.</summary>
public sealed class SqliteManyRowsTests : ManyRowsTests
{
    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

/// <summary>On PostgreSQL.</summary>
public sealed class PostgreSqlManyRowsTests(PostgresServer server) : ManyRowsTests
{
    protected override async Task<string?> ConnectionStringAsync()
    {
        Assert.SkipUnless(PostgresServer.IsInstalled, "PostgreSQL 15 is not installed.");
        return await server.CreateDatabaseAsync(TestContext.Current.CancellationToken);
    }
}
