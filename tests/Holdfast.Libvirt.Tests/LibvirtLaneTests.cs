namespace Holdfast.Libvirt.Tests;

public sealed class LibvirtLaneTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_body_runs_on_a_named_thread_of_the_lane_and_the_waiter_does_not()
    {
        using var lane = TestDriver.Lane();
        var name = await lane.CallAsync(null, TestDriver.Deadline, _ => Thread.CurrentThread.Name, Token);
        name.Value().ShouldStartWith("libvirt-test-");
        Thread.CurrentThread.Name.ShouldNotBe(name.Value());
    }

    [Fact]
    public async Task No_more_bodies_run_at_a_time_than_the_lane_has_threads()
    {
        using var lane = TestDriver.Lane(options => options with { MaxThreads = 3 });
        var (running, peak) = (0, 0);
        var calls = Enumerable.Range(0, 60).Select(_ => lane.CallAsync(null, TestDriver.Deadline, session =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref peak, now);
            session.GetHostName();
            Interlocked.Decrement(ref running);
            return true;
        }, Token));
        (await Task.WhenAll(calls)).ShouldAllBe(result => result.Value());
        peak.ShouldBeLessThanOrEqualTo(3);
    }

    [Fact]
    public async Task A_call_that_overruns_is_given_up_and_another_thread_takes_its_place()
    {
        using var lane = TestDriver.Lane(options => options with { MaxThreads = 1 });
        using var hang = new ManualResetEventSlim();

        var stuck = await lane.CallAsync(null, Short, _ => Hang(hang), Token);
        stuck.ShouldBe(new LibvirtResult<bool>.TimedOut(Short));
        lane.StuckCalls.ShouldBe(1);

        (await lane.CallAsync(null, TestDriver.Deadline, session => session.GetHostName(), Token)).Value().ShouldNotBeEmpty();

        hang.Set();
        await UntilAsync(() => lane is { StuckCalls: 0, RunningCalls: 0 }, "the stuck call to end");
        (await lane.CallAsync(null, TestDriver.Deadline, session => session.GetHostName(), Token)).Value().ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_call_queued_behind_one_that_gets_stuck_is_served_by_the_replacement()
    {
        using var lane = TestDriver.Lane(options => options with { MaxThreads = 1 });
        using var hang = new ManualResetEventSlim();

        var stuck = lane.CallAsync(null, Short, _ => Hang(hang), Token);
        var queued = lane.CallAsync(null, TestDriver.Deadline, session => session.GetHostName(), Token);

        (await stuck).ShouldBeOfType<LibvirtResult<bool>.TimedOut>();
        (await queued).Value().ShouldNotBeEmpty();
        hang.Set();
    }

    [Fact]
    public async Task A_call_queued_behind_one_whose_waiter_left_is_served_when_that_gets_stuck()
    {
        using var lane = TestDriver.Lane(options => options with { MaxThreads = 1 });
        using var hang = new ManualResetEventSlim();
        using var leave = new CancellationTokenSource();
        var begun = new TaskCompletionSource();

        var left = lane.CallAsync(null, Short, _ =>
        {
            begun.SetResult();
            return Hang(hang);
        }, leave.Token);
        await begun.Task.WaitAsync(TestDriver.Deadline, Token);
        await leave.CancelAsync();
        var queued = lane.CallAsync(null, TestDriver.Deadline, session => session.GetHostName(), Token);

        await Should.ThrowAsync<OperationCanceledException>(() => left);
        (await queued).Value().ShouldNotBeEmpty();
        hang.Set();
    }

    [Fact]
    public async Task With_all_replacements_stuck_too_a_call_is_refused_and_never_runs()
    {
        using var lane = TestDriver.Lane(options => options with { MaxThreads = 1, MaxStuck = 2 });
        using var hang = new ManualResetEventSlim();
        for (var i = 0; i < 2; i++)
        {
            (await lane.CallAsync(null, Short, _ => Hang(hang), Token)).ShouldBeOfType<LibvirtResult<bool>.TimedOut>();
        }

        var ran = false;
        (await lane.CallAsync(null, Short, _ => ran = true, Token)).ShouldBe(new LibvirtResult<bool>.Saturated("test"));
        hang.Set();
        await UntilAsync(() => lane.RunningCalls == 0, "the stuck calls to end");
        ran.ShouldBeFalse();
    }

    [Fact]
    public async Task One_key_cannot_take_the_whole_lane()
    {
        using var lane = TestDriver.Lane();
        using var hang = new ManualResetEventSlim();
        var first = lane.CallAsync("vm", TestDriver.Deadline, _ => Hang(hang), Token);
        var second = lane.CallAsync("vm", TestDriver.Deadline, _ => Hang(hang), Token);

        (await lane.CallAsync("vm", TestDriver.Deadline, _ => true, Token)).ShouldBeOfType<LibvirtResult<bool>.Saturated>();
        (await lane.CallAsync("other", TestDriver.Deadline, _ => true, Token)).Value().ShouldBeTrue();

        hang.Set();
        await Task.WhenAll(first, second);
        await UntilAsync(() => lane.RunningCalls == 0, "the calls to give their threads back");
        (await lane.CallAsync("vm", TestDriver.Deadline, _ => true, Token)).Value().ShouldBeTrue();
    }

    [Fact]
    public async Task A_bug_in_a_body_reaches_its_waiter_and_the_lane_goes_on()
    {
        using var lane = TestDriver.Lane();
        await Should.ThrowAsync<InvalidOperationException>(() => lane.CallAsync<bool>(null, TestDriver.Deadline, _ => throw new InvalidOperationException("bug"), Token));
        (await lane.CallAsync(null, TestDriver.Deadline, _ => true, Token)).Value().ShouldBeTrue();
    }

    private static bool Hang(ManualResetEventSlim until) => until.Wait(TestDriver.Deadline);

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            TimeProvider.System.GetElapsedTime(begin).ShouldBeLessThan(TestDriver.Deadline, $"waited for {what}");
            await Task.Delay(5, Token);
        }
    }
}
