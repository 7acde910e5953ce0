using Holdfast.Agent.Items;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Protocol.Host;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Items;

public sealed class ItemBookTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AgentLedger _ledger = new(new MemoryLedgerStore(), TimeProvider.System, NullLogger.Instance);
    private readonly ItemBook _book;

    public ItemBookTests() => _book = NewBook();

    [Fact]
    public async Task An_item_that_cannot_be_read_is_sent_again_to_the_next_version_of_the_agent()
    {
        await _book.TakeAsync(Samples.Binding(Samples.Pool) with { Revision = 5 });
        _book.PutAside(Samples.Vm.Value, 7, "what is a 'network'?");
        await _book.TakeAsync(Samples.Binding(Samples.OtherPool) with { Revision = 9 });

        _ledger.Tables.Item(ItemKind.Binding, Samples.OtherPool.Value).ShouldNotBeNull();
        NewBook().Revision.ShouldBe(6);
    }

    [Fact]
    public async Task An_item_without_a_readable_revision_holds_back_all_that_follows()
    {
        await _book.TakeAsync(Samples.Binding(Samples.Pool) with { Revision = 5 });
        _book.PutAside(Samples.Vm.Value, null, "what is a 'network'?");
        await _book.TakeAsync(Samples.Binding(Samples.OtherPool) with { Revision = 9 });

        _book.Revision.ShouldBe(5);
    }

    [Fact]
    public void What_an_unreadable_item_is_about_is_not_confirmed_and_all_else_is()
    {
        _book.PutAside(Samples.Vm.Value, 7, "what is 'paused'?");
        _book.Confirm();

        _book.IsConfirmed(Samples.Vm.Value).ShouldBeFalse();
        _book.IsConfirmed(Samples.Id(0xB2)).ShouldBeTrue();
    }

    /// <summary>It ended the watch; the item was in the ledger, so that it came as a duplicate ever after and nobody acted on it.</summary>
    [Fact]
    public async Task An_item_that_meets_a_bug_is_kept_and_tried_again_and_those_after_it_are_taken()
    {
        var followed = new List<Guid>();
        var isBroken = true;
        var told = 0;
        _book.Accepted += item =>
        {
            if (isBroken && item.Id == Samples.Pool.Value)
            {
                throw new InvalidOperationException("planted");
            }

            followed.Add(item.Id);
        };
        _book.NotTakenChanged += (_, _) => told++;
        _book.Confirm();

        await _book.TakeAsync(Samples.Binding(Samples.Pool) with { Revision = 5 });
        await _book.TakeAsync(Samples.Binding(Samples.OtherPool) with { Revision = 6 });

        followed.ShouldBe([Samples.OtherPool.Value]);
        _book.Revision.ShouldBe(6);
        _book.WhyNotTaken(ItemKind.Binding, Samples.Pool.Value)!.ShouldContain("planted");
        _book.IsConfirmed(Samples.Pool.Value).ShouldBeFalse();
        _book.IsConfirmed(Samples.OtherPool.Value).ShouldBeTrue();
        _book.TryAgain();
        followed.Count.ShouldBe(1, "it rests for a while");
        isBroken = false;
        _time.Advance(TimeSpan.FromMinutes(1));

        _book.TryAgain();

        followed.ShouldBe([Samples.OtherPool.Value, Samples.Pool.Value]);
        _book.WhyNotTaken(ItemKind.Binding, Samples.Pool.Value).ShouldBeNull();
        _book.IsConfirmed(Samples.Pool.Value).ShouldBeTrue();
        told.ShouldBe(2);
    }

    [Fact]
    public void Nothing_is_confirmed_while_an_unreadable_item_may_be_about_anything()
    {
        _book.PutAside(null, 7, "no id");
        _book.Confirm();

        _book.IsConfirmed(Samples.Vm.Value).ShouldBeFalse();
    }

    private ItemBook NewBook() => new(_ledger, new HostBoot("boot", _time), _time, NullLogger.Instance);
}
