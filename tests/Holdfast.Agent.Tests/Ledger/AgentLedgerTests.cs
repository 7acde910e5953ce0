using Holdfast.Agent.Ledger;
using Holdfast.Protocol.Host;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Ledger;

public sealed class AgentLedgerTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryLedgerStore _store = new();

    [Fact]
    public async Task Commit_WhenTheDiskIsFull_ChangesNothing()
    {
        var ledger = Open();
        _store.Refuse = "database or disk is full";
        (await ledger.CommitAsync(Put(1))).ShouldBe(new WriteOutcome.Unwritable("database or disk is full"));
        ledger.Tables.Obligations.ShouldBeEmpty();
        ledger.Unwritable.ShouldBe("database or disk is full");
    }

    [Fact]
    public async Task Record_WhenTheDiskIsFull_IsVisibleAtOnceAndWrittenLater()
    {
        var ledger = Open();
        _store.Refuse = "full";
        await ledger.RecordAsync(Put(1));
        ledger.Tables.Obligations.Count.ShouldBe(1);
        Open().Tables.Obligations.ShouldBeEmpty();

        _store.Refuse = null;
        (await ledger.CommitAsync(Put(2))).ShouldBeOfType<WriteOutcome.Written>();
        ledger.Unwritable.ShouldBeNull();
        Open().Tables.Obligations.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Flush_WhenTheDiskCameBack_WritesWhatWasRemembered()
    {
        var ledger = Open();
        _store.Refuse = "full";
        await ledger.RecordAsync(Put(1));
        _store.Refuse = null;
        await ledger.FlushAsync();
        Open().Tables.Obligations.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Note_IsVisibleAtOnceAndWrittenWithTheNextWrite()
    {
        var ledger = Open();
        var told = 0;
        ledger.Noted += () => told++;
        ledger.Note(Put(1));
        ledger.Tables.Obligations.Count.ShouldBe(1);
        told.ShouldBe(1);
        await ledger.CommitAsync(Put(2));
        Open().Tables.Obligations.Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_is_at_the_disk_is_not_visible_before_it_is_written()
    {
        var ledger = Open();
        var hang = Hang();
        var (committed, recorded) = (ledger.CommitAsync(Put(1)), ledger.RecordAsync(Put(2)));
        ledger.Tables.Obligations.ShouldBeEmpty();
        (committed.IsCompleted, recorded.IsCompleted).ShouldBe((false, false));

        Release(hang);
        await WaitAsync(committed, recorded);
        ledger.Tables.Obligations.Count.ShouldBe(2);
        ledger.Unwritable.ShouldBeNull();
    }

    [Fact]
    public async Task What_waits_is_written_together_in_its_order_and_each_sees_those_before_it()
    {
        var ledger = Open();
        var writes = new List<int>();
        _store.AfterWrite = changes => writes.Add(changes.Count);
        var hang = Hang();
        var first = ledger.CommitAsync(Put(1));
        List<int> seen = [];
        var second = ledger.CommitAsync(tables => Seen(tables, seen, Put(2)));
        var third = ledger.CommitAsync(tables => Seen(tables, seen, Put(3)));
        Release(hang);
        await WaitAsync(first, second, third);
        writes.ShouldBe([1, 2]);
        seen.ShouldBe([1, 2]);
    }

    [Fact]
    public async Task A_fact_that_was_drawn_up_upon_a_commit_that_is_refused_is_drawn_up_anew()
    {
        var ledger = Open();
        var hang = Hang();
        var first = ledger.CommitAsync(Put(1));
        List<int> seen = [];
        var refused = ledger.CommitAsync(Put(2));
        var fact = ledger.RecordAsync(tables => Seen(tables, seen, Put(3)));
        _store.Hang = null;
        _store.BeforeWrite = _ => _store.Refuse = "full";
        Release(hang);
        await WaitAsync(first, refused, fact);
        seen.ShouldBe([2, 1]);
        ledger.Tables.Obligations.Keys.Select(id => id.Value).ShouldBe([Samples.Id(1), Samples.Id(3)], ignoreOrder: true);
    }

    [Fact]
    public async Task A_disk_that_hangs_refuses_after_a_while_and_says_since_when_and_which_file()
    {
        var ledger = Open();
        Hang();
        var since = _time.GetUtcNow();
        var (committed, recorded) = (ledger.CommitAsync(Put(1)), ledger.RecordAsync(Put(2)));
        _time.Advance(AgentLedger.Patience - Moment);
        committed.IsCompleted.ShouldBeFalse();
        _time.Advance(Moment);
        await WaitAsync(committed, recorded);

        ledger.Unwritable.ShouldBe($"its disk has not answered since {since:yyyy-MM-dd HH:mm:ss} UTC, when ledger.db was to be written");
        ledger.Tables.Obligations.Keys.ShouldHaveSingleItem().Value.ShouldBe(Samples.Id(2), "a fact is one whatever the disk says");

        // And from then on nobody waits.
        ledger.CommitAsync(Put(3)).IsCompletedSuccessfully.ShouldBeTrue();
        ledger.RecordAsync(Put(4)).IsCompletedSuccessfully.ShouldBeTrue();
        ledger.FlushAsync().IsCompletedSuccessfully.ShouldBeTrue();
        ledger.Tables.Obligations.Count.ShouldBe(2);
    }

    /// <summary>The transition was told to be refused, and its rows came to the disk all the same.</summary>
    [Fact]
    public async Task What_was_refused_for_a_disk_that_hung_and_is_written_after_all_is_taken_back()
    {
        var ledger = Open();
        await WaitAsync(ledger.CommitAsync(Put(1), Put(5)));
        var hang = Hang();
        ledger.Noted += () => _ = ledger.FlushAsync();
        var refused = ledger.CommitAsync(_ => [Put(1, ObligationState.Superseded), Put(2), new LedgerChange.DropObligation(Samples.Obligation(5, Samples.Volume).Id)]);
        _time.Advance(AgentLedger.Patience);
        await WaitAsync(refused);
        await WaitAsync(ledger.RecordAsync(Put(3)));
        var writes = new List<IReadOnlyList<LedgerChange>>();
        _store.AfterWrite = writes.Add;

        Release(hang);
        Until(() => ledger.Unwritable is null);
        writes.Count.ShouldBe(2, "the late one, and what makes up for it");
        Rows(Open()).ShouldBe(Rows(ledger));
        Rows(ledger).Select(row => (row.Id.Value, row.State)).ShouldBe(
            [(Samples.Id(1), ObligationState.Owed), (Samples.Id(3), ObligationState.Owed), (Samples.Id(5), ObligationState.Owed)]);
    }

    [Fact]
    public void OwedTo_GivesSafetyFirstThenReleasesThenDeletions()
    {
        var ledger = Open();
        ledger.Note(
            new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume, ObligationKind.DeleteVolume)),
            new LedgerChange.PutObligation(Samples.Obligation(2, Samples.Volume)),
            new LedgerChange.PutObligation(Samples.Obligation(3, Samples.Volume, ObligationKind.ClearTwoPrimaries)),
            new LedgerChange.PutObligation(Samples.Obligation(4, Samples.Volume, pool: Samples.OtherPool)));
        ledger.Tables.OwedTo(Samples.Pool).Select(row => row.Id.Value).ShouldBe([Samples.Id(3), Samples.Id(2), Samples.Id(1)]);
    }

    private static LedgerChange Put(int id, ObligationState state = ObligationState.Owed) => new LedgerChange.PutObligation(Samples.Obligation(id, Samples.Volume) with { State = state });

    private static IEnumerable<LedgerChange> Seen(LedgerTables tables, List<int> seen, LedgerChange change)
    {
        seen.Add(tables.Obligations.Count);
        return [change];
    }

    private static List<ObligationRow> Rows(AgentLedger ledger) => [.. ledger.Tables.Obligations.Values.OrderBy(row => row.Id.Value)];

    private TaskCompletionSource Hang()
    {
        var hang = new TaskCompletionSource();
        _store.Hang = () => hang.Task;
        return hang;
    }

    private void Release(TaskCompletionSource hang)
    {
        _store.Hang = null;
        hang.SetResult();
    }

    private static Task WaitAsync(params Task[] tasks) => Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    private static void Until(Func<bool> condition) => SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30)).ShouldBeTrue();

    private AgentLedger Open() => new(_store, _time, NullLogger.Instance);
}
