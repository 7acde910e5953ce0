using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>
/// I19: I/O is cut off only to end a guest that was sent SIGKILL; it is written down before that; and what was cut off never runs on: its guest is told as anything but
/// running, and its device is handed out again only after a release.
/// </summary>
internal sealed class CutChecker : Checker
{
    private readonly HostLedger _ledgers = new();
    private readonly Dictionary<(string Host, VmId Vm), IReadOnlyList<GuestDisk>> _guests = [];
    private readonly HashSet<(string Host, VmId Vm)> _killed = [];
    private readonly HashSet<(string Host, VolumeId Volume)> _cut = [];
    private readonly HashSet<string> _damaged = [];

    public override string Invariant => "I19";

    public override string? Look(HistoryEntry entry)
    {
        _ledgers.Follow(entry);
        switch (entry)
        {
            case HistoryEntry.GuestStarted started:
                _guests[(started.Host, started.Vm)] = started.Disks;
                return started.Disks.FirstOrDefault(disk => _cut.Contains((started.Host, disk.Volume))) is { } dead
                    ? $"guest {HistoryText.Short(started.Vm.Value)} is started on {started.Host} with volume {HistoryText.Short(dead.Volume.Value)}, which was cut off there"
                    : null;
            case HistoryEntry.GuestDisksChanged changed:
                _guests[(changed.Host, changed.Vm)] = changed.Disks;
                return null;
            case HistoryEntry.GuestKilled killed:
                _killed.Add((killed.Host, killed.Vm));
                return null;
            case HistoryEntry.GuestEnded ended:
                _guests.Remove((ended.Host, ended.Vm));
                _killed.Remove((ended.Host, ended.Vm));
                return null;
            case HistoryEntry.DriverCalled { Volume: { } volume } called when called.Call.StartsWith("cut", StringComparison.Ordinal):
                Judged++;
                return Alive(called.Host, volume) is { } asked ? $"{called.Host} asks to cut volume {HistoryText.Short(volume.Value)} off, and guest {HistoryText.Short(asked.Value)} has it and was not killed" : null;
            case HistoryEntry.VolumeCut cut:
                Judged++;
                _cut.Add((cut.Host, cut.Volume));
                return !_damaged.Contains(cut.Host) && !IsWritten(cut.Host, cut.Volume)
                    ? $"volume {HistoryText.Short(cut.Volume.Value)} is cut off on {cut.Host}, and its ledger does not say so"
                    : Alive(cut.Host, cut.Volume) is { } alive ? $"volume {HistoryText.Short(cut.Volume.Value)} is cut off on {cut.Host} under guest {HistoryText.Short(alive.Value)}, which was not killed" : null;
            case HistoryEntry.VolumeReleased released:
                _cut.Remove((released.Host, released.Volume));
                return null;
            case HistoryEntry.VolumeAttached attached when _cut.Contains((attached.Host, attached.Volume)):
                return $"volume {HistoryText.Short(attached.Volume.Value)}, which was cut off on {attached.Host}, is attached there again without a release";
            case HistoryEntry.Reported reported:
                return reported.Report.Items.Where(item => item.Machine is { State: MachineState.Running } && IsCut(reported.Host, new VmId(item.Id)))
                    .Select(item => $"{reported.Host} reports guest {HistoryText.Short(item.Id)} as running, whose I/O is cut off").FirstOrDefault();
            case HistoryEntry.LedgerDamaged damaged:
                _damaged.Add(damaged.Host);
                return null;
            case HistoryEntry.HostReimaged reimaged:
                _damaged.Remove(reimaged.Host);
                return null;
            default:
                return null;
        }
    }

    // A report may have been under way when the guest was killed: only a guest that was killed and cut off and is still there can be told wrongly for long.
    private bool IsCut(string host, VmId vm) =>
        _killed.Contains((host, vm)) && _guests.TryGetValue((host, vm), out var disks) && disks.Any(disk => _cut.Contains((host, disk.Volume)));

    private VmId? Alive(string host, VolumeId volume) =>
        _guests.Where(pair => pair.Key.Host == host && !_killed.Contains(pair.Key) && pair.Value.Any(disk => disk.Volume == volume)).Select(pair => (VmId?)pair.Key.Vm).FirstOrDefault();

    private bool IsWritten(string host, VolumeId volume) => _ledgers.Of(host).Attachments.Values.Any(row => row.Volume == volume && row.Cut is not null)
        || _ledgers.Of(host).Obligations.Values.Any(row => row.Volume == volume && row is { IsOpen: true, IsCut: true });
}
