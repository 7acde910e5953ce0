namespace Holdfast.Server.Transactions;

/// <summary>CloudStack's kinds of alerts, by number and name; those that are used.</summary>
internal static class AlertTypes
{
    /// <summary>Something about a user's VM.</summary>
    public const int UserVm = 8;

    /// <summary>Its name.</summary>
    public const string UserVmName = "ALERT.USERVM";

    /// <summary>Something about storage.</summary>
    public const int StorageMisc = 12;

    /// <summary>Its name.</summary>
    public const string StorageMiscName = "ALERT.STORAGE.MISC";

    /// <summary>Of the kind <see cref="StorageMisc"/>, with a name of ours: volumes of a pool are missing at its backend. Gone when none is any more.</summary>
    public const string VolumesMissingName = "ALERT.STORAGE.VOLUMES.MISSING";
}
