using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Ledger;

/// <summary>
/// Where a disk is found on this host, as text that can be compared: device nodes, ports and image names are used again, so an address that an open row names
/// is never handed to another volume. Pure.
/// </summary>
internal static class DiskAddress
{
    /// <summary>The address of a disk source; null when there is none.</summary>
    public static string? Of(DiskSource? source) => source switch
    {
        DiskSource.Block block => block.Path,
        DiskSource.File file => file.Path,
        DiskSource.Network network => $"{network.Protocol}:{network.Name}@{string.Join(',', network.Hosts)}",
        _ => null,
    };

    /// <summary>Finds the open row of another volume that names the address.</summary>
    /// <param name="tables">The ledger.</param>
    /// <param name="volume">The volume that the address is about to be used for.</param>
    /// <param name="source">What its driver answered.</param>
    /// <returns>Why the address must not be used, naming both volumes; null when it may be.</returns>
    public static string? Conflict(LedgerTables tables, VolumeId volume, DiskSource source)
    {
        if (Of(source) is not { } address)
        {
            return null;
        }

        if (tables.Attachments.Values.FirstOrDefault(row => row.Volume != volume && Of(row.Source) == address) is { } held)
        {
            return $"the driver names {address} for volume {volume}, but on this host that is still attached as volume {held.Volume} of storage pool '{held.PoolName}'; "
                + "it is not used until that is released";
        }

        return tables.Obligations.Values.FirstOrDefault(row => row.IsOpen && row.Volume != volume && row.Address == address) is { } owed
            ? $"the driver names {address} for volume {volume}, but on this host that is still owed back for volume {owed.Volume} of storage pool '{owed.PoolName}' "
                + $"(obligation {owed.Id}); it is not used until that is settled"
            : null;
    }
}
