using Holdfast.Core.States;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I14: what a user sees is never better than the truth: a VM that is shown as stopped does not run anywhere.</summary>
internal sealed class TruthChecker : Checker
{
    public override string Invariant => "I14";

    public override string? Look(HistoryEntry entry)
    {
        if (entry is not HistoryEntry.VmSeen seen)
        {
            return null;
        }

        Judged++;
        return seen is { State: VmState.Stopped or VmState.Destroyed or VmState.Expunging, Runs: true } ? $"VM {seen.Name} is shown as {seen.State}, and its guest runs" : null;
    }
}
