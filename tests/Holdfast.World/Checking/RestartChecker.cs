using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I10: an agent that starts touches no guest whose item has not changed: what ran goes on, and what ended is not started twice.</summary>
internal sealed class RestartChecker : Checker
{
    private static readonly TimeSpan Young = TimeSpan.FromSeconds(30);
    private readonly Dictionary<string, TimeSpan> _started = [];
    private readonly Dictionary<(string Host, VmId Vm), TimeSpan> _told = [];
    private readonly Dictionary<(string Host, VmId Vm), Desired> _wish = [];
    private readonly HashSet<(string Host, VmId Vm)> _runs = [];

    public override string Invariant => "I10";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.AgentStarted started:
                _started[started.Host] = entry.At;
                return null;
            case HistoryEntry.ItemDelivered { Item: { Kind: ItemKind.Machine } item } delivered:
                _told[(delivered.Host, new VmId(item.Id))] = entry.At;
                _wish[(delivered.Host, new VmId(item.Id))] = item.Desired;
                return null;
            case HistoryEntry.GuestStarted guest:
                _runs.Add((guest.Host, guest.Vm));
                return null;
            case HistoryEntry.GuestEnded guest:
                _runs.Remove((guest.Host, guest.Vm));
                return null;
            case HistoryEntry.DestroyAsked asked when IsYoung(asked.Host, entry.At) && _runs.Contains((asked.Host, asked.Vm)):
                Judged++;
                return _wish.GetValueOrDefault((asked.Host, asked.Vm)) == Desired.Running && _told[(asked.Host, asked.Vm)] < _started[asked.Host]
                    && entry.At - _told[(asked.Host, asked.Vm)] > TimeSpan.FromMinutes(6)
                    ? $"the agent of {asked.Host} has just started and ends guest {HistoryText.Short(asked.Vm.Value)}, which ran and should run"
                    : null;
            default:
                return null;
        }
    }

    private bool IsYoung(string host, TimeSpan at) => _started.TryGetValue(host, out var since) && at - since < Young;
}
