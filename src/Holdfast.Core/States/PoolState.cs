namespace Holdfast.Core.States;

/// <summary>State of a storage pool, named as CloudStack does.</summary>
public enum PoolState
{
    /// <summary>Being added; no host has confirmed it yet.</summary>
    Initialized,

    /// <summary>In use.</summary>
    Up,

    /// <summary>Serves its volumes, takes no new ones.</summary>
    Disabled,

    /// <summary>VMs that use it are being stopped and hosts told to quiesce.</summary>
    PrepareForMaintenance,

    /// <summary>Every host that could answer confirmed that it calls the backend no more.</summary>
    Maintenance,

    /// <summary>Hosts were told to attach it again.</summary>
    CancelMaintenance,

    /// <summary>Deleted; tombstones may still wait for hosts.</summary>
    Removed,
}
