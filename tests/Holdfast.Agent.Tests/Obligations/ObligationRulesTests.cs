using Holdfast.Agent.Ledger;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Obligations;

public sealed class ObligationRulesTests
{
    private readonly LedgerTables _tables = new();
    private int _ids = 0x500;

    public ObligationRulesTests() => _tables.Apply(new LedgerChange.PutItem(new ItemRow { Item = Samples.Binding(Samples.Pool), AcceptedAt = Samples.Then }));

    [Theory]
    [InlineData(AttachMode.Run, ObligationKind.ReleaseAttachment)]
    [InlineData(AttachMode.Copy, ObligationKind.ReleaseAttachment)]
    [InlineData(AttachMode.MigrateIn, ObligationKind.ClearTwoPrimaries)]
    public void Letting_go_turns_a_row_into_an_obligation_with_everything_to_find_it_by(AttachMode mode, ObligationKind kind)
    {
        var row = Samples.Attachment(Samples.Volume, mode: mode) with { Source = new DiskSource.Block("/dev/x"), BackendName = "theirs" };
        Put(row);
        LetGo(row);
        _tables.Attachments.ShouldBeEmpty();
        var owed = _tables.Obligations.Values.ShouldHaveSingleItem();
        (owed.Kind, owed.Mode, owed.State, owed.Pool, owed.Volume).ShouldBe((kind, mode, ObligationState.Owed, Samples.Pool, Samples.Volume));
        (owed.BackendName, owed.Address, owed.Generation, owed.Cause).ShouldBe(("theirs", "/dev/x", Generation.First, "why"));
    }

    [Fact]
    public void Whoever_still_holds_the_volume_in_the_same_mode_carries_the_duty_on()
    {
        var first = Samples.Attachment(Samples.Volume, Samples.Id(1), AttachMode.Copy);
        var second = Samples.Attachment(Samples.Volume, Samples.Id(2), AttachMode.Copy);
        Put(first, second);
        LetGo(first);
        _tables.Obligations.ShouldBeEmpty();
        LetGo(second);
        _tables.Obligations.ShouldHaveSingleItem();
    }

    [Fact]
    public void Another_mode_carries_no_duty_on()
    {
        var copy = Samples.Attachment(Samples.Volume, Samples.Id(1), AttachMode.Copy);
        Put(copy, Samples.Attachment(Samples.Volume));
        LetGo(copy);
        _tables.Obligations.Values.ShouldHaveSingleItem().Mode.ShouldBe(AttachMode.Copy);
    }

    [Fact]
    public void What_is_owed_to_a_pool_that_is_gone_is_an_orphan_from_the_first_moment()
    {
        var row = Samples.Attachment(Samples.Volume, pool: Samples.OtherPool);
        Put(row);
        LetGo(row);
        _tables.Obligations.Values.ShouldHaveSingleItem().State.ShouldBe(ObligationState.Orphaned);
    }

    [Theory]
    [InlineData(ObligationKind.ReleaseAttachment, AttachMode.Run, true, true)]
    [InlineData(ObligationKind.ReleaseAttachment, AttachMode.Copy, true, false)]
    [InlineData(ObligationKind.ReleaseAttachment, AttachMode.Run, false, false)]
    [InlineData(ObligationKind.DeleteVolume, AttachMode.Run, true, false)]
    [InlineData(ObligationKind.ClearTwoPrimaries, AttachMode.Run, true, false)]
    public void Taking_a_volume_makes_void_only_its_release_in_that_mode_and_pool(ObligationKind kind, AttachMode mode, bool isSamePool, bool isVoid)
    {
        Put(Samples.Obligation(1, Samples.Volume, kind, isSamePool ? Samples.Pool : Samples.OtherPool) with { Mode = mode });
        Apply(ObligationRules.Take(_tables, [Samples.Attachment(Samples.Volume)]));
        _tables.Obligations.Values.Single().State.ShouldBe(isVoid ? ObligationState.Superseded : ObligationState.Owed);
        _tables.Attachments.ShouldHaveSingleItem();
    }

    [Fact]
    public void Taking_a_volume_takes_the_place_of_what_an_inventory_found()
    {
        Put(Samples.Attachment(Samples.Volume, Samples.Pool.Value) with { State = AttachmentState.Found, Machine = null });
        Put(Samples.Attachment(Samples.Volume2, Samples.Pool.Value) with { State = AttachmentState.Found, Machine = null });
        Apply(ObligationRules.Take(_tables, [Samples.Attachment(Samples.Volume)]));
        _tables.Attachments.Values.Select(row => (row.Volume, row.State)).ShouldBe(
            [(Samples.Volume, AttachmentState.Attached), (Samples.Volume2, AttachmentState.Found)], ignoreOrder: true);
    }

