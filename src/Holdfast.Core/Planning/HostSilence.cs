using System.Globalization;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>What can be said of the guests of a host that is not heard of, for people.</summary>
public static class HostSilence
{
    /// <summary>Says since when nothing is known.</summary>
    /// <param name="host">The host's name.</param>
    /// <param name="state">Its state.</param>
    /// <param name="lastReport">When its latest report arrived; null: never.</param>
    /// <returns>The sentence; null while the host is heard of.</returns>
    public static string? Of(string host, HostState state, DateTimeOffset? lastReport) => state == HostState.Up
        ? null
        : $"host {host} is {state} and has not reported {(lastReport is { } last ? $"since {last.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} UTC" : "yet")}: whether the guest runs is not known";
}
