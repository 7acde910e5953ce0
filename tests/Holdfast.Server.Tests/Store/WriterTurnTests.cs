using Holdfast.Server.Store;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Store;

/// <summary>A semaphore let its waiters through by the thread pool, so that a seed of World played another history on a busy machine (random 95).</summary>
public sealed class WriterTurnTests
{
    private readonly VirtualScheduler _scheduler = new(new FakeTimeProvider());
    private readonly WriterTurn _turn = new();
    private readonly List<int> _entered = [];

    [Fact]
    public void Writers_enter_one_at_a_time_in_their_order_without_leaving_the_scheduler()
    {
        for (var writer = 1; writer <= 3; writer++)
        {
            _ = Start(writer, TestContext.Current.CancellationToken);
        }

        _scheduler.RunReady();
        _entered.ShouldBe([1]);
        _turn.Leave();
        _scheduler.RunReady();

        // Nothing but this thread ran: what took a turn on the thread pool would not have come back yet, or not for sure.
        _entered.ShouldBe([1, 2]);
        _turn.Leave();
        _scheduler.RunReady();
        _entered.ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void One_that_gave_up_is_passed_over_and_has_nothing_to_give_back()
    {
        using var gaveUp = new CancellationTokenSource();
        _ = Start(1, TestContext.Current.CancellationToken);
        var second = Start(2, gaveUp.Token);
        _ = Start(3, TestContext.Current.CancellationToken);
        _scheduler.RunReady();
        gaveUp.Cancel();
        _scheduler.RunReady();
        second.IsCanceled.ShouldBeTrue();
        _turn.Leave();
        _scheduler.RunReady();
        _entered.ShouldBe([1, 3]);
        _turn.Leave();
        _ = Start(4, TestContext.Current.CancellationToken);
        _scheduler.RunReady();
        _entered.ShouldBe([1, 3, 4]);
    }

    private Task Start(int writer, CancellationToken cancellationToken) => Task.Factory.StartNew(
        async () =>
        {
            await _turn.EnterAsync(cancellationToken);
            _entered.Add(writer);
        },
        CancellationToken.None,
        TaskCreationOptions.None,
        _scheduler).Unwrap();
}
