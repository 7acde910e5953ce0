using Holdfast.Worlds.Runs;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

public sealed class ReplayTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(14)]
    public void A_seed_replays_the_same_history(int seed) => DigestOf(seed).ShouldBe(DigestOf(seed));

    [Fact]
    public void Two_seeds_play_two_histories() => DigestOf(3).ShouldNotBe(DigestOf(8));

    private const int MostSeeds = 60;

    [Fact]
    public void Every_checker_finds_something_to_judge()
    {
        var judged = new SortedDictionary<string, long>();

        // Some of what they judge is rare: as many seeds as it takes.
        for (var seed = 1; seed <= MostSeeds && (seed == 1 || judged.Values.Any(static times => times == 0)); seed++)
        {
            using var world = RandomRun.Play(seed, also: seed % 2 == 0 ? FaultKind.SuspendDevice : null);
            foreach (var checker in world.Recorder.Checkers)
            {
                judged[checker.Invariant] = judged.GetValueOrDefault(checker.Invariant) + checker.Judged;
            }
        }

        judged.Where(pair => pair.Value == 0).Select(pair => pair.Key).ShouldBeEmpty();
    }

    private static string DigestOf(int seed)
    {
        using var world = RandomRun.Play(seed);
        return world.Recorder.Digest();
    }
}
