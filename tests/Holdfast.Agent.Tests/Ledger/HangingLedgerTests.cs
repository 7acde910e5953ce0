using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ledger;

public sealed class HangingLedgerTests : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>It was done on the loop, and the watch, the reports and every machine of the host waited for the disk.</summary>
    [Fact]
    public async Task A_write_that_waits_for_its_file_holds_up_nobody_else_on_the_loop()
    {
        var ending = TestContext.Current.CancellationToken;
        using var store = SqliteLedgerStore.Open(_folder.Path, TimeProvider.System, NullLogger.Instance);
        using var loop = new AgentLoop(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler, TimeProvider.System, NullLogger.Instance);
        var ledger = new AgentLedger(store, TimeProvider.System, NullLogger.Instance);
        await using var other = new SqliteConnection($"Data Source={store.Location};Pooling=False");
        await other.OpenAsync(ending);
        Run(other, "BEGIN IMMEDIATE");

        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isWritten = false;
        var writer = loop.InvokeAsync(async () =>
        {
            began.SetResult();
            await ledger.RecordAsync(new LedgerChange.SetNumber(LedgerNumber.Epoch, 7));
            isWritten = true;
        });
        await began.Task.WaitAsync(ending);
        (await loop.InvokeAsync(() => isWritten).WaitAsync(ending)).ShouldBeFalse("the loop is free while the write waits");

        Run(other, "ROLLBACK");
        await writer.WaitAsync(ending);
        await loop.InvokeAsync(ledger.FlushAsync).WaitAsync(ending);
        store.Load().ShouldContain(new LedgerChange.SetNumber(LedgerNumber.Epoch, 7));
    }

    public void Dispose() => _folder.Dispose();

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
