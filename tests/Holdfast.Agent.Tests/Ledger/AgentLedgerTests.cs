using Holdfast.Agent.Ledger;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ledger;

public sealed class AgentLedgerTests
{
    private readonly MemoryLedgerStore _store = new();

    [Fact]
    public void Commit_WhenTheDiskIsFull_ChangesNothing()
    {
        var ledger = Open();
        _store.Refuse = "database or disk is full";
        ledger.Commit(Put(1)).ShouldBe(new WriteOutcome.Unwritable("database or disk is full"));
        ledger.Tables.Obligations.ShouldBeEmpty();
        ledger.Unwritable.ShouldBe("database or disk is full");
    }

    [Fact]
    public void Record_WhenTheDiskIsFull_IsVisibleAtOnceAndWrittenLater()
    {
        var ledger = Open();
        _store.Refuse = "full";
        ledger.Record(Put(1));
        ledger.Tables.Obligations.Count.ShouldBe(1);
        Open().Tables.Obligations.ShouldBeEmpty();

        _store.Refuse = null;
        ledger.Commit(Put(2)).ShouldBeOfType<WriteOutcome.Written>();
        ledger.Unwritable.ShouldBeNull();
        Open().Tables.Obligations.Count.ShouldBe(2);
    }

    [Fact]
    public void Flush_WhenTheDiskCameBack_WritesWhatWasRemembered()
    {
        var ledger = Open();
        _store.Refuse = "full";
        ledger.Record(Put(1));
        _store.Refuse = null;
        ledger.Flush();
        Open().Tables.Obligations.Count.ShouldBe(1);
    }

    [Fact]
    public void OwedTo_GivesSafetyFirstThenReleasesThenDeletions()
    {
        var ledger = Open();
        ledger.Record(
            new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume, Holdfast.Protocol.Host.ObligationKind.DeleteVolume)),
            new LedgerChange.PutObligation(Samples.Obligation(2, Samples.Volume)),
            new LedgerChange.PutObligation(Samples.Obligation(3, Samples.Volume, Holdfast.Protocol.Host.ObligationKind.ClearTwoPrimaries)),
            new LedgerChange.PutObligation(Samples.Obligation(4, Samples.Volume, pool: Samples.OtherPool)));
        ledger.Tables.OwedTo(Samples.Pool).Select(row => row.Id.Value).ShouldBe([Samples.Id(3), Samples.Id(2), Samples.Id(1)]);
    }

    private static LedgerChange Put(int id) => new LedgerChange.PutObligation(Samples.Obligation(id, Samples.Volume));

    private AgentLedger Open() => new(_store, NullLogger.Instance);
}
