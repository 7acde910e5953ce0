using Holdfast.Agent.Drivers;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>
/// I11: a backend occupies at most its own bulkhead: no driver has more calls at once than its lane's workers, and the health probe. What a driver tells or does from the
/// host alone may go past the workers, and is bounded apart.
/// </summary>
internal sealed class BulkheadChecker : Checker
{
    private const int Most = DriverLane.Workers + 1;
    private readonly Dictionary<(string Host, int Pid, bool IsOfHost), int> _open = [];

    public override string Invariant => "I11";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.DriverCalled called:
                Judged++;
                var key = (called.Host, called.Pid, IsOfHost(called.Call));
                var open = _open[key] = _open.GetValueOrDefault(key) + 1;
                return open > (key.Item3 ? DriverLane.AtOnce : Most) ? $"driver {called.Pid} on {called.Host} has {open} calls at once" : null;
            case HistoryEntry.DriverAnswered answered:
                _open[(answered.Host, answered.Pid, IsOfHost(answered.Call))]--;
                return null;
            case HistoryEntry.AgentEnded ended:
                foreach (var gone in _open.Keys.Where(key => key.Host == ended.Host).ToList())
                {
                    _open.Remove(gone);
                }

                return null;
            default:
                return null;
        }
    }

    private static bool IsOfHost(string call) => call == "inventory" || call.StartsWith("cut", StringComparison.Ordinal);
}
