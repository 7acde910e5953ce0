using Holdfast.Core.Ids;
using Holdfast.DriverKit.Lanes;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Kit;

public sealed class LaneTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);
    private readonly VolumeId _volume = VolumeId.From(Guid.CreateVersion7());
    private readonly VolumeId _other = VolumeId.From(Guid.CreateVersion7());

    [Fact]
    public async Task RunAsync_FreeWorker_Runs() =>
        (await CallAsync(Lane(1, 0), LaneClaim.None, static () => Task.FromResult(7))).ShouldBe(new LaneOutcome<int>.Finished(7));

    [Fact]
    public async Task RunAsync_QueueFull_IsRefusedAtOnce()
    {
        var lane = Lane(1, 1);
        var gate = new TaskCompletionSource<int>();
        var running = CallAsync(lane, LaneClaim.None, () => gate.Task);
        var waiting = CallAsync(lane, LaneClaim.None, static () => Task.FromResult(2));

        (await CallAsync(lane, LaneClaim.None, static () => Task.FromResult(3))).ShouldBeOfType<LaneOutcome<int>.Full>();

        gate.SetResult(1);
        (await running).ShouldBe(new LaneOutcome<int>.Finished(1));
        (await waiting).ShouldBe(new LaneOutcome<int>.Finished(2));
    }

    [Fact]
    public async Task RunAsync_SameVolume_WaitsForTheOther()
    {
        var lane = Lane(4, 4);
        var gate = new TaskCompletionSource<int>();
        var first = CallAsync(lane, LaneClaim.Change(_volume), () => gate.Task);
        var second = CallAsync(lane, LaneClaim.Change(_volume), static () => Task.FromResult(2));

        (await CallAsync(lane, LaneClaim.Change(_other), static () => Task.FromResult(3))).ShouldBe(new LaneOutcome<int>.Finished(3));
        second.IsCompleted.ShouldBeFalse();

        gate.SetResult(1);
        (await first).ShouldBe(new LaneOutcome<int>.Finished(1));
        (await second).ShouldBe(new LaneOutcome<int>.Finished(2));
    }

    [Fact]
    public async Task RunAsync_ClonesAndDeletionOfOneSource_KeepTheirOrder()
    {
        var lane = Lane(4, 4);
        var gate = new TaskCompletionSource<int>();
        var clone = CallAsync(lane, new LaneClaim(_other, _volume), () => gate.Task);
        (await CallAsync(lane, LaneClaim.Read(_volume), static () => Task.FromResult(1))).ShouldBe(new LaneOutcome<int>.Finished(1));
        var delete = CallAsync(lane, LaneClaim.Change(_volume), static () => Task.FromResult(9));
        var late = CallAsync(lane, LaneClaim.Read(_volume), static () => Task.FromResult(5));

        // A reader that comes after the deletion does not overtake it, or deletions would wait for ever.
        delete.IsCompleted.ShouldBeFalse();
        late.IsCompleted.ShouldBeFalse();

        gate.SetResult(0);
        (await clone).ShouldBe(new LaneOutcome<int>.Finished(0));
        (await delete).ShouldBe(new LaneOutcome<int>.Finished(9));
        (await late).ShouldBe(new LaneOutcome<int>.Finished(5));
    }

    [Fact]
    public async Task RunAsync_NotItsTurnInTime_NeverRuns()
    {
        var lane = Lane(1, 1);
        var gate = new TaskCompletionSource<int>();
        var running = CallAsync(lane, LaneClaim.None, () => gate.Task);
        var ran = false;

        var outcome = await lane.RunAsync(
            LaneClaim.None,
            Short,
            (_, _) =>
            {
                ran = true;
                return Task.FromResult(1);
            },
            static _ => { });

        outcome.ShouldBeOfType<LaneOutcome<int>.NeverRan>();
        gate.SetResult(1);
        await running;
        (await CallAsync(lane, LaneClaim.None, static () => Task.FromResult(2))).ShouldBe(new LaneOutcome<int>.Finished(2));
        ran.ShouldBeFalse();
    }

    [Fact]
    public async Task RunAsync_DoesNotComeBack_KeepsItsWorkerUntilItDoes()
    {
        var lane = Lane(1, 0);
        var gate = new TaskCompletionSource<int>();
        var late = new TaskCompletionSource<int>();

        (await lane.RunAsync(LaneClaim.None, Short, (_, _) => gate.Task, late.SetResult)).ShouldBeOfType<LaneOutcome<int>.Abandoned>();
        lane.Stuck.ShouldBe(1);
        (await CallAsync(lane, LaneClaim.None, static () => Task.FromResult(1))).ShouldBeOfType<LaneOutcome<int>.Full>();

        gate.SetResult(4);
        (await late.Task.WaitAsync(Long, TestContext.Current.CancellationToken)).ShouldBe(4);
        lane.Stuck.ShouldBe(0);
        (await CallAsync(lane, LaneClaim.None, static () => Task.FromResult(1))).ShouldBe(new LaneOutcome<int>.Finished(1));
    }

    [Fact]
    public async Task RunAsync_BlocksItsThread_DoesNotBlockTheCaller()
    {
        using var gate = new ManualResetEventSlim();
        var back = new TaskCompletionSource<int>();

        var outcome = await Lane(1, 0).RunAsync(
            LaneClaim.None,
            Short,
            (_, _) =>
            {
                gate.Wait(Long, CancellationToken.None);
                return Task.FromResult(1);
            },
            back.SetResult);

        outcome.ShouldBeOfType<LaneOutcome<int>.Abandoned>();
        gate.Set();
        await back.Task.WaitAsync(Long, TestContext.Current.CancellationToken);
    }

    private static Lane Lane(int workers, int queue) => new(workers, queue, TimeProvider.System, CancellationToken.None);

    private static Task<LaneOutcome<int>> CallAsync(Lane lane, LaneClaim claim, Func<Task<int>> work) =>
        lane.RunAsync(claim, Long, (_, _) => work(), static _ => { });
}
