using System.Globalization;

namespace Holdfast.Core.Failpoints;

/// <summary>What a failpoint does for some passes. A closed hierarchy.</summary>
public abstract record FailpointStep
{
    private FailpointStep()
    {
    }

    /// <summary>For how many passes; null for all that follow.</summary>
    public long? Times { get; private init; }

    /// <summary>Nothing.</summary>
    public sealed record Off : FailpointStep;

    /// <summary>The place's own failure.</summary>
    /// <param name="Words">What the failure says.</param>
    public sealed record Error(string Words) : FailpointStep;

    /// <summary>The process ends at once, as by kill -9.</summary>
    public sealed record Panic : FailpointStep;

    /// <summary>The place waits.</summary>
    /// <param name="Time">How long.</param>
    public sealed record Delay(TimeSpan Time) : FailpointStep;

    /// <summary>Reads steps, such as <c>3*off->1*panic</c> or <c>error(disk full)</c> or <c>2*delay(500)</c> (milliseconds).</summary>
    /// <param name="point">The place they are for.</param>
    /// <param name="text">The steps.</param>
    /// <exception cref="FormatException">They make no sense, or the place cannot do that. The message names the place.</exception>
    public static IReadOnlyList<FailpointStep> Parse(Failpoint point, string text) =>
        [.. text.Split("->", StringSplitOptions.TrimEntries).Select(part => ParseOne(point, part))];

    private static FailpointStep ParseOne(Failpoint point, string text)
    {
        var star = text.IndexOf('*', StringComparison.Ordinal);
        long? times = null;
        if (star >= 0)
        {
            times = long.TryParse(text[..star], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
                ? count
                : throw new FormatException($"Failpoint {point.Name}: '{text[..star]}' is not a number of passes.");
        }

        var mode = text[(star + 1)..];
        var open = mode.IndexOf('(', StringComparison.Ordinal);
        if (open >= 0 && !mode.EndsWith(')'))
        {
            throw new FormatException($"Failpoint {point.Name}: '{mode}' has no closing parenthesis.");
        }

        var argument = open < 0 ? null : mode[(open + 1)..^1];
        FailpointStep step = (open < 0 ? mode : mode[..open], argument) switch
        {
            ("off", null) => new Off(),
            ("panic", null) => new Panic(),
            ("error", _) when point.CanFail => new Error(argument ?? $"failpoint {point.Name}"),
            ("error", _) => throw new FormatException($"Failpoint {point.Name} has no failure of its own: only off, panic and delay."),
            ("delay", { } milliseconds) when !point.CanDelay => throw new FormatException($"Failpoint {point.Name} cannot wait {milliseconds} ms: only off, error and panic."),
            ("delay", { } milliseconds) when int.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var time) => new Delay(TimeSpan.FromMilliseconds(time)),
            _ => throw new FormatException($"Failpoint {point.Name}: '{mode}' is none of off, error, error(words), panic, delay(milliseconds)."),
        };
        return step with { Times = times };
    }
}
