namespace Holdfast.Protocol.Host;

/// <summary>Settings of the installation that hosts act on for all their guests. Sent with every mark of a watch, so a change reaches a host with the next keep-alive.</summary>
public sealed record GuestRules
{
    /// <summary>
    /// Seconds between two attempts, at most, to let a guest go on that stands still because a disk of it is full or fails; the first comes soon, and each waits longer
    /// than the one before. 0: nobody but a person lets it go on.
    /// </summary>
    public int ResumeSeconds { get; init; } = 60;
}
