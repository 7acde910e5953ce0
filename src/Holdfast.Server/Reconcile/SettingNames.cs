namespace Holdfast.Server.Reconcile;

/// <summary>Names of rows of the settings table that change how the server behaves.</summary>
internal static class SettingNames
{
    /// <summary>Seconds that an obligation may be owed before an alert; the default is <see cref="ReconcileTimings.ObligationAlertAge"/>.</summary>
    public const string ObligationAlertAge = "obligation.alert.age";
}
