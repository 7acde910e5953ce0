using System.Runtime.CompilerServices;
using Holdfast.Core.Waits;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Waits;

public sealed class WaitingTests
{
    [Fact]
    public async Task A_wait_that_times_out_leaves_nothing_behind_on_a_task_that_never_ends()
    {
        var never = new TaskCompletionSource();
        var clock = new ImpatientClock();
        await WaitAsync(never.Task, clock);

        // Off the stack of the wait itself, which still holds what it used.
        await Task.Yield();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        // What is given to the timer is also what the continuation on the task would hold.
        clock.State.ShouldNotBeNull().IsAlive.ShouldBeFalse();
        never.Task.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_failed_task_ends_the_wait_and_keeps_its_failure_to_itself()
    {
        var failed = Task.FromException(new InvalidOperationException("its own business"));

        await failed.AtMostAsync(TimeSpan.FromSeconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_abandoned_task_goes_on()
    {
        var work = new TaskCompletionSource<int>();
        using var cancel = new CancellationTokenSource();
        var waiting = work.Task.OrAbandonAsync(cancel.Token);

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        work.Task.IsCompleted.ShouldBeFalse();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task WaitAsync(Task task, ImpatientClock clock) => task.AtMostAsync(TimeSpan.FromHours(1), clock);

    /// <summary>Every timer is due at once.</summary>
    private sealed class ImpatientClock : TimeProvider
    {
        public WeakReference? State { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            State = new WeakReference(state);
            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
