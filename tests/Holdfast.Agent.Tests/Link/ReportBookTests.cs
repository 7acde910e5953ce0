using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Link;

public sealed class ReportBookTests : IReportSource
{
    private readonly AgentLedger _ledger = new(new MemoryLedgerStore(), TimeProvider.System, NullLogger.Instance);
    private readonly ReportBook _book;
    private long _sequence;

    public ReportBookTests() => _book = new ReportBook(_ledger);

    ItemReport? IReportSource.Report(ItemKind kind, Guid id) => new() { Kind = kind, Id = id, Generation = Generation.First, Since = Samples.Then };

    IEnumerable<(ItemKind Kind, Guid Id)> IReportSource.All() => [(ItemKind.Machine, Samples.Vm.Value)];

    [Fact]
    public void A_change_is_reported_until_a_report_with_it_was_accepted()
    {
        PutMachine();
        Take().Report.Items.ShouldHaveSingleItem();
        var second = Take();
        second.Report.Items.ShouldHaveSingleItem();
        _book.Accepted(second);
        Take().Report.Items.ShouldBeEmpty();
        _book.IsDue.ShouldBeFalse();
    }

    [Fact]
    public void A_change_that_comes_while_a_report_is_on_its_way_is_sent_again()
    {
        PutMachine();
        var draft = Take();
        PutMachine();
        _book.Accepted(draft);
        Take().Report.Items.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_final_obligation_leaves_the_ledger_only_after_the_server_has_it()
    {
        var row = Samples.Obligation(1, Samples.Volume) with { State = ObligationState.Settled };
        _ledger.Note(new LedgerChange.PutObligation(row));
        var draft = Take();
        draft.Report.Obligations.Single().State.ShouldBe(ObligationState.Settled);
        _ledger.Tables.Obligations.Count.ShouldBe(1);
        _book.Accepted(draft);
        _ledger.Tables.Obligations.ShouldBeEmpty();
        _book.IsDue.ShouldBeFalse();
    }

    [Fact]
    public void An_open_obligation_stays_in_the_ledger_after_it_was_reported()
    {
        _ledger.Note(new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume)));
        _book.Accepted(Take());
        _ledger.Tables.Obligations.Count.ShouldBe(1);
    }

    [Fact]
    public void The_first_report_of_a_process_has_everything()
    {
        _ledger.Note(new LedgerChange.PutObligation(Samples.Obligation(1, Samples.Volume)));
        _book.Accepted(Take());
        _book.TouchAll(this);
        var draft = Take();
        draft.Report.Items.ShouldHaveSingleItem();
        draft.Report.Obligations.ShouldHaveSingleItem();
        draft.Report.Facts.ShouldNotBeNull();
    }

    private ReportBook.Draft Take() => _book.Take(1, ++_sequence, this, new HostFacts
    {
        HostName = "h", NodeName = "h", AgentVersion = "1", Cpus = 1, MemoryBytes = 1, Accelerator = "tcg",
    });

    private void PutMachine() =>
        _ledger.Note(new LedgerChange.PutMachine(new MachineRow { Machine = Samples.Vm, Generation = Generation.First, State = MachineState.Running, Since = Samples.Then }));
}
