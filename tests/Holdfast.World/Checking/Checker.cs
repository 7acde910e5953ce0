using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>Holds one invariant of a run. Reads the history only, never the code's own state.</summary>
internal abstract class Checker
{
    /// <summary>Its name, as I3.</summary>
    public abstract string Invariant { get; }

    /// <summary>How many times there was something to judge.</summary>
    public long Judged { get; protected set; }

    /// <summary>Looks at the next entry.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public abstract string? Look(HistoryEntry entry);
}
