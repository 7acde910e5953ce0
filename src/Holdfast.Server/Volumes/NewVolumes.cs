using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Volumes;

/// <summary>Volumes that are being made, and the device ids that they may have. Pure but for the turn's ids.</summary>
internal static class NewVolumes
{
    /// <summary>The device ids of data disks: 0 is the root disk's, 3 the CD-ROM's.</summary>
    public static IReadOnlyList<int> DataDevices { get; } = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// <summary>A volume that exists only as a row.</summary>
    public static VolumeRow Row(Turn turn, Caller caller, ZoneId zone, string name, VolumeType type, long size, string tags) => new()
    {
        Id = new VolumeId(turn.NewId()),
        Name = name,
        Type = type,
        AccountId = caller.AccountId,
        ZoneId = zone,
        Attaching = false,
        Detaching = false,
        State = VolumeState.Allocated,
        StateSince = turn.Now,
        Generation = Generation.First,
        SizeBytes = size,
        StorageTags = tags,
        GoesWithVm = false,
        LeaseGeneration = Generation.None,
        Created = turn.Now,
    };

    /// <summary>The first device id that no volume of the VM has; null when there is none.</summary>
    public static int? FreeDevice(IReadOnlyCollection<int?> used) => DataDevices.Cast<int?>().FirstOrDefault(d => !used.Contains(d));

    /// <summary>Whether a data disk may have the device id.</summary>
    public static bool IsDataDevice(int device) => DataDevices.Contains(device);
}
