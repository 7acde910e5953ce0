using Holdfast.Core.Ids;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I9: an accepted wish has one effect: a volume is made once, and a guest started once for each generation of its machine on a host.</summary>
internal sealed class OneEffectChecker : Checker
{
    private readonly HashSet<(PoolId Pool, VolumeId Volume)> _made = [];
    private readonly HashSet<(string Host, VmId Vm)> _runs = [];

    public override string Invariant => "I9";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.VolumeMade made:
                Judged++;
                return _made.Add((made.Pool, made.Volume)) ? null : $"volume {HistoryText.Short(made.Volume.Value)} was made a second time on {HistoryText.Short(made.Pool.Value)}";
            case HistoryEntry.VolumeDestroyed destroyed:
                _made.Remove((destroyed.Pool, destroyed.Volume));
                return null;
            case HistoryEntry.VolumeLost lost:
                _made.Remove((lost.Pool, lost.Volume));
                return null;
            case HistoryEntry.VolumeReturned returned:
                _made.Add((returned.Pool, returned.Volume));
                return null;
            case HistoryEntry.GuestStarted started:
                Judged++;
                return _runs.Add((started.Host, started.Vm)) ? null : $"guest {HistoryText.Short(started.Vm.Value)} was started a second time on {started.Host}";
            case HistoryEntry.GuestEnded ended:
                _runs.Remove((ended.Host, ended.Vm));
                return null;
            default:
                return null;
        }
    }
}
