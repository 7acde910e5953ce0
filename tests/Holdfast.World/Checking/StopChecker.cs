using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>
/// I2: from the moment a living agent has the wish, a guest is gone within its grace and the bound of a kill, and the report says so, whatever storage does. The clock
/// starts anew when the agent does; a guest that sleeps in the kernel and a libvirtd that is away are no fault of storage.
/// </summary>
internal sealed class StopChecker : Checker
{
    // The agent asks again after its own pauses, and its report may wait for the one under way.
    private static readonly TimeSpan KillBound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ReportBound = TimeSpan.FromSeconds(5);
    private readonly Dictionary<(string Host, VmId Vm), Wish> _wishes = [];
    private readonly HashSet<(string Host, VmId Vm)> _runs = [];
    private readonly Dictionary<string, HashSet<string>> _excuses = [];
    private readonly Dictionary<(string Host, VmId Vm), TimeSpan> _unreported = [];

    private readonly Dictionary<(string Host, VmId Vm), Generation> _newest = [];

    private sealed record Wish(Generation Generation, TimeSpan Grace, TimeSpan Since);

    public override string Invariant => "I2";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.ItemDelivered { Item: { Kind: ItemKind.Machine } item } delivered:
                var key = (delivered.Host, new VmId(item.Id));
                if (item.Generation <= _newest.GetValueOrDefault(key))
                {
                    break;
                }

                _newest[key] = item.Generation;
                if (item.Desired is Desired.Stopped or Desired.Absent)
                {
                    var grace = item.Machine is { ForcedStop: false } spec ? TimeSpan.FromSeconds(spec.GraceSeconds) : TimeSpan.Zero;
                    _wishes[key] = new Wish(item.Generation, grace, entry.At);
                }
                else
                {
                    _wishes.Remove(key);
                    _unreported.Remove(key);
                }

                break;
            case HistoryEntry.GuestStarted started:
                _runs.Add((started.Host, started.Vm));
                break;
            case HistoryEntry.GuestEnded ended:
                _runs.Remove((ended.Host, ended.Vm));
                if (_wishes.ContainsKey((ended.Host, ended.Vm)))
                {
                    _unreported[(ended.Host, ended.Vm)] = entry.At;
                }

                break;
            case HistoryEntry.Reported reported:
                foreach (var item in reported.Report.Items.Where(one => one.Machine is { State: MachineState.Stopped or MachineState.Absent }))
                {
                    _unreported.Remove((reported.Host, new VmId(item.Id)));
                }

                break;
            case HistoryEntry.AgentStarted started:
                Restart(started.Host, entry.At);
                Excuse(started.Host, "agent", false);
                break;
            case HistoryEntry.HostReimaged reimaged:
                foreach (var gone in _wishes.Keys.Concat(_unreported.Keys).Where(one => one.Host == reimaged.Host).ToList())
                {
                    _wishes.Remove(gone);
                    _unreported.Remove(gone);
                }

                break;
            case HistoryEntry.AgentEnded ended:
                Excuse(ended.Host, "agent", true);
                break;
            case HistoryEntry.HostLostPower lost:
                Excuse(lost.Host, "agent", true);
                break;
            case HistoryEntry.ServerStarted or HistoryEntry.ServerEnded:
                Excuse("server", "server", entry is HistoryEntry.ServerEnded);
                foreach (var host in _unreported.Keys.ToList())
                {
                    _unreported[host] = entry.At;
                }

                break;
            case HistoryEntry.Fault fault when !fault.What.StartsWith("storage", StringComparison.Ordinal) && !fault.What.Contains("driver", StringComparison.Ordinal):
                // Faults of the host itself and of the network end the promise's premise while they last.
                Excuse(fault.What.StartsWith("server", StringComparison.Ordinal) ? "server" : "all", fault.What, fault.Begins);
                if (!fault.Begins)
                {
                    Restart(null, entry.At);
                }

                break;
        }

        foreach (var ((host, vm), wish) in _wishes)
        {
            if (_runs.Contains((host, vm)) && !IsExcused(host) && entry.At - wish.Since > wish.Grace + KillBound)
            {
                return $"guest {HistoryText.Short(vm.Value)} still runs on {host} {(entry.At - wish.Since).TotalSeconds:0.0} s after its agent was told to stop it with a grace of {wish.Grace.TotalSeconds:0} s";
            }
        }

        foreach (var ((host, vm), since) in _unreported)
        {
            if (!IsExcused(host) && !IsExcused("server") && entry.At - since > ReportBound)
            {
                return $"guest {HistoryText.Short(vm.Value)} on {host} has been gone for {(entry.At - since).TotalSeconds:0.0} s, and no report says so";
            }
        }

        Judged += _wishes.Count > 0 ? 1 : 0;
        return null;
    }

    private void Restart(string? host, TimeSpan at)
    {
        foreach (var (key, wish) in _wishes.Where(pair => host is null || pair.Key.Host == host).ToList())
        {
            _wishes[key] = wish with { Since = at };
        }

        foreach (var key in _unreported.Keys.Where(key => host is null || key.Host == host).ToList())
        {
            _unreported[key] = at;
        }
    }

    private void Excuse(string host, string why, bool begins)
    {
        if (!_excuses.TryGetValue(host, out var reasons))
        {
            _excuses[host] = reasons = [];
        }

        if (begins)
        {
            reasons.Add(why);
        }
        else
        {
            reasons.Remove(why);
        }
    }

    private bool IsExcused(string host) => _excuses.GetValueOrDefault(host) is { Count: > 0 } || _excuses.GetValueOrDefault("all") is { Count: > 0 };
}
