using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>
/// I14: what a user sees is never better than the truth: a VM that is shown as stopped does not run anywhere, and one whose guest stands still for longer than a host needs
/// to find and tell it is not shown as running without a word of that.
/// </summary>
internal sealed class TruthChecker : Checker
{
    // A look at all guests every 20 s, and a machine's runner that is at something that storage does not answer.
    private static readonly TimeSpan ToldWithin = TimeSpan.FromSeconds(90);
    private readonly Dictionary<VmId, TimeSpan> _paused = [];
    private readonly HashSet<string> _excuses = [];
    private TimeSpan _quietSince;

    public override string Invariant => "I14";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.GuestPaused paused:
                _paused[paused.Vm] = entry.At;
                return null;
            case HistoryEntry.GuestResumed resumed:
                _paused.Remove(resumed.Vm);
                return null;
            case HistoryEntry.GuestEnded ended:
                _paused.Remove(ended.Vm);
                return null;

            // Who is away tells nothing, and its silence is shown instead.
            case HistoryEntry.AgentStarted started:
                return Excuse(started.Host, false, entry.At);
            case HistoryEntry.AgentEnded ended:
                return Excuse(ended.Host, true, entry.At);
            case HistoryEntry.HostLostPower lost:
                return Excuse(lost.Host, true, entry.At);
            case HistoryEntry.ServerStarted or HistoryEntry.ServerEnded:
                return Excuse("server", entry is HistoryEntry.ServerEnded, entry.At);
            case HistoryEntry.Fault fault when !fault.What.StartsWith("storage", StringComparison.Ordinal) && !fault.What.StartsWith("events", StringComparison.Ordinal)
                && !fault.What.Contains("driver", StringComparison.Ordinal):
                return Excuse(fault.What, fault.Begins, entry.At);
            case HistoryEntry.VmSeen seen:
                Judged++;
                return seen is { State: VmState.Stopped or VmState.Destroyed or VmState.Expunging, Runs: true } ? $"VM {seen.Name} is shown as {seen.State}, and its guest runs"
                    : seen is { State: VmState.Running, IsToldPaused: false } && _excuses.Count == 0 && _paused.TryGetValue(seen.Vm, out var since)
                        && entry.At - (since > _quietSince ? since : _quietSince) > ToldWithin
                        ? $"VM {seen.Name} is shown as Running, and its guest has stood still for {(entry.At - since).TotalSeconds:0} s"
                    : null;
            default:
                return null;
        }
    }

    private string? Excuse(string what, bool begins, TimeSpan at)
    {
        _quietSince = at;
        _ = begins ? _excuses.Add(what) : _excuses.Remove(what);
        return null;
    }
}
