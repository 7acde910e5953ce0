using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Inventory;

/// <summary>
/// Compares what a driver finds attached on this host with what the ledger says. Pure. An attachment that is missing from the inventory is never a reason to
/// touch anything; one that is there and that nobody names is written down first and released only when nobody can be using it.
/// </summary>
internal static class InventoryRules
{
    /// <summary>Compares.</summary>
    /// <param name="tables">The ledger.</param>
    /// <param name="pool">The pool whose driver was asked.</param>
    /// <param name="poolName">Its name.</param>
    /// <param name="driver">Its driver.</param>
    /// <param name="listed">What the driver found.</param>
    /// <param name="guestHolds">Whether a guest on this host has the volume.</param>
    public static InventoryFindings Compare(
        LedgerTables tables, PoolId pool, string poolName, string driver, IReadOnlyList<AttachmentInfo> listed, Func<VolumeId, bool> guestHolds)
    {
        var found = new List<AttachmentRow>();
        foreach (var info in listed.Where(info => !IsNamed(tables, pool, info) && !IsWanted(tables, pool, info.VolumeId)))
        {
            var row = NewRow(pool, poolName, driver, info);
            if (found.All(other => other.Key != row.Key))
            {
                found.Add(row);
            }
        }

        var (release, vanished, quarantine) = (new List<AttachmentRow>(), new List<AttachmentRow>(), new List<Quarantined>());
        var loose = tables.Attachments.Values.Where(row => row.Pool == pool && IsLoose(tables, row))
            .OrderBy(row => row.Volume.Value).ThenBy(row => row.Mode).Concat(found);
        foreach (var row in loose)
        {
            var shown = listed.FirstOrDefault(info => info.VolumeId == row.Volume && (info.Mode ?? row.Mode) == row.Mode);
            if (guestHolds(row.Volume))
            {
                quarantine.Add(new Quarantined(row, "a guest on this host has it"));
            }
            else if (shown is { InUse: true })
            {
                quarantine.Add(new Quarantined(row, "somebody on this host has it open"));
            }
            else if (row.Generation < Generation.First && shown is null)
            {
                vanished.Add(row);
            }
            else if (row.Generation < Generation.First)
            {
                quarantine.Add(new Quarantined(row, "its driver does not tell the generation it was attached with"));
            }
            else
            {
                release.Add(row);
            }
        }

        return new InventoryFindings
        {
            New = found,
            Release = release,
            Vanished = vanished,
            Quarantine = quarantine,
            Gone =
            [
                .. tables.OwedTo(pool)
                    .Where(owed => owed is { Kind: ObligationKind.ReleaseAttachment, LastError: not null }
                        && listed.All(info => info.VolumeId != owed.Volume || (info.Mode ?? owed.Mode) != owed.Mode))
                    .Select(owed => owed.Id),
            ],
        };
    }

    /// <summary>Whether an attachment row or an open obligation accounts for what was found.</summary>
    private static bool IsNamed(LedgerTables tables, PoolId pool, AttachmentInfo info) =>
        tables.Attachments.Values.Any(row => row.Pool == pool && row.Volume == info.VolumeId && (info.Mode ?? row.Mode) == row.Mode)
        || tables.Obligations.Values.Any(row => row.IsOpen && row.Pool == pool && row.Volume == info.VolumeId
            && row.Kind is ObligationKind.ReleaseAttachment or ObligationKind.ClearTwoPrimaries && (info.Mode ?? row.Mode) == row.Mode);

    /// <summary>Whether a machine that is to run here has the volume: it takes care of it, and may be about to take it.</summary>
    private static bool IsWanted(LedgerTables tables, PoolId pool, VolumeId volume) => tables.Items.Values.Any(row =>
        row.Item is { Kind: ItemKind.Machine, Desired: Desired.Running, Machine: { } spec }
        && spec.Disks.Any(disk => disk.PoolId == pool && disk.VolumeId == volume)
        && !(tables.Machines.GetValueOrDefault(spec.VmId) is { State: MachineState.Stopped or MachineState.Failed or MachineState.Absent } last
            && last.Generation == row.Item.Generation));

    /// <summary>Whether nobody answers for a row: it was found by an inventory, or its machine or task is not known here (any more).</summary>
    private static bool IsLoose(LedgerTables tables, AttachmentRow row) =>
        row.State == AttachmentState.Found
        || (tables.Item(OwnerOf(row), row.Owner) is null && !tables.SetAside.ContainsKey((OwnerOf(row), row.Owner)));

    private static ItemKind OwnerOf(AttachmentRow row) => row.Machine is null ? ItemKind.Task : ItemKind.Machine;

    private static AttachmentRow NewRow(PoolId pool, string poolName, string driver, AttachmentInfo info) => new()
    {
        Volume = info.VolumeId,
        Owner = pool.Value,
        Mode = info.Mode ?? AttachMode.Run,
        Pool = pool,
        PoolName = poolName,
        Driver = driver,
        Generation = info.Mode is null ? Generation.None : info.Generation ?? Generation.None,
        State = AttachmentState.Found,
        BackendName = info.BackendName,
        Source = info.Path is { } path ? new DiskSource.Block(path) : null,
    };
}
