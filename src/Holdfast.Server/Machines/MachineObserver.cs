using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reports;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>What hosts say of machines.</summary>
internal sealed class MachineObserver : TurnPart, ITurnPart<MachineObserver>, IItemObserver
{
    private MachineObserver(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static MachineObserver Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public async Task ObserveAsync(ObservedItem seen, CancellationToken cancellationToken)
    {
        if (seen is not { Item: var item, Report: { Kind: ItemKind.Machine, Machine: { } machine } report })
        {
            return;
        }

        var id = new VmId(report.Id);
        if (machine.State == MachineState.Running && report.Generation >= item.Generation && item.Desired == Desired.Running)
        {
            // What the running guest gave up, and is not to have again, others may write. What it is only not seen to have it may have. What the VM has on
            // another host is that host's to say.
            var here = item.IncarnationId;
            var wanted = MachineRows.SpecOf(item)?.Disks.Select(d => d.VolumeId).ToHashSet() ?? [];
            var shown = machine.Disks.Select(d => d.VolumeId).Concat(machine.Unclear).ToHashSet();
            var leases = await Db.Leases.Where(l => l.VmId == id && l.IncarnationId == here).Select(l => l.VolumeId).ToListAsync(cancellationToken);
            foreach (var volume in leases.Where(v => !wanted.Contains(v) && !shown.Contains(v)))
            {
                await Db.Leases.Where(l => l.VolumeId == volume && l.VmId == id && l.IncarnationId == here).DeleteAsync(cancellationToken);
            }

            await ObserveSizesAsync(id, [.. machine.Disks.Where(d => wanted.Contains(d.VolumeId) && leases.Contains(d.VolumeId))], cancellationToken);
            var networks = JsonSerializer.Serialize([.. machine.Networks], StoredText.Default.ListString);
            await Db.Vms.Where(v => v.Id == id && v.IncarnationId == here && v.Networks != networks).Set(v => v.Networks, networks).UpdateAsync(cancellationToken);
        }

        Turn.Mark(id);
    }

    // A volume is as large as its guest sees it: backends round up, and what is copied or moved by less than that loses its end. One that is being resized is told by that.
    private async Task ObserveSizesAsync(VmId vm, IReadOnlyList<MachineDiskStatus> disks, CancellationToken cancellationToken)
    {
        var volumes = await Db.Volumes.Where(v => v.VmId == vm && v.Removed == null && v.State == VolumeState.Ready).Select(v => new { v.Id, v.SizeBytes }).ToListAsync(cancellationToken);
        foreach (var volume in volumes)
        {
            if (disks.FirstOrDefault(d => d.VolumeId == volume.Id) is { } disk && disk.SizeBytes > volume.SizeBytes)
            {
                await Db.Volumes.Where(v => v.Id == volume.Id).Set(v => v.SizeBytes, disk.SizeBytes).UpdateAsync(cancellationToken);
            }
        }
    }
}
