namespace Holdfast.Core.States;

/// <summary>What an asynchronous job waits for.</summary>
public enum JobKind
{
    /// <summary>A new VM runs (or is merely allocated).</summary>
    DeployVm,

    /// <summary>The guest runs.</summary>
    StartVm,

    /// <summary>The guest is gone.</summary>
    StopVm,

    /// <summary>The guest was rebooted.</summary>
    RebootVm,

    /// <summary>The guest is gone and the VM is destroyed.</summary>
    DestroyVm,

    /// <summary>The host forgot the VM and its root volume's deletion is in a ledger.</summary>
    ExpungeVm,

    /// <summary>A volume is allocated.</summary>
    CreateVolume,

    /// <summary>A volume is attached to a VM.</summary>
    AttachVolume,

    /// <summary>A volume is detached.</summary>
    DetachVolume,

    /// <summary>A volume has its new size.</summary>
    ResizeVolume,

    /// <summary>A template is deleted.</summary>
    DeleteTemplate,

    /// <summary>No host calls the backend any more.</summary>
    EnableStorageMaintenance,

    /// <summary>Hosts serve the pool again.</summary>
    CancelStorageMaintenance,

    /// <summary>A host takes no more VMs; its guests need not be gone yet.</summary>
    PrepareHostForMaintenance,

    /// <summary>A host takes VMs again.</summary>
    CancelHostMaintenance,
}
