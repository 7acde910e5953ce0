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
}
