using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I16: after the last fault everything comes to rest by itself: what is owed is settled, what is wished is so, and nobody knows less than there is.</summary>
internal sealed class ConvergenceChecker : Checker
{
    public override string Invariant => "I16";

    public override string? Look(HistoryEntry entry)
    {
        if (entry is not HistoryEntry.Settled settled)
        {
            return null;
        }

        Judged++;
        return settled.Unsettled.Count == 0 ? null : string.Join("; ", settled.Unsettled);
    }
}
