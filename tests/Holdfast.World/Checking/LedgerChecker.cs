using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>
/// I4: the row stands before the effect, and while the effect may stand. What is attached to a host is named by an attachment or an open obligation of its ledger, at
/// every instant, so also at every point where an agent can be killed.
/// </summary>
internal sealed class LedgerChecker : Checker
{
    private readonly HostLedger _ledgers = new();
    private readonly Dictionary<(string Host, VolumeId Volume, AttachMode Mode), string> _attached = [];
    private readonly HashSet<VolumeId> _handedOver = [];
    private readonly HashSet<string> _damaged = [];
    private readonly HashSet<string> _full = [];

    // Named by a ledger that went with its installation: a storage system may still finish what it was asked for.
    private readonly HashSet<(string Host, VolumeId Volume)> _namedBefore = [];

    public override string Invariant => "I4";

    public override string? Look(HistoryEntry entry)
    {
        if (entry is HistoryEntry.HostReimaged gone)
        {
            _namedBefore.UnionWith(_ledgers.Of(gone.Host).Items.Values.Select(row => VolumeOf(row.Item.Task)).OfType<VolumeId>().Select(volume => (gone.Host, volume)));
        }

        _ledgers.Follow(entry);
        switch (entry)
        {
            case HistoryEntry.VolumeAttached attached:
                Judged++;
                _attached[(attached.Host, attached.Volume, attached.Mode)] = attached.Path;
                return Unnamed(attached.Host, attached.Volume, attached.Mode) ? $"volume {HistoryText.Short(attached.Volume.Value)} was attached to {attached.Host} for {attached.Mode} before its ledger names it" : null;
            case HistoryEntry.VolumeReleased released:
                _attached.Remove((released.Host, released.Volume, released.Mode));
                return null;
            case HistoryEntry.VolumeMade made when made.By.StartsWith("host", StringComparison.Ordinal):
                Judged++;

                // Owed to be deleted: a storage system may finish what it was asked for after the driver that asked has died and the task has failed.
                return _ledgers.Of(made.By).Items.Values.Any(row => VolumeOf(row.Item.Task) == made.Volume)
                    || _ledgers.Of(made.By).Obligations.Values.Any(row => row.Volume == made.Volume && row.Kind == ObligationKind.DeleteVolume)
                    || _damaged.Contains(made.By)
                    || _namedBefore.Contains((made.By, made.Volume))
                    ? null
                    : $"volume {HistoryText.Short(made.Volume.Value)} was made by {made.By} before its ledger names it";
            case HistoryEntry.GuestStarted started:
                Judged++;
                var unnamed = started.Disks.FirstOrDefault(disk => !_ledgers.Of(started.Host).Attachments.Values.Any(row => row.Volume == disk.Volume));
                return unnamed is null || _damaged.Contains(started.Host) ? null : $"guest {HistoryText.Short(started.Vm.Value)} runs on {started.Host} with volume {HistoryText.Short(unnamed.Volume.Value)}, which its ledger does not name";
            case HistoryEntry.Fault { What: var what } full when what.StartsWith("ledger disk of ", StringComparison.Ordinal):
                _ = full.Begins ? _full.Add(what.Split(' ')[3].TrimEnd(':')) : _full.Remove(what.Split(' ')[3].TrimEnd(':'));
                return null;
            case HistoryEntry.DriverStarted driver:
                Judged++;

                // With a full disk drivers still run, since what is owed needs them; their folders tell of them after a crash.
                return _full.Contains(driver.Host) || _ledgers.Of(driver.Host).Items.ContainsKey((ItemKind.Binding, driver.Pool.Value)) || _damaged.Contains(driver.Host)
                    ? null
                    : $"the driver of {HistoryText.Short(driver.Pool.Value)} was started on {driver.Host} before its ledger has the item";
            case HistoryEntry.LedgerWritten written:
                foreach (var change in written.Changes)
                {
                    // Handed to the server as an orphan, or written off by a person: known there.
                    if (change is LedgerChange.PutObligation { Row: { State: ObligationState.Orphaned or ObligationState.Forgotten } row })
                    {
                        _handedOver.Add(row.Volume);
                    }
                }

                Judged++;
                foreach (var ((host, volume, mode), _) in _attached)
                {
                    if (host == written.Host && !_handedOver.Contains(volume) && Unnamed(host, volume, mode))
                    {
                        return $"{host}'s ledger does not name volume {HistoryText.Short(volume.Value)} any more, which is still attached there for {mode}";
                    }
                }

                return null;
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

    private static VolumeId? VolumeOf(TaskSpec? task) => task switch
    {
        TaskSpec.EnsureVolume ensure => ensure.VolumeId,
        TaskSpec.ImportTemplate import => import.VolumeId,
        _ => null,
    };

    // A damaged ledger is judged by what it settles to (I16), not at every instant.
    private bool Unnamed(string host, VolumeId volume, AttachMode mode) => !_damaged.Contains(host)
        && !_ledgers.Of(host).Attachments.Values.Any(row => row.Volume == volume && row.Mode == mode)
        && !_ledgers.Of(host).Obligations.Values.Any(row => row.IsOpen && row.Volume == volume && row.Mode == mode && row.Kind == ObligationKind.ReleaseAttachment);
}
