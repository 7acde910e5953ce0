using Holdfast.Server.Transactions;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Wakeups;

public sealed class WakeupHubTests
{
    private readonly VirtualScheduler _scheduler = new(new FakeTimeProvider());
    private readonly Guid _topic = new("01900000-0000-7000-8000-000000000001");

    [Fact]
    public void A_signal_ends_the_wait_without_leaving_the_scheduler()
    {
        var hub = new WakeupHub(_scheduler.Time);
        var waiting = Start(hub, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        _scheduler.RunReady();
        waiting.IsCompleted.ShouldBeFalse();

        hub.Signal(_topic);
        _scheduler.RunReady();

        // Nothing but this thread ran: what took a turn on the thread pool would not have come back yet, or not for sure.
        waiting.IsCompleted.ShouldBeTrue();
        _scheduler.Time.Elapsed.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void The_slow_poll_ends_the_wait_without_leaving_the_scheduler()
    {
        var hub = new WakeupHub(_scheduler.Time);
        var waiting = Start(hub, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        _scheduler.RunUntil(() => waiting.IsCompleted, TimeSpan.FromSeconds(10), "the end of the poll's pause");

        _scheduler.Time.Elapsed.ShouldBe(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_signal_between_two_waits_is_not_lost()
    {
        var hub = new WakeupHub(_scheduler.Time);
        using var subscription = hub.Subscribe(_topic);
        hub.Signal(_topic);

        _scheduler.Run(() => WaitAsync(subscription, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken), TimeSpan.Zero, "a wait for what was signalled before it");
    }

    [Fact]
    public void A_cancelled_wait_ends_at_once()
    {
        var hub = new WakeupHub(_scheduler.Time);
        using var cancel = new CancellationTokenSource();
        var waiting = Start(hub, TimeSpan.FromSeconds(10), cancel.Token);
        _scheduler.RunReady();

        cancel.Cancel();
        _scheduler.RunReady();

        waiting.IsCanceled.ShouldBeTrue();
    }

    private static async Task<bool> WaitAsync(WakeupHub.Subscription subscription, TimeSpan atMost, CancellationToken cancellationToken)
    {
        await subscription.WaitAsync(atMost, cancellationToken);
        return true;
    }

    private Task Start(WakeupHub hub, TimeSpan atMost, CancellationToken cancellationToken) => Task.Factory.StartNew(
        async () =>
        {
            using var subscription = hub.Subscribe(_topic);
            await subscription.WaitAsync(atMost, cancellationToken);
            TaskScheduler.Current.ShouldBe(_scheduler);
        },
        CancellationToken.None,
        TaskCreationOptions.None,
        _scheduler).Unwrap();
}
