using Holdfast.Worlds.Plants;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

/// <summary>Tests of the tests: bugs on purpose, each found by a checker, and within a few seeds: it must not take luck.</summary>
public sealed class PlantTests
{
    private const int Most = 25;
    private readonly ITestOutputHelper _output;

    public PlantTests(ITestOutputHelper output) => _output = output;

    public static TheoryData<string> Names => [.. AllPlants.All.Select(plant => plant.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_planted_bug_is_found(string name)
    {
        var plant = AllPlants.All.Single(one => one.Name == name);
        for (var seed = 1; seed <= Most; seed++)
        {
            try
            {
                plant.Play(seed, plant.Twins());
            }
            catch (WorldException broken) when (broken.Violation is { } violation)
            {
                _output.WriteLine($"seed {seed}: {violation.Invariant}: {violation.What}");
                plant.Invariants.ShouldContain(violation.Invariant, broken.Message);
                return;
            }
            catch (WorldException)
            {
                // Something else went wrong because of it; that is no checker's finding.
            }
        }

        throw new ShouldAssertException($"'{name}' was not found within {Most} seeds.");
    }
}
