using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I12: nothing waits for ever: no job is pending after its deadline.</summary>
internal sealed class DeadlineChecker : Checker
{
    public override string Invariant => "I12";

    public override string? Look(HistoryEntry entry)
    {
        Judged += entry is HistoryEntry.ApiCalled ? 1 : 0;
        return entry is HistoryEntry.JobOverdue overdue ? $"job '{overdue.Description}' is pending {overdue.Late.TotalSeconds:0} s after its deadline" : null;
    }
}
