using Holdfast.Worlds.Runs;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

public sealed class RandomTests
{
    [Fact]
    public void Any_workload_under_any_faults_keeps_every_invariant_and_comes_to_rest()
    {
        var failures = new List<string>();
        for (var seed = 1; seed <= Seeds.OfRandomRuns; seed++)
        {
            try
            {
                RandomRun.Play(seed, keepsLog: false).Dispose();
            }
            catch (WorldException broken)
            {
                failures.Add($"holdfast-world replay random {seed}: {broken.Message}");
            }
        }

        failures.ShouldBeEmpty();
    }

    /// <summary>Each broke an invariant once. What they play changes with World and with what it tests, so they are only more seeds; the bug of each has a test of its own.</summary>
    [Theory]
    [InlineData(95, false)]
    [InlineData(5038, true)]
    [InlineData(5059, true)]
    [InlineData(5237, true)]
    [InlineData(9853, true)]
    [InlineData(11062, true)]
    [InlineData(11507, true)]
    [InlineData(90083, false)]
    public void A_seed_that_failed_once(int seed, bool suspends) => RandomRun.Play(seed, keepsLog: false, also: suspends ? FaultKind.SuspendDevice : null).Dispose();
}
