namespace Holdfast.Server.Store.Rows;

/// <summary>States of accounts and users, in CloudStack's words. Only users that are enabled, in accounts that are, can log in or use their keys.</summary>
internal static class AccountStates
{
    /// <summary>It works.</summary>
    public const string Enabled = "enabled";

    /// <summary>Nobody can use it; an account's VMs are stopped.</summary>
    public const string Disabled = "disabled";

    /// <summary>Nobody can use it; an account's VMs run on.</summary>
    public const string Locked = "locked";
}
