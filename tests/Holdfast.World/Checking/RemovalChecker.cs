using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I6: when a host says that it has a pool no more, neither driver nor folder of it is left there, and nothing of it starts again without a newer item.</summary>
internal sealed class RemovalChecker : Checker
{
    private readonly Dictionary<(string Host, PoolId Pool), int> _drivers = [];
    private readonly HashSet<(string Host, PoolId Pool)> _folders = [];
    private readonly HashSet<(string Host, PoolId Pool)> _absent = [];

    public override string Invariant => "I6";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.DriverStarted started:
                _drivers[(started.Host, started.Pool)] = _drivers.GetValueOrDefault((started.Host, started.Pool)) + 1;
                _folders.Add((started.Host, started.Pool));
                return _absent.Contains((started.Host, started.Pool)) ? $"the driver of {HistoryText.Short(started.Pool.Value)} starts on {started.Host}, which has reported it absent" : null;
            case HistoryEntry.DriverEnded ended:
                _drivers[(ended.Host, ended.Pool)] = _drivers.GetValueOrDefault((ended.Host, ended.Pool)) - 1;
                return null;
            case HistoryEntry.FoldersRemoved removed:
                _folders.Remove((removed.Host, removed.Pool));
                return null;
            case HistoryEntry.HostReimaged reimaged:
                _folders.RemoveWhere(key => key.Host == reimaged.Host);
                return null;
            case HistoryEntry.ItemDelivered { Item: { Kind: ItemKind.Binding, Desired: not Desired.Absent } item } delivered:
                _absent.Remove((delivered.Host, new PoolId(item.Id)));
                return null;
            case HistoryEntry.Reported reported:
                foreach (var item in reported.Report.Items.Where(one => one is { Kind: ItemKind.Binding, Binding.State: BindingState.Absent }))
                {
                    Judged++;
                    var key = (reported.Host, new PoolId(item.Id));
                    if (_drivers.GetValueOrDefault(key) > 0)
                    {
                        return $"{reported.Host} reports pool {HistoryText.Short(item.Id)} absent, and its driver runs";
                    }

                    if (_folders.Contains(key))
                    {
                        return $"{reported.Host} reports pool {HistoryText.Short(item.Id)} absent, and its folders are there";
                    }

                    _absent.Add(key);
                }

                return null;
            default:
                return null;
        }
    }
}
