namespace Holdfast.Core.States;

/// <summary>Whether an operator lets VMs start on a host.</summary>
public enum ResourceState
{
    /// <summary>Takes VMs.</summary>
    Enabled,

    /// <summary>Takes no new VMs.</summary>
    Disabled,

    /// <summary>Takes no new VMs; guests on it are not gone yet.</summary>
    PrepareForMaintenance,

    /// <summary>Takes no new VMs, and no guest is on it. Removal of storage pools and what is owed reach it as any other host.</summary>
    Maintenance,
}