    [Theory]
    [InlineData(ObligationKind.ReleaseAttachment, "attached", true)]
    [InlineData(ObligationKind.ReleaseAttachment, "attached otherwise", false)]
    [InlineData(ObligationKind.ReleaseAttachment, "attached elsewhere", false)]
    [InlineData(ObligationKind.ReleaseAttachment, "nothing", false)]
    [InlineData(ObligationKind.DeleteVolume, "attached", true)]
    [InlineData(ObligationKind.DeleteVolume, "attached otherwise", true)]
    [InlineData(ObligationKind.DeleteVolume, "attached elsewhere", false)]
    [InlineData(ObligationKind.DeleteVolume, "release owed", true)]
    [InlineData(ObligationKind.DeleteVolume, "release settled", false)]
    [InlineData(ObligationKind.DeleteVolume, "release owed elsewhere", false)]
    [InlineData(ObligationKind.DeleteVolume, "nothing", false)]
    public void A_try_waits_while_it_would_be_unsafe(ObligationKind kind, string meanwhile, bool waits)
    {
        var owed = Samples.Obligation(1, Samples.Volume, kind);
        Put(owed);
        switch (meanwhile)
        {
            case "attached":
                Put(Samples.Attachment(Samples.Volume));
                break;
            case "attached otherwise":
                Put(Samples.Attachment(Samples.Volume, mode: AttachMode.Copy));
                break;
            case "attached elsewhere":
                Put(Samples.Attachment(Samples.Volume, pool: Samples.OtherPool));
                Put(Samples.Attachment(Samples.Volume2));
                break;
            case "release owed":
                Put(Samples.Obligation(2, Samples.Volume));
                break;
            case "release settled":
                Put(Samples.Obligation(2, Samples.Volume) with { State = ObligationState.Settled });
                break;
            case "release owed elsewhere":
                Put(Samples.Obligation(2, Samples.Volume, pool: Samples.OtherPool));
                break;
        }

        ObligationRules.MustWait(_tables, owed).ShouldBe(waits);
    }

    [Theory]
    [InlineData("settle", ObligationState.Settled, TaskState.Done, null)]
    [InlineData("forget", ObligationState.Forgotten, TaskState.Failed, "written off by alice: the rack is gone")]
    [InlineData("orphan", ObligationState.Orphaned, TaskState.Failed, "the pool went; the last failure was: no answer")]
    [InlineData("want", ObligationState.Superseded, TaskState.Failed, "a newer task wants the volume")]
    public void The_end_of_an_obligation_is_the_end_of_the_task_that_waits_for_it(string end, ObligationState state, TaskState task, string? words)
    {
        var id = new TaskId(Samples.Id(0xD1));
        var owed = Samples.Obligation(1, Samples.Volume, ObligationKind.DeleteVolume) with { Task = id, LastError = end == "settle" ? null : "no answer", NextTryAt = Samples.Then };
        Put(owed);
        _tables.Apply(new LedgerChange.PutTask(new TaskRow { Task = id, Generation = Generation.First, State = TaskState.Owed, Since = Samples.Then }));
        Apply(end switch
        {
            "settle" => ObligationRules.Settle(_tables, owed),
            "forget" => ObligationRules.Forget(_tables, owed, "alice", "the rack is gone"),
            "orphan" => ObligationRules.Orphan(_tables, [owed], "the pool went"),
            _ => ObligationRules.Want(_tables, Samples.Pool, Samples.Volume),
        });
        var ended = _tables.Obligations.Values.Single();
        (ended.State, ended.LastError, ended.NextTryAt).ShouldBe((state, words, null));
        _tables.Tasks[id].State.ShouldBe(task);
        if (task == TaskState.Failed)
        {
            _tables.Tasks[id].Conditions.Single().Text.ShouldContain($"{Samples.Volume}");
        }
    }

    [Fact]
    public void Safety_is_owed_first_then_the_oldest_and_deletions_last()
    {
        Put(Samples.Obligation(1, Samples.Volume, ObligationKind.DeleteVolume) with { CreatedAt = Samples.Then - TimeSpan.FromDays(9) });
        Put(Samples.Obligation(2, Samples.Volume) with { CreatedAt = Samples.Then });
        Put(Samples.Obligation(3, Samples.Volume2) with { CreatedAt = Samples.Then - TimeSpan.FromHours(1) });
        Put(Samples.Obligation(4, Samples.Volume, ObligationKind.ClearTwoPrimaries) with { CreatedAt = Samples.Then + TimeSpan.FromHours(1) });
        Put(Samples.Obligation(5, Samples.Volume) with { State = ObligationState.Settled });
        Put(Samples.Obligation(6, Samples.Volume, pool: Samples.OtherPool));
        _tables.OwedTo(Samples.Pool).Select(row => row.Id.Value).ShouldBe([Samples.Id(4), Samples.Id(3), Samples.Id(2), Samples.Id(1)]);
    }

    private void Put(params AttachmentRow[] rows)
    {
        foreach (var row in rows)
        {
            _tables.Apply(new LedgerChange.PutAttachment(row));
        }
    }

    private void Put(ObligationRow row) => _tables.Apply(new LedgerChange.PutObligation(row));

    private void LetGo(AttachmentRow row) => Apply(ObligationRules.LetGo(_tables, [row], "why", Samples.Then, () => Samples.Id(++_ids)));

    private void Apply(IEnumerable<LedgerChange> changes)
    {
        foreach (var change in changes.ToArray())
        {
            _tables.Apply(change);
        }
    }
}
