using System.Globalization;

namespace Holdfast.Worlds.Tests;

/// <summary>How many seeds a run plays; HOLDFAST_WORLD_SEEDS multiplies what every run plays.</summary>
internal static class Seeds
{
    private static readonly int Factor = int.TryParse(Environment.GetEnvironmentVariable("HOLDFAST_WORLD_SEEDS"), CultureInfo.InvariantCulture, out var factor) && factor > 0 ? factor : 1;

    /// <summary>For each row of the matrix.</summary>
    public static int OfARow => 5 * Factor;

    /// <summary>For random runs.</summary>
    public static int OfRandomRuns => 100 * Factor;
}
