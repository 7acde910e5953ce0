namespace Holdfast.Core.States;

/// <summary>Whether a host is heard of, named as CloudStack does. Never depends on its storage pools.</summary>
public enum HostState
{
    /// <summary>Added and has not joined, or joined and has not reported yet.</summary>
    Connecting,

    /// <summary>Reports arrive.</summary>
    Up,

    /// <summary>Its agent said good-bye or its reports are late.</summary>
    Disconnected,

    /// <summary>Its reports are missing for longer than the bound.</summary>
    Alert,

    /// <summary>Taken out of service; its incarnations are retired.</summary>
    Removed,
}
