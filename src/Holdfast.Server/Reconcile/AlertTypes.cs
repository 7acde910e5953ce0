namespace Holdfast.Server.Reconcile;

/// <summary>CloudStack's kinds of alerts, by number and name; those that are used.</summary>
internal static class AlertTypes
{
    /// <summary>Something about storage.</summary>
    public const int StorageMisc = 12;

    /// <summary>Its name.</summary>
    public const string StorageMiscName = "ALERT.STORAGE.MISC";
}
