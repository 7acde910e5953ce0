using System.Globalization;

namespace Holdfast.DriverKit;

/// <summary>The settings of a pool that the kit itself understands.</summary>
/// <param name="ProbePeriod">Setting <c>probeSeconds</c> (1 to 3600, default 15): how often the backend is asked how it is.</param>
/// <param name="Workers">Setting <c>workers</c> (1 to 64, default 4): calls that run at a time.</param>
/// <param name="Queue">Setting <c>queue</c> (0 to 1024, default 32): calls that wait for their turn; one more is answered <c>busy</c>.</param>
internal sealed record KitSettings(TimeSpan ProbePeriod, int Workers, int Queue)
{
    /// <summary>Reads the settings.</summary>
    /// <param name="config">The pool's configuration.</param>
    /// <returns>The settings, or which one is wrong.</returns>
    internal static DriverResult<KitSettings> Read(IReadOnlyDictionary<string, string> config) =>
        Number(config, "probeSeconds", 15, 1, 3600).Then<KitSettings>(probe =>
            Number(config, "workers", 4, 1, 64).Then<KitSettings>(workers =>
                Number(config, "queue", 32, 0, 1024).Then<KitSettings>(queue =>
                    new KitSettings(TimeSpan.FromSeconds(probe), workers, queue))));

    private static DriverResult<int> Number(IReadOnlyDictionary<string, string> config, string name, int standard, int lowest, int highest)
    {
        if (!config.TryGetValue(name, out var text))
        {
            return standard;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= lowest && value <= highest
            ? value
            : DriverFailure.Invalid($"Setting '{name}' is a whole number from {lowest} to {highest}, not '{text}'.");
    }
}
