using Holdfast.Agent.Inventory;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Inventory;

public sealed class InventoryRulesTests
{
    private readonly LedgerTables _tables = new();

    [Fact]
    public void What_nothing_names_is_written_down_and_released()
    {
        var found = Compare([Info()]);
        var row = found.New.ShouldHaveSingleItem();
        (row.Volume, row.Mode, row.Pool, row.State, row.Owner).ShouldBe((Samples.Volume, AttachMode.Run, Samples.Pool, AttachmentState.Found, Samples.Pool.Value));
        row.Generation.ShouldBe(Generation.First);
        DiskAddress.Of(row.Source).ShouldBe("/dev/x");
        found.Release.ShouldBe([row]);
        found.Quarantine.ShouldBeEmpty();
    }

    [Fact]
    public void What_a_row_names_is_left_alone()
    {
        Machine(Desired.Running);
        _tables.Apply(new LedgerChange.PutAttachment(Samples.Attachment(Samples.Volume)));
        Nothing(Compare([Info()]));
    }

    [Fact]
    public void What_is_owed_already_is_not_owed_again()
    {
        _tables.Apply(new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume)));
        Nothing(Compare([Info()]));
    }

    [Theory]
    [InlineData(ObligationState.Settled)]
    [InlineData(ObligationState.Orphaned)]
    [InlineData(ObligationState.Forgotten)]
    [InlineData(ObligationState.Superseded)]
    public void A_final_obligation_names_nothing(ObligationState state)
    {
        _tables.Apply(new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume) with { State = state }));
        Compare([Info()]).Release.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_row_of_another_mode_or_pool_names_nothing()
    {
        Machine(Desired.Running, Samples.Volume2);
        _tables.Apply(new LedgerChange.PutAttachment(Samples.Attachment(Samples.Volume, mode: AttachMode.Copy, owner: Samples.Id(0xD1))));
        _tables.Apply(new LedgerChange.PutItem(new ItemRow
        {
            AcceptedAt = Samples.Then,
            Item = Samples.Task(Samples.Id(0xD1), new TaskSpec.ResizeVolume { PoolId = Samples.Pool, PoolName = "fast", VolumeId = Samples.Volume, VolumeGeneration = Generation.First, SizeBytes = 1 }),
        }));
        _tables.Apply(new LedgerChange.PutAttachment(Samples.Attachment(Samples.Volume, pool: Samples.OtherPool)));
        Compare([Info()]).New.ShouldHaveSingleItem().Mode.ShouldBe(AttachMode.Run);
    }

    [Theory]
    [InlineData(Desired.Running, null, true)]
    [InlineData(Desired.Running, MachineState.Starting, true)]
    [InlineData(Desired.Running, MachineState.Running, true)]
    [InlineData(Desired.Running, MachineState.Failed, false)]
    [InlineData(Desired.Running, MachineState.Stopped, false)]
    [InlineData(Desired.Stopped, MachineState.Stopped, false)]
    [InlineData(Desired.Stopped, null, false)]
    public void Only_a_machine_that_is_to_run_keeps_a_volume(Desired desired, object? state, bool isKept)
    {
        Machine(desired);
        if (state is MachineState concluded)
        {
            _tables.Apply(new LedgerChange.PutMachine(new MachineRow { Machine = Samples.Vm, Generation = Generation.First, State = concluded, Since = Samples.Then }));
        }

        Compare([Info()]).Release.Count.ShouldBe(isKept ? 0 : 1);
    }

    [Fact]
    public void What_a_guest_has_is_quarantined_and_not_released()
    {
        var found = Compare([Info()], Samples.Volume);
        found.New.ShouldHaveSingleItem();
        found.Release.ShouldBeEmpty();
        found.Quarantine.ShouldHaveSingleItem().Why.ShouldContain("guest");
    }

    [Fact]
    public void What_is_open_is_quarantined_and_not_released()
    {
        var found = Compare([Info() with { InUse = true }]);
        found.New.ShouldHaveSingleItem();
        found.Release.ShouldBeEmpty();
        found.Quarantine.ShouldHaveSingleItem().Why.ShouldContain("open");
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Without_generation_or_mode_nothing_is_released(bool hasMode, bool hasGeneration)
    {
        var found = Compare([Info() with { Mode = hasMode ? AttachMode.Run : null, Generation = hasGeneration ? Generation.First : null }]);
        found.Release.ShouldBeEmpty();
        found.Quarantine.ShouldHaveSingleItem().Why.ShouldContain("generation");
    }

    [Fact]
    public void What_was_quarantined_is_released_once_it_is_free()
    {
        var row = Compare([Info() with { InUse = true }]).New.Single();
        _tables.Apply(new LedgerChange.PutAttachment(row));
        var later = Compare([Info()]);
        later.New.ShouldBeEmpty();
        later.Release.ShouldBe([row]);
    }

    [Fact]
    public void What_was_found_without_generation_and_is_gone_is_dropped()
    {
        var row = Compare([Info() with { Mode = null, Generation = null, InUse = true }]).New.Single();
        _tables.Apply(new LedgerChange.PutAttachment(row));
        var later = Compare([]);
        later.Vanished.ShouldBe([row]);
        later.Release.ShouldBeEmpty();
    }

    [Fact]
    public void A_row_without_an_owner_is_released_whether_it_is_listed_or_not()
    {
        var row = Samples.Attachment(Samples.Volume);
        _tables.Apply(new LedgerChange.PutAttachment(row));
        Compare([]).Release.ShouldBe([row]);
        Compare([Info()]).Release.ShouldBe([row]);
        Compare([], Samples.Volume).Quarantine.ShouldHaveSingleItem().Row.ShouldBe(row);
    }

    [Fact]
    public void A_row_that_is_missing_from_the_list_is_no_reason_to_touch_its_owner()
    {
        Machine(Desired.Running);
        _tables.Apply(new LedgerChange.PutAttachment(Samples.Attachment(Samples.Volume)));
        Nothing(Compare([]));
    }

    [Fact]
    public void An_unclear_release_whose_object_is_gone_is_worth_asking_about()
    {
        var owed = Samples.Obligation(1, Samples.Volume) with { LastError = "no answer", Tries = 1 };
        _tables.Apply(new LedgerChange.PutObligation(owed));
        _tables.Apply(new LedgerChange.PutObligation(Samples.Obligation(2, Samples.Volume2, ObligationKind.DeleteVolume) with { LastError = "no answer" }));
        Compare([]).Gone.ShouldBe([owed.Id]);
        Compare([Info()]).Gone.ShouldBeEmpty();
    }

    [Fact]
    public void A_volume_that_is_listed_twice_is_written_down_once() => Compare([Info(), Info()]).New.ShouldHaveSingleItem();

    [Fact]
    public void An_address_of_an_open_row_goes_to_no_other_volume()
    {
        _tables.Apply(new LedgerChange.PutAttachment(Samples.Attachment(Samples.Volume) with { Source = new DiskSource.Block("/dev/x") }));
        var refused = DiskAddress.Conflict(_tables, Samples.Volume2, new DiskSource.Block("/dev/x"));
        refused.ShouldNotBeNull();
        refused.ShouldContain($"{Samples.Volume}");
        refused.ShouldContain($"{Samples.Volume2}");
        DiskAddress.Conflict(_tables, Samples.Volume, new DiskSource.Block("/dev/x")).ShouldBeNull();
        DiskAddress.Conflict(_tables, Samples.Volume2, new DiskSource.Block("/dev/y")).ShouldBeNull();
        _tables.Apply(new LedgerChange.DropAttachment(Samples.Attachment(Samples.Volume).Key));
        DiskAddress.Conflict(_tables, Samples.Volume2, new DiskSource.Block("/dev/x")).ShouldBeNull();
    }

    [Fact]
    public void An_address_of_an_open_obligation_goes_to_no_other_volume()
    {
        var owed = Samples.Obligation(1, Samples.Volume) with { Address = "rbd:one@a:1,b:2" };
        var source = new DiskSource.Network("rbd", "one", ["a:1", "b:2"]);
        _tables.Apply(new LedgerChange.PutObligation(owed));
        DiskAddress.Conflict(_tables, Samples.Volume2, source)!.ShouldContain($"{owed.Id}");
        _tables.Apply(new LedgerChange.PutObligation(owed with { State = ObligationState.Settled }));
        DiskAddress.Conflict(_tables, Samples.Volume2, source).ShouldBeNull();
    }

    private static AttachmentInfo Info(VolumeId? volume = null) =>
        new(volume ?? Samples.Volume, $"hf-{volume ?? Samples.Volume}", "/dev/x", InUse: false, AttachMode.Run, Generation.First);

    private static void Nothing(InventoryFindings findings)
    {
        findings.New.ShouldBeEmpty();
        findings.Release.ShouldBeEmpty();
        findings.Vanished.ShouldBeEmpty();
        findings.Quarantine.ShouldBeEmpty();
        findings.Gone.ShouldBeEmpty();
    }

    private void Machine(Desired desired, VolumeId? volume = null) => _tables.Apply(new LedgerChange.PutItem(new ItemRow
    {
        Item = Samples.Machine(desired, disks: Samples.Disk(volume ?? Samples.Volume, Samples.Pool)), AcceptedAt = Samples.Then,
    }));

    private InventoryFindings Compare(IReadOnlyList<AttachmentInfo> listed, params VolumeId[] held) =>
        InventoryRules.Compare(_tables, Samples.Pool, "fast", "directory", listed, held.Contains);
}
