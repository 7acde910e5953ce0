namespace Holdfast.Server.Store.Rows;

/// <summary>Whether a zone, pod or cluster takes new VMs and volumes, in CloudStack's words.</summary>
internal static class AllocationStates
{
    /// <summary>It does.</summary>
    public const string Enabled = "Enabled";

    /// <summary>Only those of root administrators.</summary>
    public const string Disabled = "Disabled";

    /// <summary>Reads one, whatever its case; null: there is no such state.</summary>
    public static string? Read(string text) =>
        text.Equals(Enabled, StringComparison.OrdinalIgnoreCase) ? Enabled : text.Equals(Disabled, StringComparison.OrdinalIgnoreCase) ? Disabled : null;
}
