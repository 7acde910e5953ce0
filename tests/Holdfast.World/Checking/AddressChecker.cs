using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I5: the path of a device that an open row of the ledger names is not given to a guest as another volume's.</summary>
internal sealed class AddressChecker : Checker
{
    private readonly HostLedger _ledgers = new();
    private readonly Dictionary<(string Host, VolumeId Volume), string> _paths = [];

    public override string Invariant => "I5";

    public override string? Look(HistoryEntry entry)
    {
        _ledgers.Follow(entry);
        switch (entry)
        {
            case HistoryEntry.LedgerWritten written:
                foreach (var row in written.Changes.OfType<LedgerChange.PutAttachment>().Select(put => put.Row))
                {
                    if (row.Source is DiskSource.Block { Path: var path })
                    {
                        _paths[(written.Host, row.Volume)] = path;
                    }
                }

                // Released for certain: the path is free, and a later attachment may get another.
                foreach (var row in written.Changes.OfType<LedgerChange.PutObligation>().Select(put => put.Row))
                {
                    if (row is { Kind: ObligationKind.ReleaseAttachment, State: ObligationState.Settled })
                    {
                        _paths.Remove((written.Host, row.Volume));
                    }
                }

                return null;
            case HistoryEntry.GuestStarted started:
                return Judge(started.Host, started.Vm, started.Disks);
            case HistoryEntry.GuestDisksChanged changed:
                return Judge(changed.Host, changed.Vm, changed.Disks);
            case HistoryEntry.HostLostPower lost:
                foreach (var key in _paths.Keys.Where(key => key.Host == lost.Host).ToList())
                {
                    _paths.Remove(key);
                }

                return null;
            default:
                return null;
        }
    }

    private string? Judge(string host, VmId vm, IReadOnlyList<GuestDisk> disks)
    {
        Judged++;
        var tables = _ledgers.Of(host);
        var open = tables.Attachments.Values.Select(row => row.Volume)
            .Concat(tables.Obligations.Values.Where(row => row is { IsOpen: true, Kind: ObligationKind.ReleaseAttachment }).Select(row => row.Volume)).ToHashSet();
        foreach (var disk in disks)
        {
            if (open.FirstOrDefault(other => other != disk.Volume && _paths.GetValueOrDefault((host, other)) == disk.Path) is { Value: var id } && id != Guid.Empty)
            {
                return $"guest {HistoryText.Short(vm.Value)} on {host} has {disk.Path} as volume {HistoryText.Short(disk.Volume.Value)}, while an open row of the ledger names it as volume {HistoryText.Short(id)}'s";
            }
        }

        return null;
    }
}
