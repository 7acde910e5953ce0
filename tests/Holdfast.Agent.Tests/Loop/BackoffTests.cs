using Holdfast.Agent.Loop;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Loop;

public sealed class BackoffTests
{
    private static readonly TimeSpan[] Steps = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(8)];

    [Fact]
    public void Pauses_grow_the_last_one_repeats_and_a_success_starts_over()
    {
        var backoff = new Backoff(Steps);
        Next(backoff, 5).ShouldBe([1, 2, 8, 8, 8]);
        backoff.Reset();
        Next(backoff, 2).ShouldBe([1, 2]);
    }

    [Fact]
    public void Spread_adds_up_to_a_quarter_and_takes_nothing()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var backoff = new Backoff(Steps, new Random(seed));
            foreach (var (pause, step) in Next(backoff, 4).Zip([1.0, 2.0, 8.0, 8.0]))
            {
                pause.ShouldBeInRange(step, step * 1.25);
            }
        }
    }

    private static IReadOnlyList<double> Next(Backoff backoff, int times) => [.. Enumerable.Range(0, times).Select(_ => backoff.Next().TotalSeconds)];
}
