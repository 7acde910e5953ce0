using Holdfast.Agent.Bindings;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I11: a backend occupies at most its own bulkhead: no driver has more calls at once than its lane's workers, and the health probe.</summary>
internal sealed class BulkheadChecker : Checker
{
    private const int Most = DriverLane.Workers + 1;
    private readonly Dictionary<(string Host, int Pid), int> _open = [];

    public override string Invariant => "I11";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.DriverCalled called:
                Judged++;
                var open = _open[(called.Host, called.Pid)] = _open.GetValueOrDefault((called.Host, called.Pid)) + 1;
                return open > Most ? $"driver {called.Pid} on {called.Host} has {open} calls at once" : null;
            case HistoryEntry.DriverAnswered answered:
                _open[(answered.Host, answered.Pid)]--;
                return null;
            case HistoryEntry.AgentEnded ended:
                foreach (var key in _open.Keys.Where(key => key.Host == ended.Host).ToList())
                {
                    _open.Remove(key);
                }

                return null;
            default:
                return null;
        }
    }
}
