namespace Holdfast.Server.Reports;

/// <summary>How what a host said and could not be taken is kept. Pure.</summary>
internal static class SetAsideRule
{
    /// <summary>
    /// How much is kept of one installation. What is not the host's to say is not kept beyond that; what met a bug is not accepted beyond that, so that the host
    /// keeps it and says it again.
    /// </summary>
    public const int Most = 500;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);

    /// <summary>How long it rests after so many tries.</summary>
    public static TimeSpan Pause(int tries) => First * Math.Pow(2, Math.Min(tries - 1, 10)) is var pause && pause < Longest ? pause : Longest;
}
